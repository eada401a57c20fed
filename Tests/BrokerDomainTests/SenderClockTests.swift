internal import BrokerDomain
internal import Testing

/// A clock that binds the organ that sends: kept or broken when the request is opened, and never the receiver's.
@Suite struct SenderClockTests {
  private static let publishedOn = Procedure.Field(
    name: "publishedOn", label: Phrase("公布日期", "published on"), kind: .date(.any), required: true)
  private static let period = Procedure.Field(
    name: "period", label: Phrase("期间", "period"),
    kind: .text(minLength: 1, maxLength: 7, pattern: HalfYear.pattern), required: true)

  private static func procedure(
    _ clock: Procedure.Clock, binds: Procedure.Bound = .sender, version: Int = 1
  ) -> Procedure {
    Procedure(
      id: "filing", title: Phrase("备案", "filing"), clause: "崂山方案 3", openers: .roles([]), answerers: [], clock: clock,
      acknowledgeDays: 1, returnDays: 2, supplement: false, allowsExtension: false, allowsTransfer: false, item: .none,
      subject: .none, questions: .none, answerKind: .outcome,
      outcomes: [.init(id: "filed", title: Phrase("予以备案", "filed"))],
      declineReasons: [.init(id: "other", title: Phrase("其他", "other"))], fields: [publishedOn, period],
      answerFields: [], isSealed: false, copies: [], ladder: Rung.allCases, binds: binds, version: version)
  }

  private static let days = Procedure.Clock.workingDays(7, from: .field("publishedOn"))
  private static let halves = Procedure.Clock.fixedDates(
    ["02-29", "08-31"].compactMap { MonthDay($0) }, roll: .preceding, after: "period")

  private static func open(
    _ clock: Procedure.Clock = days, binds: Procedure.Bound = .sender, published: String = "2026-01-05",
    period: String = "2025-H2", at: String
  ) throws -> (Decision, Reference) {
    let reference = try makeReference(procedures: [procedure(clock, binds: binds)])
    let data = try json(#"{"publishedOn": "\#(published)", "period": "\#(period)"}"#)
    let submission = Submission(
      procedure: "filing", item: nil, to: try code(Organs.supervisor), subject: nil,
      content: Content(questions: [], purpose: "备案", data: data))
    let organ = try #require(reference.organ(try code(Organs.requester)))
    return (
      try AssistanceRequest.submit(submission, by: organ, id: sampleID, now: try instant(at), reference: reference),
      reference
    )
  }

  /// Clock, published on, period, opened at → due date, status.
  static let cases: [(Procedure.Clock, String, String, String, String, String)] = [
    (days, "2026-01-05", "2025-H2", "2026-01-14T23:59:59.999+08:00", "2026-01-14", "met"),
    (days, "2026-01-05", "2025-H2", "2026-01-15T00:00:00+08:00", "2026-01-14", "missed"),
    (days, "2026-01-05", "2025-H2", "2026-03-02T10:00:00+08:00", "2026-01-14", "missed"),
    // 28 February 2026 is a Saturday that is worked; 31 August 2025 a Sunday.
    (halves, "2026-01-05", "2025-H2", "2026-02-02T10:00:00+08:00", "2026-02-28", "met"),
    (halves, "2026-01-05", "2025-H2", "2026-03-01T00:00:00+08:00", "2026-02-28", "missed"),
    (halves, "2026-01-05", "2026-H1", "2026-03-01T00:00:00+08:00", "2026-08-31", "met"),
    (halves, "2026-01-05", "2025-H1", "2025-08-29T23:59:59+08:00", "2025-08-29", "met"),
    (halves, "2026-01-05", "2025-H1", "2026-01-30T10:00:00+08:00", "2025-08-29", "missed"),
  ]

  @Test(arguments: cases)
  func judgedWhenItIsOpened(
    _ clock: Procedure.Clock, _ published: String, _ period: String, _ at: String, _ due: String, _ status: String
  ) throws {
    let (decision, reference) = try Self.open(clock, published: published, period: period, at: at)
    let request = decision.request
    let isLate = status == "missed"
    #expect(request.deadline.date.description == due)
    #expect(decision.timer.map(\.rung) == (isLate ? .overdue : nil), "no rung ever fires for what came in time")
    #expect(decision.event.data["late"]?.boolValue == (isLate ? true : nil))
    #expect(request.isSentLate == isLate && request.bound == request.requester)
    #expect(Progress(encoded: request.progress.encoded) == request.progress)
    for moment in [try instant(at), try instant("2027-03-01T00:00:00+08:00")] {
      #expect(request.clockStatus(now: moment).rawValue == status)
      #expect(!request.isOverdue(now: moment) && !request.isReplyLate(now: moment))
    }
    let answer = Command.answer(Answer(findings: [], outcome: "filed", text: nil, reference: nil, signatory: "江局长"))
    let answered = try request.carryOut(
      answer, by: request.responder, now: try instant("2027-01-04T10:00:00+08:00"), expectedVersions: nil,
      reference: reference)
    #expect(answered.event.data["late"]?.boolValue == false)
    let shown = try JSON.parse(
      Representation(answered.request, subject: nil, now: answered.event.at, reference: reference).bytes)
    #expect(shown["answer"]?["late"]?.boolValue == false && shown["due"]?["status"]?.stringValue == status)
    #expect(shown["due"]?["binds"]?.stringValue == "sender" && shown["due"]?["overdue"]?.boolValue == false)
    let text = try #require(request.senderSummary(reference.calendar, region: nil))
    #expect(text.zh.contains(isLate ? "送交，逾期" : "送交，按期") && text.en.contains(isLate ? "late" : "in time"))
  }

  /// A slip in the year has no date of its own, and must not count as in time for another half year.
  @Test(arguments: ["0001-H1", "0025-H2", "9999-H1"]) func aYearThatCannotBeMeantIsAFault(_ period: String) throws {
    do {
      _ = try Self.open(Self.halves, period: period, at: "2026-03-01T00:00:00+08:00")
      Issue.record("accepted")
    } catch Refusal.faults(let faults) {
      #expect(faults.map(\.pointer) == ["/data/period"])
    }
  }

  /// The rungs go on whatever the receiver does, once each, and speak of the sender.
  @Test func theSenderIsTold() throws {
    let (decision, reference) = try Self.open(at: "2026-03-02T10:00:00+08:00")
    let timer = try #require(decision.timer)
    var request = decision.request
    request.state = .answered(try sampleAnswer())
    let now = try instant("2026-03-02T10:00:01+08:00")
    let overdue = try #require(request.fire(timer, now: now, reference: reference))
    #expect(overdue.event.type == .overdue && overdue.event.data["binds"]?.stringValue == "sender")
    #expect(overdue.alsoTell.isEmpty && overdue.timer?.rung == .escalated)
    let next = try #require(overdue.timer)
    let escalated = try #require(request.fire(next, now: now, reference: reference))
    #expect(escalated.timer == nil)
    let bureau = try code(Organs.supervisor)
    #expect(escalated.alsoTell.contains(bureau) && !escalated.alsoTell.contains(request.requester))
    request.state = .withdrawn(Withdrawal(reason: "误送"))
    #expect(request.fire(timer, now: now, reference: reference) == nil)
    let inTime = try Self.open(at: "2026-01-06T10:00:00+08:00").0.request
    #expect(inTime.fire(timer, now: now, reference: reference) == nil)
  }

  @Test func theReceiversClockIsAsItWas() throws {
    let (decision, reference) = try Self.open(binds: .receiver, at: "2026-03-02T10:00:00+08:00")
    let (request, now) = (decision.request, try instant("2026-03-02T10:00:00+08:00"))
    #expect(request.isOverdue(now: now) && request.isReplyLate(now: now) && request.bound == request.responder)
    #expect(decision.event.data["late"] == nil && request.senderSummary(reference.calendar, region: nil) == nil)
  }

  /// Type, at → what is counted. Sent on Monday 2 March, due before; a reply on the Thursday took three days.
  @Test(arguments: [
    (EventType.submitted, Measure.sentLate, 0), (.answered, .onTime, 3), (.declined, .declined(reason: "other"), 0),
    (.returned, .returned, 0),
  ]) func figures(_ type: EventType, _ measure: Measure, _ days: Int) throws {
    let (decision, reference) = try Self.open(at: "2026-03-02T10:00:00+08:00")
    let request = decision.request
    let at = type == .submitted ? request.receivedAt : try instant("2026-03-05T10:00:00+08:00")
    let finish = Finish(
      type: type, at: at, receivedAt: request.receivedAt, progress: request.progress, dueAt: request.deadline.at,
      reasonCode: "other", region: nil, clockRegion: nil)
    let counted = try #require(finish.counted(reference.calendar, clock: reference.calendar))
    #expect(counted == (measure, days))
    #expect(Measure(name: measure.name) == measure)
  }

  @Test func whatCameInTimeIsNoFigureOfTheSender() throws {
    for (binds, at) in [
      (Procedure.Bound.sender, "2026-01-06T10:00:00+08:00"), (.receiver, "2026-03-02T10:00:00+08:00"),
    ] {
      let (decision, reference) = try Self.open(binds: binds, at: at)
      let request = decision.request
      let finish = Finish(
        type: .submitted, at: request.receivedAt, receivedAt: request.receivedAt, progress: request.progress,
        dueAt: request.deadline.at, reasonCode: nil, region: nil, clockRegion: nil)
      #expect(finish.counted(reference.calendar, clock: reference.calendar) == nil)
    }
  }

  /// Kept as it was; a definition of before there were such clocks is the receiver's, and the same bytes as ever.
  @Test(arguments: [days, halves], Procedure.Bound.allCases)
  func keptByVersion(_ clock: Procedure.Clock, _ binds: Procedure.Bound) throws {
    let procedure = Self.procedure(clock, binds: binds)
    #expect(Procedure(stored: procedure.canonical, version: 3) == procedure.numbered(3))
    let kept = try JSON.parse(procedure.canonical)["clock"]?["binds"]?.stringValue
    #expect(kept == (binds == .sender ? "sender" : nil))
    var w = JSONWriter(capacity: 4096)
    w.object { procedure.write(&$0) }
    #expect(try JSON.parse(w.bytes)["clock"]?["binds"]?.stringValue == binds.rawValue)
  }

  @Test func aWordThatNobodyKnowsIsDamage() throws {
    let text = String(decoding: Self.procedure(Self.days).canonical, as: UTF8.self)
    #expect(
      Procedure(stored: Array(text.replacing(#""binds":"sender""#, with: #""binds":"all""#).utf8), version: 1) == nil)
  }

  /// Text → the first of 28/29 February and 31 August after it.
  @Test(
    arguments: [
      ("2026-H1", 1), ("2026-H2", 2), ("1971-H1", 1), ("2100-H2", 2), ("1970-H1", nil), ("2101-H1", nil),
      ("2026-H3", nil),
      ("2026-h1", nil), ("2026H1", nil), ("2026-H1 ", nil), ("", nil), ("２026-H1", nil),
    ] as [(String, Int?)]) func halfYears(_ text: String, _ half: Int?)
  {
    #expect(HalfYear(text)?.half == half)
  }
}
