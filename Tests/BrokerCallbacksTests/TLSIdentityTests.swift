import BrokerDomain
import BrokerStore
import Foundation
import TestSupport
import Testing

@testable import BrokerCallbacks

/// Authorities and client certificates of single endpoints.
@Suite("TLS for each endpoint", .timeLimit(.minutes(1)))
struct TLSIdentityTests {
  private static func tls(_ authority: Authority, ca: Bool = true, _ name: String?) throws -> EndpointTLS {
    EndpointTLS(
      authorities: ca ? try authority.text("ca.pem") : nil,
      certificate: try name.map { try authority.text("\($0).pem") },
      key: try name.map { try authority.text("\($0).key") })
  }

  private static func push(_ port: Int, _ tls: EndpointTLS?) -> Push {
    var push = Push.to("https://127.0.0.1:\(port)/hook")
    push.identity = tls.map { TLSIdentity($0) }
    return push
  }

  @Test("what a certificate says is shown as a terminal may show it")
  func printed() {
    let said = ReceiverCertificate(lines: ["Subject:CN = \u{1B}[31m某单位\u{7}", "Issuer:CN = a\u{202E}b", "Version:3"])
    #expect(said.subject == "CN = \u{FFFD}[31m某单位\u{FFFD}" && said.issuer == "CN = a\u{FFFD}b")
  }

  @Test("each is shown its own certificate, and no connection serves two identities")
  func identities() async throws {
    let authority = try Authority()
    for name in ["server", "alice", "bob"] { try authority.issue(name) }
    let server = try PythonServer(
      PythonServer.mutualTLS, [authority.path("server.pem"), authority.path("server.key"), authority.path("ca.pem")])
    // One handle: whatever it is loaded with must leave nothing behind.
    let sender = try Sender(maxConnections: 1)
    var ports: [String: Set<Substring>] = [:]
    for name in ["alice", "bob", "bob", "alice", "bob"] {
      let report = try await sender.send(Self.push(server.port, try Self.tls(authority, name)))
      #expect(report.outcome == .status(200))
      let words = String(decoding: report.bodyStart, as: UTF8.self).split(separator: " ")
      try #require(words.count == 2 && words[0] == name, "\(words)")
      ports[name, default: []].insert(words[1])
    }
    let (alices, bobs) = (try #require(ports["alice"]), try #require(ports["bob"]))
    #expect(alices.isDisjoint(with: bobs))
    // Its authority alone is not enough here, and without either the server is a stranger.
    let nobody = try await sender.send(Self.push(server.port, try Self.tls(authority, nil)))
    #expect(nobody.outcome.failure != nil && nobody.outcome.failure != 60)
    let stranger = try await sender.send(Self.push(server.port, nil))
    #expect(stranger.outcome.failure == 60)
    let untrusting = try await sender.send(Self.push(server.port, try Self.tls(authority, ca: false, "alice")))
    #expect(untrusting.outcome.failure == 60)
    let again = try await sender.send(Self.push(server.port, try Self.tls(authority, "alice")))
    #expect(again.outcome == .status(200))
  }

  @Test("one's own authorities count instead of the sender's")
  func authorities() async throws {
    let (ours, theirs) = (try Authority("ours"), try Authority("theirs"))
    try ours.issue("server")
    try ours.issue("alice")
    let server = try PythonServer(
      PythonServer.mutualTLS, [ours.path("server.pem"), ours.path("server.key"), ours.path("ca.pem")])
    let sender = try Sender(caBundle: ours.path("ca.pem"), maxConnections: 1)
    var foreign = try Self.tls(ours, ca: false, "alice")
    #expect(try await sender.send(Self.push(server.port, foreign)).outcome == .status(200))
    foreign.authorities = try theirs.text("ca.pem")
    #expect(try await sender.send(Self.push(server.port, foreign)).outcome.failure == 60)
    foreign.authorities = nil
    #expect(try await sender.send(Self.push(server.port, foreign)).outcome == .status(200))
  }

  @Test("an endpoint's callbacks carry its certificate")
  func dispatched() async throws {
    let authority = try Authority()
    for name in ["server", "alice"] { try authority.issue(name) }
    let server = try PythonServer(
      PythonServer.mutualTLS, [authority.path("server.pem"), authority.path("server.key"), authority.path("ca.pem")])
    let office = try Office()
    let tls = try Self.tls(authority, "alice")
    let endpoint = try await office.endpoint("https://127.0.0.1:\(server.port)/") { $0.tls = tls }
    try await office.submit(3)
    office.dispatcher.start()
    #expect(try await within(5) { office.dispatcher.counts.first { $0.outcome == "delivered" }?.count == 3 })
    let report = try #require(await office.dispatcher.test(endpoint))
    #expect(String(decoding: report.bodyStart, as: UTF8.self).hasPrefix("alice "))
    await office.close()
  }

  @Test("what is no certificate, no key, or not its key is named")
  func faults() throws {
    let authority = try Authority("测试 CA")
    for name in ["alice", "bob"] { try authority.issue(name) }
    try authority.openssl([
      "ec", "-in", authority.path("alice.key"), "-aes128", "-passout", "pass:x", "-out", authority.path("locked.key"),
    ])
    let (ca, alice, key) = (
      try authority.text("ca.pem"), try authority.text("alice.pem"), try authority.text("alice.key")
    )
    let now = BrokerClock.wall
    let table: [(EndpointTLS, [String: String])] = [
      (.init(authorities: ca, certificate: alice + ca, key: key), [:]),
      (.init(authorities: "hello", certificate: nil, key: nil), ["/tls/ca": "no readable certificate"]),
      (.init(authorities: ca + key, certificate: nil, key: nil), ["/tls/ca": "something else than certificates"]),
      (.init(authorities: nil, certificate: key, key: key), ["/tls/certificate": "something else than certificates"]),
      (
        .init(authorities: nil, certificate: alice.replacingOccurrences(of: "M", with: "x"), key: key),
        ["/tls/certificate": "no readable certificate"]
      ),
      (.init(authorities: nil, certificate: alice, key: nil), ["/tls/key": "go together"]),
      (.init(authorities: nil, certificate: nil, key: key), ["/tls/certificate": "go together"]),
      (
        .init(authorities: nil, certificate: alice, key: try authority.text("bob.key")),
        ["/tls/key": "not the key of the first certificate"]
      ),
      (.init(authorities: nil, certificate: alice, key: "x"), ["/tls/key": "without a passphrase"]),
      (
        .init(authorities: nil, certificate: alice, key: try authority.text("locked.key")),
        ["/tls/key": "without a passphrase"]
      ),
      (
        .init(authorities: String(repeating: ca, count: 21), certificate: nil, key: nil),
        ["/tls/ca": "more than 20 certificates"]
      ),
      (.init(authorities: "x", certificate: "y", key: nil), ["/tls/ca": "", "/tls/certificate": "", "/tls/key": ""]),
    ]
    for (tls, expected) in table {
      var tls = tls
      let faults = tls.inspect(now: now)
      #expect(Set(faults.map(\.pointer)) == Set(expected.keys), "\(faults)")
      for fault in faults {
        let words = expected[fault.pointer] ?? "?"
        #expect(words.isEmpty || fault.detail.en.contains(words), "\(fault)")
      }
    }
    var old = EndpointTLS(authorities: nil, certificate: alice, key: key)
    #expect(old.inspect(now: now + 3 * 86_400_000).first?.detail.en.contains("expired at") == true)
    _ = old.inspect(now: now)
    let shown = JSON.object([.init("x", old.shown)])["x"]
    #expect(shown?["ca"] == .array([]))
    let fingerprint = try runTool(
      ["x509", "-in", authority.path("alice.pem"), "-noout", "-fingerprint", "-sha256"], binary: "/usr/bin/openssl"
    ).stdout.split(separator: "=").last?.filter(\.isHexDigit).lowercased()
    #expect(shown?["certificate"]?["sha256"]?.stringValue == fingerprint)
    #expect(shown?["certificate"]?["subject"]?.stringValue == "CN=alice")
    var trusted = EndpointTLS(authorities: ca, certificate: nil, key: nil)
    _ = trusted.inspect(now: now)
    #expect(trusted.shown["ca"]?.arrayValue?.first?["subject"]?.stringValue == "CN=测试 CA")
  }
}

@Suite("HTTP/2", .timeLimit(.minutes(1)))
struct HTTP2Tests {
  private static func server(_ ending: String) throws -> (server: PythonServer, authority: Authority) {
    let authority = try Authority()
    try authority.issue("server")
    return (
      try PythonServer(PythonServer.http2, [authority.path("server.pem"), authority.path("server.key"), ending]),
      authority
    )
  }

  @Test("is spoken where it is offered, many pushes over one connection")
  func multiplexed() async throws {
    let (server, authority) = try Self.server("end")
    let sender = try Sender(caBundle: authority.path("ca.pem"), maxConnections: 16)
    let url = "https://127.0.0.1:\(server.port)/"
    #expect(try await sender.send(url).outcome == .status(200))
    sender.curl.submit((1...50).map { .to(url, token: $0) })
    let reports = await sender.reports(50)
    #expect(reports.allSatisfy { $0.outcome == .status(200) })
    #expect(
      Set(reports.map { String(decoding: $0.bodyStart, as: UTF8.self) }) == ["1"], "the first connection's number")
  }

  /// libcurl would put a push on a connection of HTTP/1.1 where another one waits for its answer, and mix the two up.
  @Test("an answer is its own where a port speaks HTTP/2 on some connections only")
  func mixed() async throws {
    let (server, authority) = try Self.server("mixed")
    let sender = try Sender(caBundle: authority.path("ca.pem"), maxConnections: 16)
    let count: UInt64 = 20
    // libcurl takes these for one host, and we meet each of them anew: those that meet others on their connection are
    // sent again.
    let hosts = ["127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0177.1", "2130706433", "0x7f000001", "0177.0.0.1"]
    func push(_ token: UInt64) -> Push {
      let host = (4...10).contains(token) ? hosts[Int(token) - 3] : hosts[0]
      return .to("https://\(host):\(server.port)/\(token)", token: token)
    }
    // Each finds no connection and makes one; the last to be there is the one of HTTP/2.
    sender.curl.submit((1...3).map(push))
    try await Task.sleep(for: .milliseconds(150))
    for token in 4...count {
      sender.curl.submit([push(token)])
      try await Task.sleep(for: .milliseconds(10))
    }
    var (old, new) = (0, 0)
    for report in await sender.reports(Int(count)) {
      #expect(report.outcome == .status(200), "\(report.outcome)")
      let body = String(decoding: report.bodyStart, as: UTF8.self)
      if body.hasPrefix("/") { old += 1 } else { new += 1 }
      #expect(!body.hasPrefix("/") || body == "/\(report.token)", "the answer to \(report.token) is that to \(body)")
    }
    #expect(old > 0 && new > 0, "both are spoken")
  }

  /// Two departments behind one load balancer: the server of one breaks the connection that it shares with the other's.
  @Test("a connection that breaks is the failure of nobody who arrives without his neighbour")
  func breaks() async throws {
    let (server, authority) = try Self.server("breaks")
    let sender = try Sender(caBundle: authority.path("ca.pem"), maxConnections: 16)
    let url = "https://127.0.0.1:\(server.port)/"
    #expect(try await sender.send(url).outcome == .status(200))
    var (healthy, breaking) = (Push.to(url, token: 2), Push.to(url, token: 3, body: Array("drop".utf8)))
    (healthy.line, breaking.line) = (1, 2)
    sender.curl.submit([healthy, breaking])
    let reports = await sender.reports(2)
    let (first, second) = (reports.first { $0.token == 2 }, reports.first { $0.token == 3 })
    #expect(first?.outcome == .status(200), "\(String(describing: first?.outcome))")
    #expect(first.map { ["2", "3"].contains(String(decoding: $0.bodyStart, as: UTF8.self)) } == true, "by itself")
    #expect(second?.outcome.failure != nil, "\(String(describing: second?.outcome))")
    // What it was sent on is not kept, and nothing is held against anybody.
    #expect(try await sender.send(url).outcome == .status(200))
  }

  @Test("a final 2xx counts though the stream is reset after it")
  func reset() async throws {
    let (server, authority) = try Self.server("reset")
    let sender = try Sender(caBundle: authority.path("ca.pem"))
    for _ in 0..<3 { #expect(try await sender.send("https://127.0.0.1:\(server.port)/").outcome == .status(200)) }
  }
}

@Suite("IPv6", .timeLimit(.minutes(1)))
struct IPv6Tests {
  private static let program = """
    import http.server, socket
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()
        def log_message(self, *_): pass
    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6
    server = Server(("::1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """

  /// A machine without IPv6 has no loopback of it.
  static let isHere = (try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8))?.isEmpty == false

  @Test("an address of it is reached, by number and by name", .enabled(if: isHere))
  func reached() async throws {
    let server = try PythonServer(Self.program, [])
    let sender = try Sender(allowed: ["::1/128"])
    for host in ["[::1]", "localhost"] {
      let report = try await sender.send("http://\(host):\(server.port)/")
      #expect(report.outcome == .status(204) && report.remoteAddress == "::1", "\(host)")
    }
    #expect(try await Sender().send("http://[::1]:\(server.port)/").outcome == .forbiddenAddress("::1"))
  }
}
