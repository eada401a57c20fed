internal import BrokerDomain
internal import Testing

/// Citizens' identity numbers (GB 11643-1999), and how they are masked.
@Suite struct ResidentIDTests {
  /// The standard's own examples, and some of nobody in particular.
  static let valid = [
    "11010519491231002X", "440524188001010014", "110105200002290013", "659004192402290017",
    "320681199912310033", "820000197001010011",
  ]

  /// ISO 7064 MOD 11-2 over all eighteen characters: doubled along, the last one added, ≡ 1 (mod 11).
  private static func satisfiesTheStandard(_ text: String) -> Bool {
    let values = text.map { $0 == "X" ? 10 : $0.wholeNumberValue ?? -1 }
    return values.dropLast().reduce(0) { ($0 + $1) * 2 % 11 } % 11 == (12 - values[17]) % 11
  }

  private static func complete(_ stem: String) -> String {
    for last in "0123456789X" where satisfiesTheStandard(stem + String(last)) { return stem + String(last) }
    return stem
  }

  private static func isAccepted(_ text: String) -> Bool { (try? ResidentID(text)) != nil }

  @Test(arguments: valid) func accepted(_ text: String) throws {
    #expect(Self.satisfiesTheStandard(text))
    #expect(try ResidentID(text).text == text)
    #expect(try ResidentID(text.lowercased()).text == text)
  }

  /// 11 is prime and no weight a multiple of it: every change of one character is told.
  @Test(arguments: valid) func everyChangeOfOneCharacterIsRefused(_ text: String) {
    let original = Array(text)
    var tried = 0
    for position in 0..<18 {
      for replacement in position == 17 ? "0123456789X" : "0123456789" where replacement != original[position] {
        var changed = original
        changed[position] = replacement
        #expect(!Self.satisfiesTheStandard(String(changed)))
        #expect(!Self.isAccepted(String(changed)), "\(String(changed))")
        tried += 1
      }
    }
    #expect(tried == 17 * 9 + 10)
  }

  /// Dates that do not exist, each with the check character that would be right.
  @Test(arguments: [
    ("20230229", false), ("20000229", true), ("19000229", false), ("20240229", true), ("20230431", false),
    ("20231301", false), ("20230001", false), ("20230100", false), ("20230132", false), ("17991231", false),
    ("18491231", false), ("18500101", true), ("00000101", false), ("19491231", true), ("20230631", false),
  ])
  func dateOfBirth(_ born: String, _ expected: Bool) {
    let text = Self.complete("320681" + born + "001")
    #expect(Self.satisfiesTheStandard(text))
    #expect(Self.isAccepted(text) == expected, "\(text)")
    if !expected {
      let error = #expect(throws: Phrase.self) { try ResidentID(text) }
      #expect(error?.zh.contains("出生日期") == true)
    }
  }

  @Test(arguments: [
    ("", "实为0位"), ("110105491231002", "实为15位"), ("1101051949123100", "实为16位"),
    ("11010519491231002XX", "实为19位"), ("1101051949123100X2", "前17位"), ("X1010519491231002X", "前17位"),
    (" 1010519491231002X", "前17位"), ("110105194912310021", "校验码"), ("11010519491231002Y", "校验码"),
    ("11010519491231002 ", "校验码"), ("110105 9491231002X", "前17位"), ("１１０１０５１９４９１２３１００２Ｘ", "前17位"),
    ("1101051949123１002X", "前17位"), ("张三", "实为2位"),
  ])
  func refusals(_ text: String, _ why: String) {
    let error = #expect(throws: Phrase.self) { try ResidentID(text) }
    #expect(error?.zh.contains(why) == true, "\(text): \(String(describing: error))")
    #expect(error?.en.isEmpty == false)
  }

  @Test func regionMustNotBeginWithZero() {
    let text = Self.complete("01010519491231002")
    let error = #expect(throws: Phrase.self) { try ResidentID(text) }
    #expect(error?.zh.contains("地址码") == true)
  }

  @Test(arguments: [
    ("11010519491231002X", "110105********002X"), ("11320681014260292T", "113206********292T"),
    ("110105491231002", "110105*****1002"), ("123456789012", "123456**9012"), ("12345678901", "12*********"),
    ("E12345678", "E1*******"), ("123", "12*"), ("12", "12"), ("1", "1"), ("", ""), ("护照一二三", "护照***"),
    ("12345678901\r\n2", "123456***01\r\n2"), ("护照12345678901", "护照1234***8901"),
  ])
  func mask(_ text: String, _ masked: String) {
    #expect(Mask.idNumber(text) == masked)
    #expect(Mask.idNumber(text).count == text.count)
    // The same straight into JSON.
    var (fast, slow) = ([UInt8](), [UInt8]())
    for isFast in [true, false] {
      var w = JSONWriter(capacity: 1)
      w.object { w in
        if isFast { w.masked("n", text) } else { w.string("n", masked) }
      }
      if isFast { fast = w.finish() } else { slow = w.finish() }
    }
    #expect(fast == slow)
  }
}
