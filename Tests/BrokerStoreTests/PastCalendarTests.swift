import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// What had ended before the calendar changed stays as it was counted (domain: a change "never touches closed ones").
@Suite(.timeLimit(.minutes(5))) struct PastCalendarTests {
  private static func load(_ fixture: Fixture, _ rows: String) throws {
    let command = try fixture.open(.command)
    defer { command.close() }
    _ = try command.importFile(.calendar, Array(("date,kind,festival,notice,region\n" + rows).utf8))
  }

  private static func counted(_ request: AssistanceRequest, _ reference: Reference) -> [CalendarDate] {
    reference.calendar(of: request).explanation(
      receivedAt: request.clockFrom, deadline: request.deadline, region: request.calendarRegion(reference)
    ).filter { $0.ordinal != nil }.map(\.date)
  }

  private static func shown(_ id: EntityID, _ store: Store) async throws -> [UInt8] {
    let stored = try #require(try await store.request(id))
    return Representation(stored.request, subject: nil, now: store.clock.now, reference: store.reference).bytes
  }

  /// The fixture's requests are received on Monday 2 March 2026; 启东 is 320681.
  @Test(arguments: ["2026-03-05,off,抗疫,通知,\n", "2026-03-05,off,地方放假,通知,3206\n", "2026-03-07,work,调休,通知,\n"])
  func theCountOfWhatHasEndedStays(_ change: String) async throws {
    let fixture = try Fixture()
    var ended: [(EntityID, days: [CalendarDate], shown: [UInt8])] = []
    do {
      let store = try fixture.open()
      defer { store.close() }
      let (open, closed, waiting) = (try await store.submit(), try await store.submit(), try await store.submit())
      try await store.carryOut(.confirm, closed.id)
      try await store.carryOut(.ask(text: "请补充结婚登记地"), waiting.id)
      for id in [closed.id, waiting.id] {
        let request = try #require(try await store.request(id)).request
        let days = Self.counted(request, store.reference)
        #expect(days.count == request.deadline.workingDays && days.last == request.deadline.date)
        ended.append((id, days, try await Self.shown(id, store)))
      }
      store.clock.advance(to: store.clock.now + 1000)
      try Self.load(fixture, change)
      #expect(try await store.refresh())
      let moved = try #require(try await store.request(open.id)).request
      #expect(moved.deadline.date != open.deadline.date)
      #expect(Self.counted(moved, store.reference).count == moved.deadline.workingDays)
      for (id, days, shown) in ended {
        #expect(Self.counted(try #require(try await store.request(id)).request, store.reference) == days)
        #expect(try await Self.shown(id, store) == shown)
      }
    }
    // As the next daemon knows it, after one more change.
    try Self.load(fixture, "2026-03-04,off,抗疫,又一通知,\n")
    let store = try fixture.open()
    defer { store.close() }
    _ = try await store.refresh()
    for (id, days, _) in ended {
      #expect(Self.counted(try #require(try await store.request(id)).request, store.reference) == days)
    }
    #expect(try store.verify() == [])
  }

  /// Figures do not depend on whether an event was filed before or after the calendar changed.
  @Test func figuresStay() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let before = try await store.countsOfThreeAnswers()
    try Self.load(fixture, "2026-03-03,off,抗疫,通知,\n")
    #expect(try await store.refresh())
    #expect(try !before.tallies.isEmpty && store.reportCounts() == before)
  }

  /// Each change is undone by itself, also where nothing was announced before.
  @Test func everyChangeHasItsCalendar() throws {
    func day(_ date: String, _ kind: AnnouncedDay.Kind) throws -> AnnouncedDay {
      AnnouncedDay(date: try #require(CalendarDate(date)), kind: kind, festival: "f", notice: "n")
    }
    let calendars = [
      WorkingCalendar(national: []),
      WorkingCalendar(national: [try day("2026-10-01", .off), try day("2026-03-03", .off)]),
      WorkingCalendar(
        national: [try day("2026-10-01", .off), try day("2026-03-03", .work)],
        overlays: ["45": [try day("2026-03-04", .off)]]),
    ]
    var changes: [(until: Instant, days: [PastCalendar.Day])] = []
    for (index, (old, new)) in zip(calendars, calendars.dropFirst()).enumerated() {
      changes.append((Instant(milliseconds: Int64(index + 1) * 10), new.replaced(of: old)))
    }
    let past = PastCalendar.past(of: calendars[2], changes)
    #expect(past.map(\.until.milliseconds) == [10, 20])
    for (kept, calendar) in zip(past, calendars) {
      #expect(kept.calendar.changedDates(since: calendar) == nil && kept.calendar.replaced(of: calendar).isEmpty)
      #expect(kept.calendar.knownYears == calendar.knownYears)
    }
    #expect(calendars[2].replaced(of: calendars[2]).isEmpty)
  }

  /// Nothing was counted by it yet.
  @Test func withoutRequestsNothingIsKept() throws {
    let fixture = try Fixture()
    try Self.load(fixture, "2026-03-03,off,抗疫,通知,\n")
    let store = try fixture.open()
    defer { store.close() }
    #expect(try store.scalar("SELECT count(*) FROM past_calendar_day") == 0)
  }

  @Test func theTableIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "16 who is in a run of subjects")
    let before = try SchemaTests.statements(queue)
    try Schema.migrator.migrate(queue, upTo: "17 the calendar as it was")
    #expect(try SchemaTests.statements(queue).filter { !before.contains($0) } == [GoldenSchema.pastCalendarDay])
  }
}

extension Store {
  /// Figures of three requests that are answered in time; then the clock goes on by a second.
  func countsOfThreeAnswers() async throws -> ReportCounts {
    for _ in 0..<3 {
      let request = try await submit()
      _ = try await advance(to: "2026-03-04T10:00:00+08:00")
      try await carryOut(.confirm, request.id)
    }
    let counts = try reportCounts()
    clock.advance(to: clock.now + 1000)
    return counts
  }

  /// As they are filed now.
  func reportCounts() throws -> ReportCounts {
    let reference = reference
    return try readNow { try $0.reportCounts(after: 0, through: .max, reference) }
  }
}
