import GRDB
import Testing

@testable import BrokerStore

/// Several statements on the calling thread see one moment, and leave no transaction behind.
@Suite struct PointReaderTests {
  private struct Whim: Error {}

  @Test func seesOneMomentAndLeavesNothingOpen() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let reader = PointReader(path: Store.databasePath(store.directory))
    defer { reader.close() }
    func count(_ db: Database) throws -> Int { try Int.fetchOne(db, sql: "SELECT count(*) FROM request") ?? -1 }
    func notes(_ db: Database) throws -> Int {
      try Int.fetchOne(db, sql: "SELECT count(*) FROM meta WHERE name LIKE 'round %'") ?? -1
    }
    #expect(reader.readTogether(count) == 0)
    for round in 1...3 {
      // One that fails says so, and the connection is as good as before.
      let failed: Int? = reader.readTogether { db in
        _ = try count(db)
        throw Whim()
      }
      #expect(failed == nil)
      let wrong: Int? = reader.readTogether { try Int.fetchOne($0, sql: "SELECT * FROM nowhere") ?? 0 }
      #expect(wrong == nil)
      let counts = reader.readTogether { db in
        let before = try count(db)
        // Another connection commits between two statements of this one.
        try store.writeNow { try $0.execute(sql: "INSERT INTO meta (name, value) VALUES ('round \(round)', '')") }
        return try [before, notes(db)]
      }
      #expect(counts == [round - 1, round - 1])
      #expect(reader.readTogether(notes) == round)
      try await store.submit()
      #expect(reader.readTogether(count) == round)
    }
  }
}
