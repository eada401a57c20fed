import BrokerDomain
import BrokerStore
import TestSupport
import Testing

@testable import BrokerCallbacks

/// One endpoint's trouble is its own.
@Suite(.timeLimit(.minutes(5))) struct DispatcherTests {
  /// They take connections and never answer, with more queued for them than the whole wire holds.
  @Test func endpointsThatStallDelayNobodyElse() async throws {
    let office = try Office()
    let stalled = try (0..<6).map { _ in try Sink { _ in .stall(seconds: 60) } }
    for sink in stalled { _ = try await office.endpoint(sink.url) }
    let healthy = try Sink()
    _ = try await office.endpoint(healthy.url)
    try await office.submit(100)
    office.dispatcher.start()
    #expect(try await within(5) { healthy.receivedCount == 100 }, "\(healthy.receivedCount) of 100")
    #expect(try await within(5) { stalled.allSatisfy { $0.receivedCount == Pace.start } })
    // And those that come later, when all are known for what they are.
    try await office.submit(50)
    #expect(try await within(5) { healthy.receivedCount == 150 }, "\(healthy.receivedCount) of 150")
    #expect(stalled.allSatisfy { $0.receivedCount == Pace.start })
    await office.close()
  }

  /// Found out, it is asked with one message at a time; when it answers again, it gets all that it is owed.
  @Test func oneThatRecoversIsServedInFull() async throws {
    let office = try Office(totalTimeoutMS: 300)
    let sink = try Sink { _ in .stall(seconds: 60) }
    _ = try await office.endpoint(sink.url)
    try await office.submit(100)
    office.dispatcher.start()
    #expect(try await within(5) { sink.receivedCount >= Pace.start + 2 })
    #expect(office.dispatcher.inFlight <= 1)
    sink.behaviour = { _ in .status(204) }
    #expect(try await within(20) { try await office.store.outboxDepth().count <= Pace.start + 8 })
    await office.close()
  }

  @Test func queueThatCannotBeReadIsLeftAside() async throws {
    let office = try Office()
    let (damaged, healthy) = (try Sink(), try Sink())
    for _ in 0..<5 { _ = try await office.endpoint(damaged.url, body: .full) }
    _ = try await office.endpoint(healthy.url)
    try await office.submit(20)
    try office.plant(
      """
      CREATE TRIGGER damaged BEFORE UPDATE OF lease_owner ON endpoint WHEN new.body = 'full'
      BEGIN SELECT RAISE(ABORT, 'damaged'); END
      """)
    office.dispatcher.start()
    #expect(try await within(3) { healthy.receivedCount == 20 }, "\(healthy.receivedCount) of 20")
    #expect(damaged.receivedCount == 0)
    #expect(office.dispatcher.isAlive)
    await office.close()
  }

  @Test func testsAreFewAtATime() async throws {
    let office = try Office(totalTimeoutMS: 2000)
    let sink = try Sink { _ in .stall(seconds: 60) }
    var endpoints: [Endpoint] = []
    for _ in 0..<10 { endpoints.append(try await office.endpoint(sink.url)) }
    office.dispatcher.start()
    let dispatcher = office.dispatcher
    let running = endpoints.prefix(8).map { endpoint in Task { await dispatcher.test(endpoint) } }
    #expect(try await within(2) { sink.receivedCount == 8 })
    #expect(await dispatcher.test(endpoints[0])?.token == nil, "its last test is under way")
    #expect(await dispatcher.test(endpoints[8])?.token == nil, "eight are under way")
    for test in running { #expect(await test.value?.token != nil) }
    sink.behaviour = { _ in .status(204) }
    #expect(await dispatcher.test(endpoints[0])?.outcome == .status(204))
    #expect(sink.receivedCount == 9)
    await office.close()
  }

  /// What went over the wire is on record, of attempts that failed and of the one that arrived.
  @Test func attemptsAreOnRecordWithTheirTrip() async throws {
    let office = try Office()
    let sink = try Sink { _ in .status(503) }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(1)
    office.dispatcher.start()
    let store = office.store
    func attempts() async throws -> [Attempt] {
      try await store.trace(endpoint: endpoint.id.key, seq: 1, organ: nil)?.attempts ?? []
    }
    #expect(try await within(5) { try await attempts().count == 1 })
    sink.behaviour = { _ in .status(204) }
    #expect(try await within(15) { try await attempts().count == 2 })
    let seen = try await attempts()
    #expect(
      seen.map(\.number) == [1, 2] && seen.map(\.status) == [503, 204] && seen.map(\.isDelivered) == [false, true])
    for attempt in seen {
      let trip = try #require(attempt.trip)
      #expect(trip.remoteAddress == "127.0.0.1" && trip.totalUS >= trip.firstByteUS && trip.firstByteUS > 0)
    }
    await office.close()
  }

  @Test(
    arguments: [
      ([], 8, false), ([.prompt], 16, true), ([.prompt, .prompt, .prompt], 64, true),
      ([.prompt, .prompt, .prompt, .prompt], 64, true), ([.prompt, .slow], 32, false), ([.silence], 1, false),
      ([.silence, .prompt], 2, true), ([.prompt, .prompt, .refusal], 8, false), ([.silence, .refusal], 1, false),
    ] as [([Pace.Answer], Int, Bool)])
  func pace(answers: [Pace.Answer], window: Int, isSteady: Bool) {
    var pace = Pace(most: 64)
    for answer in answers { pace.hear(answer) }
    #expect(pace.window == window && pace.isSteady == isSteady)
    var narrow = Pace(most: 2)
    for answer in answers { narrow.hear(answer) }
    #expect((1...2).contains(narrow.window))
  }
}
