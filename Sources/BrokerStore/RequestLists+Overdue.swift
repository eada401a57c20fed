internal import BrokerDomain
internal import GRDB

/// What is overdue, without a look at everything that is open.
///
/// A request whose clock runs and has run out is in one of three places. Its clock has told of it: then it is in
/// `filed_overdue`, or the event is not filed yet. Nothing has been told yet: then the timer that will do so, or one
/// that comes before it on the ladder, is due, for a timer lies never later than the deadline that it leads to. Its
/// ladder never tells of it: then it has been in `filed_overdue` from its first filing on. A clock that starts anew has
/// a ladder of its own, so nothing that a request went through before can hide it.
///
/// Each of them is held against its row, which alone decides.
enum OverdueSQL: String, CaseIterable {
  /// Parameters from the fourth on are those of `ListSQL.filed`.
  case filed = """
    SELECT f.request FROM filed_overdue f CROSS JOIN request r ON r.key = f.request
    WHERE f.organ = $1 AND f.role = $2 AND f.request < $3
      AND CASE $2 WHEN 0 THEN r.requester ELSE r.responder END = $1
      AND ($4 IS NULL OR instr($4, ' ' || r.state || ' ') > 0)
      AND ($5 IS NULL OR r.procedure = $5) AND ($6 IS NULL OR ((r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL) AND r.due_at <= $6
        AND json_extract(r.progress, '$.metAt') IS NULL))
      AND ($7 IS NULL OR r.due_at < $7) AND ($8 IS NULL OR NOT ((r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL) AND r.due_at <= $8
        AND json_extract(r.progress, '$.metAt') IS NULL))
    ORDER BY f.request DESC LIMIT $9
    """
  /// Timers that are due: hardly any, but for the moment in which many requests fall due at once.
  case due = """
    SELECT r.key, r.requester, r.responder FROM timer t CROSS JOIN request r ON r.key = t.request
    WHERE t.due_at <= $1 AND r.key < $2 AND ($3 IS NULL OR instr($3, ' ' || r.state || ' ') > 0)
      AND ($4 IS NULL OR r.procedure = $4) AND ($5 IS NULL OR ((r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL) AND r.due_at <= $5
        AND json_extract(r.progress, '$.metAt') IS NULL))
      AND ($6 IS NULL OR r.due_at < $6)
    """
  /// A row when more than so many are.
  case dueBeyond = "SELECT due_at FROM timer WHERE due_at <= $1 ORDER BY due_at LIMIT 1 OFFSET $2"

  /// Due timers that a reader looks at; where more are, it goes through the open requests of the organ.
  static let timersRead = 16_384
}

extension RequestFilter {
  /// Only what is overdue, and no narrower list to read it from.
  var asksForOverdue: Bool { overdue == true && updatedAfter == nil && subject == nil }
}

extension Database {
  /// The list of overdue requests and the timers that are due tell all that is asked for.
  func readsOverdue(_ filter: RequestFilter, _ now: Instant) throws -> Bool {
    guard filter.asksForOverdue else { return false }
    let beyond = Int64(OverdueSQL.timersRead)
    return try first(OverdueSQL.dueBeyond, .int(now.milliseconds), .int(beyond)) { _ in true } == nil
  }

  /// What has fallen due and is not recorded yet, of all organs.
  /// - Parameters:
  ///   - conditions: of the filter, as `ListSQL.filed` takes them.
  ///   - body: key, requester, responder; a request may come more than once.
  func fallenDue(
    _ now: Instant, before cursor: Int64, _ conditions: [SQLValue], _ body: (Int64, Int64, Int64) -> Void
  ) throws {
    try each(OverdueSQL.due, [.int(now.milliseconds), .int(cursor)] + conditions.prefix(4)) {
      body($0.int(0), $0.int(1), $0.int(2))
    }
  }
}
