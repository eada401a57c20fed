import Testing

@testable import BrokerCallbacks

private func address(_ text: String) throws -> IPAddress {
  try #require(IPAddress(text), "\(text) is an address")
}

@Suite("Which addresses callbacks may reach", .timeLimit(.minutes(5)))
struct NetworkPolicyTests {
  static let forbidden: [(String, AddressClass)] = [
    ("0.0.0.0", .thisNetwork), ("0.255.255.255", .thisNetwork),
    ("10.0.0.0", .privateUse), ("10.255.255.255", .privateUse),
    ("172.16.0.0", .privateUse), ("172.31.255.255", .privateUse),
    ("192.168.0.0", .privateUse), ("192.168.255.255", .privateUse),
    ("100.64.0.0", .sharedNAT), ("100.127.255.255", .sharedNAT),
    ("127.0.0.1", .loopback), ("127.255.255.255", .loopback),
    ("169.254.0.1", .linkLocal), ("169.254.255.255", .linkLocal),
    ("192.0.0.1", .reserved), ("192.88.99.1", .reserved),
    ("192.0.2.1", .documentation), ("198.51.100.7", .documentation),
    ("203.0.113.255", .documentation),
    ("198.18.0.1", .benchmark), ("198.19.255.255", .benchmark),
    ("224.0.0.1", .multicast), ("239.255.255.255", .multicast),
    ("240.0.0.1", .reserved), ("255.255.255.255", .reserved),
    ("::", .thisNetwork), ("::1", .loopback),
    ("fc00::1", .privateUse), ("fdff:ffff::1", .privateUse),
    ("fe80::1", .linkLocal), ("febf::1", .linkLocal), ("fec0::1", .privateUse),
    ("ff02::1", .multicast), ("2001:db8::1", .documentation), ("3fff::1", .documentation),
    ("2001:2::1", .benchmark), ("2001::1", .reserved), ("2001:1ff::1", .reserved),
    ("100::1", .reserved), ("4000::1", .reserved), ("5f00::1", .reserved),
    // IPv6 that leads to IPv4.
    ("::ffff:127.0.0.1", .loopback), ("::ffff:10.1.2.3", .privateUse),
    ("::ffff:0:192.168.1.1", .privateUse), ("::127.0.0.1", .reserved), ("::8.8.8.8", .reserved),
    ("64:ff9b::10.0.0.1", .privateUse), ("64:ff9b::127.0.0.1", .loopback),
    ("64:ff9b:1::8.8.8.8", .translation),
    ("2002:7f00:1::", .loopback), ("2002:c0a8:101::1", .privateUse),
  ]

  @Test("refused without configuration", arguments: forbidden)
  func refuses(text: String, kind: AddressClass) throws {
    #expect(NetworkPolicy(allowed: []).verdict(try address(text)) == .forbidden(kind))
  }

  @Test(
    "public unicast is allowed, up to the edges of the special blocks",
    arguments: [
      "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
      "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
      "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.167.255.255", "192.169.0.0", "198.17.255.255",
      "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
      "223.255.255.255", "168.63.129.15", "114.114.114.114",
      "2000::1", "2001:200::1", "2400:3200::1", "2606:4700::1111", "3ffe::1",
      "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
    ])
  func allowsPublic(text: String) throws {
    #expect(NetworkPolicy(allowed: []).verdict(try address(text)) == .allowed)
  }

  @Test(
    "an allowed network opens its addresses, also when they are reached through IPv6",
    arguments: [
      ("127.0.0.0/8", "127.0.0.1"), ("127.0.0.0/8", "::ffff:127.0.0.1"),
      ("10.20.0.0/16", "10.20.255.1"), ("10.20.0.0/16", "64:ff9b::10.20.0.1"),
      ("::ffff:10.0.0.0/104", "::ffff:10.0.0.1"), ("64:ff9b:1::/48", "64:ff9b:1::8.8.8.8"),
      ("fd12:3456::/32", "fd12:3456::1"), ("fe80::/10", "fe80::1"), ("::1", "::1"),
      ("100.64.0.0/10", "100.64.0.1"), ("0.0.0.0/0", "192.168.0.1"), ("::/0", "ff02::1"),
    ])
  func allows(network: String, text: String) throws {
    #expect(NetworkPolicy(allowed: [try CIDR(network)]).verdict(try address(text)) == .allowed)
  }

  @Test(
    "an allowed network opens nothing beside itself",
    arguments: [
      ("127.0.0.0/8", "::1"), ("10.20.0.0/16", "10.21.0.0"), ("10.20.0.0/16", "10.19.255.255"),
      ("::/0", "10.0.0.1"), ("0.0.0.0/0", "fc00::1"), ("192.168.1.1", "192.168.1.2"),
      ("fd12:3456::/32", "fd12:3457::1"),
    ])
  func staysShut(network: String, text: String) throws {
    #expect(NetworkPolicy(allowed: [try CIDR(network)]).verdict(try address(text)) != .allowed)
  }

  @Test(
    "metadata addresses are refused even when everything is allowed",
    arguments: [
      "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "169.254.42.42",
      "100.100.100.200", "100.96.0.96", "100.80.80.80", "168.63.129.16", "192.0.0.192",
      "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42",
      "::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254",
      "64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254", "2002:a9fe:a9fe::1",
      "::ffff:100.100.100.200",
    ])
  func neverMetadata(text: String) throws {
    let everything = [
      try CIDR("0.0.0.0/0"), try CIDR("::/0"), try CIDR("169.254.0.0/16"),
      try CIDR("169.254.169.254"),
    ]
    let found = try address(text)
    #expect(NetworkPolicy(allowed: everything).verdict(found) == .forbidden(.metadata))
    #expect(NetworkPolicy(allowed: []).verdict(found) == .forbidden(.metadata))
  }

  @Test("every class of address has words in both languages")
  func words() {
    for kind in AddressClass.allCases {
      #expect(kind.zh.unicodeScalars.contains { $0.value >= 0x4e00 }, "\(kind)")
      #expect(kind.en.utf8.contains(UInt8(ascii: " ")), "\(kind)")
    }
    #expect(Set(AddressClass.allCases.map(\.zh)).count == AddressClass.allCases.count)
  }
}

@Suite("Networks as text", .timeLimit(.minutes(5)))
struct CIDRTests {
  @Test(
    "reads and writes the canonical form",
    arguments: [
      ("127.0.0.0/8", "127.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), ("0.0.0.0/0", "0.0.0.0/0"),
      ("255.255.255.255/32", "255.255.255.255/32"), ("::/0", "::/0"), ("::1", "::1/128"),
      ("FD00:0:0::/8", "fd00::/8"), ("2001:db8:0:0::/64", "2001:db8::/64"),
    ])
  func reads(text: String, canonical: String) throws {
    #expect(try CIDR(text).description == canonical)
  }

  @Test(
    "names the fault",
    arguments: [
      ("", CIDRFault.notAnAddress("")),
      ("localhost/8", .notAnAddress("localhost")),
      ("10.0.0/8", .notAnAddress("10.0.0")),
      ("010.0.0.0/8", .notAnAddress("010.0.0.0")),
      ("0x0a.0.0.0/8", .notAnAddress("0x0a.0.0.0")),
      ("[::1]/128", .notAnAddress("[::1]")),
      ("fe80::1%eth0/64", .notAnAddress("fe80::1%eth0")),
      ("10.0.0.0/", .badPrefixLength("", maximum: 32)),
      ("10.0.0.0/33", .badPrefixLength("33", maximum: 32)),
      ("10.0.0.0/-1", .badPrefixLength("-1", maximum: 32)),
      ("10.0.0.0/+8", .badPrefixLength("+8", maximum: 32)),
      ("10.0.0.0/8/8", .badPrefixLength("8/8", maximum: 32)),
      ("10.0.0.0/99999999999999999999", .badPrefixLength("99999999999999999999", maximum: 32)),
      ("fd00::/129", .badPrefixLength("129", maximum: 128)),
      ("10.1.2.3/8", .hostBitsSet("10.1.2.3/8", meant: "10.0.0.0/8")),
      ("0.0.0.1/0", .hostBitsSet("0.0.0.1/0", meant: "0.0.0.0/0")),
      ("fd00::1/64", .hostBitsSet("fd00::1/64", meant: "fd00::/64")),
    ])
  func refuses(text: String, fault: CIDRFault) {
    #expect(throws: fault) { try CIDR(text) }
    #expect(fault.description.contains("“"))
  }
}
