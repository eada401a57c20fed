internal import Foundation
internal import TestSupport
internal import Testing

/// HTTP on the wire, below what a well-behaved client does.
@Suite(.timeLimit(.minutes(5))) struct ExchangeTests {
  /// What comes back for these bytes: status lines, the whole text, and how the connection stood then.
  private func exchange(
    _ text: String, finish: Bool = false, within seconds: Double = 10
  ) throws -> (status: [Int], text: String, end: RawConnection.Ending) {
    let connection = try RawConnection(port: try House.daemon.port)
    try connection.send(text)
    if finish { connection.finishSending() }
    let (text, end) = connection.receive(within: seconds)
    return (text.matches(of: #/HTTP/1\.1 (\d{3}) /#).compactMap { Int($0.1) }, text, end)
  }

  private static let last = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
  private static let next = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"

  /// One after the other in the order of asking, however they are cut; the last one says that it is.
  @Test(arguments: [1, 7, 40, 100_000]) func pipelinedRequestsAreAnsweredInOrder(_ cut: Int) throws {
    let text = String(repeating: Self.next, count: 3) + "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" + Self.last
    let connection = try RawConnection(port: try House.daemon.port)
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      try connection.send(Array(rest.prefix(cut)))
      rest = rest.dropFirst(cut)
    }
    let (answer, end) = connection.receive(within: 20)
    #expect(answer.matches(of: #/HTTP/1\.1 (\d{3}) /#).compactMap { Int($0.1) } == [200, 200, 200, 404, 200])
    #expect(answer.matches(of: #/(?i)connection: close/#).count == 1)
    #expect(end == .closed)
  }

  /// A thousand at once are neither lost nor answered twice, and are not all held at once either.
  @Test func aLongPipelineDrains() throws {
    let count = 1000
    // One thread sends, another one reads.
    nonisolated(unsafe) let connection = try RawConnection(port: try House.daemon.port)
    DispatchQueue.global().async {
      try? connection.send(String(repeating: Self.next, count: count) + Self.last, timeout: 60)
    }
    let (answer, end) = connection.receive(within: 60)
    #expect(answer.matches(of: #/HTTP/1\.1 200 /#).count == count + 1)
    #expect(end == .closed)
  }

  /// Who has said all may still listen; what is cut off in the middle becomes nothing.
  @Test func halfClosed() throws {
    let two = try exchange(Self.next + Self.next, finish: true)
    #expect(two.status == [200, 200] && two.end == .closed, "\(two.text)")
    let cut = try exchange("POST /v1/requests HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{}", finish: true)
    #expect(cut.status == [400] && cut.end != .stillOpen, "\(cut.text)")
    #expect(try exchange("", finish: true).end == .closed)
  }

  @Test(arguments: [
    ("GET /healthz HTTP/1.0\r\n\r\n", 200), ("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200),
    ("HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
    ("GET http://a/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
    ("GET //healthz?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
    ("PUT /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
  ])
  func oneAnswerAndAnEnd(_ text: String, _ status: Int) throws {
    let reply = try exchange(text)
    #expect(reply.status == [status] && reply.end == .closed, "\(reply.text)")
    #expect(reply.text.contains(#/(?i)\r\nx-request-id: [0-9a-f-]{36}\r\n/#))
    #expect(
      reply.text.contains(/\r\nDate: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/))
    if text.hasPrefix("HEAD") { #expect(reply.text.hasSuffix("\r\n\r\n")) }
  }

  /// What is sent, and what a report calls it: its beginning, in one line.
  struct Wire: ExpressibleByStringLiteral, CustomTestStringConvertible {
    let text: String
    init(stringLiteral text: String) { self.text = text }
    init(_ text: String) { self.text = text }
    var testDescription: String { String("\(text.prefix(70).debugDescription)".prefix(90)) }
  }

  /// What is no HTTP is told so, as a problem, and the connection ends; nothing of it becomes a request.
  @Test(arguments: [
    (Wire("this is no HTTP\r\n\r\n"), 400, "invalid-http"), ("\u{0}\u{1}\u{2}\u{3}\r\n\r\n", 400, "invalid-http"),
    ("GET /healthz HTTP/1.1\r\nHost a\r\n\r\n", 400, "invalid-http"),
    ("POST /v1/requests HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", 400, "invalid-http"),
    ("POST /v1/requests HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "invalid-http"),
    (Wire("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 70_000) + "\r\n\r\n"), 431, "too-large"),
    (Wire("GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 300) + "\r\n"), 431, "too-large"),
  ])
  func whatIsNoHTTP(_ wire: Wire, _ status: Int, _ code: String) throws {
    let reply = try exchange(wire.text)
    #expect(reply.status == [status] && reply.end != .stillOpen, "\(reply.text)")
    #expect(
      reply.text.contains("application/problem+json") && reply.text.contains("\"code\":\"\(code)\""), "\(reply.text)")
    #expect(reply.text.contains(#/(?i)\r\nx-request-id: /#))
    let title = status == 431 ? "内容过大" : "请求格式有误"
    #expect(reply.text.contains("\"title\":\"\(title)\""), "\(reply.text)")
  }

  /// A client that asks first is told to go on, unless its body is too long anyway.
  @Test func asksBeforeItSends() throws {
    let connection = try RawConnection(port: try House.daemon.port)
    let head = "POST /v1/requests HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n"
    try connection.send(head + "Content-Length: 2\r\n\r\n")
    let first = "HTTP/1.1 100 Continue\r\n\r\n"
    #expect(connection.receive(within: 10, limit: first.utf8.count).text == first)
    try connection.send("{}")
    #expect(connection.receive(within: 10).text.hasPrefix("HTTP/1.1 401 "))
    #expect(try exchange(head + "Content-Length: 999999\r\n\r\n").status == [401])
  }

  /// A body that is too long is refused before its end, by length and by counting; the connection goes on after it.
  @Test func whatIsTooLong() throws {
    let key = try House.daemon.state.key(of: Qidong.requester)
    let head = "POST /v1/requests HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n"
    let body = String(repeating: "x", count: 300_000)
    let told = try exchange(head + "Content-Length: 300000\r\n\r\n" + body + Self.last)
    #expect(told.status == [413, 200] && told.end == .closed, "\(told.text)")
    let chunk = "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
    let counted = try exchange(head + "Transfer-Encoding: chunked\r\n\r\n" + chunk + Self.last)
    #expect(counted.status == [413, 200] && counted.end == .closed, "\(counted.text)")
    let waiting = try exchange(head + "Content-Length: 300000\r\n\r\nx", within: 3)
    #expect(waiting.status == [413] && waiting.end == .stillOpen, "\(waiting.text)")
  }

  /// A body is not waited for, nor kept, of whom nobody knows.
  @Test(arguments: [(false, [401]), (true, [])]) func whatAStrangerSends(_ isKnown: Bool, _ status: [Int]) throws {
    let key = isKnown ? try House.daemon.state.key(of: Qidong.requester) : "unheard-of"
    let head = "POST /v1/requests HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nContent-Length: 200000\r\n\r\n"
    let waiting = try exchange(head + String(repeating: "x", count: 20_000), within: 2)
    #expect(waiting.status == status && waiting.end == .stillOpen, "\(waiting.text)")
    // All of it, and what comes next.
    let whole = try exchange(head + String(repeating: "x", count: 200_000) + Self.last)
    #expect(whole.status == [isKnown ? 400 : 401, 200] && whole.end == .closed, "\(whole.text)")
  }

  /// Who sends without end is cut off.
  @Test func whatNeverEnds() throws {
    let connection = try RawConnection(port: try House.daemon.port)
    try connection.send("POST /v1/requests HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
    let piece = [UInt8](repeating: 120, count: 1 << 20)
    var sent = 0
    do {
      while sent < 200 {
        try connection.send(piece)
        sent += 1
      }
    } catch {}
    #expect((15..<100).contains(sent), "cut off after \(sent) MiB")
  }

  /// Another protocol is not spoken: the answer says that it is the last, and what follows is not kept.
  @Test(arguments: [
    "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
  ])
  func anotherProtocolIsNotSpoken(_ text: String) throws {
    let reply = try exchange(text + Self.next)
    #expect(reply.status == [200] && reply.end != .stillOpen, "\(reply.text)")
    #expect(reply.text.contains("Connection: close"))
    #expect(try exchange("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n" + Self.next).status.count == 1)
  }

  /// The answer gets through to a client that is still sending when it is made, and after input that is not understood.
  @Test func theAnswerIsNotTakenBack() throws {
    let body = String(repeating: "x", count: 2 << 20)
    let key = try House.daemon.state.key(of: Qidong.requester)
    let head = "POST /v1/requests HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nConnection: close\r\n"
    let long = try exchange(head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
    #expect(long.status == [413] && long.end == .closed, "\(long.text) \(long.end)")
    let connection = try RawConnection(port: try House.daemon.port)
    // Two bytes are announced, and more come: at once, and when the answer is being made.
    try connection.send("POST /v1/requests HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}{}\u{1}junk\r\n\r\n")
    usleep(20_000)
    try? connection.send("more\r\n\r\n")
    let (answer, end) = connection.receive(within: 10)
    #expect(answer.hasPrefix("HTTP/1.1 401 ") && end != .stillOpen, "\(answer)")
    let broken = try RawConnection(port: try House.daemon.port)
    try broken.send("no HTTP at all\r\n\r\n")
    usleep(20_000)
    for _ in 0..<3 { try? broken.send(String(repeating: "x", count: 100_000)) }
    #expect(broken.receive(within: 10).text.hasPrefix("HTTP/1.1 400 "))
  }

  /// Who asks and never reads the answers has the idle time, like everybody; who reads slowly has more.
  @Test func whoDoesNotReadIsCutOff() throws {
    let daemon = try Daemon(
      state: StateDirectory(rehearseAt: House.start), extraArguments: ["--set", "limits.idleSeconds=5"])
    let ask = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
    let (deaf, slow) = (try RawConnection(port: daemon.port), try RawConnection(port: daemon.port))
    for connection in [deaf, slow] { try connection.send(String(repeating: ask, count: 200)) }
    var read = ""
    // Three times what it must, and a fraction of what the system would take of an answer before it says so.
    for _ in 0..<12 {
      read += slow.receive(within: 1, limit: 150_000).text
      usleep(1_000_000)
    }
    // At once: what is found out about the other takes its time.
    let rest = slow.receive(within: 2)
    let (text, end) = deaf.receive(within: 5)
    #expect(rest.end == .stillOpen && !(read + rest.text).isEmpty)
    #expect(end != .stillOpen && text.split(separator: "HTTP/1.1 200 ").count < 200, "\(end)")
  }
}
