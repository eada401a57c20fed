internal import BrokerDomain
internal import Testing

/// A definition that was kept is read back as it was.
@Suite struct ProcedureStoredTests {
  private static let clocks: [Procedure.Clock] = [
    .workingDays(7, from: .receipt), .workingDays(7, from: .field("on")), .acknowledge(workingDays: 2),
    .fixedDates(["02-29", "08-31"].compactMap { MonthDay($0) }, roll: .preceding),
    .statedDate(field: "on", roll: .following, otherwise: 20),
  ]

  private static let kinds: [Procedure.Field.Kind] = [
    .text(minLength: 2, maxLength: 40, pattern: #"\d+"#), .text(minLength: 1, maxLength: 9, pattern: nil), .date(.past),
    .integer(-3...9), .boolean, .choice([.init(id: "fax", title: Phrase("传真", "Fax"))]), .organ, .subjectID, .request,
  ]

  private static let follows: [Procedure.Next] = [
    Procedure.Next("other", .offers), Procedure.Next("other", .reverses, field: "f8"),
    Procedure.Next(
      "other", .opens,
      fills: [
        .init(field: "a", source: .id), .init(field: "b", source: .text), .init(field: "c", source: .request("f0")),
        .init(field: "d", source: .answer("f1")), .init(field: "e", source: .disposal("e")),
        .init(field: "f", source: .constant("broken")),
        .init(field: "g", sources: [.disposal("g"), .answer("f2"), .text, .constant("none")]),
      ], receiver: "公安局"),
  ]

  @Test(arguments: clocks) func roundTrip(_ clock: Procedure.Clock) throws {
    let fields = Self.kinds.enumerated().map { index, kind in
      Procedure.Field(name: "f\(index)", label: Phrase("字段", "field"), kind: kind, required: index % 2 == 0)
    }
    let outcomes =
      Self.follows.enumerated().map { index, next in
        Procedure.Outcome(id: "o\(index)", title: Phrase("结果", "outcome"), requires: ["f1"], next: [next])
      } + [
        Procedure.Outcome(id: "several", title: Phrase("结果", "outcome"), next: [Self.follows[2], .init("b", .offers)])
      ]
    for base in [
      sampleProcedure(clock: clock, outcomes: outcomes, fields: fields, answerFields: fields),
      Procedure(
        id: "itself", title: Phrase("自办", "own"), clause: "一", openers: .itself, answerers: [.credit], clock: clock,
        acknowledgeDays: 1, returnDays: 2, supplement: true, allowsExtension: true, allowsTransfer: true,
        item: .required,
        subject: .none, questions: .optional, answerKind: .findings, outcomes: outcomes,
        declineReasons: outcomes.prefix(1).map {
          Procedure.Outcome(id: $0.id, title: $0.title)
        }, fields: [], answerFields: [], isSealed: false, copies: [], ladder: Rung.allCases,
        disposals: [.init(.transferCriminal, Self.follows[2])]),
    ] {
      let back = try #require(Procedure(stored: base.canonical, version: 3))
      #expect(back == base.numbered(3) && back.canonical == base.canonical)
    }
  }

  /// What was added to definitions later is kept where it has a say, and a definition without it is what it was.
  @Test func laterKeysAreKept() throws {
    let like = Procedure.verification
    for (handover, place) in [
      (Procedure.Handover.restarts, Procedure.AnswererRegion.any), (.keeps, .within), (.keeps, .covering),
    ] {
      let base = Procedure(
        id: "later", title: like.title, clause: like.clause, openers: like.openers, answerers: [.supervisor],
        clock: like.clock, acknowledgeDays: 1, returnDays: 2, supplement: true, allowsExtension: true,
        allowsTransfer: true, item: .optional, subject: .optional, questions: .optional, answerKind: .findings,
        outcomes: like.outcomes, declineReasons: [], fields: [], answerFields: [], isSealed: false, copies: [],
        ladder: Rung.allCases, handover: handover, answererRegion: place)
      let back = try #require(Procedure(stored: base.canonical, version: 1))
      #expect(back == base && back.handover == handover && back.answererRegion == place)
      let text = String(decoding: base.canonical, as: UTF8.self)
      #expect(text.contains("handover") == (handover == .keeps) && text.contains(#""region""#) == (place != .any))
    }
  }

  /// Written only where it differs from what goes without saying, so that older definitions are no new versions.
  @Test(arguments: [(nil, false), (false, false), (true, true)] as [(Bool?, Bool)])
  func aboutACommitment(_ commits: Bool?, _ isWritten: Bool) throws {
    let base = sampleProcedure(commits: commits)
    let back = try #require(Procedure(stored: base.canonical, version: 1))
    #expect(back == base && back.numbered(2).commits == (commits == true))
    #expect(String(decoding: base.canonical, as: UTF8.self).contains("commits") == isWritten)
    #expect(!String(decoding: Procedure.verification.canonical, as: UTF8.self).contains("commits"))
  }

  /// One source is written as it was before there could be several.
  @Test func alternativesStandBesideTheFirst() {
    let fills = [
      Procedure.Next.Fill(field: "a", source: .text), .init(field: "b", sources: [.answer("c"), .constant("d")]),
    ]
    let procedure = sampleProcedure(outcomes: [
      .init(id: "o", title: Phrase("结果", "outcome"), next: [Procedure.Next("other", .opens, fills: fills)])
    ])
    let text = String(decoding: procedure.canonical, as: UTF8.self)
    #expect(text.contains(#"{"field":"a","from":"text"},"#))
    #expect(text.contains(#"{"field":"b","from":"answer.c","otherwise":[{"value":"d"}]}"#), "\(text)")
  }

  /// One follow-up is written as it was before there could be several; of several the first stands in its place.
  @Test func severalFollowUpsStandBesideTheFirst() throws {
    func text(_ next: [Procedure.Next]) -> String {
      let outcome = Procedure.Outcome(id: "o", title: Phrase("结果", "outcome"), next: next)
      return String(decoding: sampleProcedure(outcomes: [outcome]).canonical, as: UTF8.self)
    }
    let one = Procedure.Next("one", .offers)
    #expect(text([]).contains(#""requires":[],"next":null,"how":null}"#))
    #expect(text([one]).contains(#""requires":[],"next":"one","how":"offers"}"#))
    let several = text([one, .init("two", .reverses, field: "it")])
    let list = #""nexts":[{"next":"one","how":"offers"},{"next":"two","how":"reverses","field":"it"}]}"#
    #expect(several.contains(#""next":"one","how":"offers","# + list), "\(several)")
    let damaged = several.replacing(#"{"next":"two""#, with: #"{"nix":"two""#)
    #expect(Procedure(stored: Array(damaged.utf8), version: 1) == nil)
  }

  @Test(arguments: [nil, .receipt, .clock] as [Procedure.Floor?]) func datesThatRestOnAnother(_ floor: Procedure.Floor?)
    throws
  {
    let field = Procedure.Field(
      name: "on", label: Phrase("日期", "date"), kind: .date(.past), required: true, notBefore: floor)
    let base = sampleProcedure(answerFields: [field])
    #expect(try #require(Procedure(stored: base.canonical, version: 1)).answerFields == [field])
    #expect(String(decoding: base.canonical, as: UTF8.self).contains("notBefore") == (floor != nil))
    // Also where an outcome requires it, or a supplement leaves it out.
    for same in [field.required(false), field.required(true)] { #expect(same.notBefore == floor) }
  }

  @Test func damageIsNoDefinition() {
    for text in ["", "{}", "[]", #"{"id":"x"}"#] { #expect(Procedure(stored: Array(text.utf8), version: 1) == nil) }
  }

  @Test func linksAreKept() throws {
    var progress = Progress()
    progress.origin = sampleID
    progress.reversal = Reversal(
      by: sampleID, at: Instant(milliseconds: 5), parties: [try OrganCode(Organs.responder)], isSealed: true)
    progress.followUps = [
      FollowUp(procedure: "a", how: .offers, reason: Phrase("因", "because"), isSealed: true),
      FollowUp(procedure: "b", how: .opens, request: sampleID, to: try? code(Organs.responder)),
    ]
    #expect(Progress(encoded: progress.encoded) == progress)
    for text in [#"{"leg":1,"origin":"x"}"#, #"{"leg":1,"reversal":{}}"#, #"{"leg":1,"followUps":[{}]}"#] {
      #expect(Progress(encoded: Array(text.utf8)) == nil, "\(text)")
    }
  }
}
