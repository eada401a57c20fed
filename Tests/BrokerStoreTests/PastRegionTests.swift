import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// What had ended before its organ moved to another region stays as it was counted. The fixture's requests are received on
/// Monday 2 March 2026; in 南宁, to where the organ moves, the 3rd and the 5th are off.
@Suite(.timeLimit(.minutes(5))) struct PastRegionTests {
  static func load(_ fixture: Fixture, _ kind: ReferenceKind, _ text: String) throws {
    let command = try fixture.open(.command)
    defer { command.close() }
    _ = try command.importFile(kind, Array(text.utf8))
  }

  private static func days(_ fixture: Fixture) throws {
    try load(
      fixture, .calendar,
      "date,kind,festival,notice,region\n2026-03-03,off,三月三,通知,45\n2026-03-05,off,三月三,通知,45\n")
  }

  private static func move(_ fixture: Fixture, to region: String) throws {
    try load(fixture, .organs, "code,name,region\n\(Qidong.responder.code),民政局,\(region)\n")
  }

  private static func counted(_ id: EntityID, _ store: Store) async throws -> [CalendarDate] {
    let (request, reference) = (try #require(try await store.request(id)).request, store.reference)
    return reference.calendar(of: request).explanation(
      receivedAt: request.clockFrom, deadline: request.deadline, region: request.countedRegion(reference)
    ).filter { $0.ordinal != nil }.map(\.date)
  }

  @Test func theCountOfWhatHasEndedStays() async throws {
    let fixture = try Fixture()
    try Self.days(fixture)
    var ended: [(EntityID, [CalendarDate])] = []
    do {
      let store = try fixture.open()
      defer { store.close() }
      let (open, closed, waiting) = (try await store.submit(), try await store.submit(), try await store.submit())
      try await store.carryOut(.confirm, closed.id)
      try await store.carryOut(.ask(text: "请补充结婚登记地"), waiting.id)
      for id in [closed.id, waiting.id] { ended.append((id, try await Self.counted(id, store))) }
      #expect(ended.allSatisfy { $0.1.count == open.deadline.workingDays })
      store.clock.advance(to: store.clock.now + 1000)
      try Self.move(fixture, to: "450100")
      #expect(try await store.refresh())
      #expect(try #require(try await store.request(open.id)).request.deadline.date != open.deadline.date)
      #expect(try await Self.counted(open.id, store).count == open.deadline.workingDays)
      for (id, days) in ended { #expect(try await Self.counted(id, store) == days) }
      try await store.carryOut(.supply(text: "启东市"), waiting.id, by: .requester)
      ended.removeLast()
      let anew = try #require(try await store.request(waiting.id)).request.deadline
      #expect(anew.date.description == "2026-03-11", "counted anew, and where the organ is now")
      try await store.advance(to: "2026-03-02T11:00:00+08:00")
    }
    // As the next daemon knows it, after one more move, and one that is none.
    try Self.move(fixture, to: "540100")
    try Self.move(fixture, to: "540100")
    let store = try fixture.open()
    defer { store.close() }
    _ = try await store.refresh()
    for (id, days) in ended { #expect(try await Self.counted(id, store) == days) }
    let organ = try #require(store.reference.organ(Qidong.responder.organ))
    #expect(organ.pastRegions.map(\.region.description) == ["320681", "450100"])
    #expect(try store.verify() == [])
  }

  /// Figures do not depend on whether an event was filed before or after the organ moved.
  @Test func figuresStay() async throws {
    let fixture = try Fixture()
    try Self.days(fixture)
    let store = try fixture.open()
    defer { store.close() }
    let before = try await store.countsOfThreeAnswers()
    try Self.move(fixture, to: "450100")
    #expect(try await store.refresh())
    #expect(try !before.tallies.isEmpty && store.reportCounts() == before)
  }

  /// What people were told goes on saying how much was left then, whatever days are given off since.
  @Test(arguments: [true, false]) func whatWasLeftStays(_ moves: Bool) async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    try await store.submit()
    try await store.advance(to: "2026-03-05T12:00:00+08:00")
    func left() async throws -> [Int] {
      try await store.inbox(organ: try store.number(.responder), audience: nil, after: 0, limit: 9).compactMap { item in
        guard case .request(let notice) = item else { return nil }
        return notice.daysLeft
      }
    }
    #expect(try await left() == [2])
    try Self.load(
      fixture, .calendar, "date,kind,festival,notice,region\n2026-03-06,off,放假,通知,\(moves ? "45" : "")\n")
    if moves { try Self.move(fixture, to: "450100") }
    #expect(try await store.refresh())
    #expect(try await left() == [2])
    #expect(try store.verify() == [])
  }

  /// Nothing was counted by it yet.
  @Test func withoutRequestsNothingIsKept() throws {
    let fixture = try Fixture()
    try Self.move(fixture, to: "450100")
    let store = try fixture.open()
    defer { store.close() }
    #expect(try store.scalar("SELECT count(*) FROM organ_past_region") == 0)
  }

  @Test func theTableIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "18 notices say what is provisional")
    let before = try SchemaTests.statements(queue)
    try Schema.migrator.migrate(queue, upTo: "19 the regions as they were")
    #expect(try SchemaTests.statements(queue).filter { !before.contains($0) } == [GoldenSchema.organPastRegion])
  }
}
