internal import BrokerDomain
internal import Testing

/// An organ that the directory moves to another region: by whose days what it had is told. The organ that is asked moves
/// from 启东 to 南宁 at 00:00 of 24 November 2026; there the 23rd, the 25th and the 27th are off.
@Suite struct OrganMoveTests {
  static let move = "2026-11-24T00:00:00+08:00"

  /// As the directory is before the move or after it.
  static func reference(
    moved: Bool, off: [(String, String)] = [("45", "11-23"), ("45", "11-25"), ("45", "11-27")], until: String = move,
    past: WorkingCalendar? = nil
  ) throws -> Reference {
    let plain = try makeReference()
    let days = try off.map { region, day in
      (region, AnnouncedDay(date: try date("2026-\(day)"), kind: .off, festival: "测试", notice: "通知\(region)"))
    }
    let organs = try plain.organs.map { organ -> Organ in
      guard moved, organ.code == (try code(Organs.responder)) else { return organ }
      return Organ(
        number: organ.number, code: organ.code, name: organ.name, shortName: organ.shortName,
        region: try region("450100"), superior: nil, roles: organ.roles,
        pastRegions: [PastRegion(until: try instant(until), region: organ.region)])
    }
    let calendar = plain.calendar.amended(by: days)
    return Reference(
      organs: organs, items: plain.items, assistance: plain.assistance, calendar: calendar,
      pastCalendars: PastCalendar.past(
        of: calendar, try past.map { [(until: try instant(until), days: calendar.replaced(of: $0))] } ?? []),
      procedures: Array(plain.procedures.values), lastDay: plain.lastDay)
  }

  private static let giveBack = Command.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil))
  private static let answer = (try? sampleAnswer()).map(Command.answer) ?? .close(text: nil)

  /// What was done when and by whom; the region that counts, working days used in the first span, and the last day.
  static let courses: [(what: String, [(String, String, Command)], region: String, used: Int?, due: String)] = [
    ("it runs", [], "450100", 2, "11-25"),
    ("answered before", [("11-23T09", Organs.responder, answer)], "320681", 1, "11-25"),
    ("answered at that moment", [("11-24T00", Organs.responder, answer)], "450100", 1, "11-25"),
    ("answered after it", [("11-24T09", Organs.responder, answer)], "450100", 1, "11-25"),
    ("it stands still", [("11-23T09", Organs.responder, .ask(text: "请补充结婚登记地"))], "320681", 1, "11-25"),
    (
      "it stood still, and began anew",
      [
        ("11-23T09", Organs.responder, .ask(text: "请补充结婚登记地")), ("11-25T10", Organs.requester, .supply(text: "启东市")),
      ], "450100", nil, "12-01"
    ),
    ("returned", [("11-23T09", Organs.responder, giveBack)], "320681", 1, "11-25"),
    (
      "returned, and closed after it",
      [("11-23T09", Organs.responder, giveBack), ("11-26T09", Organs.requester, .close(text: nil))], "320681", 1,
      "11-25"
    ),
  ]

  @Test(arguments: courses) func whatHadEndedIsToldByTheRegionOfThen(
    _ what: String, _ steps: [(String, String, Command)], _ region: String, _ used: Int?, _ due: String
  ) throws {
    let (before, after) = (try Self.reference(moved: false), try Self.reference(moved: true))
    var decision = try AssistanceRequest.submit(
      submission(), by: #require(before.organ(code(Organs.requester))), id: sampleID,
      now: instant("2026-11-20T10:00:00+08:00"), reference: before)
    var events = [decision.event]
    for (at, by, command) in steps {
      let now = try instant("2026-\(at):00:00+08:00")
      decision = try decision.request.carryOut(
        command, by: code(by), now: now, expectedVersions: nil,
        reference: now < instant(Self.move) ? before : after)
      events.append(decision.event)
    }
    let request = decision.request
    #expect(request.deadline.date == (try date("2026-\(due)")))
    #expect(request.countedRegion(before)?.description == "320681", "nothing has moved yet")
    #expect(request.countedRegion(after)?.description == region)
    let spans = request.clockSpans(
      events.map { ClockEvent(type: $0.type, at: $0.at, data: $0.data) }, now: try instant("2026-11-26T10:00:00+08:00"),
      reference: after)
    if let used { #expect(spans[0].used == used) }
    let now = try instant("2026-12-20T10:00:00+08:00")
    func shown(_ reference: Reference) -> [UInt8] {
      Representation(request, subject: nil, now: now, reference: reference).bytes
    }
    if region == "320681" { #expect(shown(after) == shown(before)) }
  }

  /// Days off, by the prefix of the region; when it moved; whether the days were announced before that; and whether the move
  /// is named as a cause.
  static let causes: [(what: String, off: [(String, String)], until: String, isNew: Bool, due: String, isNamed: Bool)] =
    [
      ("it alone", [("45", "11-23")], move, false, "11-26", true),
      ("together with a notice", [("45", "11-23"), ("", "11-24")], move, true, "11-27", true),
      ("a notice for everybody", [("", "11-24")], move, true, "11-26", false),
      ("a day that both regions have", [("45", "11-23"), ("32", "11-23")], move, true, "11-26", false),
      ("it had moved before", [("45", "11-23")], "2026-11-19T00:00:00+08:00", true, "11-26", false),
    ]

  @Test(arguments: causes) func theMoveIsNamedWhereItIsACause(
    _ what: String, _ off: [(String, String)], _ until: String, _ isNew: Bool, _ due: String, _ isNamed: Bool
  ) throws {
    let plain = try Self.reference(moved: false, off: isNew ? [] : off)
    let moved = try Self.reference(moved: true, off: off, until: until, past: isNew ? plain.calendar : nil)
    let submitted = try AssistanceRequest.submit(
      submission(), by: #require(plain.organ(code(Organs.requester))), id: sampleID,
      now: instant("2026-11-20T10:00:00+08:00"), reference: plain)
    #expect(submitted.request.deadline.date == (try date("2026-11-25")))
    let decision = try #require(
      submitted.request.recomputed(now: instant("2026-11-24T08:00:00+08:00"), reference: moved))
    let data = decision.event.data
    #expect(data["dueDate"]?.stringValue == "2026-\(due)")
    #expect(data["previousRegion"]?.stringValue == (isNamed ? "320681" : nil))
    #expect(data["region"]?.stringValue == (isNamed ? "450100" : nil))
    let spans = decision.request.clockSpans(
      [submitted.event, decision.event].map { ClockEvent(type: $0.type, at: $0.at, data: $0.data) },
      now: try instant("2026-11-25T10:00:00+08:00"), reference: moved)
    let text = try #require(spans.last).text { moved.organ($0)?.name }
    let zh = "机关改属行政区划450100（原 320681），按其日历重新计算，届满日 2026-\(due)（原 2026-11-25）"
    #expect(text.zh.contains(zh) == isNamed, "\(text.zh)")
    #expect(text.en.contains("region 450100, to which the organ moved from 320681, due 2026-\(due)") == isNamed)
    #expect(text.zh.contains("放假安排变动，重新计算") == !isNamed)
  }
}
