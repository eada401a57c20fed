import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerCallbacks
@testable import BrokerStore

/// What is asked for, or set right, while an attempt is on the wire.
@Suite(.timeLimit(.minutes(5))) struct SetRightTests {
  private static func trace(_ office: Office, _ endpoint: Endpoint, _ seq: Int64) async throws -> DeliveryTrace {
    try #require(try await office.store.trace(endpoint: endpoint.id.key, seq: seq, organ: nil))
  }

  /// The answer of the attempt under way counts: it is delivered, and sent no second time.
  @Test func aRetryOfWhatIsOnTheWireLosesNoAnswer() async throws {
    let office = try Office()
    let sink = try Sink { push in push.order == 0 ? .delay(ms: 400, .status(204)) : .status(500) }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(1)
    office.dispatcher.start()
    #expect(try await within(5) { sink.receivedCount == 1 })
    try await office.store.write { try $0.retry(endpoint: endpoint.id.key, seq: 1, organ: nil) }
    #expect(try await within(3) { try await office.store.outboxDepth().count == 0 })
    let trace = try await Self.trace(office, endpoint, 1)
    #expect(trace.delivery.state == .delivered && trace.attempts.map(\.number) == [1])
    try await Task.sleep(for: .milliseconds(300))
    #expect(sink.receivedCount == 1)
    await office.close()
  }

  /// One that fails is on record, and what was asked for comes at once, not by the schedule.
  @Test func aRetryOfWhatIsOnTheWireAndFailsComesAtOnce() async throws {
    let office = try Office()
    let sink = try Sink { push in push.order == 0 ? .delay(ms: 400, .status(500)) : .status(204) }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(1)
    office.dispatcher.start()
    #expect(try await within(5) { sink.receivedCount == 1 })
    try await office.store.write { try $0.retry(endpoint: endpoint.id.key, seq: 1, organ: nil) }
    #expect(try await within(3) { try await office.store.outboxDepth().count == 0 }, "the schedule says 5 s")
    #expect(try await Self.trace(office, endpoint, 1).attempts.map(\.status) == [500, 204])
    await office.close()
  }

  /// 410 is what the old address said.
  @Test func goneFromAnAddressThatItNoLongerHasMeansNothing() async throws {
    let office = try Office()
    let (old, new) = (try Sink { _ in .delay(ms: 400, .status(410)) }, try Sink())
    var endpoint = try await office.endpoint(old.url)
    try await office.submit(2)
    office.dispatcher.start()
    #expect(try await within(5) { old.receivedCount == 2 })
    endpoint.url = new.url
    try await office.store.write { [endpoint] in try $0.update(endpoint) }
    #expect(try await within(3) { new.receivedCount == 2 }, "\(new.receivedCount) of 2")
    #expect(try await within(3) { try await office.store.outboxDepth().count == 0 })
    #expect(try office.store.endpoint(key: endpoint.id.key)?.enabled == true)
    #expect(try await Self.trace(office, endpoint, 1).attempts.map(\.status) == [410, 204])
    await office.close()
  }

  /// Two were on the wire. The first 410 switches it off, its organ switches it on again, then the second comes.
  @Test func goneFromBeforeItWasSwitchedOnMeansNothing() async throws {
    let office = try Office()
    let sink = try Sink { push in push.order == 0 ? .status(410) : .delay(ms: 800, .status(410)) }
    var endpoint = try await office.endpoint(sink.url)
    try await office.submit(2)
    office.dispatcher.start()
    let key = endpoint.id.key
    #expect(try await within(5) { try office.store.endpoint(key: key)?.enabled == false })
    sink.behaviour = { _ in .status(204) }
    endpoint.enabled = true
    try await office.store.switchOn(key) { [endpoint] in try $0.update(endpoint) }
    #expect(try await within(5) { try await office.store.outboxDepth().count == 0 })
    #expect(try office.store.endpoint(key: key)?.enabled == true)
    for seq in 1...2 as ClosedRange<Int64> {
      #expect(try await Self.trace(office, endpoint, seq).delivery.state == .delivered)
    }
    await office.close()
  }

  /// What stalls at the old address takes nothing of the new one's share, and does not open its breaker.
  @Test func anAddressBeginsAnew() async throws {
    let office = try Office(totalTimeoutMS: 1500)
    let (old, new) = (try Sink(), try Sink())
    var endpoint = try await office.endpoint(old.url)
    try await office.submit(50)
    office.dispatcher.start()
    #expect(try await within(5) { old.receivedCount == 50 })
    old.behaviour = { _ in .stall(seconds: 60) }
    try await office.submit(80)
    #expect(try await within(5) { old.receivedCount == 114 })
    endpoint.url = new.url
    try await office.store.write { [endpoint] in try $0.update(endpoint) }
    #expect(try await within(1) { new.receivedCount == 16 }, "\(new.receivedCount) of 16")
    // Those that were on the wire have failed by then, four times as many as have arrived here.
    try await Task.sleep(for: .milliseconds(1500))
    #expect(office.dispatcher.health(of: endpoint.id.key)?.breaker == .closed)
    #expect(try await within(10) { try await office.store.outboxDepth().count == 0 })
    #expect(new.receivedCount == 80)
    await office.close()
  }

  /// What the old address takes in the end does not make up for what the new one refuses; and nothing of that is left on
  /// record once the new one takes it.
  @Test func whatTheOldAddressAnswersIsNoWordOfTheNewOne() async throws {
    let office = try Office { $0.breaker.minimumAttempts = 4 }
    let (old, new) = (try Sink { _ in .delay(ms: 1500, .status(204)) }, try Sink { _ in .status(500) })
    var endpoint = try await office.endpoint(old.url)
    let key = endpoint.id.key
    try await office.submit(80)
    office.dispatcher.start()
    #expect(try await within(5) { old.receivedCount >= 16 })
    endpoint.url = new.url
    try await office.store.write { [endpoint] in try $0.update(endpoint) }
    #expect(try await within(10) { office.dispatcher.health(of: key)?.breaker == .open })
    #expect(try await within(10) { try await Self.trace(office, endpoint, 80).failingSince != nil })
    #expect(try await within(10) { try await Self.trace(office, endpoint, 1).delivery.state == .delivered })
    #expect(office.dispatcher.health(of: key)?.failingSince != nil)
    new.behaviour = { _ in .status(204) }
    #expect(try await within(30) { try await office.store.outboxDepth().count == 0 })
    #expect(office.dispatcher.health(of: key)?.failingSince == nil)
    #expect(try await Self.trace(office, endpoint, 80).failingSince == nil)
    await office.close()
  }

  /// Away and back again: what is still on the wire from before takes no place of what follows, and gives it none. Were
  /// those four counted for the new line, four more would be handed over while it has four out.
  @Test func theFirstAddressAgainIsAnotherLine() async throws {
    let office = try Office(totalTimeoutMS: 60_000) { $0.inFlightPerEndpoint = 4 }
    let first = try Sink { push in push.order < 4 ? .delay(ms: 6000, .status(204)) : .stall(seconds: 90) }
    let other = try Sink { _ in .stall(seconds: 90) }
    var endpoint = try await office.endpoint(first.url)
    try await office.submit(40)
    office.dispatcher.start()
    #expect(try await within(5) { first.receivedCount == 4 })
    for (sink, count) in [(other, 4), (first, 8)] {
      endpoint.url = sink.url
      try await office.store.write { [endpoint] in try $0.update(endpoint) }
      #expect(try await within(2.8) { sink.receivedCount == count }, "\(sink.receivedCount) of \(count)")
    }
    #expect(
      try await within(15) {
        try await office.store.deliveries(organ: nil, endpoint: nil, state: .delivered, cursor: nil, limit: 9).items
          .count == 4
      })
    try await Task.sleep(for: .milliseconds(300))
    #expect(first.receivedCount == 8 && other.receivedCount == 4, "\(first.receivedCount) and \(other.receivedCount)")
    #expect(office.dispatcher.inFlight == 8, "\(office.dispatcher.inFlight) with the sender")
    await office.close()
  }

  /// Its organ deletes it while a message is on the wire, which arrives: that is on record, as is one that fails.
  @Test(arguments: [(204, true), (503, false)]) func whatADeletedEndpointHasTaken(_ status: Int, _ isTaken: Bool)
    async throws
  {
    let office = try Office()
    let sink = try Sink { _ in .delay(ms: 400, .status(status)) }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(1)
    office.dispatcher.start()
    #expect(try await within(5) { sink.receivedCount == 1 })
    try await office.store.write { try $0.delete(endpoint) }
    #expect(try await within(5) { office.dispatcher.counts.contains { $0.count > 0 } })
    #expect(
      try await within(5) { try await office.store.trace(endpoint: endpoint.id.key, seq: 1, organ: nil) != nil })
    let kept = try await office.store.trace(endpoint: endpoint.id.key, seq: 1, organ: nil)
    #expect(kept?.delivery.state == (isTaken ? .delivered : .dead))
    #expect(kept?.attempts.map(\.status) == [status])
    await office.close()
  }

  /// The second of a request is on the wire while its endpoint is switched off, the first is asked for, and it is switched on
  /// again: the first goes once the second has come to its end.
  @Test func offAndOnAgainSendsNothingBesideWhatIsOnTheWire() async throws {
    let office = try Office()
    let sink = try Sink { push in push.order == 0 ? .delay(ms: 1500, .status(204)) : .status(204) }
    var endpoint = try await office.endpoint(sink.url)
    let key = endpoint.id.key
    try await office.submit(2)
    // As if the second one were of the same request, which waits for nothing but the first.
    try office.plant(
      "UPDATE outbox SET request = (SELECT min(request) FROM outbox), next_at = 9223372036854775807 WHERE seq = 2")
    let first = try #require(
      try office.store.dueDeliveries(endpoint, outstanding: [], limit: DueLimit(1)).due.first)
    _ = try await office.store.settle([
      AttemptResult(delivery: first, at: office.store.clock.now, status: 500, error: nil, verdict: .dead)
    ])
    office.dispatcher.start()
    #expect(try await within(5) { sink.receivedCount == 1 })
    (endpoint.enabled, endpoint.disabledReason) = (false, Endpoint.switchedOffByOrgan)
    try await office.store.write { [endpoint] in try $0.update(endpoint) }
    try await office.store.write { try $0.retry(endpoint: key, seq: 1, organ: nil) }
    (endpoint.enabled, endpoint.disabledReason) = (true, nil)
    try await office.store.switchOn(key) { [endpoint] in try $0.update(endpoint) }
    #expect(try await within(10) { try await office.store.outboxDepth().count == 0 })
    #expect(sink.receivedCount == 2)
    let ends = try await [Self.trace(office, endpoint, 2), Self.trace(office, endpoint, 1)].map {
      ($0.delivery.state, $0.delivery.lastAttemptAt?.milliseconds ?? 0, $0.attempts.last?.trip?.totalUS ?? 0)
    }
    #expect(ends.allSatisfy { $0.0 == .delivered })
    #expect(ends[1].1 - ends[1].2 / 1000 >= ends[0].1 - 5, "the first left when the second had come to its end")
    await office.close()
  }

  /// As long as anything that was sent under it may be on the wire.
  @Test(arguments: [(1000, 60_000), (15_000, 150_000), (120_000, 990_000)])
  func theLeaseOutlastsTheWire(_ timeout: Int, _ lease: Int64) async throws {
    let office = try Office(totalTimeoutMS: timeout)
    let sink = try Sink()
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(1)
    let before = BrokerClock.wall.milliseconds
    office.dispatcher.start()
    #expect(try await within(5) { sink.receivedCount == 1 })
    let until = try await office.store.read { db in
      try Int64.fetchOne(db, sql: "SELECT lease_until FROM endpoint WHERE key = ?", arguments: [endpoint.id.key])
    }
    #expect((before + lease...BrokerClock.wall.milliseconds + lease).contains(until ?? 0))
    await office.close()
  }

  /// Switched off by the broker, and on again with much that waits: it goes out at a bounded rate.
  @Test func whatGatheredWhileItWasOffComesBoundedly() async throws {
    let office = try Office { $0.recoveryPerSecond = 50 }
    let sink = try Sink { _ in .status(410) }
    var endpoint = try await office.endpoint(sink.url)
    try await office.submit(1)
    office.dispatcher.start()
    let key = endpoint.id.key
    #expect(try await within(5) { try office.store.endpoint(key: key)?.enabled == false })
    try await office.submit(700)
    sink.behaviour = { _ in .status(204) }
    endpoint.enabled = true
    try await office.store.switchOn(key) { [endpoint] in try $0.update(endpoint) }
    try await Task.sleep(for: .milliseconds(500))
    #expect((2...100).contains(sink.receivedCount), "\(sink.receivedCount) in half a second")
    #expect(try await within(15) { try await office.store.outboxDepth().count == 0 })
    await office.close()
  }
}
