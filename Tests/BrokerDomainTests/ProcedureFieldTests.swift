internal import BrokerDomain
internal import Testing

/// The data of a request and of an answer, held against the fields of its procedure.
@Suite struct ProcedureFieldTests {
  static func field(_ name: String, _ kind: Procedure.Field.Kind, required: Bool = false) -> Procedure.Field {
    Procedure.Field(name: name, label: Phrase("字段\(name)", "field \(name)"), kind: kind, required: required)
  }

  static let fields = [
    field("order", .text(minLength: 2, maxLength: 5, pattern: "[0-9A-Z-]+"), required: true),
    field("note", .text(minLength: 0, maxLength: 3, pattern: nil)),
    field("on", .date(.any)), field("told", .date(.past)), field("by", .date(.future)),
    field("count", .integer(-2...9)), field("exempt", .boolean),
    field(
      "channel",
      .choice([
        .init(id: "fax", title: Phrase("传真", "Fax")), .init(id: "mail", title: Phrase("邮件", "Mail")),
      ])),
    field("organ", .organ), field("who", .subjectID), field("report", .request),
  ]

  /// A value beside a correct `order` → what is wrong with it, in English; nil for nothing.
  static let values: [(String, String?)] = [
    (#""note": "一二三""#, nil), (#""note": "一二三四""#, "has 4 characters, at most 3"), (#""note": """#, nil),
    // One letter with a mark that is a code point of its own counts as two, as in JSON Schema.
    ("\"note\": \"e\u{301}e\u{301}\"", "has 4 characters, at most 3"),
    (#""note": 5"#, "must be a string, not a number"), (#""note": "a\u0001""#, "control character U+0001"),
    (#""note": "a\u007f""#, "control character U+007F"), (#""note": "\u0085""#, "control character U+0085"),
    (#""note": "\u009f""#, "control character U+009F"), (#""note": "a\rb""#, "control character U+000D"),
    (#""note": "\u202e1""#, "U+202E, which turns"), (#""note": "\u2066""#, "U+2066, which turns"),
    (#""note": "\u202a""#, "U+202A"), (#""note": "\u2069""#, "U+2069"), (#""note": "\r\n\t""#, nil),
    ("\"note\": \"\u{A0}\u{2029}\u{202F}\"", nil), ("\"note\": \"“\u{2065}\u{206A}\"", nil),
    (#""on": "2026-02-28""#, nil), (#""on": "2026-02-29""#, "must be a real date"),
    (#""on": "1970-12-31""#, "1971 to 2100"),
    (#""on": "9999-01-01""#, "1971 to 2100"), (#""on": 20260228"#, "must be a string, not a number"),
    (#""told": "2026-03-02""#, nil), (#""told": "2026-03-03""#, "must not be after today, 2026-03-02"),
    (#""by": "2026-03-02""#, nil), (#""by": "2026-03-01""#, "must not be before today, 2026-03-02"),
    (#""count": 9"#, nil), (#""count": -2"#, nil), (#""count": 10"#, "a whole number from -2 to 9"),
    (#""count": 1.5"#, "a whole number from -2 to 9"), (#""count": "1""#, "a whole number from -2 to 9"),
    (#""exempt": false"#, nil), (#""exempt": "true""#, "must be true or false"),
    (#""channel": "fax""#, nil), (#""channel": "Fax""#, "must be one of fax, mail"),
    (#""channel": "传真""#, "one of fax, mail"),
    (#""organ": "11320681014260292T""#, nil), (#""organ": "11320681014260292A""#, "check character"),
    (#""who": "11010519491231002X""#, nil), (#""who": "11320681014260292T""#, nil),
    (#""who": "110105194912310021""#, "must be a resident id or a unified social credit code"),
    (#""report": "01990000-0000-7123-8000-000000000000""#, nil), (#""report": "17""#, "must be the id of a request"),
    (#""on": null, "report": null, "count": null"#, nil), (#""colour": "red""#, "no such member; known: order, note"),
    (#""Order": "A1""#, "no such member"), (#""a/b~c": 1"#, "no such member"),
  ]

  @Test(arguments: values) func value(_ member: String, _ expected: String?) throws {
    let data = try json(#"{"order": "A1-7", \#(member)}"#)
    let faults = Procedure.faults(of: data, fields: Self.fields, at: "/data", today: CalendarDate("2026-03-02"))
    #expect(faults.count == (expected == nil ? 0 : 1), "\(faults)")
    if let expected, let fault = faults.first {
      #expect(fault.detail.en.contains(expected), "\(fault)")
      #expect(fault.code == "invalid-body")
      #expect(fault.detail.zh.unicodeScalars.contains { $0.value > 0x4E00 }, "\(fault)")
      let name = member.split(separator: "\"").first.map(String.init) ?? "?"
      #expect(fault.pointer == "/data/" + (name == "a/b~c" ? "a~1b~0c" : name))
    }
  }

  /// text of the field `order`, 2 to 5 of `[0-9A-Z-]`.
  static let texts: [(String, String?)] = [
    ("A1", nil), ("A1-7Z", nil), ("A", "at least 2"), ("A1-7ZZ", "at most 5"), ("a1", "does not match [0-9A-Z-]+"),
    // The whole text must match, not a part of it.
    ("A1 7", "does not match"), ("xA1", "does not match"), ("  ", "must not be blank"), ("", "must not be blank"),
  ]

  @Test(arguments: texts) func text(_ text: String, _ expected: String?) {
    let data = JSON.object([.init("order", .string(text))])
    let faults = Procedure.faults(of: data, fields: Self.fields, at: "/data")
    #expect(faults.map(\.pointer) == (expected == nil ? [] : ["/data/order"]))
    if let expected { #expect(faults.first?.detail.en.contains(expected) == true, "\(faults)") }
  }

  /// No clerk reads a regular expression.
  @Test(arguments: [
    (#"\S+"#, "a b", Phrase("不能含有空白", "must hold no blanks")),
    (
      "[0-9]{4}-H[12]", "2026-H3",
      Phrase("应为年份加 -H1（上半年）或 -H2（下半年），如 2026-H1", "must be a year and -H1 or -H2, as 2026-H1")
    ),
    ("[0-9A-Z-]+", "a", Phrase("不符合格式 [0-9A-Z-]+", "does not match [0-9A-Z-]+")),
  ]) func usualPatternsAreSaidInWords(_ pattern: String, _ text: String, _ expected: Phrase) {
    let field = Self.field("a", .text(minLength: 1, maxLength: 9, pattern: pattern))
    let faults = Procedure.faults(of: .object([.init("a", .string(text))]), fields: [field], at: "/data")
    #expect(faults.map(\.detail) == [expected])
  }

  @Test func everyFaultAtOnce() throws {
    let data = try json(#"{"channel": "x", "count": 77, "weather": 1, "on": "soon"}"#)
    let faults = Procedure.faults(of: data, fields: Self.fields, at: "/answer/data")
    #expect(
      faults.map(\.pointer) == [
        "/answer/data/weather", "/answer/data/order", "/answer/data/on", "/answer/data/count", "/answer/data/channel",
      ])
    #expect(faults[1].detail == Phrase("必填（字段order）", "is required (field order)"))
    #expect(faults[4].detail.zh == "应为 fax（传真）、mail（邮件） 之一")
  }

  @Test(arguments: ["[]", "null", "\"x\"", "3"]) func noObject(_ text: String) throws {
    let faults = Procedure.faults(of: try json(text), fields: [], at: "/data")
    #expect(faults.map(\.pointer) == ["/data"])
    #expect(faults[0].detail.en.hasPrefix("must be an object, not"))
  }

  /// A procedure without fields takes no data, and says so.
  @Test func noFields() throws {
    #expect(Procedure.verification.faults(of: .object([])) == [])
    let faults = Procedure.verification.faults(of: try json(#"{"workOrder": "7"}"#))
    #expect(faults.map(\.detail.en) == ["no such member; the procedure has none"])
  }

  /// Without a day to hold them against, past and future are not told apart.
  @Test func noToday() throws {
    let data = try json(#"{"order": "A1", "told": "2099-01-01", "by": "1999-01-01"}"#)
    #expect(Procedure.faults(of: data, fields: Self.fields, at: "/data") == [])
  }

  /// No fault repeats what was sent: it may be somebody's number.
  @Test func faultsKeepValuesToThemselves() throws {
    let number = "110105194912310021"
    for name in Self.fields.map(\.name) {
      let data = JSON.object([.init("order", .string("A1")), .init(name, .string(number))])
      for fault in Procedure.faults(of: data, fields: Self.fields, at: "/data") {
        #expect(!fault.detail.zh.contains(number) && !fault.detail.en.contains(number), "\(fault)")
      }
    }
  }

  /// What an outcome requires is required of its answer alone.
  @Test func outcomesRequireTheirFields() throws {
    let procedure = sampleProcedure(
      outcomes: [
        .init(id: "done", title: Phrase("办结", "done"), requires: ["how", "on"]),
        .init(id: "void", title: Phrase("无", "void"), next: [.init("sample", .offers)]),
      ],
      answerFields: [
        Self.field("how", .text(minLength: 1, maxLength: 9, pattern: nil)), Self.field("on", .date(.past)),
        Self.field("note", .boolean),
      ])
    func pointers(_ outcome: String, _ data: String) throws -> [String] {
      procedure.faults(outcome: outcome, data: try json(data), today: CalendarDate("2026-03-02")).map(\.pointer)
    }
    #expect(try pointers("done", #"{"how": "当面", "on": "2026-03-01"}"#) == [])
    #expect(try pointers("done", #"{"how": "当面"}"#) == ["/data/on"])
    #expect(try pointers("done", "{}") == ["/data/how", "/data/on"])
    #expect(try pointers("done", #"{"how": "", "on": "2026-03-03", "x": 1}"#) == ["/data/x", "/data/how", "/data/on"])
    #expect(try pointers("void", "{}") == [])
    #expect(try pointers("nope", #"{"on": 5}"#) == ["/outcome", "/data/on"])
    #expect(procedure.faults(outcome: "nope", data: .object([]))[0].detail.en == "the outcome is one of done, void")
  }

  @Test func schema() throws {
    let schema = Procedure.jsonSchema(of: Self.fields)
    #expect(schema["$schema"]?.stringValue == "https://json-schema.org/draft/2020-12/schema")
    #expect(schema["type"]?.stringValue == "object")
    #expect(schema["additionalProperties"]?.boolValue == false)
    #expect(schema["required"] == .array([.string("order")]))
    func property(_ name: String) -> JSON? { schema["properties"]?[name] }
    let expected: [(String, String)] = [
      ("order", #"{"type":"string","minLength":2,"maxLength":5,"pattern":"^(?:[0-9A-Z-]+)$"}"#),
      ("note", #"{"type":"string","minLength":0,"maxLength":3}"#), ("on", #"{"type":"string","format":"date"}"#),
      ("count", #"{"type":"integer","minimum":-2,"maximum":9}"#), ("exempt", #"{"type":"boolean"}"#),
      ("channel", #"{"type":"string","enum":["fax","mail"]}"#), ("report", #"{"type":"string","format":"uuid"}"#),
    ]
    for (name, text) in expected {
      guard case .object(let members) = try #require(property(name)) else { continue }
      let labels = [JSON.Member("title", .string("字段\(name)")), .init("description", .string("field \(name)"))]
      #expect(Array(members.prefix(2)) == labels)
      #expect(JSON.object(Array(members.dropFirst(2))) == (try json(text)), "\(name)")
    }
    let code = try Regex(try #require(property("organ")?["pattern"]?.stringValue))
    #expect("11320681014260292T".firstMatch(of: code) != nil && "1132068101426029OT".firstMatch(of: code) == nil)
    let number = try Regex(try #require(property("who")?["pattern"]?.stringValue))
    for text in ["11010519491231002X", "11320681014260292T"] { #expect(text.firstMatch(of: number) != nil) }
    #expect("11010519491231002X0".firstMatch(of: number) == nil)
    #expect(Procedure.jsonSchema(of: [])["properties"] == .object([]))
  }
}
