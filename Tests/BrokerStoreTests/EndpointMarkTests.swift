import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// What is kept of an endpoint's failures, whom it concerns, and how it ends.
@Suite(.timeLimit(.minutes(1))) struct EndpointMarkTests {
  private static func failing(_ store: Store) throws -> [String] {
    try store.failingEndpoints().map { "\($0.since.milliseconds) \($0.days)" }
  }

  @Test func failingIsKeptAcrossRestartsAndEndsWithRecovery() async throws {
    let fixture = try Fixture()
    let endpoint = try await fixture.life { store in
      let endpoint = try await store.addEndpoint(of: .requester)
      try await store.write {
        try $0.mark(endpoint.id.key, .failing(since: Instant(milliseconds: 5), days: 2))
      }
      return endpoint
    }
    try await fixture.life { store in
      #expect(try Self.failing(store) == ["5 2"])
      try await store.write { try $0.mark(endpoint.id.key, .recovered) }
      #expect(try Self.failing(store) == [])
    }
  }

  /// Another address, or one switched off and on again, begins anew; another description does not.
  @Test(arguments: [("description", 1), ("url", 0), ("enabled", 0)])
  func anOrgansChange(_ what: String, _ kept: Int) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await store.addEndpoint(of: .requester)
    try await store.write { [endpoint] in
      try $0.mark(endpoint.id.key, .failing(since: Instant(milliseconds: 5), days: 2))
    }
    switch what {
    case "url": endpoint.url += "/new"
    case "enabled": endpoint.enabled = false
    default: endpoint.description = "新说明"
    }
    try await store.write { [endpoint] in try $0.update(endpoint) }
    endpoint.enabled = true
    try await store.write { [endpoint] in try $0.update(endpoint) }
    #expect(try Self.failing(store).count == kept)
  }

  /// What comes back from the old address says nothing of the new one; and a mark holds whatever became of its row.
  @Test func marksAreOfTheAddressThatWasTried() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await store.addEndpoint(of: .requester)
    _ = try await store.submit()
    let head = try store.head(endpoint)
    try await store.write { [endpoint] in
      try $0.mark(endpoint.id.key, .failing(since: Instant(milliseconds: 5), days: 2))
    }
    try store.plant("DELETE FROM outbox")
    try await store.settle(head, .delivered, mark: .recovered)
    #expect(try Self.failing(store) == [] && store.scalar("SELECT count(*) FROM delivery") == 0)
    endpoint.url += "/new"
    try await store.write { [endpoint] in try $0.update(endpoint) }
    try await store.settle(head, .dead, status: 410, mark: .off(.gone))
    #expect(try await store.endpoint(endpoint.id)?.endpoint.enabled == true)
  }

  @Test func switchedOffOnceAndToldOnce() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    let head = try store.head(endpoint)
    let why = SwitchedOff.failing(since: Fixture.monday, days: 5)
    try await store.settle(head, .retry(at: store.clock.now + 1000), status: 500, mark: .off(why))
    try await store.write { try $0.mark(endpoint.id.key, .off(.gone)) }
    let kept = try #require(try await store.endpoint(endpoint.id)?.endpoint)
    #expect(!kept.enabled && kept.disabledReason == "\(why.reason.zh) / \(why.reason.en)")
    #expect(try await store.switchedOff() == ["gone": 0, "failing": 1, "secret-lost": 0])
    #expect(try await store.outboxDepth().held == 1, "what is owed stays")
    let organ = try store.number(.requester)
    guard case .endpoint(let notice)? = try await store.inbox(organ: organ, audience: nil, after: 0, limit: 9).last
    else { throw WaitFault("no notice") }
    #expect(notice.endpoint == endpoint.id && notice.cause == "failing" && notice.reason == why.reason)
    #expect(try store.scalar("SELECT count(*) FROM endpoint_notice") == 1)
    #expect(try await store.inbox(organ: organ, audience: .leader, after: 0, limit: 9).isEmpty)

    var enabled = kept
    enabled.enabled = true
    try await store.write { [enabled] in try $0.update(enabled) }
    #expect(try await store.switchedOff() == ["gone": 0, "failing": 0, "secret-lost": 0])
    try await store.advance(to: "2026-03-02T12:00:00+08:00")
    #expect(try store.due(endpoint).map(\.request) == [request.id.key])
    #expect(try store.verify() == [])
  }

  /// Both kinds share one run of numbers: who has read up to one misses nothing that is written after it.
  @Test func inboxIsOneRunOfNumbers() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .responder)
    try await store.submit()
    try await store.advance(to: "2026-03-05T12:00:00+08:00")
    try await store.write { try $0.mark(endpoint.id.key, .off(.gone)) }
    try await store.advance(to: "2026-03-06T12:00:00+08:00")
    let organ = try store.number(.responder)
    let all = try await store.inbox(organ: organ, audience: nil, after: 0, limit: 9)
    #expect(all.map(\.seq) == [1, 2, 3])
    let kinds = all.map { if case .endpoint = $0 { "endpoint" } else { "deadline" } }
    #expect(kinds == ["deadline", "endpoint", "deadline"])
    var (seen, after) = ([Int64](), Int64(0))
    while let next = try await store.inbox(organ: organ, audience: .contact, after: after, limit: 1).first {
      seen.append(next.seq)
      after = next.seq
    }
    #expect(seen == [1, 2, 3])
  }

  @Test func queuesTellOfEveryEndpoint() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let idle = try await store.addEndpoint(of: .stranger)
    try await store.submit()
    try await store.submit()
    let queues = try await store.queues()
    #expect(queues.map(\.endpoint) == [endpoint.id, idle.id] && queues.map(\.queued) == [2, 0])
    let (oldest, next) = (try #require(queues[0].oldest), try #require(queues[0].nextAttemptAt))
    #expect(oldest == next && Fixture.monday <= oldest && oldest <= store.clock.now)
    #expect(queues[1].oldest == nil && queues[1].nextAttemptAt == nil && queues[1].enabled)
    let origin = queues[0].origin
    #expect(endpoint.url.hasPrefix(origin) && !origin.dropFirst(8).contains("/"), "\(origin)")
  }

  @Test func migrationIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue)
    let made = try queue.read { db in
      try String.fetchAll(
        db, sql: "SELECT sql FROM sqlite_schema WHERE tbl_name = 'endpoint_notice' AND sql IS NOT NULL ORDER BY rowid"
      ).map { $0 + ";" }.joined(separator: "\n")
    }
    #expect(made == GoldenSchema.endpointNotice)
    let columns = try queue.read { db in
      try String.fetchAll(
        db, sql: "SELECT name || ' ' || type || ' ' || \"notnull\" FROM pragma_table_info('endpoint') WHERE cid > 16")
    }
    for column in GoldenSchema.endpointHealthColumns { #expect(columns.contains(column), "\(columns)") }
  }

  /// A database of the version before opens with its rows kept.
  @Test func anOlderDatabaseGetsIt() async throws {
    let fixture = try Fixture()
    let (endpoint, before) = try await fixture.life { store in
      let endpoint = try await store.addEndpoint(of: .requester)
      try await store.submit()
      try store.plant("DROP TABLE endpoint_notice")
      for column in ["failing_since", "failing_days", "disabled_cause", "asked_at"] {
        try store.plant("ALTER TABLE endpoint DROP COLUMN \(column)")
      }
      try store.plant("DELETE FROM grdb_migrations WHERE identifier = '8 endpoint health'")
      return (endpoint, try store.countsText)
    }
    try await fixture.life { store in
      #expect(try store.countsText == before)
      #expect(try await store.endpoint(endpoint.id)?.endpoint == endpoint)
      try await store.write { try $0.mark(endpoint.id.key, .off(.gone)) }
      #expect(try await store.endpoint(endpoint.id)?.endpoint.enabled == false)
      #expect(try store.verify() == [])
    }
  }
}
