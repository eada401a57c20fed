import BrokerDomain
import BrokerStore
import TestSupport
import Testing

@testable import BrokerCallbacks

/// What is read before there is room for it.
@Suite(.timeLimit(.minutes(1))) struct ReadyBytesTests {
  @Test func longBodiesAreNotReadAheadWithoutEnd() async throws {
    let office = try Office()
    var endpoints: [Endpoint] = []
    for _ in 0..<3 { endpoints.append(try await office.endpoint("http://127.0.0.1:9/hook", body: .full)) }
    try await office.submit(40)
    var pump = Pump(dispatcher: office.dispatcher)
    let now = office.store.clock.now
    for endpoint in endpoints {
      var lane = Lane(
        endpoint: endpoint, now: now, inFlight: 8, health: Health(office.dispatcher.options.breaker, failingAt: nil))
      lane.pace.hear(.prompt)
      (lane.dueAt, lane.leaseUntil) = (now, BrokerClock.wall + 60_000)
      pump.lanes[endpoint.id.key] = lane
    }
    let most = 6000
    pump.readyRoom = most
    try pump.prepare()
    let lanes = pump.lanes.values
    let longest = lanes.flatMap { $0.ready.map(\.body.count) }.max() ?? 0
    let held = lanes.reduce(0) { $0 + $1.ready.reduce(0) { $0 + $1.body.count } }
    #expect(longest > 0 && longest < most && (most - longest...most + longest).contains(held), "\(held) bytes")
    #expect(lanes.reduce(0) { $0 + $1.readyBytes } == held && pump.readyRoom == most - held)
    office.store.close()
  }
}
