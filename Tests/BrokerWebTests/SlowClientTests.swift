internal import Foundation
internal import TestSupport
internal import Testing

/// Clients that send too slowly, and clients that go away while they are made to wait.
@Suite(.timeLimit(.minutes(5))) struct SlowClientTests {
  private static let head = "POST /v1/requests HTTP/1.1\r\nHost: a\r\nAccept-Language: en\r\nX-Request-Id: slow-1\r\n"

  /// A byte at a time, each well within the idle time: the whole takes too long, and is told so.
  @Test(arguments: [
    (head + "Content-Length: 5000\r\n\r\n", 1.8), (head + "Transfer-Encoding: chunked\r\n\r\n1388\r\n", 1.8),
    ("POST /v1/requests HTTP/1.1\r\nHost: a\r\nX-Slow: ", 0.8),
    ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nPOST /v1/requests HTTP/1.1\r\nContent-Length: 50\r\n\r\n", 1.8),
  ]) func whatTricklesIsCutOff(_ start: String, _ least: Double) throws {
    let daemon = try Self.daemon("limits.idleSeconds=1")
    let connection = try RawConnection(port: daemon.port)
    let begun = ContinuousClock.now
    try connection.send(start)
    var (text, end) = ("", RawConnection.Ending.stillOpen)
    for _ in 0..<100 where end == .stillOpen {
      try? connection.send("x")
      let more = connection.receive(within: 0.2)
      (text, end) = (text + more.text, more.end)
    }
    let took = ContinuousClock.now - begun
    #expect(end != .stillOpen && took > .seconds(least) && took < .seconds(15), "\(end) after \(took)")
    #expect(text.matches(of: #/HTTP/1\.1 408 /#).count == 1, "\(text)")
    #expect(text.contains("Connection: close") && text.contains("\"code\":\"request-timeout\""), "\(text)")
    if start.hasPrefix(Self.head) {
      #expect(text.contains("did not arrive whole in time") && text.contains("X-Request-Id: slow-1"), "\(text)")
    }
  }

  /// Between requests a connection just ends, and a request that comes in pieces within its time is answered.
  @Test func whatIsIdleIsNotAnswered() throws {
    let daemon = try Self.daemon("limits.idleSeconds=1")
    let silent = try RawConnection(port: daemon.port)
    let used = try RawConnection(port: daemon.port)
    for piece in ["POST /v1/requests HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", "{", "}"] {
      try used.send(piece)
      usleep(400_000)
    }
    let (text, end) = used.receive(within: 10)
    #expect(end == .closed && text.hasPrefix("HTTP/1.1 401 "), "\(text)")
    #expect(text.matches(of: #/HTTP/1\.1 /#).count == 1, "\(text)")
    let nothing = silent.receive(within: 10)
    #expect(nothing.end == .closed && nothing.text.isEmpty, "\(nothing)")
  }

  /// Connections that trickle do not keep the others out for good.
  @Test func tricklingConnectionsMakeRoom() throws {
    let daemon = try Self.daemon("limits.idleSeconds=1", "limits.connections=3")
    let slow = try (0..<3).map { _ in try RawConnection(port: daemon.port) }
    for connection in slow { try connection.send(Self.head + "Content-Length: 5000\r\n\r\n") }
    let asking = try RawConnection(port: daemon.port)
    try asking.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    var answer = ""
    for _ in 0..<60 where answer.isEmpty {
      for connection in slow { try? connection.send("x") }
      answer = asking.receive(within: 0.25).text
    }
    #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
  }

  /// A poll whose client has gone gives up its place at once; one that has only said all gets its answer then.
  @Test(arguments: [false, true], [false, true]) func aPollEndsWithItsClient(_ halfClosed: Bool, _ isFeed: Bool) throws
  {
    let daemon = try Self.daemon("limits.waiters=4")
    let path = try daemon.open()
    let target = isFeed ? "/v1/events?after=1000&wait=50" : path + "?wait=50"
    let key = try daemon.state.key(of: Qidong.requester)
    var connection: RawConnection? = try RawConnection(port: daemon.port)
    try connection?.send(
      "GET \(target) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nIf-None-Match: \"1\"\r\n\r\n")
    func waiting(_ count: Int) throws -> Bool {
      try daemon.client().call("GET", "/metrics").text.contains(#"xiecha_queue_depth{queue="long_polls"} \#(count)"#)
    }
    try eventually("it waits") { try waiting(1) }
    if halfClosed {
      connection?.finishSending()
      let (text, end) = connection?.receive(within: 10) ?? ("", .stillOpen)
      #expect(text.hasPrefix("HTTP/1.1 \(isFeed ? 200 : 304) ") && end == .closed, "\(text)")
    } else {
      connection = nil
    }
    try eventually("its place is free", within: 10) { try waiting(0) }
  }

  private static func daemon(_ settings: String...) throws -> Daemon {
    try Daemon(
      state: StateDirectory(rehearseAt: House.start), extraArguments: settings.flatMap { ["--set", $0] })
  }
}
