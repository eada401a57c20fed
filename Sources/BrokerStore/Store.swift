package import BrokerDomain
internal import GRDB
internal import Synchronization

/// Limits and habits of the database. Every one of them is a key of the configuration.
package struct StoreOptions: Sendable, Equatable {
  package var queueLimit = 20_000
  package var batchLimit = 256
  package var readers = 4
  package var busyTimeoutSeconds = 5
  /// Small, because the system caches the file as well, and because a commit that has moved pages of a tree about makes
  /// SQLite 3.40 walk through every page that it holds.
  package var cacheMiB = 8
  package var checkpointPages = 4000
  /// A file that is too large to be read whole at the start is read so long after it.
  package var inspectAfterSeconds = 3
  /// Files up to this are read whole before the start, larger ones right after it.
  package var startCheckMiB = 64
  /// Requests of first pages of lists that are kept in memory, some 6 KiB each and 20 at most.
  package var listedRequests = 4096
  /// What the requests of one page say, together; a page of large ones ends there, and the next begins after it. No key.
  var pageBytes = 16 << 20
  /// Subjects that make a run (`SubjectFiling`). No key: whoever looks for a person reads as many by themselves.
  var subjectsAtOnce = 1024

  /// Page cache of a connection that reads; they share what the system has cached.
  static let readerCacheKiB = 4096

  package init() {}
}

/// The only door to the database: reads on connections of their own, writes through the group commit.
package final class Store: Sendable {
  let pool: DatabasePool
  let group: GroupCommit
  private let readers: Readers
  let points: PointReader
  /// Of the daemon.
  let checkpointer: Checkpointer?
  package let clock: BrokerClock
  package let directory: String
  let state: Mutex<Loaded>
  let listeners: Listeners
  let procedures: [Procedure]
  let lastDay: LastDayPolicy
  let lock: InstanceLock?
  /// For the secrets of endpoints.
  let vault: Vault
  let options: StoreOptions
  private let found = Mutex<String?>(nil)

  /// Many deadlines are being recorded at once.
  package let storm = Storm()
  let pruneWalk = Mutex(PruneWalk())
  let watchWalk = Mutex(PruneWalk())
  let forgetWalk = Mutex<Int64>(0)
  let deletedQueues = DeletedQueues()
  package let firstReads = FirstReads()
  let unfiled: Unfiled
  let subjectFilters = SubjectFilters()
  let listed: KnownRequests
  package let damagedRows: DamagedRows

  /// The calendar may have changed while no daemon ran, or the last one ended before every deadline was moved.
  let isBehind: Mutex<Bool>
  /// The change up to which the database says that all is taken up.
  let recorded: Mutex<String?>
  let refreshes = Turnstile()

  struct Loaded {
    var reference: Reference
    var keys: [[UInt8]: Principal]
    var generation: String?
  }

  /// What is told about every commit, in the order in which it was added, on the writer's queue: be quick.
  final class Listeners: Sendable {
    let all = Mutex<[@Sendable (CommitNotice) -> Void]>([])
    let reference = Mutex<Reference?>(nil)
  }

  init(
    pool: DatabasePool, directory: String, clock: BrokerClock, procedures: [Procedure],
    lastDay: LastDayPolicy, options: StoreOptions, loaded: Loaded, lock: InstanceLock?, vault: Vault,
    points: PointReader, checkpointer: Checkpointer?, isBehind: Bool = false, recorded: String? = nil
  ) {
    self.points = points
    self.isBehind = Mutex(isBehind)
    self.recorded = Mutex(recorded)
    self.pool = pool
    self.checkpointer = checkpointer
    let path = Self.databasePath(directory)
    readers = Readers(path: path, most: options.readers, busyTimeout: Double(options.busyTimeoutSeconds))
    self.directory = directory
    self.clock = clock
    self.procedures = procedures
    self.lastDay = lastDay
    self.lock = lock
    self.vault = vault
    self.options = options
    let (listeners, unfiled, damagedRows) = (Listeners(), Unfiled(), DamagedRows())
    self.damagedRows = damagedRows
    let listed = KnownRequests(capacity: lock == nil ? 0 : options.listedRequests)
    (self.unfiled, self.listed) = (unfiled, listed)
    listeners.reference.withLock { $0 = loaded.reference }
    self.listeners = listeners
    state = Mutex(loaded)
    let initial = loaded.reference
    group = GroupCommit(
      pool: pool, queueLimit: options.queueLimit, batchLimit: options.batchLimit,
      context: WriteContext(
        clock: clock, vault: vault, subjectsAtOnce: options.subjectsAtOnce, damagedRows: damagedRows
      ) { listeners.reference.withLock { $0 ?? initial } },
      checkpointer: checkpointer,
      committed: { points.committed() },
      committing: { notice in if let notice { listed.willCommit(notice) } else { listed.didFail() } },
      onCommit: { notice in
        unfiled.note(notice)
        listed.didCommit(notice)
        for listener in listeners.all.withLock({ $0 }) { listener(notice) }
      })
  }

  /// The lists that hold now: what waits for its day takes over by itself.
  package var reference: Reference {
    let loaded = state.withLock { $0.reference }
    return loaded.successor == nil ? loaded : loaded.inForce(at: clock.now)
  }
  package func principal(digest: [UInt8]) -> Principal? { state.withLock { $0.keys[digest] } }
  /// Looks at every key; for once in a while.
  package func isActive(key id: Int64) -> Bool { state.withLock { $0.keys.values.contains { $0.keyID == id } } }
  package var commitQueueDepth: Int { group.depth }
  package var batchSizes: BatchSizes.Counts { group.sizes.snapshot }

  /// Adds a listener to every commit from now on.
  package func onCommit(_ listener: @escaping @Sendable (CommitNotice) -> Void) {
    listeners.all.withLock { $0.append(listener) }
  }

  /// Runs `work` in the next group commit; returns when it is on disk.
  package func write<T: Sendable>(
    _ work: @escaping @Sendable (WriteContext) throws -> T
  ) async throws(StoreError) -> T {
    try await group.submit(work)
  }

  func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(StoreError)
    -> T
  {
    try await readers.read(body)
  }

  /// For one row by its key, and nothing longer: on the calling thread where that is possible at once.
  func readRow<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T?) async throws(StoreError) -> T? {
    if let found = points.read(body) { return found }
    return try await read(body)
  }

  /// For a short page that is read again and again: on the calling thread where that is possible at once.
  func readPage<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
    if let found = points.read(body) { return found }
    return try readNow(body)
  }

  /// Blocks the calling thread; for threads of our own, never for the cooperative pool.
  func readNow<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
    do {
      return try pool.read(body)
    } catch {
      throw StoreError.from(error)
    }
  }

  /// A write that proves that the disk takes writes: what readiness and the watchdog ask. It is larger than a
  /// submission, or a disk with a few bytes left would be called ready while every request is refused.
  package func probe() async throws(StoreError) {
    let now = String(BrokerClock.wall.milliseconds)
    let value = now + String(repeating: " ", count: Self.probeBytes - now.utf8.count)
    try await write { context in try context.db.setMeta(.heartbeat, value) }
  }

  private static let probeBytes = 65_536

  /// What reading the whole file has found wrong with it; nil while nothing is known to be.
  package var damage: String? { found.withLock { $0 } }

  /// Reads a file whole that was too large for it at the start, beside the work. Keeps and returns what is wrong.
  /// Cancelling the task ends it.
  package func inspectWhole() async throws(StoreError) -> String? {
    let path = Self.databasePath(directory)
    do {
      guard try !Self.isReadAtStart(path, options) else { return nil }
      // Whatever fell due while the daemon was away goes first.
      try await Task.sleep(for: .seconds(options.inspectAfterSeconds))
      let damage = try await Self.readWhole(path, options)
      found.withLock { $0 = damage }
      return damage
    } catch is CancellationError {
      return nil
    } catch {
      throw StoreError.from(error)
    }
  }

  /// Finishes what was accepted, folds the log into the database and lets go of the file. A command beside a daemon
  /// leaves the log alone, because a whole checkpoint would hold up the daemon's commits.
  package func close() {
    firstReads.close()
    group.close()
    points.close()
    readers.close()
    checkpointer?.close()
    let isMine = lock != nil || !InstanceLock.isHeld(directory: directory)
    if isMine { try? pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) } }
    try? pool.close()
  }
}

extension WriteContext {
  func rememberRehearsal() throws {
    guard clock.isRehearsal else { return }
    try db.setMeta(.rehearsalNow, String(now.milliseconds))
  }
}
