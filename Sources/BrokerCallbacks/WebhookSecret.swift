/// Why a text or bytes are no signing secret. The secret itself is never part of the message.
package enum SecretFault: Error, Equatable, CustomStringConvertible {
  case missingPrefix
  case notBase64
  case badLength(Int)

  package var description: String {
    switch self {
    case .missingPrefix: "a secret begins with \(WebhookSecret.prefix)"
    case .notBase64: "the secret is not base64 after \(WebhookSecret.prefix)"
    case .badLength(let count): "a secret has 24 to 64 bytes; this one has \(count)"
    }
  }
}

/// A symmetric signing secret of Standard Webhooks: 24 to 64 random bytes, written `whsec_` +
/// base64. Printing the value does not show it; ``text`` does.
package struct WebhookSecret: Sendable, Equatable {
  package let raw: [UInt8]

  static let prefix = "whsec_"

  package init(raw: [UInt8]) throws(SecretFault) {
    guard (24...64).contains(raw.count) else { throw .badLength(raw.count) }
    self.raw = raw
  }

  package init(text: String) throws(SecretFault) {
    guard text.hasPrefix(Self.prefix) else { throw .missingPrefix }
    guard let raw = Base64.decode(text.utf8.dropFirst(Self.prefix.utf8.count)) else {
      throw .notBase64
    }
    try self.init(raw: raw)
  }

  private init(unchecked raw: [UInt8]) { self.raw = raw }

  /// 32 bytes from the system's random source (getrandom).
  package static func generate() -> WebhookSecret {
    var source = SystemRandomNumberGenerator()
    return WebhookSecret(unchecked: (0..<32).map { _ in UInt8.random(in: 0...255, using: &source) })
  }

  package var text: String { Self.prefix + Base64.encode(raw) }
}

extension WebhookSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "WebhookSecret(…)" }
  package var debugDescription: String { description }
  // dump() and the default interpolation of an enclosing value read the mirror.
  package var customMirror: Mirror { Mirror(self, children: []) }
}
