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

  private static func certificates(_ file: String, key: String) throws(TLSFault) -> [NIOSSLCertificate] {
    if let found = try? NIOSSLCertificate.fromPEMFile(file), !found.isEmpty { return found }
    throw TLSFault(key, "\(key)：\(file) 中没有PEM格式的证书", "\(key): \(file) holds no certificate in PEM")
  }
}
