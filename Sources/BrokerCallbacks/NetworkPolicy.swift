/// What kind of address was refused.
package enum AddressClass: String, Sendable, CaseIterable {
  case loopback
  case privateUse
  case linkLocal
  case sharedNAT
  case thisNetwork
  case multicast
  case documentation
  case benchmark
  case translation
  case reserved
  case metadata

  package var zh: String {
    switch self {
    case .loopback: "本机回环地址"
    case .privateUse: "内网专用地址"
    case .linkLocal: "链路本地地址"
    case .sharedNAT: "运营商共享地址"
    case .thisNetwork: "“本网络”地址"
    case .multicast: "组播地址"
    case .documentation: "文档示例地址"
    case .benchmark: "基准测试地址"
    case .translation: "本地地址转换前缀"
    case .reserved: "保留地址"
    case .metadata: "云主机元数据地址"
    }
  }

  package var en: String {
    switch self {
    case .loopback: "a loopback address"
    case .privateUse: "a private address"
    case .linkLocal: "a link-local address"
    case .sharedNAT: "a carrier-grade NAT address"
    case .thisNetwork: "a “this network” address"
    case .multicast: "a multicast address"
    case .documentation: "a documentation address"
    case .benchmark: "a benchmarking address"
    case .translation: "a local translation prefix"
    case .reserved: "a reserved address"
    case .metadata: "a cloud metadata address"
    }
  }
}

/// The answer to “may a callback go there?”
package enum Verdict: Sendable, Equatable {
  case allowed
  case forbidden(AddressClass)
}

/// Which addresses callbacks may reach: public unicast ones, and the operator's `allowed` networks.
///
/// An endpoint's owner chooses its URL, and the broker stands inside the government network: without
/// this rule a URL could make the broker speak to machines that trust it. Cloud metadata addresses
/// hand out credentials, so that no configuration opens them.
package struct NetworkPolicy: Sendable {
  private let allowed: [CIDR]

  package init(allowed: [CIDR]) {
    self.allowed = allowed
  }

  /// Judges one resolved address. An IPv6 address that leads to an IPv4 one (v4-mapped, NAT64, 6to4)
  /// is judged by where it leads; `allowed` may name either of the two.
  package func verdict(_ address: IPAddress) -> Verdict {
    let embedded = address.embeddedV4
    if Self.metadata.contains(address) { return .forbidden(.metadata) }
    if let embedded, Self.metadata.contains(embedded) { return .forbidden(.metadata) }
    guard let kind = Self.kind(of: address) ?? embedded.flatMap(Self.kind) else { return .allowed }
    for network in allowed {
      if network.contains(address) { return .allowed }
      if let embedded, network.contains(embedded) { return .allowed }
    }
    return .forbidden(kind)
  }

  /// The class of an address that is not public unicast; nil for a public one and for the prefixes
  /// whose embedded address decides.
  private static func kind(of address: IPAddress) -> AddressClass? {
    switch address {
    case .v4:
      return special4.first { $0.network.contains(address) }?.kind
    case .v6:
      if judgedByEmbedded.contains(where: { $0.contains(address) }) { return nil }
      if let found = special6.first(where: { $0.network.contains(address) }) { return found.kind }
      return globalUnicast6.contains(address) ? nil : .reserved
    }
  }
}

extension NetworkPolicy {
  private typealias Special = (network: CIDR, kind: AddressClass)

  /// IANA's IPv4 special-purpose registry. The few globally reachable anycast entries inside these
  /// blocks are no place for a callback and stay refused.
  private static let special4: [Special] = [
    (CIDR(literal: "0.0.0.0/8"), .thisNetwork),
    (CIDR(literal: "10.0.0.0/8"), .privateUse),
    (CIDR(literal: "100.64.0.0/10"), .sharedNAT),
    (CIDR(literal: "127.0.0.0/8"), .loopback),
    (CIDR(literal: "169.254.0.0/16"), .linkLocal),
    (CIDR(literal: "172.16.0.0/12"), .privateUse),
    (CIDR(literal: "192.0.0.0/24"), .reserved),
    (CIDR(literal: "192.0.2.0/24"), .documentation),
    (CIDR(literal: "192.88.99.0/24"), .reserved),
    (CIDR(literal: "192.168.0.0/16"), .privateUse),
    (CIDR(literal: "198.18.0.0/15"), .benchmark),
    (CIDR(literal: "198.51.100.0/24"), .documentation),
    (CIDR(literal: "203.0.113.0/24"), .documentation),
    (CIDR(literal: "224.0.0.0/4"), .multicast),
    (CIDR(literal: "240.0.0.0/4"), .reserved),
  ]

  /// IANA's IPv6 special-purpose registry; what lies outside 2000::/3 and is not named is reserved.
  private static let special6: [Special] = [
    (CIDR(literal: "::/128"), .thisNetwork),
    (CIDR(literal: "::1/128"), .loopback),
    (CIDR(literal: "64:ff9b:1::/48"), .translation),
    (CIDR(literal: "2001:2::/48"), .benchmark),
    (CIDR(literal: "2001:db8::/32"), .documentation),
    (CIDR(literal: "2001::/23"), .reserved),
    (CIDR(literal: "3fff::/20"), .documentation),
    (CIDR(literal: "fc00::/7"), .privateUse),
    (CIDR(literal: "fe80::/10"), .linkLocal),
    (CIDR(literal: "fec0::/10"), .privateUse),
    (CIDR(literal: "ff00::/8"), .multicast),
  ]

  private static let globalUnicast6 = CIDR(literal: "2000::/3")

  private static let judgedByEmbedded: [CIDR] = [
    CIDR(literal: "::ffff:0.0.0.0/96"),
    CIDR(literal: "::ffff:0:0.0.0.0/96"),
    CIDR(literal: "64:ff9b::/96"),
    CIDR(literal: "2002::/16"),
  ]

  /// Addresses at which a cloud serves credentials or its control channel to a machine.
  private static let metadata: Set<IPAddress> = [
    literal("169.254.169.254"),  // most clouds
    literal("169.254.170.2"), literal("169.254.170.23"),  // AWS containers
    literal("169.254.0.23"),  // Tencent Cloud
    literal("169.254.42.42"),  // Scaleway
    literal("100.100.100.200"),  // Alibaba Cloud
    literal("100.96.0.96"),  // Volcano Engine
    literal("100.80.80.80"),  // UCloud
    literal("168.63.129.16"),  // Azure: a public address that only its machines reach
    literal("192.0.0.192"),  // Oracle Cloud
    literal("fd00:ec2::254"), literal("fd00:ec2::23"),  // AWS
    literal("fd20:ce::254"),  // Google Cloud
    literal("fd00:42::42"),  // Scaleway
  ]

  private static func literal(_ text: StaticString) -> IPAddress {
    CIDR(literal: text).base
  }
}
