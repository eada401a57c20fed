internal import BrokerDomain
internal import BrokerStore

/// How callbacks to an endpoint are signed, formed and carried, as its organ asks for it.
struct EndpointSecurity: Sendable {
  static let members = ["signatures", "format", "tls"]

  private var signatures: [Endpoint.Signature]?
  private var format: Endpoint.Format?
  private var tls: EndpointTLS?
  private var clearsTLS = false

  /// Characters that a PEM text may have: a bundle of authorities, a chain, a key.
  private static let longest = (authorities: 65_536, chain: 32_768, key: 16_384)

  init(_ m: Members, in json: JSON, _ machinery: Machinery, _ reader: inout BodyReader) {
    signatures = Self.signatures(m["signatures"], machinery, &reader)
    format = reader.choice(m["format"], at: "/format", Endpoint.Format.self)
    clearsTLS = json["tls"]?.isNull == true
    let before = reader.faults.count
    guard let texts = reader.object(m["tls"], at: "/tls", members: ["ca", "certificate", "key"]) else { return }
    var given = EndpointTLS(
      authorities: reader.text(texts["ca"], at: "/tls/ca", longest: Self.longest.authorities),
      certificate: reader.text(texts["certificate"], at: "/tls/certificate", longest: Self.longest.chain),
      key: reader.text(texts["key"], at: "/tls/key", longest: Self.longest.key))
    if !texts.isEmpty {
      // What could not be read is a fault of its own place already.
      reader.add(machinery.tlsFaults(&given))
    } else if reader.faults.count == before {
      reader.fault("/tls", "应给出 ca，或 certificate 与 key", "must name ca, or certificate and key")
    }
    tls = given
  }

  func apply(to endpoint: inout Endpoint) {
    if let signatures { endpoint.signatures = signatures }
    if let format { endpoint.format = format }
    if tls != nil || clearsTLS { endpoint.tls = tls }
  }

  /// `v1` is always among them: a receiver that follows Standard Webhooks must find it.
  private static func signatures(
    _ json: JSON?, _ machinery: Machinery, _ reader: inout BodyReader
  ) -> [Endpoint.Signature]? {
    let all = Endpoint.Signature.allCases
    guard let values = reader.array(json, at: "/signatures", required: false, 1...all.count) else { return nil }
    var wanted: Set<Endpoint.Signature> = []
    for (index, value) in values.enumerated() {
      if let one = reader.choice(value, at: "/signatures/\(index)", Endpoint.Signature.self) { wanted.insert(one) }
    }
    guard reader.faults.allSatisfy({ !$0.pointer.hasPrefix("/signatures") }) else { return nil }
    if wanted.count < values.count || !wanted.contains(.v1) {
      reader.fault("/signatures", "应为 [\"v1\"] 或 [\"v1\", \"v1sm3\"]", "must be [\"v1\"] or [\"v1\", \"v1sm3\"]")
      return nil
    }
    if wanted.contains(.v1sm3), !machinery.signsSM3 {
      reader.fault("/signatures", "本机的 OpenSSL 不支持 SM3", "the OpenSSL of this machine has no SM3")
      return nil
    }
    return all.filter { wanted.contains($0) }
  }

  static func write(_ w: inout JSONWriter, _ endpoint: Endpoint) {
    w.array("signatures") { w in for signature in endpoint.signatures { w.string(nil, signature.rawValue) } }
    w.string("format", endpoint.format.rawValue)
    w.value("tls", endpoint.tls?.shown ?? .null)
  }
}
