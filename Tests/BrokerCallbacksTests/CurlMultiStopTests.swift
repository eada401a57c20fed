import Synchronization
import TestSupport
import Testing

@testable import BrokerCallbacks

@Suite("Stopping the sender", .timeLimit(.minutes(5)))
struct StopTests {
  private let stopped = PushOutcome.failed(code: 42, "the sender was stopped")

  @Test("stop reports what is in flight and what waits, each once")
  func inFlight() async throws {
    let sink = try Sink { _ in .stall(seconds: 30) }
    let sender = try Sender(maxConnections: 20)
    sender.curl.submit((0..<50).map { .to(sink.url, token: UInt64($0)) })
    #expect(sink.wait(for: 20))
    sender.curl.stop()
    let reports = await sender.reports(50)
    #expect(reports.map(\.token) == Array(0..<50))
    #expect(reports.allSatisfy { $0.outcome == stopped })
    #expect(sink.receivedCount == 20)
    try eventually("the connections are closed") { sink.openConnectionCount == 0 }
  }

  @Test("a final status that had arrived counts even then")
  func statusArrived() async throws {
    let sink = try Sink { _ in .drip(status: 200, everyMS: 20, bytes: 10_000) }
    let sender = try Sender()
    sender.curl.submit([.to(sink.url, token: 7)])
    #expect(sink.wait(for: 1))
    // The head leaves at once; nothing outside shows when the sender has read it.
    try await Task.sleep(for: .milliseconds(300))
    sender.curl.stop()
    #expect(await sender.reports(1).first?.outcome == .status(200))
  }

  @Test("a push after the stop is reported as failed, and stopping twice is harmless")
  func afterwards() async throws {
    let sink = try Sink()
    let sender = try Sender()
    sender.curl.stop()
    sender.curl.stop()
    #expect(try await sender.send(sink.url).outcome == stopped)
    #expect(sink.connectionCount == 0)
  }

  @Test("pushes and stops from many sides at once: every push is reported once")
  func race() async throws {
    let sink = try Sink()
    for _ in 0..<10 {
      let sender = try Sender(maxConnections: 4)
      await withTaskGroup { group in
        for part in 0..<4 {
          group.addTask {
            for number in 0..<25 {
              sender.curl.submit([.to(sink.url, token: UInt64(part * 25 + number))])
            }
          }
        }
        for _ in 0..<2 { group.addTask { sender.curl.stop() } }
      }
      let reports = await sender.reports(100)
      #expect(reports.map(\.token) == Array(0..<100))
      #expect(reports.allSatisfy { $0.outcome == .status(204) || $0.outcome == stopped })
    }
  }

  @Test("more than maxQueued waiting pushes are refused, not kept")
  func queueLimit() async throws {
    let sink = try Sink { _ in .stall(seconds: 60) }
    let sender = try Sender(maxConnections: 1)
    let surplus = 100
    sender.curl.submit([.to(sink.url, token: 1 << 40)])
    #expect(sink.wait(for: 1))
    let pushes = (0..<CurlMulti.maxQueued + surplus).map { Push.to(sink.url, token: UInt64($0)) }
    sender.curl.submit(pushes)
    let refused = await sender.reports(surplus)
    #expect(refused.map(\.token) == pushes.suffix(surplus).map(\.token))
    #expect(refused.allSatisfy { $0.outcome.failure == 81 })
    sender.curl.stop()
    #expect(await sender.reports(CurlMulti.maxQueued + 1).allSatisfy { $0.outcome == stopped })
  }

  @Test("released without a stop, the sender ends its thread and lets go of its callback")
  func released() async throws {
    final class Held: Sendable {}
    let sink = try Sink { _ in .stall(seconds: 30) }
    let counted = Mutex(0)
    weak var observer: Held?
    do {
      let held = Held()
      observer = held
      let curl = CurlMulti(
        policy: NetworkPolicy(allowed: [try CIDR("127.0.0.0/8")]), caBundle: nil, maxConnections: 1
      ) { [held] reports in
        withExtendedLifetime(held) { counted.withLock { $0 += reports.count } }
      }
      curl.submit([.to(sink.url), .to(sink.url)])
      #expect(sink.wait(for: 1))
    }
    #expect(observer == nil)
    #expect(counted.withLock { $0 } == 2)
  }

  @Test("stop from within onReports returns, and the rest is reported")
  func fromWithin() async throws {
    let sink = try Sink { push in push.path == "/now" ? .status(204) : .stall(seconds: 30) }
    let (stream, continuation) = AsyncStream.makeStream(of: PushReport.self)
    let box = Mutex<CurlMulti?>(nil)
    let curl = CurlMulti(
      policy: NetworkPolicy(allowed: [try CIDR("127.0.0.0/8")]), caBundle: nil, maxConnections: 2
    ) { reports in
      box.withLock { $0 }?.stop()
      for report in reports { continuation.yield(report) }
    }
    box.withLock { $0 = curl }
    curl.submit([.to(sink.url + "/stall", token: 1)])
    #expect(sink.wait(for: 1))
    curl.submit([.to(sink.url + "/now", token: 2)])
    var outcomes: [UInt64: PushOutcome] = [:]
    for await report in stream {
      outcomes[report.token] = report.outcome
      if outcomes.count == 2 { break }
    }
    #expect(outcomes == [1: stopped, 2: .status(204)])
    box.withLock { $0 = nil }
  }
}
