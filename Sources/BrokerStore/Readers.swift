internal import BrokerDomain
internal import GRDB
internal import Synchronization

/// Reads that may take long, on threads of their own: one line for all, and whoever ends a read takes the next from it.
/// While many wait, no thread goes to sleep between two of them, and none waits behind a long read as long as another
/// thread is free. A read is never broken off, also when nobody waits for it any more.
final class Readers: Sendable {
  private typealias Job = @Sendable (Result<Database, StoreError>) -> Void

  private struct State {
    /// Those before `next` have been taken.
    var waiting: [Job] = []
    var next = 0
    /// Connections on which nobody reads; each has a thread's queue of its own.
    var free: [DatabaseQueue] = []
    var all: [DatabaseQueue] = []
    /// Those and the ones that are just being opened.
    var made = 0
    var isClosed = false

    /// Nil when nobody waits.
    mutating func takeFirst() -> Job? {
      guard next < waiting.count else { return nil }
      defer {
        next += 1
        // What was taken goes in large pieces.
        if next == waiting.count || next >= 1024 {
          waiting.removeFirst(next)
          next = 0
        }
      }
      return waiting[next]
    }
  }

  private let path: String
  private let most: Int
  private let busyTimeout: Double
  private let state = Mutex(State())

  /// - Parameters:
  ///   - most: reads at once.
  ///   - busyTimeout: seconds that a lock of another process is waited for.
  init(path: String, most: Int, busyTimeout: Double) {
    (self.path, self.most, self.busyTimeout) = (path, most, busyTimeout)
  }

  /// All statements of `body` see what was committed at one moment.
  func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(StoreError) -> T {
    let result: Result<T, StoreError> = await withCheckedContinuation { continuation in
      enqueue { connection in
        continuation.resume(
          returning: connection.flatMap { db in
            do { return .success(try db.reading(body)) } catch { return .failure(StoreError.from(error)) }
          })
      }
    }
    return try result.get()
  }

  private func enqueue(_ job: @escaping Job) {
    let (makes, refusal) = state.withLock { state -> (Bool, StoreError?) in
      if state.isClosed { return (false, .closed) }
      if state.free.isEmpty, state.made < most {
        state.made += 1
        return (true, nil)
      }
      take(job, &state)
      return (false, nil)
    }
    if let refusal { return job(.failure(refusal)) }
    if makes { make(for: job) }
  }

  /// A connection is set to work under the lock: `close` comes before it or waits for it.
  private func take(_ job: @escaping Job, _ state: inout State) {
    if let free = state.free.popLast() {
      begin(job, on: free)
    } else {
      state.waiting.append(job)
    }
  }

  private func make(for job: @escaping Job) {
    let made = Result { try make() }
    let refusal = state.withLock { state -> StoreError? in
      switch made {
      case .success where state.isClosed: return .closed
      case .success(let connection):
        state.all.append(connection)
        begin(job, on: connection)
      case .failure(let error):
        state.made -= 1
        // Others are there to be waited for.
        if state.all.isEmpty || state.isClosed { return StoreError.from(error) }
        take(job, &state)
      }
      return nil
    }
    if let refusal { job(.failure(refusal)) }
  }

  private func make() throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = "xiecha.read"
    configuration.readonly = true
    configuration.busyMode = .timeout(busyTimeout)
    configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA cache_size = -\(StoreOptions.readerCacheKiB)") }
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  private func begin(_ job: @escaping Job, on connection: DatabaseQueue) {
    connection.asyncUnsafeRead { [self] database in
      job(database.mapError(StoreError.from))
      while true {
        let next = state.withLock { state -> Job? in
          let next = state.takeFirst()
          if next == nil { state.free.append(connection) }
          return next
        }
        guard let next else { return }
        next(database.mapError(StoreError.from))
      }
    }
  }

  /// Refuses new reads and returns when those that were let in have ended.
  func close() {
    let all = state.withLock { state in
      state.isClosed = true
      return state.all
    }
    for connection in all { try? connection.close() }
  }
}

extension Database {
  /// A transaction for reading, of statements that are prepared once.
  func reading<T>(_ body: (Database) throws -> T) throws -> T {
    // One that could not be ended must not be in the way of the next.
    if isInsideTransaction { try rollback() }
    try run(BatchSQL.beginReading)
    do {
      let value = try body(self)
      try run(BatchSQL.commit)
      return value
    } catch {
      try? rollback()
      throw error
    }
  }
}
