internal import BrokerCallbacks
internal import BrokerDomain

extension SettingKey {
  static var networks: SettingKey {
    SettingKey(
      name: "callbacks.allowedNetworks",
      comment: "Networks that callbacks may reach besides the public ones (CIDR); metadata addresses never",
      get: { .list($0.allowedNetworks) },
      set: { (settings: inout Settings, value: Value) throws(Mistake) in
        let list = Phrase("网段列表，如 [10.0.0.0/8, fd00::/8]", "a list of networks such as [10.0.0.0/8, fd00::/8]")
        guard case .list(let networks) = value else { throw Mistake(expected: list) }
        let faults = networks.compactMap { Self.fault(in: $0) }
        guard faults.isEmpty else {
          let (zh, en) = (faults.map(\.zh).joined(separator: "；"), faults.map(\.en).joined(separator: "; "))
          throw Mistake(expected: Phrase("\(list.zh)：\(zh)", "\(list.en): \(en)"))
        }
        settings.allowedNetworks = networks
      })
  }

  /// What is wrong with one entry, and what was meant where that is plain.
  private static func fault(in network: String) -> Phrase? {
    do throws(CIDRFault) {
      _ = try CIDR(network)
      return nil
    } catch {
      switch error {
      case .notAnAddress: return Phrase("“\(network)”不是 IPv4 或 IPv6 地址", "“\(network)” is no IPv4 or IPv6 address")
      case .badPrefixLength(_, let maximum):
        return Phrase("“\(network)”的前缀长度应为0至\(maximum)", "the prefix length of “\(network)” must be 0 to \(maximum)")
      case .hostBitsSet(_, let meant):
        return Phrase(
          "“\(network)”在前缀之外还有数位，请写作 \(meant)", "“\(network)” has bits set beyond its prefix; write \(meant)")
      }
    }
  }
}
