internal import GRDB
internal import GRDBSQLite
internal import Synchronization

/// Brings the pages of the log into the database beside the writer. SQLite's own checkpoint runs on the commit that finds
/// the log long enough, and whoever waits for that commit waits for some hundreds of scattered pages and for the disk.
///
/// In two steps: a connection of our own copies the bulk while the writer goes on; the writer copies the few pages that
/// came meanwhile, between two groups. Then all of the log is in the database, and the next commit begins it anew, unless
/// somebody still reads what it held before: then it goes on a little and the same is tried again.
///
/// A connection begins to copy only what is not copied yet, and no command copies beside a daemon: SQLite before 3.51.3
/// may lose pages when the log is begun anew by one connection in the very moment in which another one begins to copy a
/// log that is copied already (sqlite.org/wal.html, "The WAL-Reset Bug").
final class Checkpointer: Sendable {
  private enum Phase {
    case idle
    /// The bulk is being copied.
    case copying
    /// The rest is for the writer.
    case finishing
  }

  private struct State {
    var phase = Phase.idle
    /// Log pages from which on the next checkpoint begins.
    var from: Int
    /// Log pages when the last one ended; a shorter log has been begun anew.
    var ended = 0
    /// Log pages that the bulk has brought into the database.
    var copied = 0
  }

  private let state: Mutex<State>
  private let queue: DatabaseQueue
  private let pages: Int
  /// Ends the snapshots that are open and not in use.
  private let letGo: @Sendable () -> Void
  /// Log pages after the writer's last commit.
  private let logged = Atomic<Int>(0)
  /// Pages that were copied beside the writer, and by it.
  let copiedBeside = Atomic<Int>(0)
  let copiedByWriter = Atomic<Int>(0)

  /// Of the bulk: each has only what came during the one before.
  private static let rounds = 3
  /// Pages that the writer copies by itself without being noticed.
  private static let rest = 64

  /// - Parameters:
  ///   - path: of a database that is open for writing.
  ///   - pages: of the log from which on they are copied.
  ///   - letGo: ends the snapshots that are open and not in use.
  init(path: String, pages: Int, letGo: @escaping @Sendable () -> Void = {}) throws {
    var configuration = Configuration()
    configuration.label = "xiecha.checkpoint"
    configuration.prepareDatabase { db in
      // What is copied must be on disk before the log is begun anew.
      try db.execute(sql: "PRAGMA synchronous = FULL")
      try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
    }
    queue = try DatabaseQueue(path: path, configuration: configuration)
    self.pages = pages
    self.letGo = letGo
    state = Mutex(State(from: pages))
  }

  /// Takes the place of the writer's own checkpoints. The writer must not outlive it.
  func watch(_ writer: Database) {
    let this = Unmanaged.passUnretained(self).toOpaque()
    sqlite3_wal_hook(
      writer.sqliteConnection,
      { this, _, _, pages in
        if let this {
          Unmanaged<Checkpointer>.fromOpaque(this).takeUnretainedValue().logged.store(Int(pages), ordering: .relaxed)
        }
        return SQLITE_OK
      }, this)
  }

  /// The writer's side, between two groups.
  func committed(_ writer: Database) {
    let log = logged.load(ordering: .relaxed)
    let (begins, ends) = state.withLock { state -> (Bool, Bool) in
      if log < state.ended { (state.from, state.ended) = (pages, 0) }
      let begins = state.phase == .idle && log >= state.from
      if begins { state.phase = .copying }
      return (begins, state.phase == .finishing)
    }
    if begins {
      letGo()
      queue.asyncWriteWithoutTransaction { self.copy($0) }
    }
    if ends { finish(writer, log) }
  }

  private func copy(_ db: Database) {
    var copied = 0
    for _ in 0..<Self.rounds {
      // On a full disk what is left stays in the log for the next time.
      guard let done = try? db.checkpoint(.passive).checkpointedFrameCount else { break }
      copiedBeside.add(max(0, done - copied), ordering: .relaxed)
      copied = done
      // A log that is shorter by now has been begun anew.
      guard logged.load(ordering: .relaxed) - copied > Self.rest else { break }
    }
    state.withLock { ($0.phase, $0.copied) = (.finishing, copied) }
  }

  private func finish(_ writer: Database, _ log: Int) {
    let copied = state.withLock { $0.copied }
    // All was copied at one moment, and the commit after it has begun the log anew.
    guard log >= copied else { return state.withLock { $0 = State(from: pages) } }
    letGo()
    if log > copied, let done = try? writer.checkpoint(.passive).checkpointedFrameCount {
      copiedByWriter.add(max(0, done - copied), ordering: .relaxed)
    }
    // With all of it copied, a snapshot that begins from here on needs nothing of the log, and is in nobody's way.
    letGo()
    state.withLock { $0 = State(from: log + max(1, pages / 8), ended: log) }
  }

  /// Ends what runs and lets go of the file.
  func close() { try? queue.close() }
}
