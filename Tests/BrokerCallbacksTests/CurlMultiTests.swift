import TestSupport
import Testing

@testable import BrokerCallbacks

@Suite("What a receiver's reply counts as", .timeLimit(.minutes(5)))
struct ReplyTests {
  @Test(
    "a final status is the outcome",
    arguments: [200, 201, 204, 299, 300, 400, 404, 410, 429, 500, 503, 599])
  func status(code: Int) async throws {
    let sink = try Sink { _ in .status(code, body: Array("so be it".utf8)) }
    let report = try await Sender().send(sink.url + "/hook")
    #expect(report.outcome == .status(code))
    #expect(report.remoteAddress == "127.0.0.1")
    #expect(report.bodyStart == (code == 204 ? [] : Array("so be it".utf8)))
    #expect(report.retryAfterSeconds == nil)
    #expect(report.timings.totalUS >= report.timings.firstByteUS)
    #expect(report.timings.firstByteUS > 0)
  }

  @Test("a redirect is not followed", arguments: [301, 302, 303, 307, 308])
  func redirect(code: Int) async throws {
    let target = try Sink()
    let sink = try Sink { [url = target.url] _ in .redirect(to: url, status: code) }
    #expect(try await Sender().send(sink.url).outcome == .status(code))
    #expect(target.connectionCount == 0)
    #expect(sink.receivedCount == 1)
  }

  @Test(
    "no final status within the total time is a timeout",
    arguments: [
      SinkReply.stall(seconds: 30), .dripHeader(everyMS: 100), .status(103), .status(100),
    ])
  func timeout(reply: SinkReply) async throws {
    let sink = try Sink { _ in reply }
    let report = try await Sender().send(sink.url, totalTimeoutMS: 400)
    #expect(report.outcome.failure == 28)
    #expect((350_000..<2_500_000).contains(report.timings.totalUS))
  }

  @Test(
    "a connection that breaks before a status is a failure",
    arguments: [SinkReply.reset, .closeWithoutReply, .garbage])
  func broken(reply: SinkReply) async throws {
    let sink = try Sink { _ in reply }
    let report = try await Sender().send(sink.url)
    guard case .failed(let code, let words) = report.outcome else {
      Issue.record("\(report.outcome)")
      return
    }
    #expect(code != 0 && code != 28)
    #expect(!words.isEmpty)
  }

  @Test("after a final status nothing matters: the body drips until the timeout")
  func drip() async throws {
    let sink = try Sink { _ in .drip(status: 200, everyMS: 50, bytes: 1000) }
    let report = try await Sender().send(sink.url, totalTimeoutMS: 400)
    #expect(report.outcome == .status(200))
    #expect((1...30).contains(report.bodyStart.count))
    #expect((350_000..<2_500_000).contains(report.timings.totalUS))
  }

  @Test("after a final status nothing matters: 10 MB of body, of which 64 KiB are read")
  func huge() async throws {
    let sink = try Sink { _ in .huge(status: 200, bytes: 10_000_000) }
    let sender = try Sender()
    let report = try await sender.send(sink.url)
    #expect(report.outcome == .status(200))
    #expect(report.bodyStart == [UInt8](repeating: 0x78, count: 4096))
    var push = Push(token: 7, url: sink.url, headers: [], body: [])
    push.keptBytes = 6000
    #expect(try await sender.send(push).bodyStart.count == 6000)
    // The sender hung up in the middle: after a whole body it would have kept the connection.
    try eventually("the connection is cut") { sink.openConnectionCount == 0 }
    withExtendedLifetime(sender) {}
  }

  @Test(
    "after a final status nothing matters: the body breaks off, overflows or makes no sense",
    arguments: [
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmuch too long",
      "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnot a chunk",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip",
      "HTTP/1.1 200 OK\r\nX-Unfinished: ",
    ])
  func lies(reply: String) async throws {
    let server = try CannedServer(reply)
    #expect(try await Sender().send(server.url).outcome == .status(200))
  }

  @Test("a lie about the length does not spill into the next reply")
  func noSpill() async throws {
    let sink = try Sink { push in push.order == 0 ? .lieShort : .status(410) }
    let sender = try Sender(maxConnections: 1)
    #expect(try await sender.send(sink.url).outcome == .status(200))
    #expect(try await sender.send(sink.url).outcome == .status(410))
  }

  @Test("interim replies are not final, and the final one after them is")
  func interim() async throws {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
    let server = try CannedServer(
      "HTTP/1.1 100 Continue\r\n\r\n" + hints + "HTTP/1.1 204 No Content\r\n\r\n")
    #expect(try await Sender().send(server.url).outcome == .status(204))
    let alone = try CannedServer(hints)
    #expect(try await Sender().send(alone.url).outcome.failure != nil)
  }

  @Test("endless headers and endless interim replies end at 64 KiB, not at the timeout")
  func endless() async throws {
    let line = "X-More: " + String(repeating: "a", count: 1000) + "\r\n"
    let headers = try CannedServer("HTTP/1.1 200 OK\r\n", repeating: line)
    let report = try await Sender().send(headers.url)
    #expect(report.outcome == .status(200))
    #expect(report.timings.totalUS < 5_000_000)
    let interim = try CannedServer("", repeating: "HTTP/1.1 103 Early Hints\r\n" + line + "\r\n")
    let second = try await Sender().send(interim.url)
    #expect(second.outcome.failure == 23)
    #expect(second.timings.totalUS < 5_000_000)
  }

  @Test("Retry-After in both forms, and never one from an earlier reply on the same handle")
  func retryAfter() async throws {
    let future = Sender.httpDate(secondsFromNow: 300)
    let past = Sender.httpDate(secondsFromNow: -300)
    let values: [String?] = ["120", nil, future, nil, past, "soon", "-5", "0"]
    let sink = try Sink { push in
      .status(503, headers: values[push.order].map { [("Retry-After", $0)] } ?? [])
    }
    let sender = try Sender(maxConnections: 1)
    var found: [Int64?] = []
    for _ in values { found.append(try await sender.send(sink.url).retryAfterSeconds) }
    #expect(found[0] == 120)
    #expect((290...300).contains(try #require(found[2])))
    #expect(
      [found[1], found[3], found[4], found[5], found[6], found[7]]
        == Array(repeating: nil, count: 6))
    #expect(sink.connectionCount == 1)
  }

  @Test("a Retry-After beyond all numbers is long, and not none")
  func hugeRetryAfter() async throws {
    let sink = try Sink { _ in .status(503, headers: [("Retry-After", String(repeating: "9", count: 30))]) }
    #expect((try await Sender().send(sink.url).retryAfterSeconds ?? 0) > 86_400 * 365)
  }
}
