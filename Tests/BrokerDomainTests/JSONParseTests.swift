internal import BrokerDomain
internal import Testing

/// What is JSON (RFC 8259) and what is not, in the spirit of JSONTestSuite.
@Suite struct JSONParseTests {
  private static func nested(_ open: String, _ inside: String, _ close: String, _ levels: Int) -> String {
    String(repeating: open, count: levels) + inside + String(repeating: close, count: levels)
  }

  static let valid: [(String, String)] = [
    // text, and the same as the writer puts it
    ("null", "null"), (" true ", "true"), ("false\n", "false"), ("\t\r\n \"\" ", "\"\""), ("[]", "[]"), ("{}", "{}"),
    ("[ ]", "[]"), ("{ }", "{}"), ("[[],{}]", "[[],{}]"), ("[null , 1, \"1\", {}]", "[null,1,\"1\",{}]"),
    (#"{"b":1,"a":2}"#, #"{"b":1,"a":2}"#), (#"{"":0}"#, #"{"":0}"#), (#"{"a":{"a":1}}"#, #"{"a":{"a":1}}"#),
    (#"{"a" : [ 1 , 2 ] }"#, #"{"a":[1,2]}"#),
    // the text of a number stays
    ("0", "0"), ("-0", "-0"), ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("1.0", "1.0"), ("1e5", "1e5"), ("1E+5", "1E+5"), ("-1.50e-007", "-1.50e-007"), ("0e0", "0e0"), ("0.1", "0.1"),
    ("1e999", "1e999"), ("[0,-0.0]", "[0,-0.0]"), ("1 ", "1"),
    // escapes
    (#""\"\\\/\b\f\n\r\t""#, #""\"\\/\u0008\u000c\n\r\t""#), (#""\u0041\u00e9\u4e2d""#, "\"Aé中\""),
    (#""\u0000\u001F""#, #""\u0000\u001f""#), (#""\uD83D\uDE00""#, "\"😀\""), (#""\ud834\udd1e!""#, "\"𝄞!\""),
    (#""\uFFFD\uE000""#, "\"\u{FFFD}\u{E000}\""), (#""\uDBFF\uDFFF""#, "\"\u{10FFFF}\""),
    ("\"\u{7F}\u{2028}\u{85}\"", "\"\u{7F}\u{2028}\u{85}\""), ("\"启东\"", "\"启东\""), ("\"\u{FFFD}\"", "\"\u{FFFD}\""),
    ("\"\\n启\u{FFFD}\"", "\"\\n启\u{FFFD}\""), (#""a\u00622""#, "\"ab2\""),
    (#""\\u0041""#, #""\\u0041""#), (#"{"\u0061":1}"#, #"{"a":1}"#), (#"" ""#, #"" ""#),
    // 32 levels, with and without something inside
    (nested("[", "", "]", 32), nested("[", "", "]", 32)), (nested("[", "1", "]", 32), nested("[", "1", "]", 32)),
    (nested("{\"a\":", "null", "}", 32), nested("{\"a\":", "null", "}", 32)),
    (nested("[{\"a\":", "\"x\"", "}]", 16), nested("[{\"a\":", "\"x\"", "}]", 16)),
    ("[[],[],[],[],[],[[]],[]]", "[[],[],[],[],[],[[]],[]]"),
  ]

  @Test(arguments: valid) func accepts(_ text: String, _ written: String) throws {
    let value = try json(text)
    #expect(String(decoding: value.bytes, as: UTF8.self) == written)
    #expect(try JSON.parse(value.bytes) == value)
  }

  static let invalid: [String] = [
    "", " ", "nul", "nulL", "True", "tru", "falsey", "null null", "undefined", "NaN", "Infinity", "-Infinity", "-",
    "+1", ".5", "1.", "-.5", "01", "-01", "00", "1e", "1e+", "1E-", "1.e1", "0x10", "1_000", "1,", "--1", "1-", "1.2.3",
    "1e1.5", "１", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1;2]", "[1,,2]", "[1}", "[[]", "[]]",
    "[\"\"",
    "{", "}", "{]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{\"a\" 1}", "{\"a\":}", "{a:1}",
    "{'a':1}", "{1:1}", "{null:1}", "{\"a\",1}", "{\"a\":1 \"b\":2}", "{\"a\":1;\"b\":2}", "{\"a\"::1}", "{\"a\":1}}",
    "{\"a\":1}x", "{}{}", "[]a", "/**/1", "1//", "#1", "'a'", "\"", "\"a", "\"\\\"", "\"\\", "\"\\x\"", "\"\\a\"",
    "\"\\'\"",
    "\"\\0\"", "\"\\U0041\"", "\"\\u\"", "\"\\u00\"", "\"\\u004\"", "\"\\u004g\"", "\"\\u 041\"", "\"\\u+041\"",
    "\"\\u00",
    "\"\\uD800\"", "\"\\uDC00\"", "\"\\uD800\\uD800\"", "\"\\uD800\\u0041\"", "\"\\uDC00\\uD800\"", "\"\\uD83Dx\"",
    "\"\\uD83D\\n\"", "\"\\uD83D", "\"\\uD83D\\", "\"\\uD83D\\u", "\"a\nb\"", "\"a\tb\"", "\"\u{0}\"", "\"\u{1F}\"",
    "\"\\\\\u{1}\"", "\"\\n\u{1}\"", "\u{FEFF}1", "\u{A0}1", "1\u{0}", "\u{C}1", "\u{B}1", "\u{2028}1", "\"“\" ”",
    "“a”",
    #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"a":3}"#, #"{"a":1,"\u0061":2}"#, #"[{"x":{"a":1,"a":2}}]"#, #"{"":1,"":2}"#,
    nested("[", "", "]", 33), nested("[", "1", "]", 33), nested("{\"a\":", "1", "}", 33),
    nested("[{\"a\":", "1", "}]", 17), nested("[", "", "", 100_000), nested("{\"a\":", "", "", 40_000),
  ]

  @Test(arguments: invalid.indices) func refuses(_ index: Int) {
    let text = Self.invalid[index]
    let fault = #expect(throws: JSONFault.self, "\(text.prefix(60))") { try JSON.parse(Array(text.utf8)) }
    #expect(fault?.what.zh.isEmpty == false && fault?.what.en.isEmpty == false)
    #expect((fault?.line ?? 0) >= 1 && (fault?.column ?? 0) >= 1)
  }

  /// Bytes that are no UTF-8, in a name, in a value, beside an escape, and outside of strings.
  @Test(
    arguments: [
      [0x80], [0xFF], [0xFE], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xE4, 0xB8], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
      [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
      [0xF8, 0x88, 0x80, 0x80, 0x80], [0xE4, 0xB8, 0x41], [0xB8, 0xAD],
    ] as [[UInt8]])
  func invalidUTF8(_ bytes: [UInt8]) {
    func frames(_ before: String, _ after: String) -> [UInt8] { Array(before.utf8) + bytes + Array(after.utf8) }
    for text in [
      frames("\"", "\""), frames("\"a", "\""), frames("{\"", "\":1}"), frames("\"\\n", "\""), frames("\"", "\\n\""),
      frames("[", "]"), frames("", ""), frames("1", ""),
    ] {
      #expect(throws: JSONFault.self) { try JSON.parse(text) }
    }
  }

  @Test(
    arguments: [
      ("{\n  \"a\": 1,\n  \"a\": 2\n}", 3, 6, "the member \"a\" occurs twice"),
      ("[1,\n 2,\n x]", 3, 2, "a JSON value was expected here"),
      ("{\"启东\":}", 1, 7, "a JSON value was expected here"),
      ("[1 2]", 1, 4, "a comma or a closing bracket was expected here"),
      ("{\"a\" 1}", 1, 6, "a colon was expected here"),
      ("{1:2}", 1, 2, "a member name was expected here"), ("", 1, 1, "the text ends too early"),
      ("1 2", 1, 3, "there is more after the end of the value"), ("\"\\uD800\"", 1, 8, "a surrogate stands alone"),
    ] as [(String, Int, Int, String)])
  func place(_ text: String, _ line: Int, _ column: Int, _ what: String) {
    let fault = #expect(throws: JSONFault.self) { try JSON.parse(Array(text.utf8)) }
    #expect(fault?.line == line && fault?.column == column && fault?.what.en == what, "\(String(describing: fault))")
  }

  /// Strings are looked at eight bytes at a time: whatever is special is so at each place of them, whatever is around it.
  @Test(arguments: [0x61, 0x7F, 0xC3] as [UInt8], 0...25) func specialAtEveryPlace(_ filler: UInt8, _ before: Int)
    throws
  {
    let (start, end) = (String(repeating: "a", count: before), filler == 0xC3 ? "é" : String(UnicodeScalar(filler)))
    for after in [0, 1, 7, 8, 9, 17] {
      let rest = String(repeating: end, count: after)
      func parsed(_ middle: [UInt8]) -> JSON? {
        try? JSON.parse(Array("\"\(start)".utf8) + middle + Array("\(rest)\"".utf8))
      }
      for plain in ["", "b", " ", "!", "#", "[", "]", "\u{7F}", "\u{80}", "号", "😀"] {
        #expect(parsed(Array(plain.utf8)) == .string(start + plain + rest))
      }
      #expect(parsed(Array("\\n".utf8)) == .string(start + "\n" + rest))
      #expect(parsed(Array("\\\"".utf8)) == .string(start + "\"" + rest))
      for control in 0..<0x20 as Range<UInt8> { #expect(parsed([control]) == nil) }
      #expect(parsed([UInt8(ascii: "\"")]) == (nil as JSON?), "a string that ends early, with more behind it")
      // Decoding repairs them all, the fifth to as many bytes as it had.
      for broken in [[0x80], [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98], [0xE5, 0x8F]] as [[UInt8]] {
        #expect(parsed(broken) == nil, "\(broken)")
      }
    }
  }

  /// A name that occurs again is found wherever it stood first and however many stand between.
  @Test(arguments: 1...40) func duplicateAtEveryPlace(_ count: Int) throws {
    let members = (0..<count).map { "\"m\($0)\":0" }
    #expect(throws: Never.self) { try JSON.parse(Array("{\(members.joined(separator: ","))}".utf8)) }
    for again in members {
      let text = "{\((members + [again]).joined(separator: ","))}"
      #expect(throws: JSONFault.self) { try JSON.parse(Array(text.utf8)) }
    }
  }

  /// A body of the largest size made of nothing but members must not take the time of their square.
  @Test(.timeLimit(.minutes(5))) func manyMembers() throws {
    let count = 24_000
    let text = "{" + (0..<count).map { "\"m\($0)\":0" }.joined(separator: ",") + "}"
    #expect(text.utf8.count <= 256 * 1024)
    let clock = ContinuousClock()
    let start = clock.now
    let value = try json(text)
    #expect(clock.now - start < .seconds(5))
    guard case .object(let members) = value else { return }
    #expect(members.count == count && members.last?.name == "m\(count - 1)")
    let twice = String(text.dropLast()) + ",\"m7\":1}"
    #expect(throws: JSONFault.self) { try JSON.parse(Array(twice.utf8)) }
  }
}
