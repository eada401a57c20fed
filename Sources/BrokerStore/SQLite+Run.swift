internal import GRDB
internal import GRDBSQLite

/// A value to bind. The hot path binds a dozen of these per request, so they go to SQLite directly rather than
/// through boxed arguments.
enum SQLValue {
  case int(Int64)
  case optionalInt(Int64?)
  case text(String)
  case optionalText(String?)
  case utf8([UInt8])
  case optionalUTF8([UInt8]?)
  case blob([UInt8])
  case optionalBlob([UInt8]?)
}

/// A row of whole numbers of a tree that is ordered by them.
struct FiledRow: Comparable {
  let columns: SIMD4<Int64>

  init(_ first: Int64, _ second: Int64, _ third: Int64 = 0, _ fourth: Int64 = 0) {
    columns = SIMD4(first, second, third, fourth)
  }

  static func < (a: Self, b: Self) -> Bool {
    for column in 0..<4 where a.columns[column] != b.columns[column] { return a.columns[column] < b.columns[column] }
    return false
  }
}

/// The current row of a running statement; valid only inside the closure that receives it.
struct SQLRow {
  fileprivate let statement: SQLiteStatement

  func int(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }
  func optionalInt(_ column: Int32) -> Int64? { isNull(column) ? nil : int(column) }
  func byteCount(_ column: Int32) -> Int { Int(sqlite3_column_bytes(statement, column)) }
  func bytes(_ column: Int32) -> [UInt8] {
    let count = Int(sqlite3_column_bytes(statement, column))
    guard count > 0, let pointer = sqlite3_column_blob(statement, column) else { return [] }
    return Array(UnsafeRawBufferPointer(start: pointer, count: count))
  }
  func optionalBytes(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : bytes(column) }
  func text(_ column: Int32) -> String {
    guard let pointer = sqlite3_column_text(statement, column) else { return "" }
    return String(cString: pointer)
  }
  func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
}

private let transient = unsafeBitCast(OpaquePointer(bitPattern: -1), to: sqlite3_destructor_type.self)

extension Database {
  /// Runs a statement that returns no rows.
  func run(_ sql: some RawRepresentable<String>, _ values: SQLValue...) throws {
    try step(sql.rawValue, values) { _ in }
  }

  /// Runs a statement and hands every row to `body`.
  func each(
    _ sql: some RawRepresentable<String>, _ values: [SQLValue], _ body: (SQLRow) throws -> Void
  ) throws {
    try step(sql.rawValue, values, body)
  }

  /// The first row, or nil.
  func first<T>(
    _ sql: some RawRepresentable<String>, _ values: SQLValue..., body: (SQLRow) throws -> T
  ) throws -> T? {
    var result: T?
    try step(sql.rawValue, values) { row in if result == nil { result = try body(row) } }
    return result
  }

  /// Hands the row of each key to `body`, for a statement that finds one row by its first parameter: it is looked up
  /// once, and the other values are bound once, not for every row. Keys without a row are passed over.
  /// - Parameters:
  ///   - values: from the second parameter on.
  ///   - result: what comes of it, for both closures.
  ///   - key: the next one, until it is nil; may run other statements, but not this one.
  func lookUp<Result>(
    _ sql: some RawRepresentable<String>, _ values: [SQLValue], of result: inout Result,
    key: (inout Result) throws -> Int64?, body: (inout Result, SQLRow) throws -> Void
  ) throws {
    let prepared = try cachedStatement(sql: sql.rawValue)
    let statement = prepared.sqliteStatement
    sqlite3_reset(statement)
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    for (index, value) in values.enumerated() {
      try bind(value, at: Int32(index + 2), of: statement, sql: sql.rawValue)
    }
    while let key = try key(&result) {
      sqlite3_reset(statement)
      try bind(.int(key), at: 1, of: statement, sql: sql.rawValue)
      switch sqlite3_step(statement) {
      case SQLITE_ROW: try body(&result, SQLRow(statement: statement))
      case SQLITE_DONE: continue
      case let code: throw fault(code, sql.rawValue)
      }
    }
  }

  func all<T>(
    _ sql: some RawRepresentable<String>, _ values: SQLValue..., body: (SQLRow) throws -> T
  ) throws -> [T] {
    var result: [T] = []
    try step(sql.rawValue, values) { row in result.append(try body(row)) }
    return result
  }

  /// Runs a statement without rows of its own once for each of these, with the first so many columns of it.
  func run(_ sql: some RawRepresentable<String>, rows: [FiledRow], columns: Int32) throws {
    guard !rows.isEmpty else { return }
    let statement = try cachedStatement(sql: sql.rawValue).sqliteStatement
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    for row in rows {
      sqlite3_reset(statement)
      for column in 0..<columns {
        let code = sqlite3_bind_int64(statement, column + 1, row.columns[Int(column)])
        if code != SQLITE_OK { throw fault(code, sql.rawValue) }
      }
      let code = sqlite3_step(statement)
      if code != SQLITE_DONE { throw fault(code, sql.rawValue) }
    }
  }

  private func step(_ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws {
    let prepared = try cachedStatement(sql: sql)
    let statement = prepared.sqliteStatement
    sqlite3_reset(statement)
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    for (index, value) in values.enumerated() {
      try bind(value, at: Int32(index + 1), of: statement, sql: sql)
    }
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW: try body(SQLRow(statement: statement))
      case SQLITE_DONE: return
      case let code: throw fault(code, sql)
      }
    }
  }

  private func bind(_ value: SQLValue, at index: Int32, of statement: SQLiteStatement, sql: String)
    throws
  {
    let code: Int32
    switch value {
    case .int(let value): code = sqlite3_bind_int64(statement, index, value)
    case .optionalInt(let value):
      code = value.map { sqlite3_bind_int64(statement, index, $0) } ?? sqlite3_bind_null(statement, index)
    case .text(let text): code = Self.bindText(text, index, statement)
    case .optionalText(let text):
      code = text.map { Self.bindText($0, index, statement) } ?? sqlite3_bind_null(statement, index)
    case .utf8(let bytes): code = Self.bindUTF8(bytes, index, statement)
    case .optionalUTF8(let bytes):
      code = bytes.map { Self.bindUTF8($0, index, statement) } ?? sqlite3_bind_null(statement, index)
    case .blob(let bytes): code = Self.bindBlob(bytes, index, statement)
    case .optionalBlob(let bytes):
      code = bytes.map { Self.bindBlob($0, index, statement) } ?? sqlite3_bind_null(statement, index)
    }
    if code != SQLITE_OK { throw fault(code, sql) }
  }

  private static func bindText(_ text: String, _ index: Int32, _ statement: SQLiteStatement) -> Int32 {
    var text = text
    return text.withUTF8 { buffer in
      buffer.withMemoryRebound(to: CChar.self) {
        // An empty buffer may have no address, and a null address would bind NULL.
        $0.baseAddress.map { sqlite3_bind_text(statement, index, $0, Int32(buffer.count), transient) }
          ?? sqlite3_bind_text(statement, index, "", 0, transient)
      }
    }
  }

  private static func bindUTF8(_ bytes: [UInt8], _ index: Int32, _ statement: SQLiteStatement) -> Int32 {
    guard !bytes.isEmpty else { return sqlite3_bind_text(statement, index, "", 0, transient) }
    return bytes.withUnsafeBytes {
      sqlite3_bind_text(
        statement, index, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count), transient)
    }
  }

  private static func bindBlob(_ bytes: [UInt8], _ index: Int32, _ statement: SQLiteStatement) -> Int32 {
    guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
    return bytes.withUnsafeBytes {
      sqlite3_bind_blob(statement, index, $0.baseAddress, Int32($0.count), transient)
    }
  }

  private func fault(_ code: Int32, _ sql: String) -> DatabaseError {
    let message = sqliteConnection.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) }
    return DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: sql)
  }
}
