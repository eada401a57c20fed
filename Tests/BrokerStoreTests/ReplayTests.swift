import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// Sending again what has finished: retry of one, replay of all.
@Suite(.timeLimit(.minutes(1))) struct ReplayTests {
  private static func retry(_ store: Store, _ endpoint: Endpoint, _ seq: Int64, organ: Qidong?) async -> StoreError? {
    await failure {
      let number = try organ.map { try store.number($0) }
      try await store.write { try $0.retry(endpoint: endpoint.id.key, seq: seq, organ: number) }
    }
  }

  @Test func deadOneIsRetried() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.submit()
    try await store.settle(try store.head(endpoint), .dead, status: 500)
    #expect(await Self.retry(store, endpoint, 1, organ: .stranger) == .notFound, "not theirs")
    #expect(await Self.retry(store, endpoint, 99, organ: .requester) == .notFound)
    #expect(await Self.retry(store, endpoint, 1, organ: .requester) == nil)
    let again = try store.due(endpoint)
    try #require(again.map(\.seq) == [1])
    #expect(again[0].attempts == 0 && again[0].createdAt > Fixture.monday)
    #expect(try await store.states(endpoint) == ["1 pending 0"])
    try await store.settle(again[0], .delivered)
    #expect(try await store.states(endpoint) == ["1 delivered 1"])
    #expect(try store.verify() == [])
  }

  @Test func pendingOneIsDueAtOnceAndAWaitingOneKeepsItsPlace() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    try await store.settle(try store.head(endpoint), .retry(at: store.clock.now + 86_400_000), status: 500)
    #expect(try store.due(endpoint).isEmpty)
    #expect(await Self.retry(store, endpoint, 2, organ: nil) == nil)
    #expect(try store.due(endpoint).isEmpty, "order before haste")
    #expect(await Self.retry(store, endpoint, 1, organ: nil) == nil)
    let due = try store.due(endpoint)
    try #require(due.map(\.seq) == [1])
    #expect(due[0].attempts == 1, "the attempts so far are not forgotten")
  }

  /// The row moved while an attempt was under way: its result is dropped, and the message goes once more.
  @Test func resultOfAnAttemptThatWasOvertakenIsDropped() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.submit()
    let inFlight = try store.head(endpoint)
    store.clock.advance(to: store.clock.now + 1000)
    #expect(await Self.retry(store, endpoint, 1, organ: nil) == nil)
    try await store.settle(inFlight, .dead, status: 500)
    #expect(try await store.states(endpoint) == ["1 pending 0"])
    try await store.settle(try store.head(endpoint), .delivered)
    #expect(try await store.states(endpoint) == ["1 delivered 1"])
  }

  /// The dead first message comes back while a later one of the same request is on its way: it waits, and goes then.
  @Test func retriedMessageWaitsForTheOneOnItsWay() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    try await store.settle(try store.head(endpoint), .dead, status: 500)
    let onItsWay = try store.head(endpoint)
    #expect(onItsWay.seq == 2)
    #expect(await Self.retry(store, endpoint, 1, organ: nil) == nil)
    #expect(try store.due(endpoint).map(\.seq) == [2], "one at a time")
    #expect(try store.verify() == [], "it waits for something")
    try await store.settle(onItsWay, .delivered)
    #expect(try store.due(endpoint).map(\.seq) == [1])
    try await store.settle(try store.head(endpoint), .delivered)
    #expect(try await store.outboxDepth().count == 0)
  }

  @Test func replayQueuesTheOwnEventsOnceMoreInOrder() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester, events: ["request.submitted", "request.answered"])
    let request = try await store.submit()
    try await store.carryOut(.acknowledge(officer: nil), request.id)
    try await store.carryOut(.confirm, request.id)
    try await store.submit(by: .stranger)
    let last = try await store.submit()
    while let next = try store.due(endpoint).first { try await store.settle(next, .delivered) }
    #expect(try await store.states(endpoint) == ["1 delivered 1", "3 delivered 1", "5 delivered 1"])
    let queued = try await store.write { try $0.replay(endpoint, after: 0, limit: 100) }
    #expect(queued == 3)
    #expect(try store.verify() == [])
    #expect(try await store.write { try $0.replay(endpoint, after: 0, limit: 100) } == 0, "they are queued already")
    #expect(try store.due(endpoint).map(\.seq) == [1, 5])
    try await store.settle(try store.head(endpoint), .delivered)
    #expect(try store.due(endpoint).map(\.seq).sorted() == [3, 5])
    #expect(try await store.write { try $0.replay(endpoint, after: 4, limit: 100) } == 0)
    #expect(last.version == 1)
  }

  @Test func replayStopsAtItsLimitAndFindsEscalations() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.submit()
    for _ in 0..<4 { try await store.submit(.marriage(to: .stranger, item: nil)) }
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    let late = try await store.addEndpoint(of: .supervisor)
    #expect(try await store.write { try $0.replay(late, after: 0, limit: 3) } <= 3)
    #expect(try await store.write { try $0.replay(late, after: 0, limit: 100) } >= 2)
    #expect(try await store.outboxDepth().count == 5)
    #expect(try await store.states(late).count == 5)
  }

  /// One event to three endpoints: a page of one does not split them, and the last page says that it is the last.
  @Test func pagesOfDeliveriesNeitherSplitNorRepeat() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    for _ in 0..<3 { try await store.addEndpoint(of: .requester) }
    for _ in 0..<4 { try await store.submit() }
    let organ = try store.number(.requester)
    var seen: [String] = []
    var cursor: Int64?
    var pages = 0
    repeat {
      let page = try await store.deliveries(organ: organ, endpoint: nil, state: nil, cursor: cursor, limit: 1)
      #expect(page.items.count == 3)
      #expect(Set(page.items.map(\.seq)).count == 1)
      seen += page.items.map(\.id)
      cursor = page.next
      pages += 1
    } while cursor != nil && pages < 10
    #expect(pages == 4)
    #expect(Set(seen).count == 12 && seen.count == 12)
    for state in [Delivery.State.delivered, .dead] {
      let none = try await store.deliveries(organ: organ, endpoint: nil, state: state, cursor: nil, limit: 9)
      #expect(none.items.isEmpty)
    }
  }
}
