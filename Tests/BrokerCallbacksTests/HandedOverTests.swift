import BrokerDomain
import BrokerStore
import TestSupport
import Testing

@testable import BrokerCallbacks

/// What the sender has, on the wire or behind it, while its endpoint changes, stalls or cannot be read.
@Suite(.timeLimit(.minutes(5))) struct HandedOverTests {
  /// What is handed to the sender ahead of its turn is not sent once its endpoint is switched off.
  @Test func nothingLeavesForOneThatIsSwitchedOff() async throws {
    let office = try Office { $0.inFlightPerEndpoint = 2 }
    let sink = try Sink { _ in .delay(ms: 100, .status(204)) }
    var endpoint = try await office.endpoint(sink.url)
    try await office.submit(60)
    office.dispatcher.start()
    #expect(try await within(5) { sink.receivedCount >= 6 && office.dispatcher.inFlight > 20 })
    endpoint.enabled = false
    try await office.store.write { [endpoint] context in try context.update(endpoint) }
    #expect(try await within(0.5) { office.dispatcher.inFlight <= 2 }, "\(office.dispatcher.inFlight) with the sender")
    let count = sink.receivedCount
    try await Task.sleep(for: .milliseconds(400))
    #expect(sink.receivedCount <= count + 2)
    // Nothing of it is lost, and nothing counted as tried.
    endpoint.enabled = true
    sink.behaviour = { _ in .status(204) }
    try await office.store.write { [endpoint] context in try context.update(endpoint) }
    #expect(try await within(3) { try await office.store.outboxDepth().count == 0 })
    #expect(sink.receivedCount == 60)
    for seq in 1...60 as ClosedRange<Int64> {
      let trace = try await office.store.trace(endpoint: endpoint.id.key, seq: seq, organ: nil)
      #expect(trace?.attempts.map(\.number) == [1], "event \(seq)")
    }
    await office.close()
  }

  /// They answered well, have all they may on the wire and more behind it, and then never answer again.
  @Test func endpointsThatBeginToStallDelayNobodyElse() async throws {
    let office = try Office()
    let stalling = try (0..<3).map { _ in try Sink() }
    for sink in stalling { _ = try await office.endpoint(sink.url) }
    try await office.submit(100)
    office.dispatcher.start()
    #expect(try await within(5) { stalling.allSatisfy { $0.receivedCount == 100 } })
    for sink in stalling { sink.behaviour = { _ in .stall(seconds: 60) } }
    try await office.submit(200)
    // Each has its 64 on the wire, and the wire has room for 64 more.
    #expect(
      try await within(5) { stalling.allSatisfy { $0.receivedCount == 164 } && office.dispatcher.inFlight >= 192 })
    let healthy = try Sink()
    _ = try await office.endpoint(healthy.url)
    try await office.submit(100)
    #expect(try await within(5) { healthy.receivedCount == 100 }, "\(healthy.receivedCount) of 100")
    #expect(stalling.allSatisfy { $0.receivedCount == 164 })
    await office.close()
  }

  /// What is on the wire when its endpoint is switched off, and what is not recorded yet, is known to the one that is
  /// switched on again.
  @Test func offAndOnAgainSendsNothingTwice() async throws {
    let office = try Office { $0.inFlightPerEndpoint = 4 }
    let sink = try Sink { _ in .delay(ms: 300, .status(204)) }
    var endpoint = try await office.endpoint(sink.url)
    try await office.submit(40)
    office.dispatcher.start()
    for round in 1...4 {
      #expect(try await within(5) { sink.receivedCount >= 4 * round })
      for enabled in [false, true] {
        endpoint.enabled = enabled
        try await office.store.write { [endpoint] context in try context.update(endpoint) }
      }
    }
    sink.behaviour = { _ in .status(204) }
    #expect(try await within(10) { try await office.store.outboxDepth().count == 0 })
    let ids = sink.received.compactMap { $0.header("webhook-id") }
    #expect(ids.count == 40 && Set(ids).count == 40)
    await office.close()
  }

  /// A probe that comes back unsent is no answer: the next may go.
  @Test func aProbeThatCameBackLeavesRoomForTheNext() async throws {
    let office = try Office()
    let endpoint = try await office.endpoint("http://127.0.0.1:9/")
    let now = office.store.clock.now
    var lane = Lane(endpoint: endpoint, now: now, inFlight: 8, health: Health(BreakerOptions()))
    lane.dueAt = now
    func fail(_ token: UInt64) -> Arrival {
      Arrival(endpoint: endpoint.id.key, line: 0, PushReport(token: token, outcome: .status(503)))
    }
    lane.sent(8, monotonicMicroseconds())
    for token in 1...8 as ClosedRange<UInt64> { _ = lane.arrived(fail(token), now, office.dispatcher.options) }
    lane.sent(2, monotonicMicroseconds())
    for token in 9...10 as ClosedRange<UInt64> { _ = lane.arrived(fail(token), now, office.dispatcher.options) }
    guard case .open(let until) = lane.breaker else {
      Issue.record("\(lane.breaker)")
      return
    }
    #expect(lane.allowed(until, 0) == 1)
    lane.outstanding = [11]
    lane.sent(1, monotonicMicroseconds())
    #expect(lane.breaker == .halfOpen && lane.allowed(until, 0) == 0)
    lane.cameBack(11, from: 0, until)
    #expect(lane.breaker == .open(until: until) && lane.health.breaker == lane.breaker)
    #expect(lane.allowed(until, 0) == 1 && lane.handed == 0 && lane.outstanding.isEmpty && lane.dueAt == until)
    #expect(lane.heldMilliseconds(until, 0) == 0)
    office.store.close()
  }

  /// Only what belongs to the request of a row that cannot be read waits. It counts as tried, and goes out once it is mended
  /// and asked for.
  @Test func aRowThatCannotBeReadHoldsUpNoOtherRequest() async throws {
    let office = try Office()
    let sink = try Sink()
    let endpoint = try await office.endpoint(sink.url, body: .full)
    try await office.submit(200)
    let damaged = "WHERE key = (SELECT key FROM request ORDER BY key LIMIT 1 OFFSET 44)"
    try office.plant("UPDATE request SET requester = -requester \(damaged)")
    office.dispatcher.start()
    #expect(try await within(5) { sink.receivedCount == 199 }, "\(sink.receivedCount) of 199")
    let key = endpoint.id.key
    #expect(
      try await within(5) { try await office.store.trace(endpoint: key, seq: 45, organ: nil)?.attempts.count == 1 })
    let attempt = try await office.store.trace(endpoint: key, seq: 45, organ: nil)?.attempts.first
    #expect(attempt?.status == nil && attempt?.error?.contains("cannot read its record") == true, "\(attempt as Any)")
    #expect(office.dispatcher.health(of: key)?.failingSince == nil, "that is no fault of the endpoint")
    try office.plant("UPDATE request SET requester = -requester \(damaged)")
    try await office.store.write { try $0.retry(endpoint: key, seq: 45, organ: nil) }
    #expect(try await within(5) { sink.receivedCount == 200 })
    await office.close()
  }
}
