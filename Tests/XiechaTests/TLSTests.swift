internal import Foundation
internal import TestSupport
internal import Testing

/// HTTPS is served with what was configured, and nothing else than what was meant.
@Suite(.timeLimit(.minutes(5))) struct TLSTests {
  let state: StateDirectory
  var certificate: String { state.path + "/certificate.pem" }
  var key: String { state.path + "/key.pem" }

  init() throws {
    state = try StateDirectory(example: nil)
    try Self.makePair(certificate, key)
  }

  static func makePair(_ certificate: String, _ key: String, days: Int = 2) throws {
    let made = try runTool(
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
        certificate, "-days", "\(days)", "-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1",
      ], binary: "/usr/bin/openssl")
    try #require(made.status == 0, "\(made.stderr)")
  }

  /// Of a certificate valid from 2099 on.
  private static let later = """
    -----BEGIN CERTIFICATE-----
    MIIBCzCBsgIBATAKBggqhkjOPQQDAjAQMQ4wDAYDVQQDDAVsYXRlcjAiGA8yMDk5
    MDEwMTAwMDAwMFoYDzIxMDAwMTAxMDAwMDAwWjAQMQ4wDAYDVQQDDAVsYXRlcjBZ
    MBMGByqGSM49AgEGCCqGSM49AwEHA0IABGwD0g7GbTFGPUyu9HsoZwPIEKfoki/m
    KldirSSa/tKAOe0oW0CMo7wZq1+DZvpfP4P5CA3rvzZEsZS6SHxTgMEwCgYIKoZI
    zj0EAwIDSAAwRQIhAMNybaQig437npqfM7uFoDXNKte3o3TjWbSEOUjrbETHAiAc
    SeGq71LcDUv8SIvfn9ShlWkqO5P3qM6gws0SzJjxag==
    -----END CERTIFICATE-----

    """

  /// What `check` warns of and, in the same words, the daemon's log.
  private func expectWarning(_ words: [String]) throws {
    let check = try state.run(["check"])
    #expect(check.status == 0, "\(check.stderr)")
    let warnings = check.stdout.split(separator: "\n").filter { $0.contains("restart the service") }
    #expect(warnings.count == words.count, "\(check.stdout)")
    let daemon = try Daemon(state: state)
    for (warning, part) in zip(warnings, words) {
      expectBoth(String(warning), part)
      #expect(daemon.waitForLog(part), "\(daemon.stderrText)")
    }
    #expect(daemon.stderrText.contains("restart the service") == !words.isEmpty)
    #expect(try daemon.terminate() == 0)
  }

  /// A server goes on with it, and its clients do not.
  @Test(arguments: [(-1, "expired at 20"), (29, "expires at 20"), (31, "")])
  func aCertificateThatExpiresIsToldOf(_ days: Int, _ words: String) throws {
    // The tool makes no new one that has expired, but dates an old one anew.
    let dated = state.path + "/dated.pem"
    let made = try runTool(
      ["x509", "-in", certificate, "-signkey", key, "-days", "\(days)", "-out", dated], binary: "/usr/bin/openssl")
    try #require(made.status == 0, "\(made.stderr)")
    try state.setConfig("tls.certificate", to: dated)
    try state.setConfig("tls.privateKey", to: key)
    try expectWarning(words.isEmpty ? [] : ["tls.certificate: certificate 1 of 1 in \(dated) \(words)"])
    // Of authorities nothing is said ahead: there may be many, with another to take over.
    for name in ["certificate", "privateKey"] { try state.setConfig("tls." + name, to: "\"\"") }
    try state.setConfig("callbacks.caBundle", to: dated)
    try expectWarning(days < 0 ? ["callbacks.caBundle: certificate 1 of 1 in \(dated) expired at 20"] : [])
  }

  @Test func oneOfSeveralThatIsNotValidYetIsCounted() throws {
    let both = state.path + "/both.pem"
    try (try String(contentsOfFile: certificate, encoding: .utf8) + Self.later).write(
      toFile: both, atomically: false, encoding: .utf8)
    // In a bundle one that is valid is enough; of our own chain all have to be.
    try state.setConfig("callbacks.caBundle", to: both)
    try state.setConfig("tls.certificate", to: both)
    try state.setConfig("tls.privateKey", to: key)
    try expectWarning([
      "tls.certificate: certificate 2 of 2 in \(both) is not valid before 2099-01-01T08:00:00+08:00"
    ])
  }

  private func line(of name: String) throws -> Int {
    let lines = try String(contentsOfFile: state.path + "/xiecha.yaml", encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    return try #require(lines.firstIndex { $0.contains("  \(name):") }) + 1
  }

  /// `check` and `serve` say the same, with the line of the key that is at fault, and end with 2.
  private func expectRefused(_ settings: [String: String], at name: String, _ words: String) throws {
    for (key, value) in settings { try state.setConfig("tls." + key, to: value) }
    let place = "\(state.path)/xiecha.yaml:\(try line(of: name)): "
    for command in [["check"], ["serve", "--listen", "127.0.0.1:0"]] {
      let result = try state.run(command, timeout: 20)
      #expect(result.status == 2, "\(result.stderr)")
      #expect(result.stderr.contains(place), "\(place): \(result.stderr)")
      expectBoth(result.stderr, words)
    }
  }

  @Test func halfAConfigurationIsRefused() throws {
    try expectRefused(
      ["clientAuthorities": certificate], at: "clientAuthorities",
      "否则服务为明文HTTP / tls.clientAuthorities needs tls.certificate and tls.privateKey")
    try expectRefused(["certificate": certificate], at: "certificate", "tls.certificate and tls.privateKey go together")
    try expectRefused(
      ["certificate": "\"\"", "privateKey": key], at: "privateKey", "tls.certificate and tls.privateKey go together")
  }

  @Test func filesThatAreNotWhatTheyShouldBeAreRefused() throws {
    let text = state.path + "/text.pem"
    try "no PEM\n".write(toFile: text, atomically: false, encoding: .utf8)
    let good = ["certificate": certificate, "privateKey": key, "clientAuthorities": certificate]
    try expectRefused(
      good.merging(["certificate": text]) { $1 }, at: "certificate", "tls.certificate: \(text) holds no certificate")
    try expectRefused(
      good.merging(["certificate": key]) { $1 }, at: "certificate", "tls.certificate: \(key) holds no certificate")
    try expectRefused(
      good.merging(["privateKey": text]) { $1 }, at: "privateKey", "tls.privateKey: \(text) holds no private key")
    try expectRefused(
      good.merging(["clientAuthorities": text]) { $1 }, at: "clientAuthorities",
      "tls.clientAuthorities: \(text) holds no certificate")
    try expectRefused(
      good.merging(["privateKey": "/nowhere/key.pem"]) { $1 }, at: "privateKey", "/nowhere/key.pem cannot be read")
    let other = state.path + "/other.pem"
    try Self.makePair(state.path + "/other-certificate.pem", other)
    try expectRefused(
      good.merging(["privateKey": other]) { $1 }, at: "privateKey",
      "中的证书不配对 / tls.privateKey: \(other) is not the key of the certificate")
    try state.setConfig("tls.privateKey", to: key)
    #expect(try state.run(["check"]).status == 0)
    try state.setConfig("callbacks.caBundle", to: text)
    try expectRefused([:], at: "caBundle", "callbacks.caBundle: \(text) holds no certificate")
  }

  /// What the server sends to a client that trusts our certificate; empty when it hangs up.
  private func answer(
    _ port: Int, _ arguments: [String] = [],
    to request: String = "GET /healthz HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n"
  ) throws -> String {
    try runTool(
      ["s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", certificate, "-verify_return_error", "-quiet"]
        + arguments,
      stdin: request, timeout: 20,
      binary: "/usr/bin/openssl"
    ).stdout
  }

  /// Each ends with its answer, and the answer gets through: of a body that is still on its way when it is refused, of
  /// what is no HTTP, of a page that takes several pieces, of the last of several requests.
  @Test func everyAnswerGetsThroughOverTLS() throws {
    try state.setConfig("tls.certificate", to: certificate)
    try state.setConfig("tls.privateKey", to: key)
    let daemon = try Daemon(state: state)
    let close = "Host: broker\r\nConnection: close\r\n"
    let body = String(repeating: "x", count: 2 << 20)
    let long = "POST /v1/requests HTTP/1.1\r\n\(close)Content-Length: \(body.utf8.count)\r\n\r\n" + body
    let get = "GET /openapi.json HTTP/1.1\r\nHost: broker\r\n\r\n"
    let last = "GET /healthz HTTP/1.1\r\n\(close)\r\n"
    for (request, statuses) in [
      (long, [401]), ("no HTTP\r\n\r\n", [400]), (get + get + last, [200, 200, 200]), (last + get, [200]),
    ] {
      let text = try answer(daemon.port, to: request)
      let found = text.matches(of: #/HTTP/1\.1 (\d{3}) /#).compactMap { Int($0.1) }
      #expect(found == statuses, "\(text.prefix(300))")
    }
    #expect(try daemon.terminate() == 0)
  }

  @Test func theDaemonAnswersOverTLSAndAsksForACertificate() throws {
    try state.setConfig("tls.certificate", to: certificate)
    try state.setConfig("tls.privateKey", to: key)
    do {
      let daemon = try Daemon(state: state)
      #expect(daemon.waitForLog("listening on https://127.0.0.1:\(daemon.port)"))
      let text = try answer(daemon.port)
      #expect(text.hasPrefix("HTTP/1.1 200 OK") && text.contains("\"ok\""), "\(text)")
      #expect(try daemon.terminate() == 0)
    }
    try state.setConfig("tls.clientAuthorities", to: certificate)
    let daemon = try Daemon(state: state)
    #expect(try answer(daemon.port).isEmpty, "no certificate, no answer")
    let known = try answer(daemon.port, ["-cert", certificate, "-key", key])
    #expect(known.hasPrefix("HTTP/1.1 200 OK"), "\(known)")
  }
}
