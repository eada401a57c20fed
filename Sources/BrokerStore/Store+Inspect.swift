internal import GRDB
internal import Glibc

/// Looking for damage: the whole of a small file before the start, what can be told at once of a large one, and the
/// rest of that right afterwards.
extension Store {
  static func isReadAtStart(_ path: String, _ options: StoreOptions) throws -> Bool {
    try size(path) <= options.startCheckMiB << 20
  }

  /// Through a connection that cannot write: a pool writes as soon as it is opened, and a damaged file is evidence.
  static func inspect(_ path: String, _ options: StoreOptions) throws {
    let queue = try readOnly(path, options)
    defer { try? queue.close() }
    let whole = try isReadAtStart(path, options)
    let damage = try queue.read { db in try whole ? quickCheck(db) : edges(db, path) }
    if let damage { throw StoreError.damaged(file: path, damage) }
  }

  /// On a connection of its own, so that no reader is missing meanwhile.
  /// - Returns: what is wrong, or nil.
  static func readWhole(_ path: String, _ options: StoreOptions) async throws -> String? {
    let queue = try readOnly(path, options)
    defer { try? queue.close() }
    do {
      // Table by table: a reading that lasts keeps the log from being folded in, and the work has the right of way.
      let tables = try await queue.read { db in
        try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      }
      for table in tables {
        let start = monotonicMicroseconds()
        // Cancellation interrupts the statement.
        if let damage = try await queue.read({ db in try quickCheck(db, table: table) }) { return damage }
        try await Task.sleep(for: .microseconds(monotonicMicroseconds() - start))
      }
      return nil
    } catch is CancellationError {
      return nil
    } catch let error as DatabaseError where isDamage(error) {
      return error.message ?? "\(error.resultCode)"
    }
  }

  private static func readOnly(_ path: String, _ options: StoreOptions) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(Double(options.busyTimeoutSeconds))
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  private static func quickCheck(_ db: Database, table: String? = nil) throws -> String? {
    let verdict = try String.fetchAll(db, sql: "PRAGMA quick_check(\(table.map { "'\($0)'" } ?? "5"))")
    return verdict == ["ok"] ? nil : verdict.joined(separator: "; ")
  }

  /// What a large file tells at once: that no page is missing at its end, that the schema can be read, and that the
  /// free list and the edges of the trees which grow are in order.
  private static func edges(_ db: Database, _ path: String) throws -> String? {
    let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
    let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
    // Pages that are only in the log yet may lie beyond the end of the file.
    let bytes = try size(path)
    if (try? size(path + "-wal")) ?? 0 == 0, bytes < pages * pageSize {
      return "it has \(bytes) bytes and should have \(pages * pageSize)"
    }
    _ = try Int.fetchOne(db, sql: "PRAGMA freelist_count")
    _ = try db.first(EventSQL.latestMoment) { $0.int(0) }
    _ = try db.first(BatchSQL.lastKey) { $0.int(0) }
    _ = try db.first(TimerSQL.earliest) { $0.int(0) }
    _ = try db.first(OutboxSQL.heads) { $0.int(0) }
    return nil
  }

  private static func size(_ path: String) throws -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw StoreError.storage("\(path): \(String(cString: strerror(errno)))") }
    return Int(status.st_size)
  }
}
