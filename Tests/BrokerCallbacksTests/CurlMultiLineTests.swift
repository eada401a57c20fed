import Glibc
import Synchronization
import TestSupport
import Testing

@testable import BrokerCallbacks

@Suite("Pushes in lines", .timeLimit(.minutes(5)))
struct CurlMultiLineTests {
  private func pushes(_ tokens: ClosedRange<UInt64>, _ url: String, line: Int64, atOnce: Int) -> [Push] {
    tokens.map { token in
      var push = Push.to(url + "/\(line)", token: token)
      (push.line, push.atOnce) = (line, atOnce)
      return push
    }
  }

  @Test("a line has no more on the wire than it may, whatever the wire has room for, and keeps its order")
  func bound() async throws {
    // Two of one line and one of the other are asked at once; the rest come as these end.
    let open = Mutex<[String: Int]>([:])
    let most = Mutex<[String: Int]>([:])
    let sink = try Sink { push in
      let now = open.withLock { open in
        open[push.path, default: 0] += 1
        return open[push.path, default: 0]
      }
      most.withLock { $0[push.path] = max($0[push.path] ?? 0, now) }
      usleep(2000)
      open.withLock { $0[push.path, default: 0] -= 1 }
      return .status(204)
    }
    let sender = try Sender(maxConnections: 8)
    sender.curl.submit(
      pushes(1...40, sink.url, line: 1, atOnce: 2) + pushes(101...120, sink.url, line: 2, atOnce: 1))
    let reports = await sender.reports(60)
    #expect(reports.allSatisfy { $0.outcome == .status(204) })
    // The receiver lets a connection go a moment before the next is asked on another.
    let seen = most.withLock { $0 }
    #expect((1...2).contains(seen["/1"] ?? 0) && seen["/2"] == 1, "\(seen)")
  }

  @Test("what waits behind one that fails comes back unsent", arguments: [SinkReply.status(503), .reset, .status(302)])
  func failure(reply: SinkReply) async throws {
    let sink = try Sink { $0.path == "/1" ? .delay(ms: 100, reply) : .delay(ms: 100, .status(204)) }
    let sender = try Sender(maxConnections: 8)
    sender.curl.submit(
      pushes(1...6, sink.url, line: 1, atOnce: 2) + pushes(11...13, sink.url, line: 2, atOnce: 1))
    let reports = await sender.reports(9)
    let unsent = reports.filter { $0.outcome == .unsent }.map(\.token)
    #expect(unsent == [3, 4, 5, 6])
    #expect(reports.suffix(3).allSatisfy { $0.outcome == .status(204) }, "another line's")
    #expect(sink.received.count { $0.path == "/1" } == 2)
  }

  @Test("a line that is recalled gives back what waits, and takes what is posted afterwards")
  func recall() async throws {
    let sink = try Sink { _ in .delay(ms: 100, .status(204)) }
    let sender = try Sender(maxConnections: 8)
    sender.curl.submit(pushes(1...4, sink.url, line: 1, atOnce: 1) + pushes(11...11, sink.url, line: 2, atOnce: 1))
    #expect(sink.wait(for: 2))
    sender.curl.recall(1)
    sender.curl.submit(pushes(5...5, sink.url, line: 1, atOnce: 1))
    let reports = await sender.reports(6)
    #expect(reports.filter { $0.outcome == .unsent }.map(\.token) == [2, 3, 4])
    #expect(reports.filter { $0.outcome == .status(204) }.map(\.token) == [1, 5, 11])
    #expect(sink.receivedCount == 3)
  }

  /// Posted and recalled at once, before the loop has looked: neither lost nor told twice.
  @Test("recalled while it is posted, each is reported once")
  func race() async throws {
    let sink = try Sink()
    let sender = try Sender(maxConnections: 4)
    for round in 0..<200 as Range<UInt64> {
      sender.curl.submit(pushes(round * 4 + 1...round * 4 + 4, sink.url, line: 1, atOnce: 2))
      sender.curl.recall(1)
    }
    let reports = await sender.reports(800)
    #expect(reports.map(\.token) == Array(1...800))
    let sent = reports.count { $0.outcome == .status(204) }
    #expect(sent + reports.count { $0.outcome == .unsent } == 800 && sink.receivedCount == sent)
  }
}
