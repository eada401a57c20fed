internal import BrokerDomain
internal import Testing

/// UUIDs of version 7 (RFC 9562) as names of rows.
@Suite struct EntityIDTests {
  /// The example of RFC 9562, appendix A.6.
  @Test func exampleOfTheStandard() throws {
    let id = try #require(EntityID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"))
    #expect(id.key >> 12 == 1_645_557_742_000)
    #expect(id.key & 0xFFF == 0xCC3)
    #expect(id.tail == 0x18C4_DC0C_0C07_398F)
    #expect(id.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    #expect(id == EntityID(key: id.key, tail: id.tail))
  }

  @Test func fieldsAndRoundTrip() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let key = Int64.random(in: 0..<(1 << 60), using: &generator)
      let tail = Int64.random(in: 0..<(1 << 62), using: &generator)
      let id = EntityID(key: key, tail: tail)
      let text = id.description
      let digits = Array(text.filter { $0 != "-" })
      #expect(text.count == 36 && digits.count == 32)
      #expect(Array(text).indices.filter { Array(text)[$0] == "-" } == [8, 13, 18, 23])
      #expect(digits[12] == "7" && "89ab".contains(digits[16]))
      #expect(Int64(String(digits[0..<12]), radix: 16) == key >> 12)
      #expect(Int64(String(digits[13..<16]), radix: 16) == key & 0xFFF)
      #expect(UInt64(String(digits[16..<32]), radix: 16).map { Int64($0 & (1 << 62 - 1)) } == tail)
      #expect(EntityID(text) == id && EntityID(text.uppercased()) == id)
    }
  }

  /// The text sorts as the key does, so feeds and lists may compare either.
  @Test func textSortsByKey() {
    let keys: [Int64] = [0, 1, 0xFFF, 0x1000, 1_645_557_742_000 << 12, (1 << 60) - 1]
    let texts = keys.map { EntityID(key: $0, tail: .max).description }
    #expect(texts == texts.sorted())
    #expect(texts.last == "ffffffff-ffff-7fff-bfff-ffffffffffff")
    #expect(EntityID(key: 0, tail: 0).description == "00000000-0000-7000-8000-000000000000")
    #expect(EntityID(key: 1, tail: -1) == EntityID(key: 1, tail: (1 << 62) - 1))
  }

  @Test(arguments: [
    "", "017f22e2", "017f22e279b07cc398c4dc0c0c07398f", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
    "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",  // version 4
    "017f22e2-79b0-8cc3-98c4-dc0c0c07398f",  // version 8
    "017f22e2-79b0-7cc3-58c4-dc0c0c07398f", "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",  // other variants
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e2_79b0-7cc3-98c4-dc0c0c07398f",
    "017f22e-279b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398 ",
    "017f22e2-79b0-7cc3-98c4-dc0c0c0739８f", "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
  ])
  func refused(_ text: String) { #expect(EntityID(text) == nil) }

  @Test func parsesSubstrings() {
    let path = "/v1/requests/017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    #expect(path.split(separator: "/").last.flatMap { EntityID($0) } != nil)
  }

  @Test func eventsAreNamedByTimeAndSequence() throws {
    let at = try instant("2026-11-20T10:00:00.123+08:00")
    var seen: Set<String> = []
    for seq in [Int64(1), 2, 0xFFE, 0xFFF, 0x1000, 0x1001, 1 << 40] {
      let id = try #require(EntityID(DerivedID.event(seq: seq, at: at)))
      #expect(id.key >> 12 == at.milliseconds && id.key & 0xFFF == seq & 0xFFF && id.tail == seq)
      #expect(seen.insert(id.description).inserted)
    }
    #expect(DerivedID.event(seq: 9, at: at) < DerivedID.event(seq: 8, at: at + 1))
    #expect(DerivedID.event(seq: 8, at: at) == DerivedID.event(seq: 8, at: at))
  }

  @Test(
    arguments: [
      (0, 0), (1, 1), (0xFFF, 0x1000), (1_645_557_742_000 << 12 | 0xCC3, 1 << 40),
      ((1 << 60) - 1, (1 << 62) - 1),
    ] as [(Int64, Int64)])
  func deliveryRoundTrip(_ endpoint: Int64, _ seq: Int64) throws {
    let text = DerivedID.delivery(endpoint: endpoint, seq: seq)
    #expect(UUIDText.parse(text) != nil)
    let parsed = try #require(DerivedID.parseDelivery(text))
    #expect(parsed.endpoint == endpoint && parsed.seq == seq)
  }

  @Test func deliveryRefusesOtherText() {
    #expect(DerivedID.parseDelivery("") == nil)
    #expect(DerivedID.parseDelivery("017f22e2-79b0-4cc3-98c4-dc0c0c07398f") == nil)
    #expect(DerivedID.delivery(endpoint: 1, seq: 2) != DerivedID.delivery(endpoint: 2, seq: 1))
  }
}
