import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// What stays on record of attempts, and the story that it tells.
@Suite(.timeLimit(.minutes(1))) struct AttemptTests {
  private static let trip = Trip(
    dnsUS: 0, connectUS: 12, tlsUS: 0, firstByteUS: 530, totalUS: 533, remoteAddress: "10.1.2.3")

  private static func settle(
    _ store: Store, _ endpoint: Endpoint, _ verdict: AttemptResult.Verdict, status: Int?, error: String? = nil
  ) async throws {
    let result = AttemptResult(
      delivery: try store.head(endpoint), at: store.clock.now, status: status, error: error, verdict: verdict,
      trip: trip)
    _ = try await store.write { try $0.settle(result) }
  }

  private static func story(_ store: Store, _ endpoint: Endpoint, _ seq: Int64) async throws -> [String] {
    let trace = try #require(try await store.trace(endpoint: endpoint.id.key, seq: seq, organ: nil))
    return trace.attempts.map {
      "\($0.number) \($0.status ?? 0) \($0.error ?? "-") \($0.trip?.remoteAddress ?? "none")"
    }
  }

  @Test(arguments: [
    Trip(dnsUS: 0, connectUS: 0, tlsUS: 0, firstByteUS: 0, totalUS: 0, remoteAddress: ""), trip,
    Trip(dnsUS: 1, connectUS: 99, tlsUS: 1234, firstByteUS: 15_000_000, totalUS: 15_000_001, remoteAddress: "fd00::1"),
  ]) func tripsArePackedAndRead(_ trip: Trip) {
    #expect(Trip(packed: String(decoding: trip.packed, as: UTF8.self)) == trip)
  }

  @Test(arguments: ["", "1 2 3 4 5", "1 2 3 4 x 10.1.2.3"]) func otherTextIsNoTrip(_ text: String) {
    #expect(Trip(packed: text) == nil)
  }

  @Test func theFirstSuccessWritesNoRowAndFailuresOneEach() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.submit()
    try await Self.settle(store, endpoint, .delivered, status: 204)
    #expect(try store.scalar("SELECT count(*) FROM attempt") == 0)
    #expect(try await Self.story(store, endpoint, 1) == ["1 204 - 10.1.2.3"])
    try await store.submit()
    try await Self.settle(store, endpoint, .retry(at: store.clock.now), status: nil, error: "Timeout was reached")
    try await Self.settle(store, endpoint, .retry(at: store.clock.now), status: 503, error: "HTTP 503")
    try await Self.settle(store, endpoint, .delivered, status: 200)
    #expect(
      try await Self.story(store, endpoint, 2) == [
        "1 0 Timeout was reached 10.1.2.3", "2 503 HTTP 503 10.1.2.3", "3 200 - 10.1.2.3",
      ])
    #expect(try store.verify() == [])
  }

  /// A replay starts a count of its own, keeps what was, and does not move the moment of the first 2xx.
  @Test func replayKeepsTheFirstDelivery() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    for _ in 0..<2 { try await Self.settle(store, endpoint, .delivered, status: 200) }
    let first = store.clock.now
    func delivered() async throws -> [Instant] {
      try await store.arrivals(of: try await store.timeline(request.id)).flatMap { $0.delivered.map(\.at) }
    }
    #expect(try await delivered().map(\.date) == [first.date])
    store.clock.advance(to: first + 3 * Instant.millisecondsPerDay)
    #expect(try await store.replay(endpoint, after: 1).queued == 1)
    #expect(try await delivered().map(\.date) == [first.date], "it waits to be sent once more")
    try await Self.settle(store, endpoint, .retry(at: store.clock.now), status: 500)
    try await Self.settle(store, endpoint, .delivered, status: 200)
    #expect(try await delivered().map(\.date) == [first.date])
    #expect(
      try await Self.story(store, endpoint, 2) == ["1 200 - 10.1.2.3", "1 500 - 10.1.2.3", "2 200 - 10.1.2.3"])
  }

  @Test func oldOnesGoAndYoungOnesStay() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.submit()
    try await Self.settle(store, endpoint, .retry(at: store.clock.now), status: 503)
    try await Self.settle(store, endpoint, .delivered, status: 200)
    store.clock.advance(to: store.clock.now + 60 * Instant.millisecondsPerDay)
    try await store.submit()
    try await Self.settle(store, endpoint, .retry(at: store.clock.now), status: 503)
    #expect(try await store.pruneAttempts(olderThanDays: 90) == 0)
    store.clock.advance(to: store.clock.now + 31 * Instant.millisecondsPerDay)
    #expect(try await store.pruneAttempts(olderThanDays: 90) == 1)
    #expect(try await Self.story(store, endpoint, 1) == ["2 200 - none"], "that it arrived is not forgotten")
    #expect(try await Self.story(store, endpoint, 2) == ["1 503 - 10.1.2.3"])
    #expect(try await store.states(endpoint) == ["1 delivered 2", "2 pending 1"])
  }

  @Test func moreThanOneGroupIsPruned() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.submit()
    try store.plant(
      """
      INSERT INTO attempt (endpoint, seq, number, at)
      WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT $1, 1, i, i FROM n
      """, [endpoint.id.key])
    #expect(try await store.pruneAttempts(olderThanDays: 90) == 1024, "one sweep has its limit")
    #expect(try await store.pruneAttempts(olderThanDays: 90) == 476)
  }

  @Test func aTraceSaysWhyItWaits() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    func wait(_ seq: Int64) async throws -> DeliveryTrace.Wait? {
      try await store.trace(endpoint: endpoint.id.key, seq: seq, organ: nil)?.wait
    }
    #expect(try await wait(1) == nil)
    #expect(
      try await wait(2) == .earlier(delivery: DerivedID.delivery(endpoint: endpoint.id.key, seq: 1)))
    var off = endpoint
    off.enabled = false
    off.disabledReason = "410"
    try await store.write { [off] in try $0.update(off) }
    #expect(try await wait(1) == .endpointOff("410"))
    #expect(try await store.trace(endpoint: endpoint.id.key, seq: 1, organ: try store.number(.stranger)) == nil)
    #expect(try await store.trace(endpoint: endpoint.id.key, seq: 99, organ: nil) == nil)
  }

  /// What is due is not told as what comes next: its endpoint fails, as the database knows or the daemon does.
  @Test func aTraceSaysThatTheEndpointFails() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.submit()
    let (key, since) = (endpoint.id.key, Fixture.monday)
    func trace(_ failingSince: Instant? = nil) async throws -> DeliveryTrace? {
      try await store.trace(endpoint: key, seq: 1, organ: nil, failingSince: failingSince)
    }
    let fresh = try await trace()
    #expect(fresh?.wait == nil && fresh?.isDue == true && fresh?.failingSince == nil)
    #expect(try await trace(since)?.wait == .endpointFailing(since: since))
    try await store.settle(
      try store.head(endpoint), .retry(at: store.clock.now + 60_000), status: 503, mark: .failing(since: since, days: 1)
    )
    let later = try await trace()
    #expect(later?.wait == nil && later?.isDue == false && later?.failingSince == since)
    store.clock.advance(to: store.clock.now + 60_000)
    #expect(try await trace()?.wait == .endpointFailing(since: since))
    try await store.settle(try store.head(endpoint), .delivered, mark: .recovered)
    let done = try await trace()
    #expect(done?.wait == nil && done?.isDue == false && done?.failingSince == nil)
  }

  @Test func deadOnesOfOneEndpointInBoundedCalls() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (endpoint, other) = (try await store.addEndpoint(of: .requester), try await store.addEndpoint(of: .requester))
    for _ in 0..<5 { try await store.submit() }
    for one in [endpoint, other] { try await store.giveUpAll(one) }
    let first = try await store.retryDead(of: endpoint.id.key, limit: 2)
    #expect(first.queued == 2 && first.next == 2)
    #expect(try await store.retryDead(of: endpoint.id.key) == Replayed(queued: 3, next: nil))
    #expect(try await store.retryDead(of: endpoint.id.key) == Replayed(queued: 0, next: nil))
    #expect(try await store.states(other).allSatisfy { $0.contains("dead") })
    #expect(try store.verify() == [])
  }

  @Test func replaySinceAMoment() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var moments: [Instant] = []
    for _ in 0..<3 {
      store.clock.advance(to: store.clock.now + 60_000)
      moments.append(store.clock.now)
      try await store.submit()
    }
    #expect(try await store.lastEvent(before: moments[0] + -1) == 0)
    #expect(try await store.lastEvent(before: moments[1]) == 1)
    #expect(try await store.lastEvent(before: moments[1] + 30_000) == 2)
    #expect(try await store.lastEvent(before: moments[2] + 30_000) == 3)
  }

  @Test func theMigrationIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue)
    let made = try queue.read { db in
      try String.fetchAll(
        db,
        sql: """
          SELECT sql FROM sqlite_schema WHERE tbl_name IN ('attempt', 'first_read', 'undelivered') AND sql IS NOT NULL
          ORDER BY rowid
          """
      ).map { $0 + ";" }.joined(separator: "\n")
    }
    #expect(made == GoldenSchema.recovery)
    let columns = try queue.read { db in
      try String.fetchAll(
        db,
        sql: """
          SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
          WHERE m.name IN ('outbox', 'delivery') AND c.name IN ('trip', 'delivered_at') ORDER BY 1
          """)
    }
    #expect(columns == ["delivery.delivered_at", "delivery.trip", "outbox.delivered_at"])
  }

  /// A database of the version before opens with its rows kept, and goes on.
  @Test func anOlderDatabaseGoesOn() async throws {
    let fixture = try Fixture()
    let (endpoint, before) = try await fixture.life { store in
      let endpoint = try await store.addEndpoint(of: .requester)
      for _ in 0..<2 { try await store.submit() }
      try await store.settle(try store.head(endpoint), .delivered)
      for table in ["attempt", "first_read", "undelivered"] { try store.plant("DROP TABLE \(table)") }
      for column in [
        "outbox DROP COLUMN delivered_at", "delivery DROP COLUMN trip", "delivery DROP COLUMN delivered_at",
      ] {
        try store.plant("ALTER TABLE \(column)")
      }
      try store.plant("DELETE FROM grdb_migrations WHERE identifier = '7 attempts and undelivered results'")
      return (endpoint, try store.countsText)
    }
    try await fixture.life { (store) async throws in
      #expect(try store.countsText == before)
      #expect(try await Self.story(store, endpoint, 1) == ["1 200 - none"])
      try await Self.settle(store, endpoint, .retry(at: store.clock.now), status: 503)
      try await Self.settle(store, endpoint, .delivered, status: 200)
      #expect(try await Self.story(store, endpoint, 2) == ["1 503 - 10.1.2.3", "2 200 - 10.1.2.3"])
      #expect(try store.verify() == [])
    }
  }
}
