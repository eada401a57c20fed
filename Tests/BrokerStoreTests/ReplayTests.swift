import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// Sending again what has finished: retry of one, replay of all.
@Suite(.timeLimit(.minutes(5))) struct ReplayTests {
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

  /// The row moved while an attempt was under way: its result is on record, and a failure ends nothing that was asked for
  /// meanwhile.
  @Test func resultOfAnAttemptThatWasOvertakenCounts() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.submit()
    let inFlight = try store.head(endpoint)
    store.clock.advance(to: store.clock.now + 1000)
    #expect(await Self.retry(store, endpoint, 1, organ: nil) == nil)
    try await store.settle(inFlight, .dead, status: 500)
    #expect(try await store.states(endpoint) == ["1 pending 1"])
    let again = try store.head(endpoint)
    store.clock.advance(to: store.clock.now + 1000)
    #expect(await Self.retry(store, endpoint, 1, organ: nil) == nil)
    try await store.settle(again, .delivered)
    #expect(try await store.states(endpoint) == ["1 delivered 2"])
    #expect(try store.verify() == [])
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
    try await store.hold(endpoint)
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
    #expect(try await store.replay(endpoint, after: 0) == Replayed(queued: 3, next: nil))
    #expect(try store.verify() == [])
    #expect(try await store.replay(endpoint, after: 0).queued == 0, "they are queued already")
    #expect(try store.due(endpoint).map(\.seq) == [1, 5])
    try await store.settle(try store.head(endpoint), .delivered)
    #expect(try store.due(endpoint).map(\.seq).sorted() == [3, 5])
    #expect(try await store.replay(endpoint, after: 4).queued == 0)
    #expect(last.version == 1)
  }

  @Test func replayStopsAtItsLimitAndFindsEscalations() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.submit()
    for _ in 0..<4 { try await store.submit(.marriage(to: .stranger, item: nil)) }
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    let late = try await store.addEndpoint(of: .supervisor)
    let first = try await store.replay(late, after: 0, limit: 3)
    #expect(first.queued == 3)
    let rest = try await store.replay(late, after: try #require(first.next), limit: 3)
    #expect(rest == Replayed(queued: 2, next: nil))
    #expect(try await store.outboxDepth().count == 5)
    #expect(try await store.states(late).count == 5)
  }

  /// More events than one read or one write takes, some of them filed and some not, of which it takes one type.
  @Test func replayGoesOnUntilDone() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.write { context in
      for _ in 0..<300 {
        let request = try context.submit(.marriage())
        _ = try context.carryOut(.acknowledge(officer: nil), request.id, by: .responder)
      }
    }
    try await store.write { context in for _ in 0..<10 { _ = try context.submit(.marriage()) } }
    #expect(try store.scalar("SELECT through FROM filing") == 600)
    let endpoint = try await store.addEndpoint(of: .requester, events: ["request.submitted"])
    #expect(try await store.replay(endpoint, after: 1) == Replayed(queued: 309, next: nil))
    #expect(try await store.outboxDepth().count == 309)
    #expect(try store.verify() == [])
  }

  static let sizes = [1, 2, 3, 5, 12, 500]

  /// Four events to three endpoints: pages hold no more than was asked for, and the last one says that it is the last.
  @Test(arguments: sizes) func pagesOfDeliveriesNeitherExceedNorRepeat(limit: Int) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    for _ in 0..<3 { try await store.addEndpoint(of: .requester) }
    for _ in 0..<4 { try await store.submit() }
    let first = try #require(
      try await store.endpoints(of: try store.number(.requester), cursor: nil, limit: 1).items.first)
    try await store.settle(try store.head(first.endpoint), .dead)
    let organ = try store.number(.requester)
    var seen: [DeliveryCursor] = []
    var cursor: DeliveryCursor?
    var pages = 0
    repeat {
      let page = try await store.deliveries(organ: organ, endpoint: nil, state: nil, cursor: cursor, limit: limit)
      #expect(page.items.count <= limit)
      seen += page.items.map { DeliveryCursor(seq: $0.seq, endpoint: $0.endpoint.key) }
      cursor = try page.next.map { try #require(DeliveryCursor($0.text)) }
      #expect(cursor == page.next)
      pages += 1
    } while cursor != nil && pages < 20
    #expect(pages == (12 + limit - 1) / limit)
    #expect(seen == seen.sorted { ($0.seq, $0.endpoint) > ($1.seq, $1.endpoint) })
    #expect(Set(seen.map(\.text)).count == 12 && seen.count == 12)
    let none = try await store.deliveries(organ: organ, endpoint: nil, state: .delivered, cursor: nil, limit: 9)
    #expect(none.items.isEmpty && none.next == nil)
    let dead = try await store.deliveries(organ: organ, endpoint: nil, state: .dead, cursor: nil, limit: 9)
    #expect(dead.items.map(\.seq) == [1])
  }

  @Test(arguments: ["", "-", "1", "1-", "-1", "1-2-3", "1--2", "!-1", "zzzzzzzzzzzzzz-1", "1 -2"])
  func otherTextIsNoCursor(_ text: String) {
    #expect(DeliveryCursor(text) == nil)
  }
}
