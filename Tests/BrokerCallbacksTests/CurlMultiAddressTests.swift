import Glibc
import TestSupport
import Testing

@testable import BrokerCallbacks

@Suite("Where a push may go, judged when the connection is made", .timeLimit(.minutes(5)))
struct AddressTests {
  @Test("a forbidden literal is refused before anything is sent")
  func literal() async throws {
    let sink = try Sink()
    let report = try await Sender(allowed: []).send(sink.url)
    #expect(report.outcome == .forbiddenAddress("127.0.0.1"))
    #expect(report.remoteAddress == "")
    #expect(sink.connectionCount == 0)
  }

  @Test(
    "other spellings of it too",
    arguments: ["2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"])
  func spellings(host: String) async throws {
    let sink = try Sink()
    let report = try await Sender(allowed: []).send("http://\(host):\(sink.port)/")
    guard case .forbiddenAddress = report.outcome else {
      Issue.record("\(report.outcome)")
      return
    }
    #expect(sink.connectionCount == 0)
  }

  @Test("a name that resolves to a forbidden address is refused by its address")
  func name() async throws {
    let sink = try Sink()
    let report = try await Sender(allowed: []).send("http://localhost:\(sink.port)/")
    let expected: [PushOutcome] = [.forbiddenAddress("127.0.0.1"), .forbiddenAddress("::1")]
    #expect(expected.contains(report.outcome))
    #expect(sink.connectionCount == 0)
  }

  @Test("a name of which one address is allowed reaches that one")
  func oneOfTwo() async throws {
    let sink = try Sink()
    let report = try await Sender(allowed: ["127.0.0.0/8"]).send("http://localhost:\(sink.port)/")
    #expect(report.outcome == .status(204))
    #expect(report.remoteAddress == "127.0.0.1")
  }

  @Test("metadata is refused even where its network is allowed")
  func metadata() async throws {
    let sender = try Sender(allowed: ["169.254.0.0/16", "0.0.0.0/0", "::/0"])
    let hosts = [
      ("169.254.169.254", "169.254.169.254"), ("2852039166", "169.254.169.254"),
      ("100.100.100.200", "100.100.100.200"), ("[fd00:ec2::254]", "fd00:ec2::254"),
      ("[::ffff:a9fe:a9fe]", "::ffff:169.254.169.254"),
    ]
    for (host, address) in hosts {
      let report = try await sender.send("http://\(host)/latest/meta-data/")
      #expect(report.outcome == .forbiddenAddress(address))
    }
  }

  @Test("an address that refuses is a failure, not a forbidden one")
  func refused() async throws {
    let sink = try Sink()
    let port = sink.port
    sink.close()
    // Of localhost's addresses one may be forbidden; the allowed one was tried.
    for host in ["127.0.0.1", "localhost"] {
      let report = try await Sender().send("http://\(host):\(port)/")
      #expect(report.outcome.failure == 7)
    }
  }

  @Test("a name that does not exist is a failure")
  func unknownName() async throws {
    let report = try await Sender().send("http://no-such-host.invalid/")
    #expect(report.outcome.failure != nil)
    #expect(report.remoteAddress == "")
  }

  @Test(
    "no other protocol",
    arguments: [
      "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "dict://127.0.0.1/",
    ])
  func protocols(url: String) async throws {
    #expect(try await Sender().send(url).outcome.failure == 1)
  }

  @Test("a line end or NUL in a header or the URL is refused before anything is sent")
  func injection() async throws {
    let sink = try Sink()
    let sender = try Sender()
    for bad in ["\r", "\n", "\r\nX-Evil: 1", "\0"] {
      let header = try await sender.send(.to(sink.url, headers: ["a: b", "c: d" + bad]))
      #expect(header.outcome.failure == 43)
      let url = try await sender.send(sink.url + "/" + bad)
      #expect(url.outcome.failure == 43)
    }
    #expect(sink.connectionCount == 0)
    #expect(try await sender.send(sink.url).outcome == .status(204))
  }
}

extension Sender {
  /// `Sun, 06 Nov 1994 08:49:37 GMT`, the form HTTP prescribes.
  static func httpDate(secondsFromNow: Int) -> String {
    var moment = time(nil) + secondsFromNow
    var parts = tm()
    gmtime_r(&moment, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let length = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    return String(decoding: text.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
