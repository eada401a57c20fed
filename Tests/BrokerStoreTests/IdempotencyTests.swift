import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

@Suite(.timeLimit(.minutes(5))) struct IdempotencyTests {
  private static func claim(_ key: String, _ body: UInt8 = 1, principal: Int64 = 9) -> IdempotencyClaim {
    IdempotencyClaim(principal: principal, key: key, fingerprint: [UInt8](repeating: body, count: 32))
  }

  private struct Reply: Equatable, Sendable {
    let replayed: Bool
    let status: Int
    let headers: [String]
    let body: [UInt8]
  }

  /// As the web does: replay, or open the request and keep the reply without its subject.
  private static func submit(_ store: Store, _ claim: IdempotencyClaim, _ submission: Submission = .marriage())
    async throws(StoreError) -> Reply
  {
    try await store.write { context in
      if let kept = try context.replay(claim) {
        return Reply(replayed: true, status: kept.status, headers: kept.headers, body: kept.body)
      }
      let request = try context.submit(submission)
      func body(_ subject: Subject?) -> [UInt8] {
        Representation(request, subject: subject, now: request.updatedAt, reference: context.reference).bytes
      }
      let headers = ["ETag: \"1\"", "Location: /v1/requests/\(request.id)"]
      try context.keep(
        KeptReply(status: 201, request: request.id.key, headers: headers, body: body(nil)), for: claim)
      return Reply(replayed: false, status: 201, headers: headers, body: body(submission.subject))
    }
  }

  @Test func concurrentDuplicatesOpenOneRequest() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let replies = try await withThrowingTaskGroup { group in
      for _ in 0..<50 { group.addTask { try await Self.submit(store, Self.claim("一号")) } }
      return try await group.reduce(into: [Reply]()) { $0.append($1) }
    }
    #expect(replies.filter { !$0.replayed }.count == 1)
    #expect(replies.filter(\.replayed).count == 49)
    #expect(Set(replies.map(\.body)).count == 1, "identical bytes")
    #expect(Set(replies.map(\.headers)).count == 1)
    #expect(replies.allSatisfy { $0.status == 201 })
    #expect(try store.scalar("SELECT count(*) FROM request") == 1)
    #expect(try store.scalar("SELECT count(*) FROM idempotency") == 1)
    #expect(try store.verify() == [])
  }

  @Test func anotherBodyUnderTheSameKeyIsAConflict() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    _ = try await Self.submit(store, Self.claim("k", 1))
    #expect(await failure { _ = try await Self.submit(store, Self.claim("k", 2)) } == .idempotencyConflict)
    #expect(await failure { _ = try await store.replay(Self.claim("k", 2)) } == .idempotencyConflict)
    #expect(try store.scalar("SELECT count(*) FROM request") == 1)
    // Another organ's key of the same name, and another key of the same organ, are others.
    #expect(try await !Self.submit(store, Self.claim("k", 2, principal: 8)).replayed)
    #expect(try await !Self.submit(store, Self.claim("l", 2)).replayed)
    #expect(try await store.replay(Self.claim("unknown")) == nil)
  }

  @Test func replayRestoresTheSubjectAfterRestartAndTransition() async throws {
    let fixture = try Fixture()
    let first = try await fixture.life { store in
      let first = try await Self.submit(store, Self.claim("k"), .marriage(subject: .person("欧阳\"娜娜\"")))
      let listed = try await store.requests(
        of: try store.number(.requester), RequestFilter(), cursor: nil, limit: 1)
      try await store.carryOut(.confirm, try #require(listed.items.first).request.id)
      return first
    }
    let text = String(decoding: first.body, as: UTF8.self)
    #expect(text.contains("欧阳") && text.contains("110105********002X"))
    let kept = try await fixture.life { try await $0.replay(Self.claim("k")) }
    let replayed = try #require(kept)
    #expect(replayed.body == first.body, "the first answer stands, whatever happened since")
    #expect(replayed.headers == first.headers)
  }

  @Test func noPersonalDataIsKeptWithTheKey() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    _ = try await Self.submit(store, Self.claim("k"))
    let hits = """
      SELECT count(*) FROM idempotency WHERE instr(CAST(body AS TEXT), $1) > 0 OR instr(headers, $1) > 0
      """
    for secret in ["张三", "11010519491231002X", "110105", "002X"] {
      #expect(try store.scalar(hits, [secret]) == 0, "\(secret)")
      #expect(try store.scalar("SELECT count(*) FROM event WHERE instr(data, $1) > 0", [secret]) == 0)
      #expect(
        try store.scalar("SELECT count(*) FROM request WHERE instr(content, $1) > 0", [secret]) == 0)
    }
    #expect(try store.scalar(hits, ["产前检查费支付"]) == 1, "the search itself finds what is there")
  }

  @Test func requestWithoutSubjectReplaysAsItWas() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let first = try await Self.submit(store, Self.claim("k"), .marriage(subject: nil))
    let again = try await Self.submit(store, Self.claim("k"), .marriage(subject: nil))
    #expect(again.replayed && again.body == first.body)
  }

  @Test func failedCommandKeepsNoReply() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let claim = Self.claim("k")
    let refusal = await failure {
      _ = try await Self.submit(store, claim, .marriage(to: .requester))
    }
    guard case .refused(.faults(let faults)) = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    #expect(faults.map(\.code) == ["same-organ"])
    #expect(try store.scalar("SELECT count(*) FROM idempotency") == 0)
    #expect(try await !Self.submit(store, claim).replayed)
  }

  @Test func theMigrationIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue)
    let made = try queue.read { db in
      try String.fetchAll(
        db, sql: "SELECT sql FROM sqlite_schema WHERE tbl_name = 'idempotency' AND sql IS NOT NULL ORDER BY rowid")
    }
    #expect(made.map { $0 + ";" }.joined(separator: "\n") == GoldenSchema.idempotency)
  }

  /// What the version before kept is still given again, in the order in which it came.
  @Test func olderRepliesAreStillGivenAgain() async throws {
    let fixture = try Fixture()
    let first = try await fixture.life { store in
      var replies: [[UInt8]] = []
      for key in ["zulu", "alpha", "mike"] {
        store.clock.advance(to: store.clock.now + 1000)
        replies.append(try await Self.submit(store, Self.claim(key)).body)
      }
      try store.plant(
        """
        CREATE TABLE older (principal INTEGER NOT NULL, key TEXT NOT NULL, fingerprint BLOB NOT NULL,
          status INTEGER NOT NULL, request INTEGER, headers TEXT NOT NULL, body BLOB NOT NULL,
          created_at INTEGER NOT NULL, PRIMARY KEY (principal, key)) STRICT, WITHOUT ROWID
        """)
      try store.plant(
        """
        INSERT INTO older SELECT principal, key, fingerprint, status, request, headers, body, created_at FROM idempotency
        """)
      try store.plant("DROP TABLE idempotency")
      try store.plant("ALTER TABLE older RENAME TO idempotency")
      try store.plant("DELETE FROM grdb_migrations WHERE identifier = '9 replies in order of time'")
      return replies
    }
    try await fixture.life { (store) async throws in
      for (key, body) in zip(["zulu", "alpha", "mike"], first) {
        #expect(try await store.replay(Self.claim(key))?.body == body)
        #expect(try await Self.submit(store, Self.claim(key)).replayed)
      }
      #expect(try store.scalar("SELECT count(*) FROM idempotency WHERE id = 1 AND key = 'zulu'") == 1)
      #expect(try store.scalar("SELECT count(*) FROM idempotency") == 3)
      #expect(try store.verify() == [])
    }
  }
}
