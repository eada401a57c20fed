import BrokerDomain
import Foundation
import TestSupport
import Testing

@testable import BrokerCallbacks

@Suite("Pushes over TLS", .timeLimit(.minutes(5)))
struct TLSTests {
  @Test("a certificate counts only when the configured authorities signed it")
  func authorities() async throws {
    let server = try TLSServer()
    let trusting = try Sender(caBundle: server.certificate)
    let report = try await trusting.send("https://127.0.0.1:\(server.port)/hook")
    #expect(report.outcome == .status(204))
    #expect(report.timings.tlsUS > report.timings.connectUS)
    #expect(report.timings.connectUS > 0)
    // CURLE_PEER_FAILED_VERIFICATION
    let other = try TLSServer()
    let doubting = try await Sender().send("https://127.0.0.1:\(other.port)/hook")
    #expect(doubting.outcome.failure == 60)
    let third = try TLSServer()
    let wrong = try await trusting.send("https://127.0.0.1:\(third.port)/hook")
    #expect(wrong.outcome.failure == 60)
  }

  @Test("a push that inspects brings the certificate along; others do not")
  func certificate() async throws {
    let server = try TLSServer()
    let sender = try Sender(caBundle: server.certificate)
    var push = Push.to("https://127.0.0.1:\(server.port)/hook")
    push.inspects = true
    let report = try await sender.send(push)
    let certificate = try #require(report.certificate)
    #expect(certificate.subject?.contains("receiver") == true)
    let left = try #require(certificate.expiresAt).milliseconds - Int64(Date().timeIntervalSince1970 * 1000)
    #expect(left / 86_400_000 == 1, "a moment less than two days from now")
    let other = try TLSServer()
    let plain = try await Sender(caBundle: other.certificate).send("https://127.0.0.1:\(other.port)/hook")
    #expect(plain.outcome == .status(204) && plain.certificate == nil)
  }

  @Test(
    arguments: [
      ("Nov 20 10:00:00 2027 GMT", "2027-11-20T18:00:00+08:00"),
      ("Jan  2 03:04:05 2030 GMT", "2030-01-02T11:04:05+08:00"),
      ("2027-11-20 10:00:00 GMT", "2027-11-20T18:00:00+08:00"), ("soon", nil), ("Foo 20 10:00:00 2027 GMT", nil),
      ("Nov 20 10:00:00 2027", nil),
    ] as [(String, String?)])
  func expiry(text: String, moment: String?) {
    #expect(ReceiverCertificate.moment(text)?.rfc3339 == moment)
  }

  @Test("a certificate for another host does not count")
  func hostName() async throws {
    let server = try TLSServer(subject: "DNS:other.example.com")
    let report = try await Sender(caBundle: server.certificate)
      .send("https://127.0.0.1:\(server.port)/hook")
    #expect(report.outcome.failure == 60)
  }
}

/// `openssl s_server` with a fresh self-signed certificate; answers one connection with a 204.
private final class TLSServer {
  let port: Int
  /// Path of its PEM certificate.
  let certificate: String
  private let directory: URL
  private let process = Process()

  init(subject: String = "IP:127.0.0.1") throws {
    directory = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let key = directory.appending(path: "key.pem").path
    certificate = directory.appending(path: "certificate.pem").path
    let made = try runTool(
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=receiver",
        "-addext", "subjectAltName=\(subject)",
      ], binary: "/usr/bin/openssl")
    try #require(made.status == 0, "\(made.stderr)")
    let (input, output) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = [
      "s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-naccept", "1",
    ]
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
    // What stands on its input goes to the first connection.
    try input.fileHandleForWriting.write(
      contentsOf: Data("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".utf8))
    var said = ""
    while !said.contains("ACCEPT") || !said.hasSuffix("\n") {
      let data = output.fileHandleForReading.availableData
      try #require(!data.isEmpty, "openssl ended: \(said)")
      said += String(decoding: data, as: UTF8.self)
    }
    let line = try #require(said.split(separator: "\n").first { $0.hasPrefix("ACCEPT") })
    port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
  }

  deinit {
    process.terminate()
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: directory)
  }
}
