import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

@Suite(.timeLimit(.minutes(5))) struct FeedTests {
  @Test func feedHoldsTheOwnEventsInOrder() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var mine: [Int64] = []
    for turn in 0..<12 {
      let request = try await store.submit(by: turn % 3 == 0 ? .stranger : .requester)
      let seq = try store.scalar("SELECT max(seq) FROM event")
      if turn % 3 != 0 { mine.append(seq) }
      if turn % 2 == 0 {
        try await store.carryOut(.confirm, request.id)
        if turn % 3 != 0 { mine.append(try store.scalar("SELECT max(seq) FROM event")) }
      }
    }
    let number = try store.number(.requester)
    let feed = try await store.feed(organ: number, after: 0, limit: 500)
    #expect(feed.map(\.seq) == mine)
    for limit in [1, 2, 5] {
      var seen: [Int64] = []
      while true {
        let page = try await store.feed(organ: number, after: seen.last ?? 0, limit: limit)
        #expect(page.count <= limit)
        if page.isEmpty { break }
        seen += page.map(\.seq)
      }
      #expect(seen == mine, "limit \(limit)")
    }
    // The responder is party to all of them.
    let all = try store.scalar("SELECT count(*) FROM event")
    #expect(try await store.feed(organ: store.number(.responder), after: 0, limit: 500).count == Int(all))
    #expect(try await store.feed(organ: store.number(.credit), after: 0, limit: 500).isEmpty)
  }

  @Test func supervisorHearsOfEscalationsOnly() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.submit(.marriage(to: .stranger, item: nil))
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    let feed = try await store.feed(organ: store.number(.supervisor), after: 0, limit: 10)
    try #require(feed.map(\.type) == ["request.escalated", "request.escalated"])
    #expect(feed[0].request == request.id)
    #expect(feed[0].actor == nil, "the clock did it")
    let one = try await store.feed(organ: store.number(.supervisor), after: feed[0].seq, limit: 10)
    #expect(one.map(\.seq) == [feed[1].seq])
    #expect(try await store.feed(organ: store.number(.supervisor), after: 0, limit: 1).map(\.seq) == [feed[0].seq])
    #expect(
      try await store.timeline(request.id).map(\.type) == [
        "request.submitted", "request.due-soon", "request.due-soon", "request.overdue", "request.escalated",
      ])
  }

  @Test func timelineTellsWhoAndWhat() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.submit()
    try await store.carryOut(.acknowledge(officer: "钱七"), request.id)
    try await store.carryOut(.confirm, request.id)
    let timeline = try await store.timeline(request.id)
    #expect(timeline.map(\.version) == [1, 2, 3])
    #expect(timeline.map(\.state) == ["submitted", "acknowledged", "answered"])
    #expect(timeline.map(\.actor) == [Qidong.requester.organ, Qidong.responder.organ, Qidong.responder.organ])
    #expect(timeline.allSatisfy { $0.request == request.id })
    #expect(Set(timeline.map(\.id)).count == 3)
  }

  @Test func firstEventAfterAMomentAgreesWithBruteForce() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let empty = try store.readNow { db in try db.firstEvent(after: Fixture.monday) }
    #expect(empty <= 1, "with no events every event to come is after it")

    var random = SeededGenerator(seed: 11)
    for _ in 0..<60 {
      try await store.submit()
      // Several events share a millisecond now and then.
      if Bool.random(using: &random) {
        store.clock.advance(to: store.clock.now + Int64.random(in: 1...40, using: &random))
      }
    }
    // Gaps, as a pruned or restored table would have.
    try store.plant("DELETE FROM event WHERE seq % 7 = 3 OR seq < 4")
    let events: [(seq: Int64, at: Int64)] = try store.readNow { db in
      try db.all(EventSQLForTests.all) { (seq: $0.int(0), at: $0.int(1)) }
    }
    let moments: [Int64] =
      events.flatMap { event -> [Int64] in [event.at - 1, event.at, event.at + 1] } + [0, Int64.max / 2]
    for moment in moments {
      let found = try store.readNow { db in try db.firstEvent(after: Instant(milliseconds: moment)) }
      let expected = events.filter { $0.at > moment }.map(\.seq)
      #expect(events.filter { $0.seq >= found }.map(\.seq) == expected, "after \(moment)")
    }
  }

  private enum EventSQLForTests: String { case all = "SELECT seq, at FROM event ORDER BY seq" }
}
