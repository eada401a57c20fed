import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// Feeds and lists are the same whether an event is filed, not filed yet, or was changed after it was filed.
@Suite(.timeLimit(.minutes(5))) struct FilingTests {
  private static func filed(_ store: Store) throws -> Int64 { try store.scalar("SELECT through FROM filing") }

  private static func page(_ store: Store, _ organ: Qidong, _ filter: RequestFilter = RequestFilter()) async throws
    -> [EntityID]
  {
    let number = try store.number(organ)
    return try await store.requests(of: number, filter, cursor: nil, limit: 500).items.map(\.request.id)
  }

  @Test func whatIsClosedAfterItWasFiledMoves() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let person = "320681198502020025"
    let first = try await store.submit(.marriage(subject: .person("某人", person))).id
    #expect(try Self.filed(store) == 0)
    var open = RequestFilter()
    open.states = [.submitted]
    #expect(try await Self.page(store, .requester, open) == [first], "not filed yet and listed all the same")
    for _ in 0..<Filing.every { try await store.submit() }
    let through = try Self.filed(store)
    #expect(through >= Filing.every)

    try await store.carryOut(.confirm, first, by: .responder)
    #expect(try Self.filed(store) == through, "the answer is not filed yet")
    var (answered, about) = (RequestFilter(), RequestFilter())
    answered.states = [.answered]
    about.subject = person
    for organ in [Qidong.requester, .responder] {
      #expect(try await Self.page(store, organ, answered) == [first])
      #expect(try await Self.page(store, organ, about) == [first])
      #expect(try await !Self.page(store, organ, open).contains(first))
    }
    for _ in 0..<Filing.every { try await store.submit() }
    #expect(try Self.filed(store) > through)
    for organ in [Qidong.requester, .responder] {
      #expect(try await Self.page(store, organ, answered) == [first])
      #expect(try await Self.page(store, organ, about) == [first])
    }
    #expect(try store.scalar("SELECT count(*) FROM filed_request WHERE request = \(first.key)") == 2)
    #expect(try store.scalar("SELECT count(*) FROM filed_request WHERE request = \(first.key) AND open = 1") == 0)
    #expect(try store.verify() == [])
  }

  @Test func theFeedIsOneAcrossTheBorder() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    for _ in 0..<(Filing.every + 40) { try await store.submit() }
    let through = try Self.filed(store)
    let newest = try store.scalar("SELECT max(seq) FROM event")
    #expect(through < newest, "some are filed and some are not")
    let organ = try store.number(.requester)
    var (seen, after): ([Int64], Int64) = ([], 0)
    while true {
      let page = try await store.feed(organ: organ, after: after, limit: 100)
      guard let last = page.last else { break }
      seen += page.map(\.seq)
      after = last.seq
    }
    #expect(seen == Array(1...Int64(newest)))
  }

  @Test func verifyFindsWhatIsFiledWrongly() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    for _ in 0..<Filing.every { try await store.submit() }
    #expect(try store.verify() == [])
    try await store.write { context in
      try context.db.execute(sql: "DELETE FROM filed_event WHERE seq = 3")
      try context.db.execute(
        sql: "UPDATE filed_request SET open = 0 WHERE request = (SELECT min(request) FROM filed_request)")
    }
    #expect(
      try store.verify().map(\.en) == [
        "events that are not filed under their organs: 1 row", "requests that are not filed as they are: 1 row",
      ])
  }
}
