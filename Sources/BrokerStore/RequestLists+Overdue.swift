internal import BrokerDomain
internal import GRDB

/// What is overdue, without a look at everything that is open.
///
/// A request whose clock runs and has run out is in one of three places. Its clock has told of it: then it is in
/// `filed_overdue`, or an event of it is not filed yet that is not its opening. Nothing has been told yet: then the timer
/// that will do so, or one that comes before it on the ladder, is due, for a timer lies never later than the deadline that
/// it leads to. Its ladder never tells of it: then it has been in `filed_overdue` from its first filing on. A clock that
/// starts anew has a ladder of its own, so nothing that a request went through before can hide it.
///
/// Each of them is held against its row, which alone decides.
enum OverdueSQL: String, CaseIterable {
  case filed = """
    SELECT request FROM filed_overdue WHERE organ = $1 AND role = $2 AND request < $3 ORDER BY request DESC LIMIT $4
    """
  /// Timers that are due: hardly any, but for the moment in which many requests fall due at once.
  case due = """
    SELECT t.request FROM timer t CROSS JOIN request r ON r.key = t.request
    WHERE t.due_at <= $1 AND ($2 IS NULL OR r.requester = $2 OR r.responder = $2)
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

  /// Adds what has fallen due and is not recorded yet.
  /// - Parameter organ: a party to it; nil for all organs.
  func fallenDue(_ now: Instant, of organ: Int64?, _ keys: inout Set<Int64>) throws {
    try each(OverdueSQL.due, [.int(now.milliseconds), .optionalInt(organ)]) { keys.insert($0.int(0)) }
  }
}
