import Foundation
import TestSupport
import Testing

@testable import BrokerCallbacks

@Suite("Signatures", .timeLimit(.minutes(5)))
struct SignerTests {
  /// The vector that the Standard Webhooks reference libraries publish.
  @Test("the published example")
  func published() throws {
    let secret = try WebhookSecret(text: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    let signature = secret.signature(
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330,
      body: Array(#"{"test": 2432232314}"#.utf8))
    #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
  }

  static let bodies = [
    "", "a", #"{"test": 2432232314}"#, #"{"type":"request.answered","说明":"已核查，属实"}"#,
    String(repeating: "0123456789abcdef", count: 4096),
  ]

  @Test("openssl agrees", arguments: bodies, [24, 32, 64])
  func openssl(body: String, secretLength: Int) throws {
    let raw = (0..<secretLength).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    let secret = try WebhookSecret(raw: raw)
    let id = "0199a2b4-7c11-7d6e-9f3a-2b1c0d4e5f60"
    let key = raw.map { hexadecimal($0) }.joined()
    let result = try runTool(
      ["dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:\(key)"],
      stdin: "\(id).1764000000.\(body)", binary: "/usr/bin/openssl")
    let digest = try #require(result.stdout.split(separator: " ").last).trimmingCharacters(
      in: .whitespacesAndNewlines)
    let ours = secret.signature(id: id, timestamp: 1_764_000_000, body: Array(body.utf8))
    let code = try #require(Data(base64Encoded: String(ours.dropFirst(3))))
    #expect(code.map { hexadecimal($0) }.joined() == digest)
    #expect(ours.hasPrefix("v1,"))
  }

  static let python = ProcessInfo.processInfo.environment["XIECHA_TEST_PYTHON"] ?? ""

  /// Needs `XIECHA_TEST_PYTHON`: a Python with `standardwebhooks` installed.
  @Test("the Python reference library verifies", .enabled(if: !python.isEmpty), arguments: bodies)
  func reference(body: String) throws {
    let old = WebhookSecret.generate()
    let new = WebhookSecret.generate()
    let now = Int64(Date().timeIntervalSince1970)
    let signature = WebhookSigner(secrets: [new, old]).signature(
      id: "msg_1", timestamp: now, body: Array(body.utf8))
    // The library parses the payload as JSON after verifying: ours is not always JSON, so that only
    // its own exception counts as a refusal.
    let program = """
      import json, sys
      from standardwebhooks.webhooks import Webhook, WebhookVerificationError
      secret, signature, stamp = sys.argv[1:]
      headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}
      try:
          Webhook(secret).verify(sys.stdin.buffer.read().decode(), headers)
          print("verified")
      except json.JSONDecodeError:
          print("verified")
      except WebhookVerificationError as fault:
          print("refused", fault)
      """
    func verdict(_ secret: WebhookSecret) throws -> String {
      let result = try runTool(
        ["-c", program, secret.text, signature, "\(now)"], stdin: body, binary: Self.python)
      return result.stdout + result.stderr
    }
    #expect(try verdict(new) == "verified\n")
    #expect(try verdict(old) == "verified\n")
    #expect(try verdict(.generate()).hasPrefix("refused"))
  }

  @Test("several secrets give several signatures, in order, and a signer can be used again")
  func rotation() throws {
    let new = WebhookSecret.generate()
    let old = WebhookSecret.generate()
    let signer = WebhookSigner(secrets: [new, old])
    let body: [UInt8] = [1, 2, 3]
    for timestamp in [Int64(1), 1_764_000_000] {
      let expected = [new, old].map { $0.signature(id: "a", timestamp: timestamp, body: body) }
      #expect(
        signer.signature(id: "a", timestamp: timestamp, body: body)
          == expected.joined(separator: " "))
    }
    #expect(WebhookSigner(secrets: []).signature(id: "a", timestamp: 1, body: body) == "")
  }

  @Test("each signed part matters")
  func parts() {
    let secret = WebhookSecret.generate()
    let signatures: Set = [
      secret.signature(id: "a", timestamp: 1, body: [1]),
      secret.signature(id: "b", timestamp: 1, body: [1]),
      secret.signature(id: "a", timestamp: 2, body: [1]),
      secret.signature(id: "a", timestamp: 1, body: [2]),
      secret.signature(id: "a", timestamp: 1, body: []),
      WebhookSecret.generate().signature(id: "a", timestamp: 1, body: [1]),
    ]
    #expect(signatures.count == 6)
  }
}

@Suite("Signing secrets", .timeLimit(.minutes(5)))
struct SecretTests {
  @Test("a generated secret is 32 fresh bytes and survives its text")
  func generated() throws {
    let secret = WebhookSecret.generate()
    #expect(secret.raw.count == 32)
    #expect(secret != WebhookSecret.generate())
    #expect(secret.text.hasPrefix("whsec_"))
    #expect(secret.text.utf8.count == 6 + 44)
    #expect(try WebhookSecret(text: secret.text) == secret)
  }

  @Test(
    "a bad text is refused with its reason",
    arguments: [
      ("", SecretFault.missingPrefix),
      ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", .missingPrefix),
      ("whsec_", .badLength(0)),
      ("whsec_AAAA", .badLength(3)),
      ("whsec_" + String(repeating: "AAAA", count: 22), .badLength(66)),
      ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", .notBase64),
      ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_", .notBase64),
      ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", .notBase64),
      ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwA===", .notBase64),
      ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAB==", .notBase64),
    ])
  func refuses(text: String, fault: SecretFault) {
    #expect(throws: fault) { try WebhookSecret(text: text) }
  }

  @Test("printing, dumping or interpolating it shows nothing of it")
  func redacted() throws {
    let secret = WebhookSecret.generate()
    struct Holder { var secret: WebhookSecret }
    var dumped = ""
    dump(Holder(secret: secret), to: &dumped)
    for shown in ["\(secret)", String(reflecting: secret), "\(Holder(secret: secret))", dumped] {
      #expect(shown.contains("WebhookSecret(…)"))
      #expect(!shown.contains(secret.text.dropFirst(6)))
      #expect(!shown.contains("\(secret.raw[0]), \(secret.raw[1])"))
    }
  }

  @Test("base64 agrees with Foundation's at every length")
  func base64() throws {
    for count in 0...70 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
      let text = Base64.encode(bytes)
      #expect(text == Data(bytes).base64EncodedString())
      #expect(Base64.decode(text.utf8) == bytes)
    }
    #expect(Base64.decode("AA=A".utf8) == nil)
    #expect(Base64.decode("====".utf8) == nil)
    #expect(Base64.decode("AAA".utf8) == nil)
  }
}

private func hexadecimal(_ byte: UInt8) -> String {
  (byte < 16 ? "0" : "") + String(byte, radix: 16)
}
