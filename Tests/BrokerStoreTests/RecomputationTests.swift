import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// A notice that comes out while requests are open.
@Suite(.timeLimit(.minutes(1))) struct RecomputationTests {
  /// The fixture's requests are received on Monday 2 March 2026.
  private static let notice = "国办发明电〔2026〕99号"
  private static func holiday(_ dates: String...) -> [UInt8] {
    Array(("date,kind,festival,notice\n" + dates.map { "\($0),off,抗疫,\(notice)\n" }.joined()).utf8)
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
}
