import CSQLite
import GRDB
import GRDBSQLite
import TestSupport
import Testing

@testable import BrokerStore

/// What a commit gathers in memory is in the log before anybody is told of it, and nothing of it stays behind.
@Suite(.timeLimit(.minutes(5))) struct GatherTests {
  /// A table of rows of 3,000 bytes beside those of the store.
  private struct Scene {
    let fixture: Fixture
    let store: Store

    init() throws {
      fixture = try Fixture()
      store = try fixture.open()
      try write { db in try db.execute(sql: "CREATE TABLE heap (id INTEGER PRIMARY KEY, load BLOB NOT NULL) STRICT") }
    }

    func write<T>(_ body: (Database) throws -> T) throws -> T { try store.pool.writeWithoutTransaction(body) }

    /// Bytes of the log.
    var log: Int { get throws { try Fixture.size(fixture.database + "-wal") } }

    /// Rows, as a connection sees them that has not written them.
    var rows: Int { get throws { try store.pool.read { db in try Scene.count(db) } } }

    static func count(_ db: Database) throws -> Int {
      try Int.fetchOne(db, sql: "SELECT count(*) FROM heap WHERE length(load) = 3000") ?? -1
    }

    static func fill(_ db: Database, _ rows: Int) throws {
      for _ in 0..<rows { try db.execute(sql: "INSERT INTO heap (load) VALUES (randomblob(3000))") }
    }

    func expectSound() throws {
      #expect(try write { db in try String.fetchOne(db, sql: "PRAGMA integrity_check") } == "ok")
      let copy = try Fixture(bare: ())
      try write { _ in
        try Fixture.copy(fixture.database + "-wal", to: copy.database + "-wal")
        try Fixture.copy(fixture.database, to: copy.database)
      }
      let again = try copy.open()
      #expect(try again.pool.read { db in try Scene.count(db) } == rows)
      #expect(try again.verify() == [])
      again.close()
    }
  }

  /// The first commit begins the log; the later ones need one call, two, and so many that the buffer fills again and
  /// again. Without a sync as well: then nothing but the commit frame tells that others are about to look.
  @Test(arguments: ["FULL", "NORMAL", "OFF"]) func whatIsCommittedIsInTheLog(synchronous: String) throws {
    let scene = try Scene()
    defer { scene.store.close() }
    try scene.write { db in
      _ = try db.checkpoint(.truncate)
      try db.execute(sql: "PRAGMA synchronous = \(synchronous)")
    }
    var total = 0
    for rows in [1, 1, 10, 30, 31, 32, 33, 70, 500] {
      try scene.write { db in
        try db.beginTransaction(.immediate)
        try Scene.fill(db, rows)
        try db.commitGathered()
      }
      total += rows
      #expect(try scene.rows == total)
    }
    try scene.expectSound()
  }

  /// A transaction that outgrows the cache writes pages to the log before its commit, reads them again and writes some a
  /// second time; their checksums are then made anew.
  @Test func aTransactionThatSpillsIsWhole() throws {
    let scene = try Scene()
    defer { scene.store.close() }
    try scene.write { db in
      try db.execute(sql: "PRAGMA cache_size = 10")
      try db.beginTransaction(.immediate)
      try Scene.fill(db, 300)
      try db.execute(sql: "UPDATE heap SET load = randomblob(3000) WHERE id % 7 = 0")
      #expect(try Scene.count(db) == 300)
      try db.execute(sql: "DELETE FROM heap WHERE id % 3 = 0")
      try db.commitGathered()
    }
    #expect(try scene.rows == 200)
    try scene.expectSound()
  }

  /// That it gathers at all: pages on their way to the log are in memory, and what is dropped never was.
  @Test func whatIsDroppedNeverWas() throws {
    let scene = try Scene()
    defer { scene.store.close() }
    let before = try scene.log
    try scene.write { db in
      try db.execute(sql: "PRAGMA cache_size = 10")
      try db.beginTransaction(.immediate)
      #expect(csqlite_gather_begin(db.sqliteConnection) == SQLITE_OK)
      try Scene.fill(db, 15)
      #expect(csqlite_gather_end(db.sqliteConnection) > 2048)
      try db.rollback()
    }
    #expect(try scene.log == before)
    #expect(try scene.rows == 0)
    try scene.expectSound()
  }

  /// A commit that fails leaves nothing that would later overwrite what another connection has committed meanwhile.
  @Test func aCommitThatFailsLeavesNothing() throws {
    let scene = try Scene()
    defer { scene.store.close() }
    let other = try DatabaseQueue(path: scene.fixture.database)
    try scene.write { db in
      try db.execute(sql: "PRAGMA cache_size = 10")
      try db.execute(
        sql: "CREATE TABLE child (heap INTEGER REFERENCES heap (id) DEFERRABLE INITIALLY DEFERRED) STRICT")
      try db.beginTransaction(.immediate)
      // From here, so that what does not fit into the cache is in memory when the commit fails.
      #expect(csqlite_gather_begin(db.sqliteConnection) == SQLITE_OK)
      try db.execute(sql: "INSERT INTO child VALUES (1000)")
      try Scene.fill(db, 15)
      #expect(throws: DatabaseError.self) { try db.commitGathered() }
      #expect(csqlite_gather_end(db.sqliteConnection) == 0)
      if db.isInsideTransaction { try db.rollback() }
    }
    try other.write { db in try Scene.fill(db, 5) }
    try scene.write { db in
      try db.beginTransaction(.immediate)
      try Scene.fill(db, 5)
      try db.commitGathered()
    }
    try other.close()
    #expect(try scene.rows == 10)
    try scene.expectSound()
  }

  /// A database without such a log is committed as ever.
  @Test func withoutALogItIsAnOrdinaryCommit() throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    for other in [try DatabaseQueue(), try DatabaseQueue(path: fixture.directory + "/other.sqlite")] {
      try other.writeWithoutTransaction { db in try Self.commitsAsEver(db) }
      try other.close()
    }
  }

  /// In memory, and with a rollback journal.
  private static func commitsAsEver(_ db: Database) throws {
    #expect(csqlite_gather_begin(db.sqliteConnection) == SQLITE_NOTFOUND)
    try db.execute(sql: "CREATE TABLE heap (id INTEGER PRIMARY KEY, load BLOB NOT NULL) STRICT")
    try db.beginTransaction(.immediate)
    try Scene.fill(db, 3)
    try db.commitGathered()
    #expect(csqlite_gather_end(db.sqliteConnection) == 0)
    #expect(try Scene.count(db) == 3)
  }
}
