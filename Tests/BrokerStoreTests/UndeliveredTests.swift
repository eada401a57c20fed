import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// Results that do not get through: who is told of them, and when. Requests are received on Monday 2 March 2026 and due
/// on Monday the 9th.
@Suite(.timeLimit(.minutes(1))) struct UndeliveredTests {
  /// A request that was answered on Monday; its first message was delivered, the answer is at the head of the queue.
  private static func answered(
    _ store: Store, _ command: Command = .confirm, by organ: Qidong = .responder
  ) async throws -> (Endpoint, AssistanceRequest) {
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(command, request.id, by: organ)
    try await store.settle(try store.head(endpoint), .delivered)
    return (endpoint, request)
  }

  private static func later(_ store: Store) -> AttemptResult.Verdict {
    .retry(at: store.clock.now + 10 * Instant.millisecondsPerDay)
  }

  private static func lines(_ store: Store) async throws -> [String] {
    try await store.callList(supervisor: nil, cursor: nil, limit: 10).items.map {
      "\($0.type) \($0.needed) \($0.attempts) \($0.lastError ?? "-")"
    }
  }

  private static func notices(_ store: Store, _ organ: Qidong = .requester) async throws -> [String] {
    try await store.inbox(organ: try store.number(organ), audience: nil, after: 0, limit: 10).compactMap { item in
      guard case .request(let notice) = item, notice.matter == .undelivered else { return nil }
      return "\(notice.audience) \(notice.at.rfc3339.dropFirst(5).prefix(11)) \(notice.dueDate)"
    }
  }

  @Test(arguments: [
    // Due later than two working days after the answer; sooner; long past. Over a weekend; over a festival.
    ("2026-03-09", "2026-03-02T10:00:00+08:00", "2026-03-09", "2026-03-06T09:00:00+08:00"),
    ("2026-03-09", "2026-03-06T16:00:00+08:00", "2026-03-10", "2026-03-09T09:00:00+08:00"),
    ("2026-03-02", "2026-03-12T16:00:00+08:00", "2026-03-16", "2026-03-13T09:00:00+08:00"),
    ("2026-02-13", "2026-02-14T10:00:00+08:00", "2026-02-25", "2026-02-24T09:00:00+08:00"),
  ]) func neededAndAlert(due: String, at: String, needed: String, alert: String) throws {
    let store = try Fixture().open()
    defer { store.close() }
    let by = store.reference.calendar.deliverBy(
      due: try #require(CalendarDate(due)), resultAt: try #require(Instant(rfc3339: at)), region: RegionCode("320681"))
    #expect(by.needed.description == needed && by.alertAt.rfc3339 == alert)
  }

  @Test func anArrivalAtFirstArmsNothing() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (endpoint, _) = try await Self.answered(store)
    let timers = try store.scalar("SELECT count(*) FROM timer")
    try await store.settle(try store.head(endpoint), .delivered)
    #expect(try store.scalar("SELECT count(*) FROM timer") == timers)
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 0)
  }

  @Test(arguments: [Command.confirm, .refuse]) func toldOneWorkingDayBeforeItIsNeeded(_ command: Command) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (endpoint, request) = try await Self.answered(store, command)
    try await store.settle(try store.head(endpoint), Self.later(store), status: 503)
    try await store.advance(to: "2026-03-06T08:59:59+08:00")
    #expect(try await Self.lines(store) == [])
    #expect(try await Self.notices(store) == [])
    try await store.advance(to: "2026-03-06T09:00:00+08:00")
    let type = command == .confirm ? "request.answered" : "request.declined"
    #expect(try await Self.lines(store) == ["\(type) 2026-03-09 1 HTTP 503"])
    #expect(try await Self.notices(store) == ["contact 03-06T09:00 2026-03-09"])
    #expect(try await Self.notices(store, .responder) == [])
    // Delivered: the line goes, the notice was sent and stays.
    try await store.advance(to: "2026-03-16T09:00:00+08:00")
    #expect(try await Self.notices(store).count == 1, "once")
    try await store.settle(try store.head(endpoint), .delivered)
    #expect(try await Self.lines(store) == [])
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 0)
    let arrival = try #require(try await store.arrivals(of: try await store.timeline(request.id)).first)
    #expect(arrival.delivered.map(\.endpoint) == [endpoint.id] && arrival.firstReadAt == nil)
    #expect(try store.verify() == [])
  }

  /// What another organ's endpoint has taken of the same event says nothing of the requester's.
  @Test func anEndpointOfAnotherOrganGoes() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let other = try await store.addEndpoint(of: .responder)
    let (endpoint, _) = try await Self.answered(store)
    try await store.settle(try store.head(endpoint), Self.later(store), status: 503)
    for _ in 0..<2 { try await store.settle(try store.head(other), .delivered) }
    try await store.write { try $0.delete(other) }
    try await store.advance(to: "2026-03-06T09:00:00+08:00")
    #expect(try await Self.lines(store) == ["request.answered 2026-03-09 1 HTTP 503"])
  }

  /// The reason on the list is that of what it waits for, and not of an endpoint that would not take it.
  @Test func theReasonIsItsOwn() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.settle(try store.head(endpoint), Self.later(store), status: 500)
    try await store.carryOut(.confirm, request.id)
    let newest = try await store.newestEvent()
    try await store.write { try $0.watchResult(seq: newest, endpoint: endpoint.id.key, isGivenUp: true) }
    let second = try await store.addEndpoint(of: .requester)
    let waits = "request.answered 2026-03-09 0 在等同一请求先前的消息 / waits for an earlier message of the request: HTTP 500"
    for events in ["request.overdue", "*"] {
      try store.plant(
        "UPDATE endpoint SET enabled = 0, disabled_reason = 'off', events = $1 WHERE key = $2", [events, second.id.key])
      try await store.advance(to: "2026-03-03T10:00:00+08:00")
      #expect(try await Self.lines(store) == [waits])
    }
    // Nothing of it waits anywhere: then the one that is off would have taken it, if it takes any such.
    try store.plant("DELETE FROM outbox WHERE endpoint = $1", [endpoint.id.key])
    #expect(try await Self.lines(store) == ["request.answered 2026-03-09 0 off"])
    try store.plant("UPDATE endpoint SET events = 'request.overdue' WHERE key = $1", [second.id.key])
    #expect(try await Self.lines(store) == ["request.answered 2026-03-09 0 -"])
  }

  @Test func whatIsGivenUpIsToldAtOnceInOfficeHours() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (endpoint, _) = try await Self.answered(store)
    try await store.advance(to: "2026-03-02T20:00:00+08:00")
    try await store.settle(try store.head(endpoint), .dead, status: 410, mark: .off(.gone))
    try await store.advance(to: "2026-03-03T08:00:00+08:00")
    #expect(try await Self.lines(store) == [])
    try await store.advance(to: "2026-03-03T09:00:00+08:00")
    #expect(try await Self.lines(store) == ["request.answered 2026-03-09 1 HTTP 410"])
    try await store.advance(to: "2026-03-20T09:00:00+08:00")
    #expect(try await Self.notices(store) == ["contact 03-03T09:00 2026-03-09"])
  }

  /// The requester asked for it by itself, however often: the line goes, and the first time is kept.
  @Test func aReadingEndsIt() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (endpoint, request) = try await Self.answered(store)
    try await store.settle(try store.head(endpoint), Self.later(store), status: 503)
    try await store.advance(to: "2026-03-06T10:00:00+08:00")
    #expect(try await Self.lines(store).count == 1)
    store.noteRead([(request: request.id.key, version: 2)])
    try await until("it is written") { try store.scalar("SELECT count(*) FROM first_read") == 1 }
    let first = try await store.arrivals(of: try await store.timeline(request.id)).map(\.firstReadAt)
    #expect(first.count == 1 && first[0] != nil)
    try await store.advance(to: "2026-03-06T12:00:00+08:00")
    for _ in 0..<3 { store.noteRead([(request: request.id.key, version: 2)]) }
    #expect(try await Self.lines(store) == [])
    #expect(try await store.arrivals(of: try await store.timeline(request.id)).map(\.firstReadAt) == first)
  }

  /// After a restart nothing is known in memory; the database knows.
  @Test func theFirstReadingSurvivesARestart() async throws {
    let fixture = try Fixture()
    let (id, first) = try await fixture.life { store in
      let request = try await store.submit()
      try await store.carryOut(.confirm, request.id)
      store.noteRead([(request: request.id.key, version: 2)])
      try await until("it is written") { try store.scalar("SELECT count(*) FROM first_read") == 1 }
      return (request.id, try store.scalar("SELECT at FROM first_read"))
    }
    // Who wrote it down may hold the store a moment longer.
    var opened: Store?
    try await until("the first life is over") {
      opened = try? fixture.open()
      return opened != nil
    }
    let store = try #require(opened)
    defer { store.close() }
    try await store.advance(to: "2026-03-04T10:00:00+08:00")
    let other = try await store.submit()
    try await store.carryOut(.confirm, other.id)
    store.noteRead([(request: id.key, version: 2), (request: other.id.key, version: 2)])
    try await until("the other is written") { try store.scalar("SELECT count(*) FROM first_read") == 2 }
    #expect(try store.scalar("SELECT min(at) FROM first_read") == first)
  }

  /// Switched off before the answer it is owed nothing, and switched off after it nobody tries: both are watched.
  @Test(arguments: [true, false]) func anEndpointThatIsOff(before: Bool) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    func switchOff() async throws {
      var off = endpoint
      off.enabled = false
      off.disabledReason = "switched off"
      try await store.write { [off] in try $0.update(off) }
    }
    let request = try await store.submit()
    if before { try await switchOff() }
    try await store.carryOut(.confirm, request.id)
    if !before {
      try await switchOff()
      try await store.sweepUndelivered()
    }
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 1)
    try await store.sweepUndelivered()
    try await store.advance(to: "2026-03-06T09:00:00+08:00")
    #expect(try await Self.lines(store) == ["request.answered 2026-03-09 0 switched off"])
  }

  /// An earlier message of the request does not get through, so the answer is never tried: it is watched from the start.
  @Test func whatWaitsBehindAnother() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.settle(try store.head(endpoint), Self.later(store), status: 503)
    try await store.carryOut(.confirm, request.id)
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 1)
    try await store.advance(to: "2026-03-06T09:00:00+08:00")
    // Who telephones the organ is to know why.
    let why = "在等同一请求先前的消息 / waits for an earlier message of the request: HTTP 503"
    #expect(try await Self.lines(store) == ["request.answered 2026-03-09 0 \(why)"])
    #expect(try await Self.notices(store) == ["contact 03-06T09:00 2026-03-09"])
    try await store.advance(to: "2026-03-20T09:00:00+08:00")
    for _ in 0..<2 { try await store.settle(try store.head(endpoint), .delivered) }
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 0)
  }

  /// Its breaker lets nothing out: what was never tried is watched as well, once, however often it is looked for.
  @Test func whatABreakerHoldsBack() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.settle(try store.head(endpoint), .delivered)
    try await store.carryOut(.confirm, request.id)
    try await store.sweepUndelivered()
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 0)
    for _ in 0..<2 { try await store.sweepUndelivered(stuck: [endpoint.id.key]) }
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 1)
    // Read by polling: it is not watched anew.
    store.noteRead([(request: request.id.key, version: 2)])
    try await until("it is written") { try store.scalar("SELECT count(*) FROM first_read") == 1 }
    try await store.sweepUndelivered(stuck: [endpoint.id.key])
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 0)
  }

  /// What took it is gone since; it was taken all the same.
  @Test func theEndpointThatTookItIsDeleted() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (endpoint, _) = try await Self.answered(store)
    let other = try await store.addEndpoint(of: .requester)
    try await store.settle(try store.head(endpoint), Self.later(store), status: 503)
    let seq = try store.scalar("SELECT seq FROM undelivered")
    try store.plant(
      "INSERT INTO delivery (endpoint, seq, state, request, created_at, finished_at, attempts) SELECT $1, seq, 'delivered', request, 1, 1, 1 FROM undelivered",
      [other.id.key])
    #expect(seq > 0)
    try await store.write { try $0.delete(other) }
    try await store.advance(to: "2026-03-20T09:00:00+08:00")
    #expect(try await Self.lines(store) == [])
    #expect(try await Self.notices(store) == [])
  }

  /// Another endpoint of the same organ took it: nobody is called.
  @Test func oneEndpointIsEnough() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (endpoint, _) = try await Self.answered(store)
    let request = try await store.submit()
    let other = try await store.addEndpoint(of: .requester, events: ["request.answered"])
    try await store.carryOut(.confirm, request.id)
    try await store.settle(try store.head(other), .delivered)
    for _ in 0..<2 { try await store.settle(try store.head(endpoint), .delivered) }
    try await store.settle(try store.head(endpoint), Self.later(store), status: 503)
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 1)
    try await store.sweepUndelivered()
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 0)
    try await store.advance(to: "2026-03-20T09:00:00+08:00")
    #expect(try await Self.notices(store) == [])
  }

  /// Who has no endpoint asks by itself; the responder's own copy is no delivery to the requester.
  @Test func othersAreNotWatched() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let responder = try await store.addEndpoint(of: .responder)
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    for _ in 0..<2 { try await store.settle(try store.head(responder), .dead, status: 500) }
    #expect(try store.scalar("SELECT count(*) FROM undelivered") == 0)
    try await store.advance(to: "2026-03-20T09:00:00+08:00")
    #expect(try await Self.lines(store) == [])
  }

  @Test func thePagesOfTheListAndItsReaders() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester, events: ["request.answered"])
    for _ in 0..<5 {
      let request = try await store.submit()
      try await store.carryOut(.confirm, request.id)
    }
    while let next = try store.due(endpoint).first { try await store.settle(next, .dead, status: 500) }
    try await store.advance(to: "2026-03-03T12:00:00+08:00")
    var seen: [EntityID] = []
    var cursor: Int64?
    repeat {
      let page = try await store.callList(supervisor: Qidong.supervisor.organ, cursor: cursor, limit: 2)
      #expect(page.items.count <= 2)
      seen += page.items.map(\.request)
      cursor = page.next
    } while cursor != nil && seen.count < 10
    #expect(seen.count == 5 && Set(seen).count == 5)
    #expect(try await store.callList(supervisor: Qidong.stranger.organ, cursor: nil, limit: 9).items.isEmpty)
  }
}
