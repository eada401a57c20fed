import BrokerDomain
import BrokerStore
import TestSupport
import Testing

@testable import BrokerCallbacks

/// A daemon that is started anew while receivers are down. Breakers are in memory only; what an endpoint is known for is not.
@Suite(.timeLimit(.minutes(2))) struct RestartTests {
  /// An office whose receiver has just opened the breaker, and whose dispatcher has ended.
  private static func fallen(
    _ sink: Sink, _ change: (inout CallbackOptions) -> Void = { _ in }
  ) async throws -> (Office, Endpoint) {
    let office = try Office(totalTimeoutMS: 5000) {
      ($0.breaker.pauseSeconds, $0.breaker.longestPauseSeconds) = (3000, 3000)
      change(&$0)
    }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(300)
    office.dispatcher.start()
    let (dispatcher, key) = (office.dispatcher, endpoint.id.key)
    #expect(try await within(5) { dispatcher.health(of: key)?.breaker == .open && dispatcher.inFlight == 0 })
    await dispatcher.stop(graceSeconds: 5)
    return (office, endpoint)
  }

  /// One message finds out that it is still down, and a neighbour that is well gets what it is owed at its own pace.
  @Test func whoIsKnownToFailIsSentOneMessage() async throws {
    let (sink, well) = (try Sink { _ in .status(503) }, try Sink())
    let (office, endpoint) = try await Self.fallen(sink)
    let before = sink.receivedCount
    _ = try await office.endpoint(well.url, of: .stranger)
    try await office.submit(200, to: .stranger)
    let second = try office.nextDispatcher()
    second.start()
    #expect(try await within(5) { well.receivedCount == 200 }, "\(well.receivedCount) of 200")
    #expect(try await within(5) { sink.receivedCount > before && second.inFlight == 0 })
    try await Task.sleep(for: .milliseconds(300))
    #expect(sink.receivedCount == before + 1, "\(sink.receivedCount - before)")
    #expect(second.health(of: endpoint.id.key)?.breaker == .open)
    await second.stop(graceSeconds: 0)
    office.store.close()
  }

  /// It was mended meanwhile: the first message arrives, and the queue follows at a rate that grows.
  @Test func whoWasMendedMeanwhileGetsEverything() async throws {
    let sink = try Sink { _ in .status(503) }
    let (office, endpoint) = try await Self.fallen(sink) { ($0.recoveryPerSecond, $0.recoverySeconds) = (50, 4) }
    sink.behaviour = { _ in .status(204) }
    let before = sink.receivedCount
    let second = try office.nextDispatcher()
    second.start()
    #expect(try await within(5) { sink.receivedCount > before })
    try await Task.sleep(for: .milliseconds(500))
    // Some hundred by its rate, and on a busy machine what two seconds and a half bring; without a rate all that there is.
    #expect((2...250).contains(sink.receivedCount - before), "\(sink.receivedCount - before) in half a second")
    #expect(try await within(15) { sink.receivedCount - before >= 290 }, "\(sink.receivedCount - before)")
    #expect(second.health(of: endpoint.id.key)?.breaker == .closed)
    #expect(try await within(5) { try office.store.failingEndpoints().isEmpty })
    await second.stop(graceSeconds: 0)
    office.store.close()
  }
}
