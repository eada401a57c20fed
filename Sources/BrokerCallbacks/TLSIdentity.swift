package import BrokerDomain
package import BrokerStore
internal import COpenSSL

/// What one endpoint's connections are made with, as libcurl takes it. A class, so that a handle sees by identity that
/// it has it already.
package final class TLSIdentity: Sendable {
  let authorities: [UInt8]?
  let certificate: [UInt8]?
  let key: [UInt8]?

  package init(_ tls: EndpointTLS) {
    authorities = tls.authorities.map { Array($0.utf8) }
    certificate = tls.certificate.map { Array($0.utf8) }
    key = tls.key.map { Array($0.utf8) }
  }
}

extension EndpointTLS {
  /// Certificates that one text may hold.
  package static let mostCertificates = 20

  /// Reads the texts with the library that will use them, fills in what is shown of them, and names every fault, by its
  /// pointer below `/tls`.
  package mutating func inspect(now: Instant) -> [Fault] {
    var faults: [Fault] = []
    let trusted = Self.read(authorities, at: "/tls/ca", now, &faults)
    let own = Self.read(certificate, at: "/tls/certificate", now, &faults)
    if (certificate == nil) != (key == nil) {
      let missing = certificate == nil ? "certificate" : "key"
      faults.append(Fault("/tls/\(missing)", "certificate 与 key 须同时给出", "certificate and key go together"))
    }
    if let certificate, let key, own != nil {
      let fits = certificate.withUTF8Bytes { certificate in
        key.withUTF8Bytes { copenssl_key_fits(certificate.0, certificate.1, $0.0, $0.1) }
      }
      if fits == Int32(COPENSSL_UNREADABLE) {
        faults.append(Fault("/tls/key", "不是未加密的 PEM 私钥", "is no private key in PEM without a passphrase"))
      } else if fits != 1 {
        faults.append(Fault("/tls/key", "与 certificate 中的首个证书不配对", "is not the key of the first certificate"))
      }
    }
    shown = .object([
      .init("ca", .array((trusted ?? []).map { $0.json })), .init("certificate", own?.first?.json ?? .null),
    ])
    return faults
  }

  private struct Certificate {
    let subject: String
    let sha256: String
    let notAfter: Instant

    init(_ found: copenssl_certificate) {
      subject = withUnsafeBytes(of: found.subject) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      sha256 = withUnsafeBytes(of: found.sha256) { bytes in
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      }
      notAfter = Instant(milliseconds: found.not_after.multipliedReportingOverflow(by: 1000).partialValue)
    }

    var json: JSON {
      .object([
        .init("subject", .string(subject)), .init("notAfter", .string(notAfter.rfc3339)),
        .init("sha256", .string(sha256)),
      ])
    }
  }

  /// - Returns: nil when there is no text, or it is faulty.
  private static func read(
    _ text: String?, at pointer: String, _ now: Instant, _ faults: inout [Fault]
  ) -> [Certificate]? {
    guard let text else { return nil }
    var found = [copenssl_certificate](repeating: copenssl_certificate(), count: mostCertificates)
    let count = text.withUTF8Bytes { copenssl_certificates($0.0, $0.1, &found, Int32(mostCertificates)) }
    switch count {
    case Int32(COPENSSL_NOT_A_CERTIFICATE):
      faults.append(
        Fault(
          pointer, "含有证书以外的内容（私钥请放在 key）",
          "holds something else than certificates (a private key goes into key)"))
    case Int32(COPENSSL_TOO_MANY):
      faults.append(Fault(pointer, "最多\(mostCertificates)个证书", "holds more than \(mostCertificates) certificates"))
    case ..<1:
      faults.append(Fault(pointer, "不是可读的 PEM 证书", "holds no readable certificate in PEM"))
    default:
      let certificates = found.prefix(Int(count)).map(Certificate.init)
      guard let expired = certificates.first(where: { $0.notAfter < now }) else { return certificates }
      faults.append(
        Fault(
          pointer, "证书“\(expired.subject)”已于 \(expired.notAfter.rfc3339) 到期",
          "the certificate “\(expired.subject)” expired at \(expired.notAfter.rfc3339)"))
    }
    return nil
  }
}

extension String {
  fileprivate func withUTF8Bytes<T>(_ body: ((UnsafePointer<CChar>?, Int)) -> T) -> T {
    var text = self
    return text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { body(($0.baseAddress, $0.count)) }
    }
  }
}
