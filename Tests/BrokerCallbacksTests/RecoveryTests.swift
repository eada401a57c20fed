import BrokerDomain
import BrokerStore
import Synchronization
import TestSupport
import Testing

@testable import BrokerCallbacks

/// An endpoint that falls and rises again, and its neighbour, against real receivers.
@Suite(.timeLimit(.minutes(2))) struct RecoveryTests {
  private static func quickly(_ options: inout CallbackOptions) {
    options.breaker.pauseSeconds = 1
    options.recoveryPerSecond = 20
    options.recoverySeconds = 3
  }

  /// Ten fail; the other hundreds are left in peace, keep the steps of their schedule, and go out when a probe arrives.
  @Test func whatWaitsForABreakerUsesUpNothing() async throws {
    let office = try Office(totalTimeoutMS: 5000, Self.quickly)
    let sink = try Sink { _ in .status(503) }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(300)
    office.dispatcher.start()
    let dispatcher = office.dispatcher
    #expect(try await within(5) { dispatcher.health(of: endpoint.id.key)?.breaker == .open })
    // Those that were on the wire when it opened, and a probe or two.
    #expect(sink.receivedCount <= 10 + Pace.start)
    let health = try #require(dispatcher.health(of: endpoint.id.key))
    #expect(health.nextProbeAt != nil && health.since != nil && health.failurePercent == 100)
    #expect(health.failingSince != nil && dispatcher.breakers == [.closed: 0, .open: 1, .halfOpen: 0])
    let tried = try await office.store.deliveries(
      organ: nil, endpoint: endpoint.id.key, state: .pending, cursor: nil, limit: 500
    ).items.filter { $0.attempts > 0 }
    #expect(tried.count <= sink.receivedCount && tried.allSatisfy { $0.attempts == 1 })

    sink.behaviour = { _ in .status(204) }
    let failures = sink.receivedCount
    #expect(try await within(20) { sink.receivedCount >= failures + 280 }, "\(sink.receivedCount - failures)")
    #expect(dispatcher.health(of: endpoint.id.key)?.breaker == .closed)
    #expect(dispatcher.health(of: endpoint.id.key)?.failingSince == nil)
    // Oldest first: ids of events grow with them. Those on the wire together may arrive the other way round, and one whose
    // connection is being made is overtaken by what follows the others.
    let failed = Set(sink.received.prefix(failures).compactMap { $0.header("webhook-id") })
    let untried = sink.received.dropFirst(failures).compactMap { $0.header("webhook-id") }.filter {
      !failed.contains($0)
    }
    let turned = zip(untried, untried.dropFirst(Pace.start * 16)).count { $0 > $1 }
    #expect(turned == 0, "\(turned) of \(untried.count) came far before their turn")
    await office.close()
  }

  @Test func fallingAgainDuringRecoveryOpensAgain() async throws {
    let office = try Office(totalTimeoutMS: 5000, Self.quickly)
    let sink = try Sink { _ in .status(500) }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(200)
    office.dispatcher.start()
    let dispatcher = office.dispatcher
    let key = endpoint.id.key
    #expect(try await within(5) { dispatcher.health(of: key)?.breaker == .open && dispatcher.inFlight == 0 })
    let before = sink.receivedCount
    let opened = try #require(dispatcher.health(of: key)?.since)
    // The probe gets through, and then no more.
    let probe = First()
    sink.behaviour = { _ in .status(probe.isFirst() ? 204 : 500) }
    #expect(try await within(10) { sink.receivedCount >= before + 5 })
    #expect(try await within(10) { dispatcher.health(of: key)?.breaker == .open && dispatcher.inFlight == 0 })
    #expect(dispatcher.health(of: key)?.since.map { $0 > opened } == true, "it was closed in between")
    #expect(sink.receivedCount < 100, "it was not flooded: \(sink.receivedCount)")
    await office.close()
  }

  /// Somebody who asks for one is answered at once, whatever the pause.
  @Test func anAskedForRetryIsAProbe() async throws {
    let office = try Office(totalTimeoutMS: 5000) {
      $0.breaker.pauseSeconds = 3000; $0.breaker.longestPauseSeconds = 3000
    }
    let sink = try Sink { _ in .status(500) }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(40)
    office.dispatcher.start()
    let (dispatcher, key) = (office.dispatcher, endpoint.id.key)
    #expect(try await within(5) { dispatcher.health(of: key)?.breaker == .open && dispatcher.inFlight == 0 })
    let failures = sink.receivedCount
    try await Task.sleep(for: .milliseconds(1500))
    #expect(sink.receivedCount == failures, "nobody asked")
    sink.behaviour = { _ in .status(204) }
    let head = try #require(
      try await office.store.deliveries(organ: nil, endpoint: key, state: .pending, cursor: nil, limit: 1).items.first)
    try await office.store.write { try $0.retry(endpoint: key, seq: head.seq, organ: nil) }
    #expect(try await within(8) { sink.receivedCount >= failures + 20 }, "\(sink.receivedCount) \(failures)")
    #expect(dispatcher.health(of: key)?.breaker == .closed)
    await office.close()
  }

  /// A long queue for one endpoint, single messages for another: between the moment one is written and its arrival few of
  /// the others arrive. Counted, not timed: a busy machine delays both alike.
  @Test func aBacklogDelaysNobodyElse() async throws {
    let office = try Office()
    let (busy, quiet) = (try Sink(), try Sink())
    _ = try await office.endpoint(busy.url)
    _ = try await office.endpoint(quiet.url, of: .stranger)
    for _ in 0..<8 { try await office.submit(500) }
    office.dispatcher.start()
    #expect(try await within(10) { busy.receivedCount > 200 })
    var between: [Int] = []
    for index in 1...15 {
      try await office.submit(1, to: .stranger)
      let before = busy.receivedCount
      #expect(try await within(10) { quiet.receivedCount >= index })
      between.append(busy.receivedCount - before)
      if busy.receivedCount >= 4000 { break }
    }
    between.sort()
    #expect(between.count >= 3 && between[between.count / 2] < 500, "\(between)")
    #expect(try await within(60) { busy.receivedCount >= 4000 })
    await office.close()
  }

  /// Switched off after days, told, and taken up again with all that is owed.
  @Test func anEndpointThatIsGoneIsToldToItsOrgan() async throws {
    let office = try Office()
    let sink = try Sink { _ in .status(410) }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(1)
    office.dispatcher.start()
    let store = office.store
    #expect(try await within(5) { try await store.endpoint(endpoint.id)?.endpoint.enabled == false })
    #expect(try await store.switchedOff() == ["gone": 1, "failing": 0, "secret-lost": 0])
    #expect(try await within(5) { office.dispatcher.health(of: endpoint.id.key) == nil })
    let items = try await store.inbox(organ: endpoint.organ, audience: .contact, after: 0, limit: 10)
    guard case .endpoint(let notice)? = items.first else { return #expect(Bool(false), "\(items)") }
    #expect(items.count == 1 && notice.endpoint == endpoint.id && notice.cause == "gone")
    await office.close()
  }
}

/// True once.
private final class First: Sendable {
  private let taken = Mutex(false)

  func isFirst() -> Bool {
    taken.withLock { taken in
      defer { taken = true }
      return !taken
    }
  }
}
