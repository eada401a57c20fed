import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

extension Store {
  func due(_ endpoint: Endpoint, outstanding: Set<Int64> = [], limit: Int = 100) throws -> [DueDelivery] {
    try dueDeliveries(endpoint, outstanding: outstanding, limit: DueLimit(limit)).due
  }

  /// The first that is due.
  func head(_ endpoint: Endpoint) throws -> DueDelivery {
    try #require(try due(endpoint).first, "nothing is due")
  }

  func settle(
    _ delivery: DueDelivery, _ verdict: AttemptResult.Verdict, status: Int? = 200, mark: EndpointMark? = nil
  ) async throws {
    let result = AttemptResult(
      delivery: delivery, at: clock.now, status: status, error: nil, verdict: verdict, mark: mark)
    _ = try await write { try $0.settle(result) }
  }

  func states(_ endpoint: Endpoint) async throws -> [String] {
    let page = try await deliveries(
      organ: nil, endpoint: endpoint.id.key, state: nil, cursor: nil, limit: 100)
    return page.items.reversed().map { "\($0.seq) \($0.state) \($0.attempts)" }
  }
}

@Suite(.timeLimit(.minutes(5))) struct OutboxTests {
  @Test func oneRequestArrivesInOrderAndHoldsUpNoOther() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let first = try await store.submit()
    try await store.carryOut(.acknowledge(officer: nil), first.id)
    try await store.carryOut(.confirm, first.id)
    let second = try await store.submit()
    // 1, 2, 3 of the first request, 4 of the second: only the heads are due.
    var due = try store.due(endpoint)
    try #require(due.map(\.seq) == [1, 4])
    try await store.settle(due[0], .retry(at: store.clock.now + 3_600_000), status: 503)
    #expect(try store.due(endpoint).map(\.seq) == [4], "the second goes on while the first waits")
    try await store.settle(due[1], .delivered)
    try await store.carryOut(.pullBack, second.id, by: .requester)
    #expect(try store.due(endpoint).map(\.seq) == [5])
    store.clock.advance(to: store.clock.now + 3_600_000)
    due = try store.due(endpoint)
    try #require(due.map(\.seq) == [5, 1])
    #expect(due[1].attempts == 1)
    try await store.settle(due[1], .delivered)
    for seq in [2, 3] as [Int64] {
      let next = try #require(try store.due(endpoint).first { $0.request == first.id.key })
      #expect(next.seq == seq)
      try await store.settle(next, .delivered)
    }
    #expect(
      try await store.states(endpoint) == [
        "1 delivered 2", "2 delivered 1", "3 delivered 1", "4 delivered 1", "5 pending 0",
      ])
    #expect(try store.verify() == [])
  }

  @Test func deadMessageLetsTheNextGo() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    try await store.settle(try store.head(endpoint), .dead, status: 500)
    #expect(try store.due(endpoint).map(\.seq) == [2])
    #expect(try await store.states(endpoint) == ["1 dead 1", "2 pending 0"])
  }

  @Test func outstandingAndLimitAreRespected() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    for _ in 0..<6 { try await store.submit() }
    let page = try store.dueDeliveries(endpoint, outstanding: [1, 3], limit: DueLimit(3))
    #expect(page.due.map(\.seq) == [2, 4, 5])
    #expect(page.nextAt != nil, "more is due at once")
    let rest = try store.dueDeliveries(endpoint, outstanding: [1, 2, 3, 4, 5], limit: DueLimit(3))
    #expect(rest.due.map(\.seq) == [6])
    #expect(rest.nextAt == nil)
  }

  /// A long queue is read on from where the page before ended, past rows that are on their way; a page that is not full
  /// is read from the beginning, and finds what was put before that place.
  @Test func aLongQueueIsReadOn() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    for _ in 0..<9 {
      store.clock.advance(to: store.clock.now + 10)
      try await store.submit()
    }
    let first = try store.dueDeliveries(endpoint, outstanding: [], limit: DueLimit(3))
    #expect(first.due.map(\.seq) == [1, 2, 3])
    let second = try store.dueDeliveries(endpoint, outstanding: [1, 2, 3], after: first.end, limit: DueLimit(3))
    #expect(second.due.map(\.seq) == [4, 5, 6])
    #expect(second.nextAt.map { $0 <= store.clock.now } == true, "more is due at once")
    // A row before the mark that is nobody's any more is passed over while pages are full …
    var sent: Set<Int64> = [1, 3, 4, 5, 6]
    let third = try store.dueDeliveries(endpoint, outstanding: sent, after: second.end, limit: DueLimit(2))
    #expect(third.due.map(\.seq) == [7, 8])
    // … and found by the first that is not.
    sent.formUnion([7, 8])
    let last = try store.dueDeliveries(endpoint, outstanding: sent, after: third.end, limit: DueLimit(3))
    #expect(last.due.map(\.seq) == [2, 9])
    #expect(last.end == nil && last.nextAt == nil)
  }

  /// What is on its way is not taken twice, also where it lies after the mark.
  @Test func readingOnPassesOverWhatIsOnItsWay() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    for _ in 0..<6 { try await store.submit() }
    let first = try store.dueDeliveries(endpoint, outstanding: [], limit: DueLimit(2))
    let next = try store.dueDeliveries(endpoint, outstanding: [1, 2, 4], after: first.end, limit: DueLimit(2))
    #expect(next.due.map(\.seq) == [3, 5])
    let rest = try store.dueDeliveries(endpoint, outstanding: [1, 2, 3, 4, 5], after: next.end, limit: DueLimit(2))
    #expect(rest.due.map(\.seq) == [6] && rest.end == nil)
  }

  /// What goes out at once goes however long it is, one at least; what is held ready behind it has so many bytes.
  @Test(arguments: [(room: 0, count: 1), (room: 2, count: 2), (room: 9, count: 5)])
  func longBodiesCutThePage(_ room: Int, _ count: Int) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester, body: .full)
    for _ in 0..<5 { try await store.submit() }
    let page = try store.dueDeliveries(endpoint, outstanding: [], limit: DueLimit(5, room: room, bytes: 1))
    #expect(page.due.count == count)
    #expect(page.nextAt.map { $0 <= store.clock.now } == true && page.end != nil, "more is due at once")
    let sent = Set(page.due.map(\.seq))
    let rest = try store.dueDeliveries(endpoint, outstanding: sent, after: page.end, limit: DueLimit(9))
    #expect(sent.union(rest.due.map(\.seq)) == [1, 2, 3, 4, 5] && rest.due.count == 5 - count)
    let body = page.due[0].body.count
    let two = try store.dueDeliveries(endpoint, outstanding: [], limit: DueLimit(9, room: 1, bytes: body * 2))
    #expect(two.due.count == 3)
  }

  /// However a list is cut, its pages make up the whole, over endpoints that have more or less of it than others.
  @Test(arguments: [nil] + Delivery.State.allCases) func pagesMakeUpTheList(_ state: Delivery.State?) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    for events in [["*"], ["request.answered"], ["*"]] {
      let endpoint = try await store.addEndpoint(of: .requester, events: events)
      for verdict in [.delivered, .dead, .retry(at: store.clock.now + 1000)] as [AttemptResult.Verdict] {
        let request = try await store.submit()
        try await store.carryOut(.confirm, request.id)
        if let head = try store.due(endpoint).first { try await store.settle(head, verdict, status: 503) }
      }
    }
    func pages(of limit: Int) async throws -> [String] {
      var ids: [String] = []
      var cursor: DeliveryCursor?
      repeat {
        let page = try await store.deliveries(organ: nil, endpoint: nil, state: state, cursor: cursor, limit: limit)
        #expect(page.items.count == limit || page.next == nil)
        ids += page.items.map { "\($0.id) \($0.state)" }
        cursor = page.next
      } while cursor != nil
      return ids
    }
    let whole = try await pages(of: 500)
    #expect(whole.count > 2 && Set(whole).count == whole.count)
    for limit in [1, 2, 5] { #expect(try await pages(of: limit) == whole) }
  }

  @Test func onlyWhatWasAskedForIsOwed() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let answers = try await store.addEndpoint(of: .requester, events: ["request.answered"])
    let responder = try await store.addEndpoint(of: .responder)
    let stranger = try await store.addEndpoint(of: .stranger)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    #expect(try store.due(answers).map(\.seq) == [2])
    #expect(try store.due(responder).map(\.seq) == [1])
    #expect(try store.due(stranger).isEmpty)
    let heads = try store.queueHeads()
    #expect(heads.map(\.endpoint) == [answers.id.key, responder.id.key])
    #expect(try await store.outboxDepth().count == 3)
  }

  /// The body is made anew at each attempt and is the same each time, also after the request has moved on.
  @Test func bodiesAreStableAndThinOnesNameNobody() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let thin = try await store.addEndpoint(of: .requester)
    let full = try await store.addEndpoint(of: .requester, body: .full)
    let request = try await store.submit()
    let before = try [thin, full].map { try store.head($0) }
    try await store.carryOut(.confirm, request.id)
    store.clock.advance(to: store.clock.now + 40 * Instant.millisecondsPerDay)
    let after = try [thin, full].map { try store.head($0) }
    #expect(before.map(\.body) == after.map(\.body))
    #expect(before.map(\.webhookID) == after.map(\.webhookID))
    let texts = before.map { String(decoding: $0.body, as: UTF8.self) }
    #expect(texts[0].contains(request.id.description))
    #expect(!texts[0].contains("张三") && !texts[0].contains("110105"))
    #expect(texts[1].contains("张三") && texts[1].contains("110105********002X"))
    #expect(!texts[1].contains("confirmed"), "the answer does not leak into the earlier message")
  }

  @Test func goneDisablesTheEndpoint() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    try await store.submit()
    try await store.settle(try store.head(endpoint), .dead, status: 410, mark: .off(.gone))
    let kept = try #require(try await store.endpoint(endpoint.id)?.endpoint)
    #expect(!kept.enabled && kept.disabledReason == "对方答复 410 Gone / the receiver answered 410 Gone")
    try await store.submit()
    var enabled = kept
    enabled.enabled = true
    enabled.disabledReason = nil
    try await store.switchOn(enabled.id.key) { [enabled] in try $0.update(enabled) }
    try await store.submit()
    #expect(
      try store.due(endpoint).map(\.seq).sorted() == [1, 2, 3],
      "what it answered 410, what came meanwhile, and what is new")
    #expect(try await store.endpoint(endpoint.id)?.endpoint == enabled)
    #expect(try store.verify() == [])
  }

  /// Order holds also where the lease of the time before lives on: what came while it was off is not on the wire.
  @Test func whatHasGoneGoesFirstWhenItIsOnAgain() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await store.addEndpoint(of: .requester)
    let key = endpoint.id.key
    let until = BrokerClock.wall + 60_000
    #expect(try await store.write { try $0.lease(endpoint: key, owner: "a", until: until) })
    let request = try await store.submit()
    try await store.settle(try store.head(endpoint), .dead, status: 410, mark: .off(.gone))
    store.clock.advance(to: store.clock.now + 1000)
    try await store.carryOut(.confirm, request.id)
    (endpoint.enabled, endpoint.disabledReason) = (true, nil)
    try await store.switchOn(key) { [endpoint] in try $0.update(endpoint) }
    var sent: [Int64] = []
    while let head = try store.due(endpoint).first {
      sent.append(head.seq)
      try await store.settle(head, .delivered)
    }
    #expect(sent == [1, 2])
    // What has been given up for longer than it would have been tried stays so.
    try await store.submit()
    try await store.settle(try store.head(endpoint), .dead, status: 410)
    store.clock.advance(to: store.clock.now + 16 * Instant.millisecondsPerDay)
    (endpoint.enabled, endpoint.disabledReason) = (false, Endpoint.switchedOffByOrgan)
    try await store.write { [endpoint] in try $0.update(endpoint) }
    (endpoint.enabled, endpoint.disabledReason) = (true, nil)
    try await store.switchOn(key) { [endpoint] in try $0.update(endpoint) }
    #expect(try store.due(endpoint).isEmpty)
    // Where messages are owed for longer, it is owed still.
    (endpoint.enabled, endpoint.disabledReason) = (false, Endpoint.switchedOffByOrgan)
    try await store.write { [endpoint] in try $0.update(endpoint) }
    (endpoint.enabled, endpoint.disabledReason) = (true, nil)
    try await store.switchOn(key, owedSeconds: 20 * 86_400) { [endpoint] in try $0.update(endpoint) }
    #expect(try store.due(endpoint).map(\.seq) == [3])
  }

  /// Whoever switches it on has mended it: nothing waits a day for the attempt that was next.
  @Test func whatFailedGoesAtOnceWhenItIsOnAgain() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await store.addEndpoint(of: .requester)
    let key = endpoint.id.key
    let request = try await store.submit()
    try await store.settle(try store.head(endpoint), .retry(at: store.clock.now + 86_400_000), status: 503)
    try await store.carryOut(.confirm, request.id)
    (endpoint.enabled, endpoint.disabledReason) = (false, "failing")
    try await store.write { [endpoint] in try $0.update(endpoint) }
    store.clock.advance(to: store.clock.now + 1000)
    #expect(try store.due(endpoint).isEmpty)
    (endpoint.enabled, endpoint.disabledReason) = (true, nil)
    try await store.switchOn(key) { [endpoint] in try $0.update(endpoint) }
    #expect(try store.due(endpoint).map(\.seq) == [1])
    try await store.settle(try store.head(endpoint), .delivered)
    #expect(try store.due(endpoint).map(\.seq) == [2], "the answer behind it")
    #expect(try store.verify() == [])
  }

  /// What the broker has switched off goes on being owed, in order, and an answer is watched; an organ that switched it off
  /// itself wants nothing.
  @Test(arguments: [
    (SwitchedOff.failing(since: Fixture.monday, days: 5).reason.en, [1, 2, 3]), (Endpoint.switchedOffByOrgan, [1]),
  ])
  func whoSwitchedItOffDecides(_ reason: String, _ owed: [Int64]) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    (endpoint.enabled, endpoint.disabledReason) = (false, reason)
    try await store.write { [endpoint] in try $0.update(endpoint) }
    try await store.carryOut(.acknowledge(officer: nil), request.id)
    try await store.carryOut(.confirm, request.id)
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 1, "an answer is watched in any case")
    (endpoint.enabled, endpoint.disabledReason) = (true, nil)
    try await store.write { [endpoint] in try $0.update(endpoint) }
    var sent: [Int64] = []
    while let head = try store.due(endpoint).first {
      sent.append(head.seq)
      try await store.settle(head, .delivered)
    }
    #expect(sent == owed)
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == (owed.count == 1 ? 1 : 0))
    #expect(try store.verify() == [])
  }

  @Test func deletedEndpointDropsItsQueueAndWhatFailsLate() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let other = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    let inFlight = try store.head(endpoint)
    try await store.remove(endpoint)
    #expect(try store.scalar("SELECT count(*) FROM outbox WHERE endpoint = $1", [endpoint.id.key]) == 0)
    #expect(try await store.endpoint(endpoint.id) == nil)
    #expect(try store.scalar("SELECT count(*) FROM delivery") == 0, "what was never tried is not on record")
    for verdict in [AttemptResult.Verdict.dead, .delivered] {
      try await store.settle(inFlight, verdict, mark: .off(.gone))
    }
    #expect(try await store.states(endpoint) == ["1 delivered 1"])
    #expect(try store.scalar("SELECT count(*) FROM outbox WHERE endpoint = $1", [endpoint.id.key]) == 0)
    #expect(
      await failure { try await store.write { try $0.retry(endpoint: endpoint.id.key, seq: 1, organ: nil) } }
        == .notFound)
    try await store.submit()
    #expect(try store.due(other).map(\.seq) == [1, 3])
    #expect(try store.verify() == [])
  }

  @Test func leaseIsTakenRefusedRenewedAndExpires() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester).id.key
    func lease(_ owner: String, _ milliseconds: Int64) async throws -> Bool {
      try await store.write {
        try $0.lease(endpoint: endpoint, owner: owner, until: BrokerClock.wall + milliseconds)
      }
    }
    #expect(try await lease("甲", 60_000))
    #expect(try await !lease("乙", 60_000))
    #expect(try await lease("甲", 60_000), "its owner renews it")
    #expect(try await lease("甲", -1))
    try await Task.sleep(for: .milliseconds(5))
    #expect(try await lease("乙", 60_000), "what ran out may be taken")
    #expect(try await !lease("甲", 60_000))
    #expect(try await !store.write { try $0.lease(endpoint: 1, owner: "甲", until: BrokerClock.wall) })
  }
}
