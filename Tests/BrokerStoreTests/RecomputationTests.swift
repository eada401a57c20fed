import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// A notice that comes out while requests are open.
@Suite(.timeLimit(.minutes(5))) struct RecomputationTests {
  /// The fixture's requests are received on Monday 2 March 2026.
  private static let notice = "国办发明电〔2026〕99号"
  private static func holiday(_ dates: String...) -> [UInt8] {
    Array(("date,kind,festival,notice\n" + dates.map { "\($0),off,抗疫,\(notice)\n" }.joined()).utf8)
  }

  /// What has fired, and when: `T-1 03-06T00:00`.
  private static func rungs(of request: AssistanceRequest, _ store: Store) async throws -> [String] {
    try await store.timeline(request.id).compactMap { event in
      try JSON.parse(event.data)["rung"]?.stringValue.map { "\($0) \(event.at.rfc3339.dropFirst(5).prefix(11))" }
    }
  }

  /// As an operator's command beside the daemon does it.
  private static func load(_ fixture: Fixture, _ bytes: [UInt8]) throws {
    let command = try fixture.open(.command)
    defer { command.close() }
    _ = try command.importFile(.calendar, bytes)
  }

  @Test func openDeadlinesMoveAndClosedOnesStay() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let (open, closed, waiting) = (try await store.submit(), try await store.submit(), try await store.submit())
    try await store.carryOut(.confirm, closed.id)
    try await store.carryOut(.ask(text: "请补充结婚登记地"), waiting.id)
    let due = open.deadline.date
    let reference = store.reference
    func told() throws -> [[UInt8]?] {
      try [Endpoint.Body.thin, .full].map { kind in
        try store.readNow { db in try CallbackMessage.load(seq: 1, kind, db, reference)?.body }
      }
    }
    let before = try told()
    try Self.load(fixture, Self.holiday(due.description))
    #expect(try await store.refresh())

    let moved = try #require(try await store.request(open.id)).request
    let expected = store.reference.calendar.workingDay(
      open.deadline.workingDays, from: open.receivedAt.date, region: store.reference.organ(open.responder)?.region)
    #expect(moved.deadline.date == expected && moved.deadline.date > due)
    #expect(try told() == before, "what was told stays as it was")
    #expect(moved.deadline.workingDays == open.deadline.workingDays && moved.version == open.version + 1)
    let event = try #require(try await store.timeline(open.id).last)
    #expect(event.type == "request.deadline-changed" && event.actor == nil)
    let data = try JSON.parse(event.data)
    #expect(data["previousDueDate"]?.stringValue == due.description)
    #expect(data["dueDate"]?.stringValue == expected.description)
    #expect(data["notices"]?.arrayValue?.contains(.string(Self.notice)) == true)
    for other in [closed, waiting] {
      #expect(try await store.timeline(other.id).count == 2)
      #expect(try await store.request(other.id)?.request.deadline == other.deadline)
    }
    #expect(try await store.refresh() == false, "taken up once")
    #expect(try store.verify() == [])
  }

  /// Days move a deadline, and not the hour at which a last day ends by a policy that came after it was counted.
  @Test func theHourOfTheLastDayStays() async throws {
    let fixture = try Fixture()
    let request = try await fixture.life { try await $0.submit() }
    let store = try Store.open(
      directory: fixture.directory, role: .daemon, procedures: Fixture.procedures,
      lastDay: LastDayPolicy(endMinute: 17 * 60 + 30))
    defer { store.close() }
    #expect(try await store.submit().deadline.at.rfc3339.contains("T17:30"), "what is opened by now")
    let after = Self.holiday("2026-06-01")
    #expect(try store.previewCalendar(after, limit: 10).moved == 0)
    try Self.load(fixture, after)
    #expect(try await store.refresh())
    #expect(try await store.request(request.id)?.request == request)
    let within = Self.holiday(request.deadline.date.description)
    let hours = try store.previewCalendar(within, limit: 10).lines.map { $0.after.at.rfc3339.dropFirst(10).prefix(6) }
    #expect(hours == ["T00:00", "T17:30"])
    try Self.load(fixture, within)
    #expect(try await store.refresh())
    let moved = try #require(try await store.request(request.id)).request.deadline
    #expect(moved.date > request.deadline.date && moved.at == (moved.date + 1).midnight)
    #expect(try store.verify() == [])
  }

  /// The rungs that are left come by the new days, and none comes twice.
  @Test func theLadderFollows() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let keeper = DeadlineKeeper(store: store) { _ in }
    let request = try await store.submit()
    let region = store.reference.organ(request.responder)?.region
    let first = store.reference.calendar.moment(of: .twoDaysLeft, deadline: request.deadline, region: region)
    _ = try await keeper.rehearse(to: first)
    try Self.load(fixture, Self.holiday(request.deadline.date.description))
    try await store.refresh()
    let moved = try #require(try await store.request(request.id)).request.deadline
    _ = try await keeper.rehearse(to: moved.at + -1)
    let early = try await store.timeline(request.id).map(\.type)
    #expect(!early.contains("request.overdue"))
    _ = try await keeper.rehearse(to: moved.at + 5 * Instant.millisecondsPerDay)
    let types = try await store.timeline(request.id).map(\.type)
    #expect(types.filter { $0 == "request.due-soon" }.count == 2)
    #expect(types.filter { $0 == "request.overdue" }.count == 1)
    #expect(types.filter { $0 == "request.escalated" }.count == 1)
    #expect(try store.verify() == [])
  }

  /// A holiday from Thursday the 5th on that is taken back at a moment: due on Monday the 9th again, with reminders due on
  /// the 5th and the 6th. The later one comes at once while there is time left; whatever fires, nothing below it follows.
  /// Rungs with their moments and what was left, and the rungs of which the organ's people were told.
  @Test(arguments: [
    (["05", "06"], "03-08T12:00", ["T-1 03-08T12:00 1", "T 03-10T00:00 0", "T+1 03-10T09:00 0"], [2, 3, 4]),
    (
      ["05", "06"], "03-09T12:00",
      ["T-2 03-09T00:00 2", "T-1 03-09T12:00 0", "T 03-10T00:00 0", "T+1 03-10T09:00 0"], [1, 2, 3, 4]
    ),
    (
      ["05", "06"], "03-10T08:00",
      ["T-2 03-09T00:00 2", "T-1 03-10T00:00 1", "T 03-10T08:00 0", "T+1 03-10T09:00 0"], [1, 3, 4]
    ),
    (["05", "06", "09", "10", "11"], "03-11T12:00", ["T 03-11T12:00 0", "T+1 03-11T12:00 0"], [3, 4]),
  ]) func noRungComesLateOrAfterAHigherOne(_ off: [String], _ at: String, _ rungs: [String], _ told: [Int64])
    async throws
  {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let request = try await store.submit()
    let rows = off.map { "2026-03-\($0),off,抗疫,\(Self.notice)\n" }.joined()
    try Self.load(fixture, Array(("date,kind,festival,notice\n" + rows).utf8))
    try await store.refresh()
    try await store.advance(to: "2026-\(at):00+08:00")
    try Self.load(fixture, Array("date,kind,festival,notice\n2026-05-01,off,劳动节,更正通知\n2026-10-01,off,国庆节,更正通知\n".utf8))
    try await store.refresh()
    #expect(try await store.request(request.id)?.request.deadline == request.deadline)
    try await store.advance(to: "2026-03-20T12:00:00+08:00")
    let fired = try await store.timeline(request.id).compactMap { event -> String? in
      let data = try JSON.parse(event.data)
      guard let rung = data["rung"]?.stringValue, let left = data["remaining"]?.intValue else { return nil }
      return "\(rung) \(event.at.rfc3339.dropFirst(5).prefix(11)) \(left)"
    }
    #expect(fired == rungs)
    let inbox = try store.readNow { db in
      try Int64.fetchAll(db, sql: "SELECT rung % 10 FROM inbox WHERE audience <> 'supervisor' ORDER BY seq")
    }
    #expect(inbox == told)
    #expect(try store.scalar("SELECT count(*) FROM timer") == 0)
    #expect(try store.verify() == [])
  }

  /// Received on Friday the 13th, due on Friday the 20th. A notice that makes one day a holiday and another a working day
  /// leaves that and moves what comes before or after it; what should have come by then comes at once.
  @Test(
    arguments: [
      (
        ["14,work", "19,off"], "03-13T19:00",
        ["T-2 03-17T00:00", "T-1 03-18T00:00", "T 03-21T00:00", "T+1 03-23T09:00"]
      ),
      (
        ["14,work", "19,off"], "03-17T12:00",
        ["T-2 03-17T12:00", "T-1 03-18T00:00", "T 03-21T00:00", "T+1 03-23T09:00"]
      ),
      (
        ["14,work", "19,off"], "03-18T12:00",
        ["T-2 03-18T00:00", "T-1 03-18T12:00", "T 03-21T00:00", "T+1 03-23T09:00"]
      ),
      (
        ["18,off", "15,work"], "03-13T19:00",
        ["T-2 03-17T00:00", "T-1 03-19T00:00", "T 03-21T00:00", "T+1 03-23T09:00"]
      ),
      (
        ["21,work", "27,off"], "03-20T12:00",
        ["T-2 03-18T00:00", "T-1 03-19T00:00", "T 03-21T00:00", "T+1 03-21T09:00"]
      ),
      (
        ["21,work", "27,off"], "03-21T08:00",
        ["T-2 03-18T00:00", "T-1 03-19T00:00", "T 03-21T00:00", "T+1 03-21T09:00"]
      ),
    ], [true, false]) func rungsMoveWhereTheDeadlineStays(
      _ change: (days: [String], at: String, rungs: [String]), isAfterAStart: Bool
    ) async throws
  {
    let fixture = try Fixture()
    let rows = change.days.map { "2026-03-\($0),抗疫,\(Self.notice)\n" }.joined()
    let request = try await fixture.life { store in
      try await store.advance(to: "2026-03-13T18:00:00+08:00")
      let request = try await store.submit()
      #expect(request.deadline.date.description == "2026-03-20")
      try await store.advance(to: "2026-\(change.at):00+08:00")
      try Self.load(fixture, Array(("date,kind,festival,notice\n" + rows).utf8))
      if !isAfterAStart { try await store.refresh() }
      return request
    }
    let store = try fixture.open()
    defer { store.close() }
    try await store.refresh()
    #expect(try await store.request(request.id)?.request.deadline.date == request.deadline.date)
    try await store.advance(to: "2026-03-30T12:00:00+08:00")
    let fired = try await Self.rungs(of: request, store)
    #expect(fired == change.rungs)
    #expect(try store.scalar("SELECT count(*) FROM timer") == 0)
    #expect(try store.verify() == [])
  }

  /// Overdue by a day that is none: not overdue any more, and so again later.
  @Test func whatWasOverdueByMistakeIsNotAnyMore() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let keeper = DeadlineKeeper(store: store) { _ in }
    let request = try await store.submit()
    _ = try await keeper.rehearse(to: request.deadline.at)
    #expect(try await store.tallies().first { $0.state == Store.overdueTally }?.count == 1)
    try Self.load(fixture, Self.holiday(request.deadline.date.description))
    try await store.refresh()
    #expect(try await store.tallies().first { $0.state == Store.overdueTally }?.count == 0)
    #expect(try store.verify() == [])
    let moved = try #require(try await store.request(request.id)).request
    #expect(!moved.isOverdue(now: store.clock.now))
    _ = try await keeper.rehearse(to: moved.deadline.at)
    #expect(try await store.timeline(request.id).map(\.type).filter { $0 == "request.overdue" }.count == 2)
    #expect(try store.verify() == [])
  }

  /// Due on Monday the 9th, overdue from the 10th on, and at two o'clock not any more: a reminder whose moment came after
  /// that comes at once, and what was told before is not told again.
  @Test(arguments: [
    (["06", "09"], ["T-1 03-10T02:00", "T 03-12T00:00", "T+1 03-12T09:00"]),
    (["09"], ["T 03-11T00:00", "T+1 03-11T09:00"]),
  ]) func nothingIsToldTwiceOfWhatIsOverdueNoMore(_ off: [String], _ rungs: [String]) async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.advance(to: "2026-03-10T02:00:00+08:00")
    let rows = off.map { "2026-03-\($0),off,抗疫,\(Self.notice)\n" }.joined()
    try Self.load(fixture, Array(("date,kind,festival,notice\n" + rows).utf8))
    try await store.refresh()
    try await store.advance(to: "2026-03-20T12:00:00+08:00")
    let fired = try await Self.rungs(of: request, store)
    #expect(fired == ["T-2 03-05T00:00", "T-1 03-06T00:00", "T 03-10T00:00"] + rungs)
    #expect(try store.verify() == [])
  }

  /// An organ that the directory moves to another region answers by that one's days from then on.
  @Test func anotherRegionCountsItsOwnDays() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let request = try await store.submit()
    let days = "date,kind,festival,notice,region\n2026-03-05,off,三月三,\(Self.notice),45\n"
    try Self.load(fixture, Array(days.utf8))
    try await store.refresh()
    #expect(try await store.request(request.id)?.request.deadline == request.deadline)
    let organ = try #require(store.reference.organ(request.responder))
    let command = try fixture.open(.command)
    let row = "code,name,region\n\(organ.code),\(organ.name),450100\n"
    _ = try command.importFile(.organs, Array(row.utf8))
    command.close()
    try await store.refresh()
    let moved = try #require(try await store.request(request.id)).request
    #expect(moved.deadline.date.description == "2026-03-10")
    let event = try #require(try await store.timeline(request.id).last)
    #expect(event.type == "request.deadline-changed")
    let data = try JSON.parse(event.data)
    #expect(data["previousRegion"]?.stringValue == "320681" && data["region"]?.stringValue == "450100")
    #expect(data["notices"]?.arrayValue?.contains(.string(Self.notice)) == true)
    // Of what moves by the days of the region where it is now, only the notice is the cause.
    let more = "date,kind,festival,notice,region\n2026-03-06,off,三月三,\(Self.notice),45\n"
    try Self.load(fixture, Array(more.utf8))
    try await store.refresh()
    let next = try JSON.parse(try #require(try await store.timeline(request.id).last).data)
    #expect(next["dueDate"]?.stringValue == "2026-03-11" && next["region"] == nil)
    #expect(try store.verify() == [])
  }

  /// The command ran while no daemon did.
  @Test func theNextDaemonCatchesUp() async throws {
    let fixture = try Fixture()
    let request = try await fixture.life { try await $0.submit() }
    try Self.load(fixture, Self.holiday(request.deadline.date.description))
    let store = try fixture.open()
    defer { store.close() }
    #expect(try await store.request(request.id)?.request.deadline == request.deadline)
    #expect(try await store.refresh())
    #expect(try await store.request(request.id)?.request.deadline != request.deadline)
    #expect(try await store.refresh() == false)
  }

  /// What the dry run says is what happens, over more requests than one group moves; it writes nothing itself.
  @Test func theDryRunSaysWhatHappens() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let first = try await store.submit()
    try await store.write { context in for _ in 0..<599 { _ = try context.submit(.marriage()) } }
    let closed = try await store.submit()
    try await store.carryOut(.confirm, closed.id)
    let bytes = Self.holiday(first.deadline.date.description)
    let counts = try store.countsText
    func preview(_ limit: Int) throws -> CalendarPreview {
      let command = try fixture.open(.command)
      defer { command.close() }
      return try command.previewCalendar(bytes, limit: limit)
    }
    let told = try preview(3)
    #expect(told.moved == 600 && told.unchanged == 0 && told.lines.count == 3 && told.becomeFirm == 0)
    #expect(told.days == CalendarChanges(added: [first.deadline.date.description]))
    let line = try #require(told.lines.first)
    #expect(line.id == first.id && line.organ == first.responder && line.before == first.deadline)
    #expect(try store.countsText == counts)
    #expect(try await store.refresh() == false)
    let newest = try store.newestEventNow()
    try Self.load(fixture, bytes)
    try await store.refresh()
    #expect(try store.deadlinesMoved(after: newest) == 600)
    #expect(try await store.request(first.id)?.request.deadline == line.after)
    let after = try preview(3)
    #expect(after.moved == 0 && after.unchanged == 600 && after.lines.isEmpty)
    #expect(try store.verify() == [])
  }

  /// A day behind everybody's deadline, or before anybody's receipt, touches nobody; the ones between do.
  @Test(arguments: [("2026-03-01", 0), ("2026-03-02", 0), ("2026-03-03", 1), ("2026-03-09", 1), ("2026-03-10", 0)])
  func onlyDeadlinesThatRunOverTheDayMove(_ day: String, _ moved: Int) async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    try await store.submit()
    // Sundays are off anyway: worked, they count.
    let kind = CalendarDate(day)?.weekday == 7 ? "work" : "off"
    try Self.load(fixture, Array("date,kind,festival,notice\n\(day),\(kind),测试,通知\n".utf8))
    try await store.refresh()
    #expect(try store.deadlinesMoved(after: 0) == moved)
    #expect(try store.verify() == [])
  }

  /// A deadline into the next year is provisional, and firm when that year's notice is loaded, on whatever day it falls and
  /// whether or not it names a day on the way: it is named as what made it so.
  @Test(arguments: [
    ("2026-12-29", [notice, "国办发明电〔2025〕7号"]), ("2027-01-04", [notice]), ("2027-03-01", [notice]),
  ]) func theYearsNoticeMakesDeadlinesFirm(_ day: String, _ notices: [String]) async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    try await store.advance(to: day + "T10:00:00+08:00")
    let request = try await store.submit()
    #expect(request.deadline.provisional && store.missingYears == [2027])
    func told() throws -> JSON? {
      let reference = store.reference
      let body = try store.readNow { db in try CallbackMessage.load(seq: 1, .thin, db, reference)?.body }
      return try body.flatMap { try JSON.parse($0)["data"]?["due"]?["provisional"] }
    }
    #expect(try told() == .bool(true))
    let rows = "2027-01-01,off,元旦,\(Self.notice)\n2027-10-01,off,国庆节,\(Self.notice)\n"
    let bytes = Array(("date,kind,festival,notice\n" + rows).utf8)
    #expect(try store.previewCalendar(bytes, limit: 1).becomeFirm == 1)
    try Self.load(fixture, bytes)
    try await store.refresh()
    let firm = try #require(try await store.request(request.id)).request.deadline
    #expect(!firm.provisional && firm.date == request.deadline.date && store.missingYears == [])
    let data = try JSON.parse(try #require(try await store.timeline(request.id).last).data)
    #expect(try told() == .bool(true), "what was told stays as it was")
    #expect(data["provisional"] == .bool(false) && data["notices"] == .array(notices.map { .string($0) }))
  }

  /// A year's notice that is loaded anew without a day which it had moves the deadline back, and is named.
  @Test func aDayThatIsNamedNoMoreIsMovedByTheYearsNotice() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let request = try await store.submit()
    try Self.load(fixture, Self.holiday(request.deadline.date.description))
    try await store.refresh()
    try Self.load(fixture, Array("date,kind,festival,notice\n2026-05-01,off,劳动节,更正通知\n2026-10-01,off,国庆节,更正通知\n".utf8))
    try await store.refresh()
    #expect(try await store.request(request.id)?.request.deadline == request.deadline)
    let data = try JSON.parse(try #require(try await store.timeline(request.id).last).data)
    #expect(data["notices"] == .array([.string("更正通知")]))
  }

  /// What was worked out beside the writer holds only while the request is as it was read: what happened in between is
  /// neither lost nor undone.
  @Test(arguments: ["nothing", "acknowledged", "answered", "amended", "lists"])
  func whatHappensInBetweenCounts(_ between: String) async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let id = try await store.submit().id
    try Self.load(fixture, Self.holiday(try #require(try await store.request(id)).request.deadline.date.description))
    try store.reload()
    let reference = store.reference
    let scan = DeadlineScan(reference, by: reference.calendar, since: nil)
    let work = try store.readNow { db in
      try scan.page(db, after: 0).moved.compactMap { try MovedRequest($0, db, reference) }
    }
    try #require(work.map(\.request.id) == [id])
    switch between {
    case "acknowledged": try await store.carryOut(.acknowledge(officer: "钱七"), id)
    case "answered": try await store.carryOut(.confirm, id)
    case "amended":
      try await store.write { context in
        guard var request = try context.request(id)?.request else { return }
        request.progress.runsOn = true
        try context.amend(request)
      }
    case "lists": try store.reload()
    default: break
    }
    let before = try #require(try await store.request(id)).request
    let (done, moved) = try await store.write { context in
      try context.recompute(work[...], by: reference, within: .max)
    }
    let after = try #require(try await store.request(id)).request
    #expect(done == 1 && moved == (between == "answered" ? 0 : 1))
    #expect(after.version == before.version + moved && after.state == before.state)
    #expect(after.acknowledgement == before.acknowledgement && after.progress == before.progress)
    #expect((after.deadline.date > before.deadline.date) == (moved == 1))
    let told = try await store.timeline(id).map(\.type)
    #expect(told.filter { $0 == "request.deadline-changed" }.count == moved, "\(told)")
    #expect(try store.verify() == [])
  }
}
