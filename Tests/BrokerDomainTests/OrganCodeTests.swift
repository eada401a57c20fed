internal import BrokerDomain
internal import Testing

/// Unified social credit codes (GB 32100-2015), and regions (GB/T 2260).
@Suite struct OrganCodeTests {
  private static let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY")

  /// The organs of the 启东 example.
  private static func organs() throws -> [String] {
    try Vectors.rows(of: Vectors.file("config/examples/qidong/organs.csv")).map { try #require($0["code"]) }
  }

  /// The standard's condition, stated over all eighteen characters: Σ value × 3^position ≡ 0 (mod 31), the last with weight 1.
  private static func satisfiesTheStandard(_ characters: [Character]) -> Bool {
    let values = characters.map { alphabet.firstIndex(of: $0) ?? -1 }
    guard values.allSatisfy({ $0 >= 0 }) else { return false }
    let body = values.dropLast().reversed().reduce(0) { ($0 * 3 + $1) % 31 }
    return (body + values[17]) % 31 == 0
  }

  private static func isAccepted(_ text: String) -> Bool { (try? OrganCode(text)) != nil }

  @Test func allOrgansOfQidong() throws {
    let organs = try Self.organs()
    #expect(organs.count == 18 && Set(organs).count == 18)
    for organ in organs {
      #expect(try OrganCode(organ).description == organ)
      #expect(try OrganCode(organ.lowercased()).description == organ)
      #expect(Self.satisfiesTheStandard(Array(organ)))
    }
  }

  /// 31 is prime and no weight is a multiple of it, so the check character tells every change of one character.
  /// All 540 changes of each code are tried, and that each is told is computed, not assumed.
  @Test func everyChangeOfOneCharacterIsRefused() throws {
    for organ in try Self.organs() {
      let original = Array(organ)
      var refused = 0
      for position in 0..<18 {
        for replacement in Self.alphabet where replacement != original[position] {
          var changed = original
          changed[position] = replacement
          #expect(!Self.satisfiesTheStandard(changed))
          #expect(!Self.isAccepted(String(changed)), "\(String(changed))")
          refused += 1
        }
      }
      #expect(refused == 18 * 30)
    }
  }

  /// The same for two neighbours exchanged: 3 ≢ 1 (mod 31), so wherever they differ it is told.
  @Test func exchangedNeighboursAreRefused() throws {
    var tried = 0
    for organ in try Self.organs() {
      for position in 0..<16 {
        var changed = Array(organ)
        changed.swapAt(position, position + 1)
        guard changed != Array(organ) else { continue }
        tried += 1
        #expect(!Self.isAccepted(String(changed)), "\(String(changed))")
      }
    }
    #expect(tried > 100)
  }

  @Test(arguments: [
    ("", "应为18位，实为0位"), ("11320681014260292", "实为17位"), ("11320681014260292TT", "实为19位"),
    ("1132068101426029IT", "第17位"), ("I1320681014260292T", "第1位"), ("11320681O14260292T", "第9位"),
    ("113206810S4260292T", "第10位"), ("1132068101V260292T", "第11位"), ("1132068101Z260292T", "第11位"),
    ("11320681 14260292T", "第9位"), ("11320681-14260292T", "第9位"), ("11A20681014260292T", "第3至8位"),
    ("1132068X014260292T", "第3至8位"), ("11320681014260292U", "校验码"), ("113206810142602920", "校验码"),
    // Full-width digits, as an input method leaves them, and one whose capitals are ASCII letters.
    ("１１３２０６８１０１４２６０２９２Ｔ", "不是允许的字符"), ("1132068101426029２T", "不是允许的字符"),
    ("113206810142602ﬀT", "实为17位"), ("1132068101426029ﬀ", "实为17位"), ("11320681014260292ﬀ", "第18位"),
    ("启东市民政局", "实为6位"),
  ])
  func refusals(_ text: String, _ why: String) {
    let error = #expect(throws: Phrase.self) { try OrganCode(text) }
    #expect(error?.zh.contains(why) == true, "\(text): \(String(describing: error))")
    #expect(error?.en.isEmpty == false)
  }

  /// A ligature counts as one character, not as the two letters that its capital has.
  @Test func ligaturesAreNotLetters() throws {
    let stem = Array("1132068101426FF9").map(String.init).joined()
    var accepted: [String] = []
    for a in Self.alphabet {
      for b in Self.alphabet where Self.satisfiesTheStandard(Array(stem + String([a, b]))) {
        accepted.append(stem + String([a, b]))
      }
    }
    #expect(accepted.count == 31)
    for text in accepted {
      #expect(Self.isAccepted(text))
      let ligature = "1132068101426ﬀ9" + text.suffix(2)
      #expect(!Self.isAccepted(ligature))
    }
  }

  @Test(arguments: ["320681", "110000", "999999", "100000"]) func regions(_ text: String) throws {
    #expect(RegionCode(text)?.description == text)
    #expect(
      RegionCode(text)?.lineage == [text, String(text.prefix(4)), String(text.prefix(2))])
  }

  @Test(arguments: ["", "32068", "3206811", "020681", "32068X", "３２０６８１", " 20681", "-20681", "+20681"])
  func noRegions(_ text: String) { #expect(RegionCode(text) == nil) }

  @Test(arguments: [
    ("320000", "320681", true), ("320600", "320681", true), ("320681", "320681", true),
    ("320681", "320682", false), ("320500", "320681", false), ("310000", "320681", false),
    ("320681", "320600", false), ("320600", "320000", false), ("320000", "320600", true),
  ])
  func covers(_ a: String, _ b: String, _ expected: Bool) throws {
    #expect(try region(a).covers(try region(b)) == expected)
  }

  @Test(
    arguments: [
      ("45", "45"), ("4501", "4501"), ("450102", "450102"), ("450000", "45"), ("450100", "4501"),
      ("4500", "45"), ("450002", "450002"), ("100000", "10"), ("5", nil), ("450", nil), ("45010", nil),
      ("05", nil), ("4x", nil), ("", nil), ("4501021", nil),
    ] as [(String, String?)])
  func overlayPrefix(_ text: String, _ expected: String?) {
    #expect(RegionCode.overlayPrefix(text) == expected)
  }
}
