internal import Glibc

/// An IPv4 or IPv6 address as a number in host byte order; a zone (`%eth0`) is not part of it.
package enum IPAddress: Sendable, Hashable {
  case v4(UInt32)
  case v6(UInt128)

  /// Reads `192.0.2.1` or `2001:db8::1`: four decimal parts without leading zeros, or any RFC 4291
  /// spelling without brackets. Everything else is nil; the lenient spellings (octal, hexadecimal,
  /// one number) are left to the URL parser, which normalises them.
  package init?(_ text: String) {
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      self = .v4(UInt32(bigEndian: v4.s_addr))
      return
    }
    var v6: UInt128 = 0
    guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
    self = .v6(UInt128(bigEndian: v6))
  }

  /// Reads a `sockaddr_in` or `sockaddr_in6`; nil for another family.
  init?(socketAddress: UnsafeRawPointer, family: Int32) {
    switch family {
    case AF_INET:
      let address = socketAddress.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
      self = .v4(UInt32(bigEndian: address))
    case AF_INET6:
      guard let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) else { return nil }
      let address = (socketAddress + offset).loadUnaligned(as: UInt128.self)
      self = .v6(UInt128(bigEndian: address))
    default:
      return nil
    }
  }

  /// The IPv4 address that traffic to this IPv6 address ends at: v4-mapped, v4-compatible, SIIT,
  /// NAT64 (well-known prefix and, in its /96 layout, the local-use one) and 6to4.
  var embeddedV4: IPAddress? {
    guard case .v6(let bits) = self else { return nil }
    let low = UInt32(truncatingIfNeeded: bits)
    switch bits >> 32 {
    case 0 where low > 1, 0xffff, 0xffff_0000, 0x0064_ff9b << 64:
      return .v4(low)
    default:
      if bits >> 80 == 0x0064_ff9b_0001 { return .v4(low) }
      if bits >> 112 == 0x2002 { return .v4(UInt32(truncatingIfNeeded: bits >> 80)) }
      return nil
    }
  }
}

extension IPAddress: CustomStringConvertible {
  /// The canonical spelling (RFC 5952 for IPv6).
  package var description: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
      switch self {
      case .v4(let bits):
        var network = bits.bigEndian
        inet_ntop(AF_INET, &network, text.baseAddress, socklen_t(text.count))
      case .v6(let bits):
        var network = bits.bigEndian
        inet_ntop(AF_INET6, &network, text.baseAddress, socklen_t(text.count))
      }
      return text.baseAddress.map { String(cString: $0) } ?? ""
    }
  }
}

/// Why a text is no network.
package enum CIDRFault: Error, Equatable, CustomStringConvertible {
  case notAnAddress(String)
  case badPrefixLength(String, maximum: Int)
  /// Bits beyond the prefix are set; `meant` is the network with them cleared.
  case hostBitsSet(String, meant: String)

  package var description: String {
    switch self {
    case .notAnAddress(let text):
      "“\(text)” is not an IPv4 or IPv6 address"
    case .badPrefixLength(let text, let maximum):
      "“\(text)” is not a prefix length from 0 to \(maximum)"
    case .hostBitsSet(let text, let meant):
      "“\(text)” has bits set beyond its prefix; \(meant) is the network"
    }
  }
}

/// A network: `10.0.0.0/8`, `fd00::/8`, or a single address.
package struct CIDR: Sendable, Hashable, CustomStringConvertible {
  package let base: IPAddress
  /// Leading bits that count, 0–32 or 0–128.
  package let prefixLength: Int

  /// - Throws: the first fault; an address without `/n` is that one address.
  package init(_ text: String) throws(CIDRFault) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(String(parts[0])) else {
      throw .notAnAddress(String(parts[0]))
    }
    let maximum = address.bitWidth
    var length = maximum
    if parts.count == 2 {
      let digits = parts[1]
      guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let parsed = Int(digits), parsed <= maximum
      else { throw .badPrefixLength(String(digits), maximum: maximum) }
      length = parsed
    }
    let base = address.masked(to: length)
    guard base == address else {
      throw .hostBitsSet(text, meant: "\(base)/\(length)")
    }
    self.base = base
    self.prefixLength = length
  }

  /// A network written in this program: a typing mistake stops the program at its first use.
  init(literal text: StaticString) {
    do {
      try self.init("\(text)")
    } catch {
      preconditionFailure("\(error)")
    }
  }

  package var description: String { "\(base)/\(prefixLength)" }

  /// Whether `address` is of this family and inside this network.
  package func contains(_ address: IPAddress) -> Bool {
    address.bitWidth == base.bitWidth && address.masked(to: prefixLength) == base
  }
}

extension IPAddress {
  fileprivate var bitWidth: Int {
    switch self {
    case .v4: 32
    case .v6: 128
    }
  }

  /// The address with everything after the first `length` bits cleared.
  fileprivate func masked(to length: Int) -> IPAddress {
    // Swift's shifts by the full width or more give 0, so that /0 needs no special case.
    switch self {
    case .v4(let bits): .v4(bits & (UInt32.max << (32 - length)))
    case .v6(let bits): .v6(bits & (UInt128.max << (128 - length)))
    }
  }
}
