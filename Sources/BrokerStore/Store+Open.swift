package import BrokerDomain
internal import CSQLite
internal import GRDB
internal import GRDBSQLite
internal import Glibc

/// How a store is opened: by the daemon, which holds the lock, or by a command beside it.
package enum StoreRole: Sendable { case daemon, command }

extension Store {
  package static func databasePath(_ directory: String) -> String { directory + "/xiecha.sqlite" }

  /// Opens the database of a state directory. Never creates one: a missing or damaged file is named and left alone.
  /// - Parameters:
  ///   - rehearseAt: asks for rehearsal; only a database that was made for it may be used so.
  ///   - wall: the wall clock of a database that is none for rehearsal; `steady`, microseconds of one that only goes forward.
  package static func open(
    directory: String, role: StoreRole, procedures: [Procedure], lastDay: LastDayPolicy = .midnight,
    options: StoreOptions = StoreOptions(), rehearseAt: Instant? = nil,
    wall: @escaping @Sendable () -> Instant = { BrokerClock.wall },
    steady: @escaping @Sendable () -> Int64 = { monotonicMicroseconds() }
  ) throws(StoreError) -> Store {
    _ = isSQLiteConfigured
    let path = databasePath(directory)
    let lock = role == .daemon ? try InstanceLock(directory: directory) : nil
    try checkFile(path, in: directory)
    // Beside a daemon the log grows while it is read.
    if role == .daemon || !InstanceLock.isHeld(directory: directory) { try checkLog(path) }
    do {
      try inspect(path, options)
      let pool = try openPool(path, options)
      // A command leaves the log to a daemon beside it, also to one that starts meanwhile (see `Checkpointer`); without
      // one it folds the log in at its end. Before the schema is changed: each of its steps counts on the one before.
      try harden(pool, checkpointPages: role == .daemon ? options.checkpointPages : 0)
      try migrate(pool, directory, lock)
      // What a savepoint may have to undo stays in memory instead of a temporary file. Only now: what a migration sorts may be
      // more than there is memory.
      try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA temp_store = MEMORY") }
      let points = PointReader(path: path)
      let checkpointer =
        role == .daemon
        ? try Checkpointer(path: path, pages: options.checkpointPages) { points.letGo() } : nil
      let clock = try pool.read { db in try Self.clock(db, rehearseAt: rehearseAt, wall: wall, steady: steady) }
      // A command opens no requests, and what it reads of the files may not be in force.
      if role == .daemon { try pool.write { db in try db.keepVersions(of: procedures, at: clock.now) } }
      let loaded = try pool.read { db in
        try Self.load(db, procedures: procedures, lastDay: lastDay, today: clock.now.date)
      }
      let worked = try pool.read { db in try db.meta(.loadedGeneration) }
      let isBehind = worked != nil && worked != loaded.generation
      let vault = role == .daemon ? try Vault.forDaemon(directory, pool) : Vault.forCommand(directory)
      let store = Store(
        pool: pool, directory: directory, clock: clock, procedures: procedures, lastDay: lastDay,
        options: options, loaded: loaded, lock: lock, vault: vault,
        points: points, checkpointer: checkpointer, isBehind: isBehind,
        recorded: isBehind ? worked : loaded.generation)
      if role == .daemon {
        try buildReports(pool, loaded.reference, store.damagedRows)
        try pool.write { db in
          if let generation = loaded.generation, !isBehind { try db.setMeta(.loadedGeneration, generation) }
          try db.run(OutboxSQL.releaseLeases)
          store.listed.begin(newest: try db.begin(store.unfiled))
        }
        // What was written so far went by SQLite's own checkpoints.
        if let checkpointer { pool.writeWithoutTransaction { db in checkpointer.watch(db) } }
      }
      return store
    } catch let error as StoreError {
      throw error
    } catch let error as DatabaseError where isDamage(error) {
      throw .damaged(file: path, error.message ?? "\(error.resultCode)")
    } catch {
      throw StoreError.from(error)
    }
  }

  /// Once a process, before SQLite's first use. A program that has used it already keeps its statistics of memory, and
  /// only loses time.
  private static let isSQLiteConfigured = csqlite_configure() == SQLITE_OK

  /// Creates the database and the data key of a new state directory. Fails when there is one.
  /// - Parameter rehearseAt: makes it a database for rehearsal, starting then.
  package static func create(directory: String, rehearseAt: Instant?) throws(StoreError) {
    _ = isSQLiteConfigured
    let path = databasePath(directory)
    guard access(path, F_OK) != 0 else {
      throw .wrongMode("\(path) 已存在，未作更改 / \(path) exists already")
    }
    do {
      if try DataKey.read(directory) == nil { _ = try DataKey.create(directory) }
      let pool = try openPool(path, StoreOptions())
      try Schema.migrator.migrate(pool)
      try pool.write { db in
        try db.run(ReferenceSQL.bump)
        if let rehearseAt { try db.setMeta(.rehearsalNow, String(rehearseAt.milliseconds)) }
      }
      // The header must tell whose file this is without its log.
      _ = try pool.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
      try pool.close()
      chmod(path, 0o600)
      StateFile.give(path, toOwnerOf: directory)
    } catch {
      throw StoreError.from(error)
    }
  }

  private static func openPool(_ path: String, _ options: StoreOptions) throws -> DatabasePool {
    var configuration = Configuration()
    // Long reads have connections of their own (`Readers`).
    configuration.maximumReaderCount = 2
    configuration.busyMode = .timeout(Double(options.busyTimeoutSeconds))
    configuration.foreignKeysEnabled = true
    configuration.persistentReadOnlyConnections = true
    let cacheKiB = options.cacheMiB * 1024
    configuration.prepareDatabase { db in
      // For a file that is just being made. A commit writes every page that it touched whole, and most of ours are right
      // edges of trees, touched by a few bytes: half the page is nearly half the log.
      if !db.configuration.readonly { try db.execute(sql: "PRAGMA page_size = 2048") }
      // Readers share what the system has cached; the writer's own cache is set once it is open.
      try db.execute(sql: "PRAGMA cache_size = -\(db.configuration.readonly ? StoreOptions.readerCacheKiB : cacheKiB)")
    }
    return try DatabasePool(path: path, configuration: configuration)
  }

  /// What must hold on the writer for an acknowledgement to be a promise. The pool sets `synchronous = NORMAL` by
  /// itself, so this comes after it is open.
  private static func harden(_ pool: DatabasePool, checkpointPages: Int) throws {
    try pool.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA synchronous = FULL")
      try db.execute(sql: "PRAGMA wal_autocheckpoint = \(checkpointPages)")
    }
  }

  /// Brings an older schema up to date, which only the holder of the lock may do: a daemon of the older version that
  /// runs would go on with statements that fit no more.
  private static func migrate(_ pool: DatabasePool, _ directory: String, _ lock: InstanceLock?) throws {
    let migrator = Schema.migrator
    let (done, newer) = try pool.read { db in
      (try migrator.hasCompletedMigrations(db), try migrator.hasBeenSuperseded(db))
    }
    if newer {
      throw StoreError.wrongMode(
        "数据库由更新的版本建立，请用该版本 / this database was made by a newer version of xiecha; use that version")
    }
    if done { return }
    let held: InstanceLock
    do throws(StoreError) {
      if let lock { held = lock } else { held = try InstanceLock(directory: directory) }
    } catch {
      throw StoreError.wrongMode(
        "数据库为旧版本格式且服务正在运行：请先停止服务，再以新版本启动 / this database has the schema of an older version, and a daemon is running on it; "
          + "stop the daemon, then start this version's: xiecha serve")
    }
    try withExtendedLifetime(held) { try migrator.migrate(pool) }
  }

  private static func checkFile(_ path: String, in directory: String) throws(StoreError) {
    for file in [path, path + "-wal", path + "-shm"] {
      if let denial = StateFile.denial(file, in: directory) { throw .wrongMode("\(file): \(denial.zh) / \(denial.en)") }
    }
    guard access(path, F_OK) == 0 else { throw .missing(file: path) }
    try checkName(path)
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .storage("\(path): \(String(cString: strerror(errno)))")
    }
    defer { Glibc.close(descriptor) }
    // The application id is read here as well, because merely opening somebody else's file would turn it to WAL.
    var header = [UInt8](repeating: 0, count: 72)
    guard Glibc.read(descriptor, &header, header.count) == header.count,
      header.starts(with: Array("SQLite format 3".utf8) + [0])
    else { throw .damaged(file: path, "it does not begin as an SQLite database") }
    // Of a version that it cannot write SQLite takes the file for one that is read-only.
    guard header[18...19].allSatisfy({ (1...2).contains($0) }) else {
      throw .damaged(file: path, "its header names a format that no SQLite writes")
    }
    guard header[68..<72].reduce(0, { $0 << 8 | Int($1) }) == Schema.applicationID else {
      throw .damaged(file: path, "it is not a database of xiecha")
    }
  }

  /// Before SQLite has seen it: whoever opens a damaged log drops what comes after the damage.
  private static func checkLog(_ path: String) throws(StoreError) {
    let log = path + "-wal"
    guard let offset = LogCheck.damage(log) else { return }
    // Commands of this very moment may be writing.
    usleep(50_000)
    guard LogCheck.damage(log) == offset else { return }
    throw .damaged(
      file: log,
      "from byte \(offset) on it does not fit its checksums, while whole commits follow: what they hold was acknowledged"
    )
  }

  /// The lock stands beside the name: through another name a second daemon would not find it.
  private static func checkName(_ path: String) throws(StoreError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw .storage("\(path): \(String(cString: strerror(errno)))") }
    guard status.st_mode & S_IFMT == S_IFLNK else { return }
    throw .wrongMode(
      "\(path) 是符号链接；请把整个状态目录放到所要的磁盘上，再以 --state-dir 指明 / \(path) is a symbolic link; put the whole state "
        + "directory where the database should lie, and name it with --state-dir")
  }

  static func isDamage(_ error: DatabaseError) -> Bool {
    error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
  }

  private static func clock(
    _ db: Database, rehearseAt: Instant?, wall: @escaping @Sendable () -> Instant,
    steady: @escaping @Sendable () -> Int64
  ) throws -> BrokerClock {
    let event = try db.first(EventSQL.latestMoment) { $0.int(0) } ?? 0
    // The next attempt counts from the last one.
    let latest = max(event, try db.first(AttemptSQL.latestMoment) { $0.int(0) } ?? 0)
    guard let kept = try db.meta(.rehearsalNow).flatMap({ Int64($0) }) else {
      if rehearseAt != nil {
        throw StoreError.wrongMode(
          "这是正式库，演练须用 xiecha init --rehearse-at 另建 / this database holds real requests; rehearsal needs one made with: xiecha init --rehearse-at INSTANT"
        )
      }
      return BrokerClock(notBefore: Instant(milliseconds: latest), source: wall, steady: steady)
    }
    let start = max(kept, latest, rehearseAt?.milliseconds ?? 0)
    return BrokerClock(rehearseAt: Instant(milliseconds: start))
  }
}
