import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

extension Store {
  /// Takes the lease as a dispatcher does.
  func hold(_ endpoint: Endpoint) async throws {
    let held = try await write {
      try $0.lease(endpoint: endpoint.id.key, owner: "甲", until: BrokerClock.wall + 60_000)
    }
    try #require(held)
  }

  /// Gives everything up that is due, and what becomes due by that.
  func giveUpAll(_ endpoint: Endpoint) async throws {
    while let next = try due(endpoint).first { try await settle(next, .dead, status: 500) }
  }

  /// Delivers one after another; their sequence numbers in that order.
  func drain(_ endpoint: Endpoint) async throws -> [Int64] {
    var seqs: [Int64] = []
    while let next = try due(endpoint).first {
      seqs.append(next.seq)
      try await settle(next, .delivered)
    }
    return seqs
  }
}

/// What is sent once more goes in the order of its request.
@Suite(.timeLimit(.minutes(5))) struct RequeueTests {
  /// Submitted, acknowledged and answered, all given up.
  private static func dead(_ store: Store) async throws -> Endpoint {
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.acknowledge(officer: nil), request.id)
    try await store.carryOut(.confirm, request.id)
    try await store.giveUpAll(endpoint)
    return endpoint
  }

  @Test func allDeadOnesGoOldestFirstAndDeletedEndpointsAreLeftOut() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let gone = try await store.addEndpoint(of: .requester)
    let endpoint = try await Self.dead(store)
    try await store.giveUpAll(gone)
    try await store.remove(gone)
    #expect(try await store.retryAllDead() == 3)
    #expect(try store.due(endpoint).map(\.seq) == [1], "one at a time")
    #expect(try store.verify() == [])
    #expect(try await store.drain(endpoint) == [1, 2, 3])
    #expect(try await store.states(gone) == ["1 dead 1", "2 dead 1", "3 dead 1"])
    #expect(try await store.retryAllDead() == 0)
  }

  /// What has failed goes at once when its receiver is mended, and one that waits for another goes on waiting.
  @Test func whatWaitsForItsNextAttemptIsDueAtOnce() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let first = try await store.submit()
    try await store.submit()
    try await store.carryOut(.acknowledge(officer: nil), first.id)
    for row in try store.due(endpoint) {
      try await store.settle(row, .retry(at: store.clock.now + 3_600_000), status: 500)
    }
    #expect(try store.due(endpoint).isEmpty)
    #expect(try await store.retryWaiting(of: endpoint.id.key) == 2)
    #expect(Set(try store.due(endpoint).map(\.seq)) == [1, 2], "the acknowledgement waits for its request")
    #expect(try await store.retryWaiting() == 0)
    #expect(try store.verify() == [])
    #expect(Set(try await store.drain(endpoint)) == [1, 2, 3])
  }

  /// Whatever the order in which they are asked for.
  @Test(arguments: [[1, 2, 3], [3, 2, 1], [2, 3, 1], [3, 1, 2]] as [[Int64]])
  func retriesOneByOne(order: [Int64]) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await Self.dead(store)
    for seq in order { try await store.write { try $0.retry(endpoint: endpoint.id.key, seq: seq, organ: nil) } }
    #expect(try store.verify() == [])
    #expect(try await store.drain(endpoint) == [1, 2, 3])
  }

  /// What is asked for while the endpoint is off goes in order once it is on, however it was asked for.
  @Test(arguments: [["one"], ["all"], ["replay"], ["one", "replay"]])
  func whatIsAskedForWhileOffGoesInOrderOnceOn(ways: [String]) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await store.addEndpoint(of: .requester)
    let (request, other) = (try await store.submit(), try await store.submit())
    try await store.hold(endpoint)
    for next in try store.due(endpoint) { try await store.settle(next, .dead, status: 410, mark: .off(.gone)) }
    for id in [request.id, other.id] {
      try await store.carryOut(.acknowledge(officer: nil), id)
      try await store.carryOut(.confirm, id)
    }
    for way in ways {
      switch way {
      case "one": try await store.write { [endpoint] in try $0.retry(endpoint: endpoint.id.key, seq: 1, organ: nil) }
      case "all": #expect(try await store.retryAllDead() == 2)
      default: _ = try await store.replay(endpoint, after: 0)
      }
    }
    #expect(try store.due(endpoint).isEmpty, "it is off")
    endpoint.enabled = true
    try await store.switchOn(endpoint.id.key) { [endpoint] in try $0.update(endpoint) }
    #expect(try store.verify() == [])
    let seqs = try await store.drain(endpoint)
    #expect(
      seqs.filter { [1, 3, 4].contains($0) } == [1, 3, 4] && seqs.filter { [2, 5, 6].contains($0) } == [2, 5, 6])
  }

  /// A message was on the wire when the endpoint was switched off, and an earlier one of its request is asked for meanwhile, or
  /// was answered 410. While it may be there still, it stays the first; when nobody holds the lease any more, it is not.
  @Test(arguments: [500, 410], [true, false])
  func whatIsOnTheWireStaysFirst(_ status: Int, _ isOnTheWire: Bool) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await store.addEndpoint(of: .requester)
    let key = endpoint.id.key
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    try await store.settle(try store.head(endpoint), .dead, status: status)
    let onTheWire = try store.head(endpoint)
    try await store.hold(endpoint)
    try await Task.sleep(for: .milliseconds(3))
    (endpoint.enabled, endpoint.disabledReason) = (false, Endpoint.switchedOffByOrgan)
    try await store.write { [endpoint] in try $0.update(endpoint) }
    if status != 410 { try await store.write { try $0.retry(endpoint: key, seq: 1, organ: nil) } }
    if !isOnTheWire { try store.plant("UPDATE endpoint SET lease_until = 1") }
    (endpoint.enabled, endpoint.disabledReason) = (true, nil)
    try await store.switchOn(key) { [endpoint] in try $0.update(endpoint) }
    #expect(try store.due(endpoint).map(\.seq) == [isOnTheWire ? 2 : 1])
    #expect(try store.verify() == [])
    guard isOnTheWire else { return }
    // It fails, and the earlier one goes first now.
    try await store.settle(onTheWire, .retry(at: store.clock.now), status: 503)
    #expect(try await store.drain(endpoint) == [1, 2])
    #expect(try store.verify() == [])
  }

  /// A 410 switches the endpoint off, and what waited for it has its turn in the same moment: it was never on the wire,
  /// although the lease still runs.
  @Test func whatFollowedTheOneThatWasGoneFollowsItAgain() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await store.addEndpoint(of: .requester)
    let key = endpoint.id.key
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    let gone = try store.head(endpoint)
    try await store.hold(endpoint)
    try await store.settle(gone, .dead, status: 410, mark: .off(.gone))
    try await Task.sleep(for: .milliseconds(3))
    try await store.submit()
    (endpoint.enabled, endpoint.disabledReason) = (true, nil)
    try await store.switchOn(key) { [endpoint] in try $0.update(endpoint) }
    #expect(try await store.drain(endpoint).filter { $0 < 3 } == [1, 2])
    #expect(try store.verify() == [])
  }

  /// Long queues are put in order a group at a time, and what has changed since they were read stays as it is.
  @Test func aLongQueueIsPutInOrderInGroups() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await store.addEndpoint(of: .requester)
    try await store.write { context in
      for _ in 0..<600 {
        let request = try context.submit(.marriage())
        _ = try context.carryOut(.confirm, request.id, by: .responder)
      }
    }
    (endpoint.enabled, endpoint.disabledReason) = (false, Endpoint.switchedOffByOrgan)
    try await store.write { [endpoint] in try $0.update(endpoint) }
    // The answer of each goes before its submission.
    try store.plant(
      """
      UPDATE outbox SET next_at = CASE WHEN next_at = 9223372036854775807 THEN created_at ELSE 9223372036854775807 END
      """)
    let before = store.batchSizes.count
    (endpoint.enabled, endpoint.disabledReason) = (true, nil)
    try await store.switchOn(endpoint.id.key) { [endpoint] in try $0.update(endpoint) }
    #expect(store.batchSizes.count - before == 5, "asked for, put in order in three groups, switched on")
    #expect(try store.scalar("SELECT count(*) FROM outbox WHERE next_at < 9223372036854775807 AND seq % 2 = 1") == 600)
    #expect(try store.verify() == [])
  }

  @Test func oneOnTheWireKeepsItsTurnUntilItFails() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await Self.dead(store)
    try await store.hold(endpoint)
    try await store.write { try $0.retry(endpoint: endpoint.id.key, seq: 3, organ: nil) }
    let onTheWire = try store.head(endpoint)
    try await store.write { try $0.retry(endpoint: endpoint.id.key, seq: 1, organ: nil) }
    #expect(try store.due(endpoint).map(\.seq) == [3])
    try await store.settle(onTheWire, .retry(at: store.clock.now + 1000), status: 503)
    #expect(try store.due(endpoint).map(\.seq) == [1])
    #expect(try store.verify() == [])
    #expect(try await store.drain(endpoint) == [1, 3])
    #expect(try await store.states(endpoint) == ["1 delivered 1", "2 dead 1", "3 delivered 2"])
  }

  /// A later one that waits for its next attempt is not on the wire, whoever holds the lease.
  @Test func oneThatFailedGivesItsTurnUp() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    try await store.settle(try store.head(endpoint), .dead, status: 500)
    try await store.hold(endpoint)
    try await store.settle(try store.head(endpoint), .retry(at: store.clock.now + 3_600_000), status: 503)
    #expect(try await store.replay(endpoint, after: 0).queued == 1)
    #expect(try await store.drain(endpoint) == [1, 2])
    #expect(try store.verify() == [])
  }

  /// One result that cannot be recorded is told, and the others are recorded.
  @Test func resultsAreRecordedOneByOneWhenOneIsAtFault() async throws {
    let store = try Fixture().open()
    let endpoint = try await store.addEndpoint(of: .requester)
    for _ in 0..<3 { try await store.submit() }
    try store.plant(
      "CREATE TRIGGER faulty BEFORE DELETE ON outbox WHEN OLD.seq = 2 BEGIN SELECT RAISE(ABORT, 'no'); END")
    let results = try store.due(endpoint).map {
      AttemptResult(delivery: $0, at: store.clock.now, status: 200, error: nil, verdict: .delivered)
    }
    let failed = try await store.settle(results).failed
    #expect(failed.map(\.result.delivery.seq) == [2])
    #expect(try await store.states(endpoint) == ["1 delivered 1", "2 pending 0", "3 delivered 1"])
    #expect(try await store.settle([results[1]]).failed.count == 1)
    try store.plant("DROP TRIGGER faulty")
    #expect(try await store.settle(results).failed.isEmpty)
    #expect(try await store.states(endpoint) == ["1 delivered 1", "2 delivered 1", "3 delivered 1"])
    store.close()
    #expect(await failure { _ = try await store.settle(results) } == .closed)
  }
}
