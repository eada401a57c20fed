import Foundation
import TestSupport
import Testing

@testable import BrokerCallbacks

@Suite("The second signature, HMAC-SM3", .timeLimit(.minutes(1)))
struct SM3Tests {
  /// GM/T 0042-2015, appendix D.3.
  @Test("the published codes")
  func published() {
    let vectors: [(key: [UInt8], text: String, code: String)] = [
      (
        Array(1...32),
        String(repeating: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", count: 2),
        "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"
      ),
      (
        Array(1...37), String(decoding: [UInt8](repeating: 0x41, count: 50), as: UTF8.self),
        Self.openssl(key: Array(1...37), String(repeating: "A", count: 50))
      ),
    ]
    for vector in vectors {
      let bytes = Array(vector.text.utf8)
      for cut in [0, 1, bytes.count / 2, bytes.count] {
        let code = SM3.code(key: vector.key, head: Array(bytes[..<cut]), body: Array(bytes[cut...]))
        #expect(hexadecimal(code) == vector.code)
      }
    }
  }

  @Test("openssl agrees", arguments: SignerTests.bodies, [24, 32, 64])
  func agrees(body: String, secretLength: Int) throws {
    let raw = (0..<secretLength).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    let id = "0199a2b4-7c11-7d6e-9f3a-2b1c0d4e5f60"
    let signature = WebhookSigner(secrets: [try WebhookSecret(raw: raw)], sm3: true).signature(
      id: id, timestamp: 1_764_000_000, body: Array(body.utf8))
    let parts = signature.split(separator: " ")
    try #require(parts.count == 2 && parts[1].hasPrefix("v1sm3,"), "\(signature)")
    let code = try #require(Data(base64Encoded: String(parts[1].dropFirst(6))))
    #expect(hexadecimal(Array(code)) == Self.openssl(key: raw, "\(id).1764000000.\(body)"))
    #expect(
      parts[0] == (try WebhookSecret(raw: raw)).signature(id: id, timestamp: 1_764_000_000, body: Array(body.utf8)))
  }

  @Test("during a rotation both secrets sign both ways")
  func rotation() {
    let (new, old) = (WebhookSecret.generate(), WebhookSecret.generate())
    func parts(_ secrets: [WebhookSecret], sm3: Bool) -> [Substring] {
      WebhookSigner(secrets: secrets, sm3: sm3).signature(id: "a", timestamp: 1, body: [1, 2]).split(separator: " ")
    }
    let both = parts([new, old], sm3: true)
    #expect(both.map { $0.prefix { $0 != "," } } == ["v1", "v1", "v1sm3", "v1sm3"])
    #expect(both[..<2] == parts([new, old], sm3: false)[...])
    #expect(both[2] == parts([new], sm3: true)[1] && both[3] == parts([old], sm3: true)[1])
    #expect(Set(both).count == 4)
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

  static func openssl(key: [UInt8], _ text: String) -> String {
    let hex = key.map { String(format: "%02x", $0) }.joined()
    let result = try? runTool(
      ["dgst", "-sm3", "-mac", "HMAC", "-macopt", "hexkey:\(hex)"], stdin: text, binary: "/usr/bin/openssl")
    return result?.stdout.split(separator: " ").last.map { $0.filter(\.isHexDigit) } ?? "openssl said nothing"
  }
}
