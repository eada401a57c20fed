import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// The log is brought into the database beside the writer, and begun anew.
@Suite(.timeLimit(.minutes(5))) struct CheckpointTests {
  private static let requests = 400

  private static func options(pages: Int) -> StoreOptions {
    var options = StoreOptions()
    options.checkpointPages = pages
    return options
  }

  /// Pages in the log, as the writer finds them.
  private static func logged(_ store: Store) throws -> Int {
    try store.pool.writeWithoutTransaction { db in try db.checkpoint(.passive).walFrameCount }
  }

  @Test func theLogStaysBounded() async throws {
    var sizes: [Int] = []
    for pages in [100, 100_000] {
      let fixture = try Fixture()
      let ids = try await fixture.life(options: Self.options(pages: pages)) { store in
        var ids: [EntityID] = []
        for _ in 0..<Self.requests { ids.append(try await store.submit().id) }
        sizes.append(try Fixture.size(fixture.database + "-wal"))
        return ids
      }
      let again = try fixture.open()
      for id in ids { #expect(try await again.request(id) != nil) }
      #expect(try again.verify() == [])
      again.close()
    }
    // A commit is some pages; the machine decides how many come while the bulk is copied.
    #expect(sizes[0] * 3 < sizes[1])
  }

  /// Somebody who reads for long keeps the log, and nobody waits for him; afterwards it is begun anew.
  @Test func aReaderKeepsTheLogAndHoldsUpNobody() async throws {
    let fixture = try Fixture()
    let store = try fixture.open(options: Self.options(pages: 100))
    defer { store.close() }
    try await store.submit()
    let snapshot = try store.pool.makeSnapshot()
    let before = try await snapshot.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM request") }
    for _ in 0..<Self.requests { try await store.submit() }
    let kept = try Self.logged(store)
    #expect(kept > Self.requests)
    #expect(try await snapshot.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM request") } == before)
    try snapshot.close()
    try await until("the log is begun anew") {
      try await store.submit()
      return try Self.logged(store) < kept
    }
    #expect(try store.verify() == [])
  }

  /// What was acknowledged is in the files at every moment, also while pages are copied.
  @Test func aCrashWhilePagesAreCopiedLosesNothing() async throws {
    let fixture = try Fixture()
    let store = try fixture.open(options: Self.options(pages: 20))
    defer { store.close() }
    var ids: [EntityID] = []
    for round in 0..<10 {
      for _ in 0..<20 { ids.append(try await store.submit().id) }
      // Copied on the writer's queue, so that the two files belong together, whatever the other connection does.
      let crashed = try Fixture(bare: ())
      try await store.pool.writeWithoutTransaction { _ in
        try Fixture.copy(fixture.database + "-wal", to: crashed.database + "-wal")
        try Fixture.copy(fixture.database, to: crashed.database)
      }
      let again = try crashed.open()
      for id in ids { #expect(try await again.request(id) != nil, "round \(round)") }
      #expect(try again.verify() == [])
      again.close()
    }
  }

  /// A command is no daemon, and leaves what it writes to SQLite's own checkpoints.
  @Test(arguments: [(StoreRole.daemon, "0"), (.command, "321")])
  func whoCheckpoints(_ role: StoreRole, _ own: String) throws {
    let store = try Fixture().open(role, options: Self.options(pages: 321))
    defer { store.close() }
    let found = try store.pool.writeWithoutTransaction { db in
      try String.fetchOne(db, sql: "PRAGMA wal_autocheckpoint")
    }
    #expect(found == own)
  }
}
