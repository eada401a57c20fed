package import BrokerDomain

extension Endpoint {
  /// How a callback is signed: HMAC-SHA256 after Standard Webhooks always; beside it HMAC-SM3, for organs whose systems
  /// are assessed under GB/T 39786.
  package enum Signature: String, Sendable, CaseIterable { case v1, v1sm3 }

  /// How the event is put into the request: Standard Webhooks' body, or CloudEvents 1.0 in binary mode.
  package enum Format: String, Sendable, CaseIterable { case standard, cloudevents }

  /// Why nothing can be sent there, whether it is on or off, until its organ gives anew what the database has lost; nil for
  /// nearly all.
  package var loss: Phrase? {
    if isSecretLost { return Phrase("签名密钥已损坏，无法读取，请更换密钥", "its secret is damaged and cannot be read: rotate it") }
    guard tls?.isKeyLost == true else { return nil }
    return Phrase("客户端私钥已损坏，无法读取，请重新提交 tls", "its client key is damaged and cannot be read: give tls anew")
  }
}

/// What an endpoint's own TLS needs beyond the system's authorities; PEM texts.
package struct EndpointTLS: Sendable, Equatable {
  /// Trusted instead of the system's authorities.
  package var authorities: String?
  /// With its chain; goes together with `key`.
  package var certificate: String?
  /// Sealed at rest and never shown.
  package var key: String?
  /// There is one, and it does not open under the data key.
  package internal(set) var isKeyLost = false
  /// What its owner is shown of it: who was certified, until when, the fingerprint.
  package var shown: JSON = .null

  package init(authorities: String?, certificate: String?, key: String?) {
    self.authorities = authorities
    self.certificate = certificate
    self.key = key
  }

  /// Columns `first`… are tls_ca, tls_certificate, tls_key and tls_shown.
  init?(_ row: SQLRow, from first: Int32, _ vault: Vault, _ id: EntityID) throws {
    guard let shown = row.optionalText(first + 3) else { return nil }
    authorities = row.optionalText(first)
    certificate = row.optionalText(first + 1)
    if let sealed = row.optionalBytes(first + 2) {
      let opened = try vault.openWhole(sealed, .tlsKey, of: id)
      (key, isKeyLost) = (opened.map { String(decoding: $0, as: UTF8.self) }, opened == nil)
    }
    self.shown = (try? JSON.parse(Array(shown.utf8))) ?? .null
  }

  var shownText: String {
    var w = JSONWriter(capacity: 256)
    w.value(nil, shown)
    return String(decoding: w.bytes, as: UTF8.self)
  }
}

extension EndpointTLS: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "EndpointTLS(…)" }
  package var debugDescription: String { description }
  // The key must not get into a log by way of dump() or an enclosing value's description.
  package var customMirror: Mirror { Mirror(self, children: []) }
}
