package import BrokerDomain
internal import NIOCore
package import NIOSSL

/// A file of the TLS configuration that cannot be used, under the key that names it.
package struct TLSFault: Error, Equatable {
  package let key: String
  package let words: Phrase

  init(_ key: String, _ zh: String, _ en: String) {
    self.key = key
    words = Phrase(zh, en)
  }
}

extension WebOptions {
  /// The configuration of the server; nil for plain HTTP. Files that cannot be read, that are no PEM or do not belong
  /// together are named, and so is a group of keys that would serve something else than what was meant.
  package func tls() throws(TLSFault) -> TLSConfiguration? {
    guard certificate != nil || privateKey != nil || clientAuthorities != nil else { return nil }
    guard let certificate, let privateKey else {
      if certificate == nil, privateKey == nil {
        throw TLSFault(
          "tls.clientAuthorities",
          "tls.clientAuthorities 须与 tls.certificate 和 tls.privateKey 一并设置，否则服务为明文HTTP",
          "tls.clientAuthorities needs tls.certificate and tls.privateKey; without them plain HTTP is served")
      }
      throw TLSFault(
        certificate == nil ? "tls.privateKey" : "tls.certificate", "tls.certificate 和 tls.privateKey 须同时设置",
        "tls.certificate and tls.privateKey go together")
    }
    let chain = try Self.certificates(certificate, key: "tls.certificate")
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(file: privateKey, format: .pem)
    } catch {
      throw TLSFault(
        "tls.privateKey", "tls.privateKey：\(privateKey) 中没有PEM格式的私钥",
        "tls.privateKey: \(privateKey) holds no private key in PEM")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    // For so long a connection that was ended waits for the client's own end, and holds a place.
    configuration.shutdownTimeout = .seconds(1)
    if let clientAuthorities {
      configuration.trustRoots = .certificates(
        try Self.certificates(clientAuthorities, key: "tls.clientAuthorities"))
      configuration.certificateVerification = .noHostnameVerification
    }
    do {
      _ = try NIOSSLContext(configuration: configuration)
    } catch {
      throw TLSFault(
        "tls.privateKey", "tls.privateKey：\(privateKey) 与 \(certificate) 中的证书不配对",
        "tls.privateKey: \(privateKey) is not the key of the certificate in \(certificate)")
    }
    return configuration
  }

  /// The certificates of a PEM file, one at least.
  package static func checkCertificates(_ file: String, key: String) throws(TLSFault) {
    _ = try certificates(file, key: key)
  }

  /// What an operator is to know of the time for which the certificates of a PEM file are valid; nil when all is well.
  /// - Parameters:
  ///   - isOwn: the server's own, which is told of before it expires.
  ///   - isBundle: one that is valid is enough: old roots stay in the bundles of a system for years.
  package static func warning(
    on file: String, key: String, isOwn: Bool, isBundle: Bool = false, now: Instant
  ) -> Phrase? {
    guard let all = try? certificates(file, key: key) else { return nil }
    let ahead = isOwn ? 30 * Instant.millisecondsPerDay : 0
    if isBundle, all.contains(where: { limit(of: $0, ahead, now) == nil }) { return nil }
    var found: [(number: Int, rank: Int, words: Phrase)] = []
    for (index, certificate) in all.enumerated() {
      guard let (rank, words) = limit(of: certificate, ahead, now) else { continue }
      found.append((number: index + 1, rank: rank, words: words))
    }
    guard let worst = found.min(by: { $0.rank < $1.rank }) else { return nil }
    let others = found.count - 1
    let more = others > 0 ? Phrase("（另有\(others)个也须查看）", " (and \(others) more to look at)") : Phrase("", "")
    return Phrase(
      "\(key)：\(file) 的第\(worst.number)个证书（共\(all.count)个）\(worst.words.zh)\(more.zh)，请换新后重启服务",
      "\(key): certificate \(worst.number) of \(all.count) in \(file) \(worst.words.en)\(more.en); put a new one there and "
        + "restart the service")
  }

  private static func limit(
    of certificate: NIOSSLCertificate, _ ahead: Int64, _ now: Instant
  ) -> (rank: Int, words: Phrase)? {
    let begin = Instant(milliseconds: Int64(certificate.notValidBefore) * 1000)
    let end = Instant(milliseconds: Int64(certificate.notValidAfter) * 1000)
    if end < now { return (0, Phrase("已于 \(end.rfc3339) 到期", "expired at \(end.rfc3339)")) }
    if begin > now { return (1, Phrase("到 \(begin.rfc3339) 才生效", "is not valid before \(begin.rfc3339)")) }
    if end < now + ahead { return (2, Phrase("将于 \(end.rfc3339) 到期", "expires at \(end.rfc3339)")) }
    return nil
  }

  private static func certificates(_ file: String, key: String) throws(TLSFault) -> [NIOSSLCertificate] {
    if let found = try? NIOSSLCertificate.fromPEMFile(file), !found.isEmpty { return found }
    throw TLSFault(key, "\(key)：\(file) 中没有PEM格式的证书", "\(key): \(file) holds no certificate in PEM")
  }
}
