import Synchronization
import TestSupport
import Testing

@testable import BrokerCallbacks

@Suite("The sender's loop", .timeLimit(.minutes(5)))
struct LoopTests {
  @Test("the request on the wire is what was given, and little else")
  func wire() async throws {
    let sink = try Sink()
    let body = Array(#"{"type":"request.answered","说明":"属实"}"#.utf8)
    let headers = ["content-type: application/json", "webhook-id: 0199", "X-Empty;"]
    let report = try await Sender().send(.to(sink.url + "/a?b=c", headers: headers, body: body))
    #expect(report.outcome == .status(204))
    let push = try #require(sink.received.first)
    #expect(push.method == "POST" && push.path == "/a?b=c" && push.body == body)
    #expect(push.headers["content-type"] == ["application/json"])
    #expect(push.headers["user-agent"] == ["xiecha/1"])
    #expect(push.headers["content-length"] == ["\(body.count)"])
    let names: Set = [
      "host", "accept", "user-agent", "content-type", "content-length", "webhook-id", "x-empty",
    ]
    #expect(Set(push.headers.keys) == names)
  }

  @Test("bodies of every size arrive whole", arguments: [0, 1, 65_535, 65_536, 65_537, 3_000_000])
  func sizes(count: Int) async throws {
    let sink = try Sink()
    let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    #expect(try await Sender().send(.to(sink.url, body: body)).outcome == .status(204))
    let push = try #require(sink.received.first)
    #expect(push.body == body)
    #expect(push.header("content-length") == "\(count)")
    #expect(push.header("expect") == nil)
  }

  @Test("1000 pushes over 64 connections: each once, intact, over few connections")
  func thousand() async throws {
    let sink = try Sink { _ in .status(200, body: [0x6f, 0x6b]) }
    let sender = try Sender(maxConnections: 64)
    sender.curl.submit(
      (0..<1000).map { number in
        .to(
          sink.url + "/\(number)", token: UInt64(number), headers: ["x-number: \(number)"],
          body: Array("body \(number)".utf8))
      })
    let reports = await sender.reports(1000)
    #expect(reports.map(\.token) == Array(0..<1000))
    #expect(reports.allSatisfy { $0.outcome == .status(200) && $0.bodyStart == [0x6f, 0x6b] })
    #expect(sink.connectionCount <= 64)
    let pushes = sink.received
    #expect(Set(pushes.map(\.path)).count == 1000 && pushes.count == 1000)
    for push in pushes {
      let number = push.path.dropFirst()
      #expect(push.header("x-number") == String(number) && push.text == "body \(number)")
    }
    #expect(sink.faults == [])
  }

  @Test("connections are kept: pushes one after another use one")
  func keepAlive() async throws {
    let sink = try Sink()
    let sender = try Sender(maxConnections: 8)
    for number in 0..<20 {
      let report = try await sender.send(sink.url)
      #expect(report.outcome == .status(204))
      if number > 0 { #expect(report.timings.tlsUS == 0) }
    }
    #expect(sink.connectionCount == 1)
  }

  @Test("a kept connection that the receiver closed meanwhile costs a new one, not a failure")
  func stale() async throws {
    let sink = try Sink()
    let sender = try Sender(maxConnections: 1)
    for _ in 0..<3 {
      #expect(try await sender.send(sink.url).outcome == .status(204))
      sink.dropConnections()
      try eventually("the connection is gone") { sink.openConnectionCount == 0 }
    }
  }

  @Test("one handle used again keeps nothing of the push before")
  func reuse() async throws {
    let sink = try Sink { push in
      switch push.path {
      case "/slow": .delay(ms: 700, .status(200))
      case "/stall": .stall(seconds: 30)
      default: .status(204)
      }
    }
    let sender = try Sender(allowed: ["127.0.0.1"], maxConnections: 1)
    let stalled = try await sender.send(sink.url + "/stall", totalTimeoutMS: 200)
    #expect(stalled.outcome.failure == 28)
    let forbidden = try await sender.send("http://127.0.0.2:\(sink.port)/")
    #expect(forbidden.outcome == .forbiddenAddress("127.0.0.2"))
    let slow = try await sender.send(sink.url + "/slow", body: "longer than before")
    #expect(slow.outcome == .status(200))
    #expect(sink.received.last?.text == "longer than before")
    let short = try await sender.send(.to(sink.url, headers: [], body: []))
    #expect(short.outcome == .status(204) && short.bodyStart == [])
    #expect(sink.received.last?.body == [])
    let refused = try await sender.send("http://127.0.0.1:1/")
    #expect(refused.outcome.failure == 7)
  }

  @Test("a stalled receiver does not hold up another")
  func independence() async throws {
    let stalled = try Sink { _ in .stall(seconds: 30) }
    let quick = try Sink()
    let sender = try Sender(maxConnections: 8)
    sender.curl.submit((0..<7).map { .to(stalled.url, token: UInt64(100 + $0)) })
    sender.curl.submit((0..<50).map { .to(quick.url, token: UInt64($0)) })
    let reports = await sender.reports(50)
    #expect(reports.map(\.token) == Array(0..<50))
  }

  @Test("pushes may be submitted from within onReports")
  func reentrant() async throws {
    let sink = try Sink()
    let (stream, continuation) = AsyncStream.makeStream(of: PushOutcome.self)
    let box = Mutex<CurlMulti?>(nil)
    let curl = CurlMulti(
      policy: NetworkPolicy(allowed: [try CIDR("127.0.0.0/8")]), caBundle: nil, maxConnections: 2
    ) { reports in
      for report in reports {
        continuation.yield(report.outcome)
        if report.token == 100 { continuation.finish() }
        box.withLock { $0 }?.submit([.to(sink.url, token: report.token + 1)])
      }
    }
    box.withLock { $0 = curl }
    curl.submit([.to(sink.url, token: 1)])
    var outcomes: [PushOutcome] = []
    for await outcome in stream { outcomes.append(outcome) }
    #expect(outcomes == Array(repeating: .status(204), count: 100))
    box.withLock { $0 = nil }
    curl.stop()
  }
}
