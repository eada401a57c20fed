import BrokerDomain
import GRDB
import Testing

@testable import BrokerStore

/// Reads on the calling thread see one moment each, and nothing older than what they were told of.
@Suite struct PointReaderTests {
  private struct Whim: Error {}

  @Test func seesOneMomentAndIsAsGoodAfterAFault() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let reader = PointReader(path: Store.databasePath(store.directory))
    defer { reader.close() }
    func count(_ db: Database) throws -> Int { try Int.fetchOne(db, sql: "SELECT count(*) FROM request") ?? -1 }
    func notes(_ db: Database) throws -> Int {
      try Int.fetchOne(db, sql: "SELECT count(*) FROM meta WHERE name LIKE 'round %'") ?? -1
    }
    #expect(reader.read(count) == 0)
    for round in 1...3 {
      // One that fails says so, and the connection is as good as before.
      let failed: Int? = reader.read { db in
        _ = try count(db)
        throw Whim()
      }
      #expect(failed == nil)
      let wrong: Int? = reader.read { try Int.fetchOne($0, sql: "SELECT * FROM nowhere") ?? 0 }
      #expect(wrong == nil)
      let counts = reader.read { db in
        let before = try count(db)
        // Another connection commits between two statements of this one.
        try store.writeNow { try $0.execute(sql: "INSERT INTO meta (name, value) VALUES ('round \(round)', '')") }
        return try [before, notes(db)]
      }
      #expect(counts == [round - 1, round - 1])
      reader.committed()
      #expect(reader.read(notes) == round)
      try await store.submit()
      reader.committed()
      #expect(reader.read(count) == round)
    }
  }

  /// What a commit has been told of is there, whoever asks, on whichever connection.
  @Test func whoIsToldFindsIt() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await withThrowingTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<100 {
            let id = try await store.submit().id
            #expect(try await store.request(id)?.request.version == 1)
            try await store.carryOut(.acknowledge(officer: nil), id)
            #expect(try await store.request(id)?.request.version == 2)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// Nobody tells of what another process commits: it is seen a moment later, also by one who reads all the time.
  @Test func othersCommitsAreSeenAMomentLater() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let reader = PointReader(path: Store.databasePath(store.directory))
    defer { reader.close() }
    func note(_ db: Database) throws -> String? {
      try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'note'")
    }
    for round in 0..<20 {
      _ = reader.read(note)
      try store.writeNow { db in
        try db.execute(
          sql: """
            INSERT INTO meta (name, value) VALUES ('note', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
            """,
          arguments: ["\(round)"])
      }
      let end = monotonicMicroseconds() + PointReader.longestMicroseconds
      while monotonicMicroseconds() <= end { _ = reader.read(note) }
      #expect(reader.read(note) == "\(round)")
    }
  }
}
