internal import BrokerStore
internal import Foundation
internal import GRDBSQLite

/// The same rows as one submission writes, through SQLite's C interface and nothing else.
final class PlainRows {
  private var database: OpaquePointer?
  private var statements: [OpaquePointer] = []
  private let content = String(repeating: "x", count: 900)

  /// - Parameter file: a database of the house with reference data, closed.
  init(file: String) throws {
    guard sqlite3_open_v2(file, &database, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else {
      throw BenchError("\(file) cannot be opened")
    }
    for sql in [
      "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON",
      "PRAGMA cache_size = -32768",
    ] {
      try execute(sql)
    }
    let sql = Statements.Submission()
    for sql in [sql.request, sql.subject, sql.event, sql.timer] {
      var statement: OpaquePointer?
      guard sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
        throw BenchError(String(cString: sqlite3_errmsg(database)))
      }
      statements.append(statement)
    }
  }

  /// Rows per second when so many share a commit.
  func run(group: Int, seconds limit: Double, from first: Int) throws -> (rate: Double, rows: Int) {
    let start = nanoseconds()
    var rows = 0
    while seconds(since: start) < limit {
      try execute("BEGIN IMMEDIATE")
      for _ in 0..<group {
        try insert(first + rows)
        rows += 1
      }
      try execute("COMMIT")
    }
    return (Double(rows) / seconds(since: start), rows)
  }

  private func insert(_ index: Int) throws {
    let key = Int64(1_700_000_000_000) << 12 + Int64(index)
    let (at, due): (Int64, Int64) = (1_770_000_000_000 + Int64(index), 1_770_500_000_000)
    try step(
      0,
      [
        .int(key), .int(key), .text("verification"), .text("submitted"), .int(1), .int(1), .int(1), .int(2),
        .null, .text("启医保协查〔2026〕12号"), .int(at), .int(at), .int(due), .int(20_000), .int(5), .int(0),
        .null, .text(content), .int(1),
      ])
    try step(1, [.int(key), .text("person"), .text("张三"), .text("resident-id"), .text(Samples.residentID(index))])
    try step(
      2,
      [
        .int(key), .int(1), .text("request.submitted"), .text("submitted"), .int(at), .int(1), .int(1), .int(2), .null,
        .text("{\"dueDate\":\"2026-11-27\",\"workingDays\":5,\"provisional\":false}"), .null,
      ])
    try step(3, [.int(due), .int(key), .int(1)])
  }

  private enum Value { case int(Int64), text(String), null }

  private func step(_ index: Int, _ values: [Value]) throws {
    let statement = statements[index]
    for (position, value) in values.enumerated() {
      let column = Int32(position + 1)
      switch value {
      case .int(let value): sqlite3_bind_int64(statement, column, value)
      case .text(let text):
        sqlite3_bind_text(statement, column, text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
      case .null: sqlite3_bind_null(statement, column)
      }
    }
    guard sqlite3_step(statement) == SQLITE_DONE else { throw BenchError(String(cString: sqlite3_errmsg(database))) }
    sqlite3_reset(statement)
  }

  private func execute(_ sql: String) throws {
    guard sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else {
      throw BenchError(String(cString: sqlite3_errmsg(database)))
    }
  }

  deinit {
    for statement in statements { sqlite3_finalize(statement) }
    sqlite3_close(database)
  }
}
