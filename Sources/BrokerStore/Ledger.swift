package import BrokerDomain
internal import GRDB

/// What a ledger asks for: requests received from the first to the last day, both included, of some procedures.
package struct LedgerQuery: Sendable {
  package let from: CalendarDate
  package let to: CalendarDate
  /// Empty for none at all.
  package let procedures: Set<String>
  /// A request is listed when one of its parties is among these organ numbers.
  package let organs: Set<Int64>
  /// Who reads it.
  package let reader: OrganCode
  /// The key of the last row of the part before.
  package let after: Int64
  package let limit: Int

  package init(
    from: CalendarDate, to: CalendarDate, procedures: Set<String>, organs: Set<Int64>, reader: OrganCode, after: Int64,
    limit: Int
  ) {
    self.from = from
    self.to = to
    self.procedures = procedures
    self.organs = organs
    self.reader = reader
    self.after = after
    self.limit = limit
  }
}

enum LedgerSQL: String, CaseIterable {
  /// In the order of receipt, which is that of the keys: no index on dates is needed.
  case page = """
    SELECT key, procedure, requester, responder, received_at FROM request WHERE key > $1 AND key < $2
    ORDER BY key LIMIT $3
    """
}

extension Store {
  /// Requests that one read looks at: a long period must not keep one moment of the database alive for seconds.
  private static let ledgerSlice = 20_000

  /// Rows of the supervision ledger 日常监管台账, oldest first; fewer than the limit where they are large, and more then.
  package func ledger(_ query: LedgerQuery) async throws(StoreError) -> Page<StoredRequest> {
    let reference = reference
    // A key is not older than its receipt; see `ReportBuilder`.
    let end = (query.to + 2).midnight.milliseconds << 12
    var after = max(query.after, (query.from.midnight.milliseconds << 12) - 1)
    let (pageBytes, damagedRows) = (options.pageBytes, damagedRows)
    var (found, bytes): ([StoredRequest], Int) = ([], 0)
    while true {
      let (from, wanted, room) = (after, query.limit + 1 - found.count, pageBytes - bytes)
      let (last, some) = try await read { db in
        try Self.ledgerSlice(db, query, from, end, wanted: wanted, bytes: room, reference, damagedRows)
      }
      found += some
      bytes += some.reduce(0) { $0 + $1.request.content.bytes.count }
      if bytes > pageBytes, found.count <= query.limit {
        return Page(items: found, next: found.last?.request.id.key)
      }
      guard found.count <= query.limit else {
        let rows = Array(found.prefix(query.limit))
        return Page(items: rows, next: rows.last?.request.id.key)
      }
      guard let last else { return Page(items: found, next: nil) }
      after = last
    }
  }

  /// - Returns: the last key that was looked at, nil when there are no more; and what belongs to the ledger.
  private static func ledgerSlice(
    _ db: Database, _ query: LedgerQuery, _ from: Int64, _ end: Int64, wanted: Int, bytes room: Int,
    _ reference: Reference, _ damagedRows: DamagedRows
  ) throws -> (Int64?, [StoredRequest]) {
    let (first, last) = (query.from.midnight.milliseconds, (query.to + 1).midnight.milliseconds)
    var (seen, newest, keys): (Int, Int64?, [Int64]) = (0, nil, [])
    try db.each(LedgerSQL.page, [.int(from), .int(end), .int(Int64(ledgerSlice))]) { row in
      seen += 1
      newest = row.int(0)
      guard keys.count < wanted, query.procedures.contains(row.text(1)),
        query.organs.contains(row.int(2)) || query.organs.contains(row.int(3)), row.int(4) >= first, row.int(4) < last
      else { return }
      keys.append(row.int(0))
    }
    var (rows, bytes): ([StoredRequest], Int) = ([], 0)
    var looked = keys.count < wanted ? nil : keys.last
    for (index, key) in keys.enumerated() {
      if bytes > room {
        looked = keys[index - 1]
        break
      }
      let found = try damagedRows.passing("it is in no ledger") { try StoredRequest.load(key, db, reference) }
      guard let stored = found ?? nil, !stored.request.isKept(from: query.reader) else { continue }
      rows.append(stored)
      bytes += stored.request.content.bytes.count
    }
    // What follows the last key that was looked at is still to come, also where one of these could not be read.
    return (looked ?? (seen < ledgerSlice ? nil : newest), rows)
  }
}
