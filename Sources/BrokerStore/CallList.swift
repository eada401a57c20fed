package import BrokerDomain
internal import GRDB

/// A result that does not reach its requester: whom to call, and about what. Names no subject.
package struct CallLine: Sendable {
  package let request: EntityID
  /// Nil for the operator, of what is sealed.
  package let procedure: String?
  package let type: String
  package let requester: OrganCode
  /// As the requester gave it with the request; nil for the operator, and when it gave none.
  package let contact: Contact?
  package let since: Instant
  package let needed: CalendarDate
  package let listedAt: Instant
  package let attempts: Int
  package let lastAttemptAt: Instant?
  package let lastError: String?
}

/// `$1` organ, `$2` request, `$3` seq.
enum CallListSQL: String, CaseIterable {
  case tries = """
    SELECT n.enabled, n.disabled_reason, o.attempts, o.last_at, o.last_status, o.last_error
    FROM endpoint n CROSS JOIN outbox o ON o.endpoint = n.key
    WHERE n.organ = $1 AND n.deleted_at IS NULL AND o.request = $2 AND o.seq = $3
    UNION ALL
    SELECT n.enabled, n.disabled_reason, d.attempts, d.finished_at, d.last_status, d.last_error
    FROM endpoint n CROSS JOIN delivery d ON d.endpoint = n.key
    WHERE n.organ = $1 AND n.deleted_at IS NULL AND d.seq = $3
    """
  /// Of an earlier message of the request, behind which the result waits.
  case before = """
    SELECT o.last_status, o.last_error FROM endpoint n CROSS JOIN outbox o ON o.endpoint = n.key
    WHERE n.organ = $1 AND n.deleted_at IS NULL AND o.request = $2 AND o.seq < $3 AND o.last_at IS NOT NULL
    ORDER BY o.last_at DESC LIMIT 1
    """
  case off = """
    SELECT disabled_reason, events FROM endpoint WHERE organ = $1 AND deleted_at IS NULL AND enabled = 0 ORDER BY key
    """
  case type = "SELECT type FROM event WHERE seq = $1"
}

extension Store {
  private static let callPage = 500

  /// Oldest request first. What was delivered or read meanwhile is left out.
  /// - Parameter supervisor: whose region it must concern; nil for the operator, who sees all and no names.
  package func callList(
    supervisor: OrganCode?, cursor: Int64?, limit: Int
  ) async throws(StoreError) -> Page<CallLine> {
    let (reference, damagedRows) = (reference, damagedRows)
    return try await read { db in
      var lines: [CallLine] = []
      var at = cursor ?? 0
      while true {
        let rows = try db.all(UndeliveredSQL.page, .int(at), .int(Int64(Self.callPage))) { WatchedRow($0) }
        for row in rows {
          guard let line = try row.line(db, reference, supervisor, damagedRows) else { continue }
          if lines.count == limit { return Page(items: lines, next: lines.last?.request.key) }
          lines.append(line)
        }
        guard rows.count == Self.callPage, let last = rows.last else { return Page(items: lines, next: nil) }
        at = last.request
      }
    }
  }
}

private struct WatchedRow {
  let request: Int64
  let seq: Int64
  let requester: Int64
  let since: Int64
  let day: Int64
  let listed: Int64?

  /// Columns in the order of `UndeliveredSQL.page`.
  init(_ row: SQLRow) {
    request = row.int(0)
    seq = row.int(1)
    requester = row.int(2)
    since = row.int(3)
    day = row.int(4)
    listed = row.optionalInt(5)
  }

  /// Nil when it is not on the list, no longer, or not for this supervisor.
  func line(
    _ db: Database, _ reference: Reference, _ supervisor: OrganCode?, _ damagedRows: DamagedRows
  ) throws -> CallLine? {
    guard let listed, try db.first(UndeliveredSQL.isOver, .int(request), body: { _ in true }) != true,
      let stored = try damagedRows.passing(
        "it is not on the call list", { try StoredRequest.load(request, db, reference)?.request }) ?? nil
    else { return nil }
    if let supervisor, stored.parties(supervisor, reference).isEmpty { return nil }
    let tries = try db.all(CallListSQL.tries, .int(requester), .int(request), .int(seq)) { row in
      (
        isOn: row.int(0) == 1, reason: row.optionalText(1), attempts: Int(row.int(2)), at: row.optionalInt(3),
        error: row.optionalText(5) ?? row.optionalInt(4).map { "HTTP \($0)" }
      )
    }
    let last = tries.max { ($0.at ?? 0) < ($1.at ?? 0) }
    // What nothing has been tried of has no fault of its own: that of what it waits for is why it is here.
    let before =
      last?.error == nil
      ? try db.first(CallListSQL.before, .int(requester), .int(request), .int(seq)) { row in
        row.optionalText(1) ?? row.optionalInt(0).map { "HTTP \($0)" }
      } ?? nil : nil
    let type = try db.first(CallListSQL.type, .int(seq)) { $0.text(0) } ?? ""
    // Of an endpoint that would take it, were it on.
    let off = try db.all(CallListSQL.off, .int(requester)) { row in
      (reason: row.optionalText(0), events: row.text(1).split(separator: " "))
    }.first { $0.events.contains("*") || $0.events.contains { $0 == type } }?.reason
    return CallLine(
      request: stored.id,
      procedure: supervisor == nil && reference.isSealed(stored.procedure) ? nil : stored.procedure,
      type: type, requester: stored.requester,
      contact: supervisor == nil ? nil : stored.content.contact, since: Instant(milliseconds: since),
      needed: CalendarDate(dayNumber: Int(day)), listedAt: Instant(milliseconds: listed),
      attempts: last?.attempts ?? 0,
      lastAttemptAt: last.flatMap { $0.attempts == 0 ? nil : $0.at }.map { Instant(milliseconds: $0) },
      lastError: last?.error ?? last?.reason
        ?? before.map { "在等同一请求先前的消息 / waits for an earlier message of the request: \($0)" } ?? off)
  }
}
