import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// What was owed to an endpoint when it was deleted.
@Suite(.timeLimit(.minutes(1))) struct DeletedQueueTests {
  private static let requests = 300

  /// Each request has two messages in the queue; the first of one was tried.
  private static func office(_ store: Store) async throws -> Endpoint {
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.write { context in
      for _ in 0..<Self.requests {
        let request = try context.submit(.marriage())
        _ = try context.carryOut(.confirm, request.id, by: .responder)
      }
    }
    try await store.settle(try store.head(endpoint), .retry(at: store.clock.now), status: 503)
    return endpoint
  }

  private static func rows(_ store: Store) throws -> Int64 { try store.scalar("SELECT count(*) FROM outbox") }

  /// It is gone at once, whoever asks; its rows go after that, in groups between which anybody may write.
  @Test func itIsGoneAtOnceAndItsRowsGoInGroups() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await Self.office(store)
    let all = try Self.rows(store)
    #expect(all == Int64(2 * Self.requests))
    try await store.write { try $0.delete(endpoint) }
    #expect(try Self.rows(store) == all, "nobody waits for as long as they take")
    #expect(try await store.states(endpoint) == [])
    #expect(try await store.trace(endpoint: endpoint.id.key, seq: 1, organ: nil) == nil)
    let depth = try await store.outboxDepth()
    #expect(depth.count == 0 && depth.held == 0 && depth.oldest == nil)
    #expect(try store.endpoint(key: endpoint.id.key) == nil, "which the pump asks")
    #expect(try store.verify() == [])
    let before = store.batchSizes.count
    #expect(try await store.write { try $0.dropQueue(of: endpoint.id.key, rows: 256) })
    #expect(try Self.rows(store) == all - 256 && store.verify() == [], "a daemon that ends here leaves nothing wrong")
    try await store.dropDeletedQueues()
    #expect(store.batchSizes.count - before == 3, "256 in each")
    #expect(try Self.rows(store) == 0)
    #expect(try await store.states(endpoint) == ["1 dead 1"])
    #expect(try store.verify() == [])
  }

  /// A daemon that ended in between leaves rows that nobody misses; the next one drops them.
  @Test func theNextDaemonFinishesIt() async throws {
    let fixture = try Fixture()
    let endpoint = try await fixture.life { store in
      let endpoint = try await Self.office(store)
      try await store.write { try $0.delete(endpoint) }
      return endpoint
    }
    try await fixture.life { store in
      #expect(try Self.rows(store) > 0 && store.verify() == [])
      let other = try await store.addEndpoint(of: .requester)
      try await store.submit()
      for _ in 0..<2 { store.clearDeletedQueues() }
      try await until("it is dropped") { try Self.rows(store) == 1 }
      #expect(try await store.states(endpoint) == ["1 dead 1"])
      #expect(try store.due(other).count == 1, "what is owed to others stays")
      // Once more, for the next one.
      try await store.write { try $0.delete(other) }
      store.clearDeletedQueues()
      try await until("it is dropped as well") { try Self.rows(store) == 0 }
      #expect(try store.verify() == [])
    }
  }

  /// An answer that nobody tried may be watched all the same, and nobody is called for it once it has arrived.
  @Test func whatArrivesBeforeItIsDroppedIsWatchedNoLonger() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.settle(try store.head(endpoint), .delivered)
    try await store.carryOut(.confirm, request.id)
    for _ in 0..<2 { try await store.sweepUndelivered(stuck: [endpoint.id.key]) }
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 1)
    let answer = try store.head(endpoint)
    try await store.write { try $0.delete(endpoint) }
    try await store.settle(answer, .delivered)
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 0)
    try await store.dropDeletedQueues()
    #expect(try await store.states(endpoint) == ["1 delivered 1", "2 delivered 1"])
    #expect(try store.verify() == [])
  }
}
