import BrokerDomain
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import BrokerStore

/// A wall clock that is set back, as time servers and people do.
@Suite(.timeLimit(.minutes(5))) struct ClockTests {
  private final class Wall: Sendable {
    let time = Mutex(Fixture.monday)
    var now: Instant { time.withLock { $0 } }
    func step(_ milliseconds: Int64) { time.withLock { $0 = $0 + milliseconds } }
  }

  private static func open(_ fixture: Fixture, _ wall: Wall) throws -> Store {
    try Store.open(
      directory: fixture.directory, role: .daemon, procedures: Fixture.procedures, wall: { wall.now })
  }

  @Test func timeStandsStillUntilTheClockHasCaughtUp() async throws {
    let (fixture, wall) = (try Fixture(.real), Wall())
    var ids: [EntityID] = []
    do {
      let store = try Self.open(fixture, wall)
      defer { store.close() }
      ids.append(try await store.submit().id)
      wall.step(-10_000)
      #expect(store.clock.now == Fixture.monday)
      try await store.carryOut(.acknowledge(officer: nil), ids[0])
      wall.step(-10_000)
      ids.append(try await store.submit().id)
      let stored = try await store.request(ids[0])
      let request = try #require(stored).request
      #expect(request.receivedAt == Fixture.monday && request.updatedAt == Fixture.monday)
    }
    // It is still early when the daemon comes back.
    let store = try Self.open(fixture, wall)
    defer { store.close() }
    try await store.carryOut(.acknowledge(officer: nil), ids[1])
    wall.step(25_000)
    ids.append(try await store.submit().id)
    let last = try await store.request(ids[2])
    #expect(last?.request.receivedAt == Fixture.monday + 5_000)
    let moments = try await store.read { db in
      try Int64.fetchAll(db, sql: "SELECT at FROM event ORDER BY seq")
    }
    #expect(moments == moments.sorted() && moments.count == 5)
    let first = try await store.read { db in try db.firstEvent(after: Fixture.monday) }
    #expect(first == 5, "only the last came later")
    #expect(try store.verify() == [])
  }
}
