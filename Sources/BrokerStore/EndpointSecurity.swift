package import BrokerDomain

extension Endpoint {
  /// How a callback is signed: HMAC-SHA256 after Standard Webhooks always; beside it HMAC-SM3, for organs whose systems
  /// are assessed under GB/T 39786.
  package enum Signature: String, Sendable, CaseIterable { case v1, v1sm3 }

  /// How the event is put into the request: Standard Webhooks' body, or CloudEvents 1.0 in binary mode.
  package enum Format: String, Sendable, CaseIterable { case standard, cloudevents }
}

/// What an endpoint's own TLS needs beyond the system's authorities; PEM texts.
package struct EndpointTLS: Sendable, Equatable {
  /// Trusted instead of the system's authorities.
  package var authorities: String?
  /// With its chain; goes together with `key`.
  package var certificate: String?
  /// Sealed at rest and never shown.
  package var key: String?
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
    key = try row.optionalBytes(first + 2).map { String(decoding: try vault.open($0, .tlsKey, of: id), as: UTF8.self) }
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
