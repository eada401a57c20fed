import BrokerDomain
import Foundation
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// A log that merely ends is taken as it is; one that is spoilt before its last commit is named and left alone.
@Suite(.timeLimit(.minutes(5))) struct LogCheckTests {
  /// The files of a daemon that was killed, with a log of several commits.
  private struct Crashed {
    static let requests = 6
    let fixture: Fixture
    let log: [UInt8]
    /// Where the frames begin that end a commit.
    let commits: [Int]
    let frameBytes: Int

    init() async throws {
      let life = try Fixture()
      var options = StoreOptions()
      options.checkpointPages = 100_000
      let store = try life.open(options: options)
      defer { store.close() }
      for _ in 0..<Self.requests { try await store.submit() }
      fixture = try Fixture(bare: ())
      try Fixture.copy(life.database, to: fixture.database)
      log = try Array(Data(contentsOf: URL(fileURLWithPath: life.database + "-wal")))
      let bytes = log
      func word(_ at: Int) -> Int { bytes[at..<(at + 4)].reduce(0) { $0 << 8 | Int($1) } }
      frameBytes = 24 + word(8)
      commits = stride(from: 32, to: log.count, by: frameBytes).filter { word($0 + 4) != 0 }
    }

    var path: String { fixture.database + "-wal" }
    func write(_ log: [UInt8]) throws { try Data(log).write(to: URL(fileURLWithPath: path)) }
  }

  private static func fault(_ fixture: Fixture, _ role: StoreRole) -> StoreError? {
    do throws(StoreError) {
      try fixture.open(role).close()
      return nil
    } catch {
      return error
    }
  }

  @Test func aWholeLogIsTakenAsItIs() async throws {
    let crashed = try await Crashed()
    try #require(crashed.commits.count > Crashed.requests)
    try crashed.write(crashed.log)
    #expect(LogCheck.damage(crashed.path) == nil)
    #expect(LogCheck.damage(crashed.path + "-none") == nil)
    let store = try crashed.fixture.open()
    defer { store.close() }
    #expect(try store.scalar("SELECT count(*) FROM request") == Int64(Crashed.requests))
  }

  /// A crash leaves the end half-written: of one commit anything may be missing.
  @Test func aTornEndIsNoDamage() async throws {
    let crashed = try await Crashed()
    for length in stride(from: 0, to: crashed.log.count, by: 777) {
      try crashed.write(Array(crashed.log[..<length]))
      #expect(LogCheck.damage(crashed.path) == nil, "cut at \(length)")
    }
    let last = crashed.commits[crashed.commits.count - 2] + crashed.frameBytes
    for at in stride(from: last, to: crashed.log.count, by: 501) {
      var log = crashed.log
      log[at] ^= 0x40
      try crashed.write(log)
      #expect(LogCheck.damage(crashed.path) == nil, "spoilt at \(at)")
    }
    try crashed.write([UInt8](repeating: 0, count: crashed.log.count))
    #expect(LogCheck.damage(crashed.path) == nil, "made longer and never written")
  }

  @Test func oneSpoiltByteBeforeTheLastCommitIsFound() async throws {
    let crashed = try await Crashed()
    let last = crashed.commits[crashed.commits.count - 2] + crashed.frameBytes
    // The head of the frame that ends the commit before the last is all that joins it to the next.
    let joint = (last - crashed.frameBytes)..<(last - crashed.frameBytes + 24)
    for at in stride(from: 32, to: last, by: 499) where !joint.contains(at) {
      var log = crashed.log
      log[at] ^= 0x40
      try crashed.write(log)
      let frame = (at - 32) / crashed.frameBytes * crashed.frameBytes + 32
      #expect(LogCheck.damage(crashed.path) == frame, "spoilt at \(at)")
    }
    for range in [0..<4, 0..<32, 20..<24, 0..<5000] {
      var log = crashed.log
      for at in range { log[at] = range.upperBound == 32 ? 0 : log[at] ^ 0x40 }
      try crashed.write(log)
      #expect(LogCheck.damage(crashed.path) == 0, "spoilt at \(range)")
    }
  }

  @Test(arguments: [StoreRole.daemon, .command])
  func aDamagedLogIsNamedAndLeftAlone(_ role: StoreRole) async throws {
    let crashed = try await Crashed()
    var log = crashed.log
    for at in 4000..<6000 { log[at] ^= 0x40 }
    try crashed.write(log)
    let bytes = try crashed.fixture.bytes
    let offset = (4000 - 32) / crashed.frameBytes * crashed.frameBytes + 32
    guard case .damaged(let file, let text) = Self.fault(crashed.fixture, role) else {
      Issue.record("opened, and what was acknowledged is gone")
      return
    }
    #expect(file == crashed.path && text.contains("from byte \(offset) on"))
    #expect(try Array(Data(contentsOf: URL(fileURLWithPath: crashed.path))) == log, "the evidence is untouched")
    #expect(try crashed.fixture.bytes == bytes)
    #expect(!InstanceLock.isHeld(directory: crashed.fixture.directory), "a failed start holds nothing")
    // As the RUNBOOK says: what is before the damage can be had.
    try crashed.write(Array(log[..<offset]))
    #expect(Self.fault(crashed.fixture, role) == nil)
  }

  /// Begun anew again and again, with frames of before behind its end.
  @Test func aLogThatIsBegunAnewIsNoDamage() async throws {
    let fixture = try Fixture()
    var options = StoreOptions()
    options.checkpointPages = 20
    try await fixture.life(options: options) { store in
      for _ in 0..<200 {
        try await store.submit()
        #expect(LogCheck.damage(fixture.database + "-wal") == nil)
      }
    }
  }

  /// What was given up in a transaction that did not fit the cache stays behind a shorter one's end.
  @Test func whatWasRolledBackIsNoDamage() throws {
    let fixture = try Fixture(bare: ())
    let queue = try DatabaseQueue(path: fixture.database)
    defer { try? queue.close() }
    try queue.writeWithoutTransaction { db in
      for pragma in ["journal_mode = WAL", "wal_autocheckpoint = 0", "cache_size = 5", "synchronous = FULL"] {
        try db.execute(sql: "PRAGMA \(pragma)")
      }
      try db.execute(sql: "CREATE TABLE t (a BLOB)")
      for rows in [40, 3, 25, 1, 60, 2] {
        try db.inTransaction {
          for _ in 0..<rows { try db.execute(sql: "INSERT INTO t VALUES (randomblob(3000))") }
          return rows > 10 ? .rollback : .commit
        }
        #expect(LogCheck.damage(fixture.database + "-wal") == nil, "after \(rows) rows")
      }
    }
    #expect(try Fixture.size(fixture.database + "-wal") > 100_000, "nothing was ever spilled")
  }
}
