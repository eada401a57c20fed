internal import GRDB
internal import Synchronization

/// Reads one row by its key, or a short page, on the calling thread. Such a read takes some ten microseconds; to hand it to
/// another thread, and its answer back, takes many times that. A few connections of their own, so that no long list is ever
/// waited for: who finds none free asks there where lists are read.
///
/// To begin a snapshot and to end it costs as much as a row. So it stays open for the next read, while nothing has been
/// committed since and for a moment at most: what another process has committed is seen after that.
final class PointReader: Sendable {
  private struct Connection {
    let queue: DatabaseQueue
    var snapshot: Snapshot?
  }

  private struct Snapshot {
    /// Commits before it began: it may be newer than that, never older.
    let commits: Int
    /// Calls of ``letGo()`` before it began.
    let endings: Int
    /// Monotonic microseconds.
    let begunAt: Int64
  }

  private struct State {
    var free: [Connection] = []
    var made = 0
    var isClosed = false
  }

  /// As many as threads that serve HTTP on a small machine, and who pushes; more would only be idle.
  static let most = 4
  /// For how long a snapshot serves.
  static let longestMicroseconds: Int64 = 2000

  private let path: String
  private let state = Mutex(State())
  private let commits = Atomic<Int>(0)
  private let endings = Atomic<Int>(0)

  init(path: String) { self.path = path }

  /// What all statements of `body` see was committed at one moment, which is not before the call's last ``committed()``.
  /// - Returns: nil when others are to be asked: none is free, or this one could not read.
  func read<T>(_ body: (Database) throws -> T) -> T? {
    guard var connection = take() else { return nil }
    defer { give(connection) }
    return try? connection.queue.unsafeRead { db in
      do {
        let begun = try begin(&connection, db)
        let value = try body(db)
        // While this one was reading, those that did not were ended.
        if endings.load(ordering: .acquiring) != begun.endings { try end(&connection, db) }
        return value
      } catch {
        connection.snapshot = nil
        if db.isInsideTransaction { try? db.rollback() }
        throw error
      }
    }
  }

  /// The snapshot that is open, while it serves, or a new one.
  private func begin(_ connection: inout Connection, _ db: Database) throws -> Snapshot {
    let now = Snapshot(
      commits: commits.load(ordering: .acquiring), endings: endings.load(ordering: .acquiring),
      begunAt: monotonicMicroseconds())
    if let open = connection.snapshot, db.isInsideTransaction, open.commits == now.commits,
      now.begunAt - open.begunAt < Self.longestMicroseconds
    {
      return open
    }
    try end(&connection, db)
    try db.run(BatchSQL.beginReading)
    connection.snapshot = now
    return now
  }

  private func end(_ connection: inout Connection, _ db: Database) throws {
    connection.snapshot = nil
    if db.isInsideTransaction { try db.run(BatchSQL.commit) }
  }

  /// Something was committed: whoever is told of it from now on finds it here.
  func committed() { commits.add(1, ordering: .releasing) }

  /// Ends the snapshots that nobody uses just now; who is reading ends his with that read. What is newer than a snapshot
  /// cannot be brought into the database, and the log not be begun anew.
  func letGo() {
    endings.add(1, ordering: .releasing)
    for _ in 0..<Self.most {
      let open = state.withLock { state in
        state.free.firstIndex { $0.snapshot != nil }.map { state.free.remove(at: $0) }
      }
      guard var open else { return }
      try? open.queue.unsafeRead { db in try end(&open, db) }
      give(open)
    }
  }

  func close() {
    let free = state.withLock { state in
      state.isClosed = true
      defer { state.free = [] }
      return state.free
    }
    for connection in free { try? connection.queue.close() }
  }

  private func take() -> Connection? {
    let (found, mayMake) = state.withLock { state -> (Connection?, Bool) in
      guard !state.isClosed else { return (nil, false) }
      if let free = state.free.popLast() { return (free, false) }
      guard state.made < Self.most else { return (nil, false) }
      state.made += 1
      return (nil, true)
    }
    guard mayMake else { return found }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .immediateError
    // A snapshot outlives the read that began it.
    configuration.allowsUnsafeTransactions = true
    configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA cache_size = -\(StoreOptions.readerCacheKiB)") }
    guard let made = try? DatabaseQueue(path: path, configuration: configuration) else {
      state.withLock { $0.made -= 1 }
      return nil
    }
    return Connection(queue: made)
  }

  private func give(_ connection: Connection) {
    let isClosed = state.withLock { state in
      if !state.isClosed { state.free.append(connection) }
      return state.isClosed
    }
    if isClosed { try? connection.queue.close() }
  }
}
