import BrokerDomain
import GRDB
import Synchronization
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

  /// Pages in the log, as the writer finds them: it asks by a checkpoint, for which another may have to end first.
  private static func logged(_ store: Store) async throws -> Int {
    while true {
      do {
        return try await store.pool.writeWithoutTransaction { db in try db.checkpoint(.passive).walFrameCount }
      } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
        try await Task.sleep(for: .milliseconds(5))
      }
    }
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

  /// Reads of single rows keep a snapshot open from one to the next. Neither those that go on all the time nor the last one
  /// before a silence keeps the log.
  @Test(arguments: [0, 1, PointReader.most]) func readsOfSingleRowsDoNotKeepTheLog(readers: Int) async throws {
    let fixture = try Fixture()
    let store = try fixture.open(options: Self.options(pages: 100))
    defer { store.close() }
    let first = try await store.submit().id
    #expect(try await store.request(first) != nil)
    let reading = (0..<readers).map { _ in
      Task {
        var reads = 0
        while !Task.isCancelled {
          guard try await store.request(first) != nil else { throw StoreError.notFound }
          reads += 1
          if reads % 100 == 0 { await Task.yield() }
        }
        return reads
      }
    }
    for _ in 0..<2 * Self.requests { try await store.submit() }
    for task in reading {
      task.cancel()
      #expect(try await task.value > 0)
    }
    // Without a checkpoint it would hold several pages of each.
    let kept = try await Self.logged(store)
    #expect(kept < Self.requests, "\(kept) pages in the log")
  }

  /// While many write, most of what is in the log is brought into the database beside the writer.
  @Test func theBulkIsCopiedBesideTheWriter() async throws {
    let store = try Fixture().open(options: Self.options(pages: 500))
    defer { store.close() }
    await withTaskGroup { group in
      for _ in 0..<16 {
        group.addTask { for _ in 0..<100 { _ = try? await store.submit() } }
      }
    }
    let checkpointer = try #require(store.checkpointer)
    let (beside, byWriter) = (
      checkpointer.copiedBeside.load(ordering: .relaxed), checkpointer.copiedByWriter.load(ordering: .relaxed)
    )
    #expect(beside >= 500 && byWriter < beside, "\(beside) beside, \(byWriter) by the writer")
    #expect(try store.verify() == [])
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
    let kept = try await Self.logged(store)
    #expect(kept > Self.requests)
    #expect(try await snapshot.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM request") } == before)
    try snapshot.close()
    try await until("the log is begun anew") {
      try await store.submit()
      return try await Self.logged(store) < kept
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

  /// No connection copies by itself with a commit, a command's least of all: a daemon may be beside it, or start.
  @Test func whoCheckpoints() throws {
    func own(_ store: Store) throws -> String? {
      try store.pool.writeWithoutTransaction { db in try String.fetchOne(db, sql: "PRAGMA wal_autocheckpoint") }
    }
    let fixture = try Fixture()
    let alone = try fixture.open(.command, options: Self.options(pages: 321))
    #expect(try own(alone) == "0")
    alone.close()
    let left = (try? Fixture.size(fixture.database + "-wal")) ?? 0
    #expect(left == 0, "folded in at its end")
    let daemon = try fixture.open(options: Self.options(pages: 321))
    defer { daemon.close() }
    #expect(try own(daemon) == "0")
    let beside = try fixture.open(.command, options: Self.options(pages: 321))
    #expect(try own(beside) == "0")
    beside.close()
  }
}
