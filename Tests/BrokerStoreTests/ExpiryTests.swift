import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// What is owed to an endpoint that is switched off, by its organ: what happens then is not owed.
@Suite(.timeLimit(.minutes(5))) struct ExpiryTests {
  private static let day = Int(Instant.millisecondsPerDay / 1000)

  private static func switchOff(_ endpoint: Endpoint, _ store: Store) async throws {
    var off = endpoint
    off.enabled = false
    off.disabledReason = Endpoint.switchedOffByOrgan
    try await store.write { [off] in try $0.update(off) }
  }

  private static func pass(days: Int64, _ store: Store) {
    store.clock.advance(to: store.clock.now + days * Instant.millisecondsPerDay)
  }

  @Test func itStaysForItsTimeAndIsDeadThen() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let other = try await store.addEndpoint(of: .responder, events: ["request.withdrawn"])
    let first = try await store.submit()
    try await store.carryOut(.confirm, first.id)
    let second = try await store.submit()
    try await store.settle(try store.head(endpoint), .retry(at: store.clock.now + 1000), status: 503)
    #expect(try await store.outboxDepth().oldest != nil)
    try await Self.switchOff(endpoint, store)
    #expect(try await store.outboxDepth() == (0, nil, 3), "kept, and nobody's delay")
    Self.pass(days: 14, store)
    let late = try await store.submit()
    try await store.carryOut(.pullBack, late.id, by: .requester)
    #expect(try await store.expire(olderThanSeconds: 15 * Self.day) == 0)
    Self.pass(days: 2, store)
    #expect(try await store.expire(olderThanSeconds: 15 * Self.day) == 3)
    #expect(try await store.states(endpoint) == ["1 dead 1", "2 dead 0", "3 dead 0"])
    #expect(try await store.outboxDepth().count == 1, "an endpoint that is on keeps its own")
    #expect(try store.due(other).count == 1)
    #expect(try store.verify() == [])
    let dead = try await store.deliveries(organ: nil, endpoint: endpoint.id.key, state: .dead, cursor: nil, limit: 9)
    #expect(dead.items.map { $0.lastAttemptAt == nil } == [true, true, false])
    #expect(dead.items.allSatisfy { $0.lastError?.contains("switched off") == true })
    #expect(dead.items.last?.lastStatus == 503)
    #expect(second.version == 1)
  }

  @Test func itGoesOutWhenTheEndpointIsSwitchedOnInTime() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    try await Self.switchOff(endpoint, store)
    Self.pass(days: 16, store)
    try await store.write { [endpoint] in try $0.update(endpoint) }
    #expect(try await store.expire(olderThanSeconds: 15 * Self.day) == 0)
    #expect(try await store.drain(endpoint) == [1, 2])
  }

  /// In small writes, and not all of a long queue in one sweep.
  @Test func oneSweepTakesSoMany() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.write { context in for _ in 0..<1100 { _ = try context.submit(.marriage()) } }
    try await Self.switchOff(endpoint, store)
    Self.pass(days: 16, store)
    #expect(try await store.expire(olderThanSeconds: 15 * Self.day) == 1024)
    #expect(try await store.expire(olderThanSeconds: 15 * Self.day) == 76)
    #expect(try await store.outboxDepth().count == 0)
  }
}
