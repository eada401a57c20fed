import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// Attempts that were on the wire when their endpoint was deleted.
@Suite(.timeLimit(.minutes(1))) struct LateArrivalTests {
  /// An answer that failed once and is tried again, whose endpoint is deleted meanwhile.
  /// - Parameter isDropped: what was owed to it is gone as well.
  private static func deleted(
    _ store: Store, isDropped: Bool
  ) async throws -> (Endpoint, AssistanceRequest, DueDelivery) {
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    try await store.settle(try store.head(endpoint), .delivered)
    try await store.settle(try store.head(endpoint), .retry(at: store.clock.now), status: 503)
    let answer = try store.head(endpoint)
    try await store.write { try $0.delete(endpoint) }
    if isDropped { try await store.dropDeletedQueues() }
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 1)
    return (endpoint, request, answer)
  }

  /// 送达 is told in the timeline, and nobody is called about it.
  @Test(arguments: [true, false]) func whatWasTakenIsOnRecord(_ isDropped: Bool) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (endpoint, request, answer) = try await Self.deleted(store, isDropped: isDropped)
    try await store.settle(answer, .delivered, status: 204)
    try await store.dropDeletedQueues()
    #expect(try await store.states(endpoint) == ["1 delivered 1", "2 delivered 2"])
    let arrivals = try await store.arrivals(of: try await store.timeline(request.id))
    #expect(arrivals.flatMap { $0.delivered.map(\.endpoint) } == [endpoint.id])
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 0)
    #expect(try store.verify() == [])
    // Told twice, it is what it was.
    try await store.settle(answer, .delivered, status: 200)
    #expect(try store.scalar("SELECT last_status FROM delivery WHERE seq = 2") == 204)
  }

  @Test(arguments: [AttemptResult.Verdict.dead, .retry(at: Fixture.monday)], [true, false])
  func whatFailedIsOnRecordToo(_ verdict: AttemptResult.Verdict, _ isDropped: Bool) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (endpoint, _, answer) = try await Self.deleted(store, isDropped: isDropped)
    if isDropped { #expect(try await store.states(endpoint) == ["1 delivered 1", "2 dead 1"], "it was tried once") }
    try await store.settle(answer, verdict, status: 503)
    try await store.dropDeletedQueues()
    #expect(try await store.states(endpoint) == ["1 delivered 1", "2 dead 2"])
    let trace = try #require(try await store.trace(endpoint: endpoint.id.key, seq: 2, organ: nil))
    #expect(trace.attempts.count == 2 && trace.delivery.lastError == Endpoint.deletedReason)
    #expect(try store.scalar("SELECT count(*) FROM outbox") == 0)
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 1)
    #expect(try store.verify() == [])
  }

  /// It waits to be sent once more, tried or not.
  @Test(arguments: [false, true]) func whatArrivedBeforeHasArrived(_ isTried: Bool) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.settle(try store.head(endpoint), .delivered, status: 204)
    let before = "\(try await store.arrivals(of: try await store.timeline(request.id)))"
    try await store.write { try $0.retry(endpoint: endpoint.id.key, seq: 1, organ: nil) }
    if isTried { try await store.settle(try store.head(endpoint), .retry(at: store.clock.now), status: 503) }
    try await store.write { try $0.delete(endpoint) }
    #expect(try await "\(store.arrivals(of: try await store.timeline(request.id)))" == before)
    try await store.dropDeletedQueues()
    #expect(try await store.states(endpoint) == ["1 delivered \(isTried ? 1 : 0)"])
    #expect(try await "\(store.arrivals(of: try await store.timeline(request.id)))" == before)
    #expect(try store.verify() == [])
  }
}
