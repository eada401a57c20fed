internal import BrokerDomain
internal import Testing

/// The writer, the accessors, and the way there and back.
@Suite struct JSONWriteTests {
  /// The order of members and the text of numbers survive; spaces do not.
  @Test func roundTripKeepsOrderAndNumbers() throws {
    let text =
      #"{"z":1.10,"a":[-0,1E+2,0.000],"subject":null,"m":{"y":true,"x":"\"\\中\u0001"},"10":"","9":{}}"#
    #expect(String(decoding: try json(text).bytes, as: UTF8.self) == text)
    guard case .object(let members) = try json(text) else { return }
    #expect(members.map(\.name) == ["z", "a", "subject", "m", "10", "9"])
  }

  /// Values made at random come back equal, whatever their strings hold.
  @Test func randomValuesComeBack() throws {
    var generator = SystemRandomNumberGenerator()
    let scalars: [Unicode.Scalar] = [
      "\0", "\u{1}", "\n", "\r", "\t", "\"", "\\", "/", "a", "é", "中", "😀", "\u{7F}", "\u{FFFD}",
    ]
    func text() -> String {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...8, using: &generator) {
        text.append(scalars.randomElement(using: &generator) ?? "a")
      }
      return String(text)
    }
    func value(_ depth: Int) -> JSON {
      switch Int.random(in: 0...(depth > 4 ? 3 : 5), using: &generator) {
      case 0: return .null
      case 1: return .bool(.random(using: &generator))
      case 2: return .int(Int64.random(in: .min ... .max, using: &generator))
      case 3: return .string(text())
      case 4: return .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in value(depth + 1) })
      default:
        return .object(
          (0..<Int.random(in: 0...20, using: &generator)).map { .init("\($0)" + text(), value(depth + 1)) })
      }
    }
    for _ in 0..<500 {
      let made = value(0)
      #expect(try JSON.parse(made.bytes) == made)
    }
  }

  /// Every character below the space is escaped, and nothing above that need not be.
  @Test func escapes() throws {
    for byte in UInt8(0)..<0x80 {
      let text = String(Unicode.Scalar(byte))
      let bytes = JSON.string(text).bytes
      #expect(try JSON.parse(bytes) == .string(text))
      #expect(bytes.allSatisfy { $0 >= 0x20 })
      let isEscaped = byte < 0x20 || byte == 0x22 || byte == 0x5C
      #expect((bytes.count > 3) == isEscaped, "\(byte)")
    }
  }

  /// Wherever the eight bytes that are looked at together begin and end.
  @Test func escapesAnywhere() throws {
    for length in 0..<35 {
      for at in 0..<max(1, length) {
        for character in ["\"", "\\", "\n", "\u{1F}", "\u{0}", " ", "!", "#", "[", "]", "\u{7F}", "é", "中", "😀"] {
          let text = String(repeating: "x", count: at) + character + String(repeating: "y", count: length - at)
          let bytes = JSON.string(text).bytes
          #expect(try JSON.parse(bytes) == .string(text))
          let isEscaped = ["\"", "\\"].contains(character) || (character.utf8.first ?? 0) < 0x20
          #expect((bytes.count > text.utf8.count + 2) == isEscaped, "\(length) \(at) \(character)")
        }
      }
    }
  }

  /// Written straight into the text, and the same as their strings.
  @Test func momentsDatesAndIDsAreAsTheirStrings() throws {
    var random = SystemRandomNumberGenerator()
    for round in 0..<2000 {
      let span: ClosedRange<Int64> = round % 2 == 0 ? 0...4_102_444_800_000 : -100_000_000_000_000...100_000_000_000_000
      let moment = Instant(milliseconds: Int64.random(in: span, using: &random) / 1000 * (round % 3 == 0 ? 1000 : 999))
      let id = EntityID(
        key: Int64.random(in: 0 ... .max, using: &random) >> 4,
        tail: Int64.random(in: 0...0x3FFF_FFFF_FFFF_FFFF, using: &random))
      var fast = JSONWriter(capacity: 1)
      var slow = JSONWriter(capacity: 1)
      fast.object { w in
        w.moment("at", moment)
        w.moment("never", nil)
        w.date("date", moment.date)
        w.id("id", id)
        w.id("path", id, after: "/v1/requests/", before: "/timeline")
        w.id("none", nil)
        w.int("year", moment.date.year)
      }
      slow.object { w in
        w.string("at", moment.rfc3339)
        w.string("never", nil)
        w.string("date", moment.date.description)
        w.string("id", id.description)
        w.string("path", "/v1/requests/\(id)/timeline")
        w.string("none", nil)
        w.value("year", .number(String(moment.date.year)))
      }
      #expect(fast.text == slow.text)
      #expect(EntityID(id.description) == id)
    }
  }

  @Test(arguments: [Int64.min, -100, -99, -10, -1, 0, 9, 10, 99, 100, 101, 1000, .max])
  func integers(_ value: Int64) {
    var w = JSONWriter(capacity: 1)
    w.array { w in
      w.int(nil, value)
      w.int(nil, UInt64(bitPattern: value))
      w.int(nil, nil as Int?)
    }
    let (text, bytes) = (w.text, w.bytes)
    #expect(text == "[\(value),\(UInt64(bitPattern: value)),null]")
    let finished = w.finish()
    #expect(bytes == Array(text.utf8) && finished == bytes)
  }

  @Test func writer() throws {
    var w = JSONWriter(capacity: 1)
    w.object { w in
      w.string("a", "x\"y")
      w.string("b", nil)
      w.int("c", 7)
      w.int("d", Optional<Int>.none)
      w.bool("e", false)
      w.null("f")
      w.array("g") { w in
        w.int(nil, 1)
        w.string(nil, "2")
        w.object { _ in }
        w.array { _ in }
      }
      w.object("h") { $0.member("i\"", .array([.null])) }
      w.phrase("j", Phrase("中", "en"))
      w.raw("k", Array("[1, 2]".utf8))
      w.value("l", .object([.init("m", .number("1.50"))]))
      w.member("n", .bool(true))
    }
    #expect(
      w.text
        == #"{"a":"x\"y","b":null,"c":7,"d":null,"e":false,"f":null,"g":[1,"2",{},[]],"h":{"i\"":[null]},"j":{"zh":"中","en":"en"},"k":[1, 2],"l":{"m":1.50},"n":true}"#
    )
    #expect(throws: Never.self) { try JSON.parse(w.bytes) }
  }

  @Test(
    arguments: [
      ("3", 3), ("3.0", 3), ("1e1", 10), ("30e-1", 3), ("-2.00", -2), ("1.5", nil), ("1e-1", nil), ("1e300", nil),
      ("9223372036854775807", Int.max), ("9223372036854775808", nil), ("1e18", nil), ("1e-999", nil), ("0e5", 0),
      ("-0.0", 0),
      ("3.00000000000000001", nil),
    ] as [(String, Int?)]) func aWholeNumberIsOneHoweverItIsWritten(_ text: String, _ value: Int?) throws
  {
    #expect(try json(text).intValue == value)
  }

  @Test func accessors() throws {
    let value = try json(#"{"s":"t","i":-12,"f":1.5,"b":true,"a":[1],"n":null,"big":99999999999999999999}"#)
    #expect(value["s"]?.stringValue == "t" && value["i"]?.intValue == -12 && value["b"]?.boolValue == true)
    #expect(value["a"]?.arrayValue == [.int(1)] && value["n"]?.isNull == true)
    #expect(value["f"]?.intValue == nil && value["big"]?.intValue == nil && value["s"]?.intValue == nil)
    #expect(value["x"] == nil && value["a"]?["0"] == nil && value["i"]?.stringValue == nil)
    #expect(value["b"]?.arrayValue == nil && value["n"]?.boolValue == nil && value["s"]?.isNull == false)
    let kinds = ["s", "i", "b", "a", "n"].compactMap { value[$0]?.kind.en } + [value.kind.en]
    #expect(kinds == ["a string", "a number", "a boolean", "an array", "null", "an object"])
  }
}
