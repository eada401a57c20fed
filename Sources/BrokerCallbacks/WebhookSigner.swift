internal import Crypto

/// Signs callbacks after Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, and beside it HMAC-SM3 over the same
/// where the endpoint wants it. Receivers pass over the versions that they do not know.
///
/// Holds the keyed state of each secret, so that a signature begins with the key already mixed in:
/// keep one signer per endpoint rather than making one per callback.
package struct WebhookSigner: Sendable {
  private let keyed: [HMAC<SHA256>]
  /// The same secrets for the second signature; empty when there is none.
  private let sm3Keys: [[UInt8]]

  /// - Parameters:
  ///   - secrets: the current one first; during a rotation the older one too.
  ///   - sm3: adds a `v1sm3` for each secret.
  package init(secrets: [WebhookSecret], sm3: Bool = false) {
    sm3Keys = sm3 ? secrets.map(\.raw) : []
    keyed = secrets.map { HMAC<SHA256>(key: SymmetricKey(data: $0.raw)) }
  }

  /// Whether this machine's OpenSSL has SM3.
  package static var signsSM3: Bool { SM3.isAvailable }

  /// The `webhook-signature` header's value: `v1,<base64>` per secret, then `v1sm3,<base64>` per secret, joined by
  /// spaces.
  ///
  /// - Parameters:
  ///   - id: the `webhook-id` header; without `.`, which would make the signed text ambiguous.
  ///   - timestamp: the `webhook-timestamp` header, in seconds since 1970.
  ///   - body: the request body, byte for byte; not copied.
  package func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
    // One short piece before the body instead of four: each update is a call into the hash.
    let head = Array("\(id).\(timestamp).".utf8)
    let each = 3 + Base64.length(of: SHA256.byteCount)
    let capacity = keyed.count * (each + 1)
    let standard = String(unsafeUninitializedCapacity: capacity) { text in
      var end = 0
      for mac in keyed {
        var mac = mac
        mac.update(data: head)
        mac.update(data: body)
        for letter in end == 0 ? "v1,".utf8 : " v1,".utf8 {
          text[end] = letter
          end += 1
        }
        end = mac.finalize().withUnsafeBytes { Base64.write($0, to: text, at: end) }
      }
      return end
    }
    return sm3Keys.reduce(into: standard) { text, key in
      text += " v1sm3," + Base64.encode(SM3.code(key: key, head: head, body: body))
    }
  }
}

extension WebhookSecret {
  /// ``WebhookSigner/signature(id:timestamp:body:)`` with this secret alone.
  package func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
    WebhookSigner(secrets: [self]).signature(id: id, timestamp: timestamp, body: body)
  }
}
