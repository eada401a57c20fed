package import BrokerDomain
internal import GRDB

/// What a polling organ asks for. All conditions hold together.
package struct RequestFilter: Sendable {
  package enum Role: String, Sendable, CaseIterable { case requester, responder }

  package var role: Role?
  package var states: [StateName] = []
  package var procedure: String?
  package var overdue: Bool?
  package var dueBefore: Instant?
  package var updatedAfter: Instant?
  /// Exact id number of the subject.
  package var subject: String?

  package init() {}
}

package struct Page<Item: Sendable>: Sendable {
  package let items: [Item]
  /// Where the next page starts; nil when this one is the last.
  package let next: Int64?
}

/// Newest first, by key, so that inserts never shift a page. Each kind of list has its own statement, chosen by the
/// condition that narrows most; the other conditions (states, procedure, overdue at, due before, not overdue at) are
/// tested row by row. Parameters are introduced in order, because SQLite numbers `$n` by first appearance.
enum ListSQL: String, CaseIterable {
  case requesterOpen = """
    SELECT key FROM request r WHERE requester = $1 AND open = $2 AND key < $3 AND ($4 IS NULL OR instr($4, ' ' || state || ' ') > 0)
      AND ($5 IS NULL OR procedure = $5) AND ($6 IS NULL OR (open = 1 AND due_at <= $6))
      AND ($7 IS NULL OR due_at < $7) AND ($8 IS NULL OR NOT (open = 1 AND due_at <= $8))
    ORDER BY key DESC LIMIT $9
    """
  case responderOpen = """
    SELECT key FROM request r WHERE responder = $1 AND open = $2 AND key < $3 AND ($4 IS NULL OR instr($4, ' ' || state || ' ') > 0)
      AND ($5 IS NULL OR procedure = $5) AND ($6 IS NULL OR (open = 1 AND due_at <= $6))
      AND ($7 IS NULL OR due_at < $7) AND ($8 IS NULL OR NOT (open = 1 AND due_at <= $8))
    ORDER BY key DESC LIMIT $9
    """
  case bySubject = """
    SELECT r.key FROM subject s JOIN request r ON r.key = s.request
    WHERE s.id_number = $1 AND ((r.requester = $2 AND $3 <> 'responder') OR (r.responder = $2 AND $3 <> 'requester'))
      AND s.request < $4 AND ($5 IS NULL OR instr($5, ' ' || state || ' ') > 0)
      AND ($6 IS NULL OR procedure = $6) AND ($7 IS NULL OR (open = 1 AND due_at <= $7))
      AND ($8 IS NULL OR due_at < $8) AND ($9 IS NULL OR NOT (open = 1 AND due_at <= $9))
    ORDER BY s.request DESC LIMIT $10
    """
  case changedAsRequester = "SELECT request FROM event WHERE requester = $1 AND seq >= $2"
  case changedAsResponder = "SELECT request FROM event WHERE responder = $1 AND seq >= $2"
}

extension Store {
  /// - Parameters:
  ///   - cursor: the key of the last request of the page before; nil for the first page.
  ///   - limit: 1…500.
  package func requests(
    of organ: Int64, _ filter: RequestFilter, cursor: Int64?, limit: Int
  ) async throws(StoreError) -> Page<StoredRequest> {
    let reference = reference
    let now = clock.now
    return try await read { db in
      var keys = try Self.keys(
        db, organ: organ, filter, cursor: cursor ?? .max, limit: limit + 1, now: now)
      let more = keys.count > limit
      keys = Array(keys.prefix(limit))
      let items = try keys.compactMap { try StoredRequest.load($0, db, reference) }
      return Page(items: items, next: more ? keys.last : nil)
    }
  }

  private static func keys(
    _ db: Database, organ: Int64, _ filter: RequestFilter, cursor: Int64, limit: Int, now: Instant
  ) throws -> [Int64] {
    let roles = filter.role.map { [$0] } ?? RequestFilter.Role.allCases
    let states = filter.states.isEmpty ? nil : " " + filter.states.map(\.rawValue).joined(separator: " ") + " "
    let conditions: [SQLValue] = [
      .optionalText(states), .optionalText(filter.procedure),
      .optionalInt(filter.overdue == true ? now.milliseconds : nil),
      .optionalInt(filter.dueBefore?.milliseconds),
      .optionalInt(filter.overdue == false ? now.milliseconds : nil), .int(Int64(limit)),
    ]
    if let changed = filter.updatedAfter {
      return try changedKeys(
        db, organ: organ, roles, filter, since: changed, cursor: cursor, limit: limit, now: now)
    }
    var keys: Set<Int64> = []
    if let subject = filter.subject {
      let role = filter.role?.rawValue ?? ""
      try db.each(
        ListSQL.bySubject, [.text(subject), .int(organ), .text(role), .int(cursor)] + conditions
      ) { keys.insert($0.int(0)) }
    } else {
      for role in roles {
        let statement: ListSQL = role == .requester ? .requesterOpen : .responderOpen
        for open in openFlags(filter) {
          try db.each(statement, [.int(organ), .int(open), .int(cursor)] + conditions) {
            keys.insert($0.int(0))
          }
        }
      }
    }
    return Array(keys.sorted(by: >).prefix(limit))
  }

  /// Open and closed requests lie apart in the index; a filter that can only match one of them reads only that.
  private static func openFlags(_ filter: RequestFilter) -> [Int64] {
    if filter.overdue == true { return [1] }
    let flags = Set(filter.states.map { $0.isOpen ? Int64(1) : 0 })
    return flags.isEmpty ? [1, 0] : flags.sorted(by: >)
  }

  /// What changed since a moment is read from the events, which are in order of time, rather than from an index on
  /// `updated_at` that every transition would have to move.
  private static func changedKeys(
    _ db: Database, organ: Int64, _ roles: [RequestFilter.Role], _ filter: RequestFilter,
    since: Instant, cursor: Int64, limit: Int, now: Instant
  ) throws -> [Int64] {
    let from = try db.firstEvent(after: since)
    var keys: Set<Int64> = []
    for role in roles {
      let statement: ListSQL = role == .requester ? .changedAsRequester : .changedAsResponder
      try db.each(statement, [.int(organ), .int(from)]) { keys.insert($0.int(0)) }
    }
    var result: [Int64] = []
    for key in keys.sorted(by: >) where key < cursor {
      guard result.count < limit else { break }
      let row = try db.first(ChangedSQL.probe, .int(key)) {
        (
          state: $0.text(0), procedure: $0.text(1), due: $0.int(2), updated: $0.int(3),
          number: $0.optionalText(4)
        )
      }
      guard let row, let state = StateName(rawValue: row.state),
        row.updated > since.milliseconds,
        filter.states.isEmpty || filter.states.contains(state),
        filter.procedure.map({ $0 == row.procedure }) ?? true,
        filter.dueBefore.map({ row.due < $0.milliseconds }) ?? true,
        filter.overdue.map({ $0 == (state.isOpen && row.due <= now.milliseconds) }) ?? true,
        filter.subject.map({ $0 == row.number }) ?? true
      else { continue }
      result.append(key)
    }
    return result
  }
}

enum ChangedSQL: String, CaseIterable {
  case probe = """
    SELECT r.state, r.procedure, r.due_at, r.updated_at, s.id_number
    FROM request r LEFT JOIN subject s ON s.request = r.key WHERE r.key = $1
    """
}
