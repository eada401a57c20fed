import BrokerDomain
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import BrokerStore

/// A wall clock that is set back, as time servers and people do.
@Suite(.timeLimit(.minutes(5))) struct ClockTests {
  private final class Wall: Sendable {
    let time = Mutex((wall: Fixture.monday, steady: Int64(0)))
    var now: Instant { time.withLock { $0.wall } }
    var steady: Int64 { time.withLock { $0.steady } }
    /// Somebody sets it.
    func step(_ milliseconds: Int64) { time.withLock { $0.wall = $0.wall + milliseconds } }
    /// Time passes.
    func pass(_ milliseconds: Int64) {
      time.withLock { $0 = ($0.wall + milliseconds, $0.steady + milliseconds * 1000) }
    }
  }

  private static func open(_ fixture: Fixture, _ wall: Wall) throws -> Store {
    try Store.open(
      directory: fixture.directory, role: .daemon, procedures: Fixture.procedures, wall: { wall.now },
      steady: { wall.steady })
  }

  /// Half the pace until the wall has caught up, at its pace from then on.
  @Test func timeGoesOnAtHalfItsPaceUntilTheClockHasCaughtUp() {
    let wall = Wall()
    let clock = BrokerClock(source: { wall.now }, steady: { wall.steady })
    wall.pass(1000)
    #expect(clock.now == Fixture.monday + 1000)
    wall.step(-3_600_000)
    #expect(clock.now == Fixture.monday + 1000)
    var last = clock.now
    for minute in 1...118 {
      wall.pass(60_000)
      #expect(clock.now == last + 30_000, "after \(minute) minutes")
      last = clock.now
    }
    wall.pass(120_000)
    #expect(clock.now == wall.now && wall.now == Fixture.monday + 3_601_000)
    // Set right before that, it has nothing to catch up with; and the next step back counts from its own beginning.
    wall.step(-3_600_000)
    wall.pass(10_000)
    wall.step(3_600_000)
    #expect(clock.now == wall.now)
    wall.step(-60_000)
    last = clock.now
    wall.pass(10_000)
    #expect(clock.now == last + 5000)
  }

  /// Of a look: how long after the one before, and by how much somebody has set the clock meanwhile.
  @Test(
    arguments: [
      ([(1000, 0), (1000, 9_999), (1000, -9_999), (3_600_000, 0)], [nil, nil, nil, nil], 0, 0),
      ([(1000, 10_001), (1000, 0), (1000, -10_001)], [10_001, nil, -10_001], 1, 1),
      ([(86_400_000, 7_200_000), (500, 7_200_000), (0, 0)], [7_200_000, 7_200_000, nil], 2, 0),
      ([(60_000, -3_600_000), (60_000, 0)], [-3_600_000, nil], 0, 1),
    ] as [([(Int64, Int64)], [Int64?], Int, Int)])
  func whoSetsTheClockIsNoticed(_ looks: [(Int64, Int64)], _ steps: [Int64?], _ forward: Int, _ back: Int) {
    let wall = Wall()
    let clock = BrokerClock(source: { wall.now }, steady: { wall.steady })
    #expect(clock.step() == nil, "nothing to compare with")
    let found = looks.map { passed, step -> Int64? in
      wall.pass(passed)
      wall.step(step)
      return clock.step()
    }
    #expect(found == steps)
    #expect(clock.steps == ClockSteps(forward: forward, back: back))
  }

  @Test func howFarItIsAheadIsTold() {
    let wall = Wall()
    let clock = BrokerClock(notBefore: Fixture.monday + 5000, source: { wall.now }, steady: { wall.steady })
    #expect(clock.ahead == 5000, "the database is newer")
    wall.pass(4000)
    #expect(clock.ahead == 3000)
    wall.pass(6000)
    #expect(clock.ahead == 0)
    wall.step(-60_000)
    #expect(clock.ahead == 60_000)
    #expect(BrokerClock(rehearseAt: Fixture.monday).ahead == 0)
  }

  /// A retry is counted from the attempt before it, also across a restart, however far back the clock is set.
  @Test func theNewestAttemptIsNotInTheFuture() async throws {
    let (fixture, wall) = (try Fixture(.real), Wall())
    do {
      let store = try Self.open(fixture, wall)
      defer { store.close() }
      let endpoint = try await store.addEndpoint(of: .responder)
      _ = try await store.submit()
      wall.pass(60_000)
      let due = try store.dueDeliveries(endpoint, outstanding: [], limit: DueLimit(1)).due
      let result = AttemptResult(
        delivery: try #require(due.first), at: store.clock.now, status: 500, error: nil,
        verdict: .retry(at: store.clock.now + 4000))
      _ = try await store.write { try $0.settle(result) }
    }
    wall.step(-3_600_000)
    let store = try Self.open(fixture, wall)
    defer { store.close() }
    #expect(store.clock.now == Fixture.monday + 60_000)
    wall.pass(8000)
    let heads = try store.queueHeads()
    #expect(heads.map(\.at) == [store.clock.now])
  }

  @Test func timeNeverGoesBack() async throws {
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
