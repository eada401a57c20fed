import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// Taking up what has changed, by several at once and on a disk that does not take every write.
@Suite(.timeLimit(.minutes(5))) struct RefreshTests {
  private static func load(_ fixture: Fixture, holidays days: String...) throws {
    let command = try fixture.open(.command)
    defer { command.close() }
    let rows = days.map { "\($0),off,抗疫,国办发明电〔2026〕99号\n" }.joined()
    _ = try command.importFile(.calendar, Array(("date,kind,festival,notice\n" + rows).utf8))
  }

  /// The second look waits for the first, which is still moving deadlines, and then takes up what came since.
  @Test func twoLooksFollowEachOther() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let request = try await store.submit()
    let due = request.deadline.date
    try Self.load(fixture, holidays: "2026-03-05")
    let barrier = Barrier()
    store.pool.asyncWriteWithoutTransaction { _ in barrier.hold() }
    try await barrier.reached()
    let first = Task { try await store.refresh() }
    let before = store.reference.calendar
    try await until("the first look has loaded the lists") { store.reference.calendar != before }
    let between = store.reference.calendar
    try Self.load(fixture, holidays: "2026-03-05", "2026-03-06")
    let second = Task { try await store.refresh() }
    try await Task.sleep(for: .milliseconds(200))
    #expect(store.reference.calendar == between, "one look at a time")
    barrier.open()
    #expect(try await first.value)
    #expect(try await second.value)
    let moved = try #require(try await store.request(request.id)).request.deadline.date
    #expect(store.reference.calendar != between && moved.dayNumber == due.dayNumber + 2)
    #expect(try await store.refresh() == false)
    #expect(try store.verify() == [])
  }

  /// The deadlines are moved and only the last word of it could not be written: the next look writes it.
  @Test func whatCouldNotBeRecordedIsRecordedLater() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    try await store.submit()
    try store.plant(
      """
      CREATE TRIGGER full BEFORE UPDATE ON meta WHEN new.name = 'loaded-generation'
      BEGIN SELECT RAISE(ABORT, 'no space'); END
      """)
    try Self.load(fixture, holidays: "2026-03-05")
    for _ in 0..<2 { #expect(await failure { try await store.refresh() } != nil) }
    try store.plant("DROP TRIGGER full")
    #expect(try await store.refresh() == false, "the lists are taken up already")
    let values = try store.readNow { db in (try db.meta(.referenceGeneration), try db.meta(.loadedGeneration)) }
    #expect(values.0 != nil && values.0 == values.1)
  }
}
