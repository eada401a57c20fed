internal import BrokerDomain
internal import GRDB
internal import Synchronization

/// Results that did not get through at their first attempt, or have nowhere to go: watched until they arrive, are read,
/// or must be told by telephone. A row is the newest such result of its request; `listed_at` when it went on the list.
enum UndeliveredSQL: String, CaseIterable {
  case result = """
    SELECT e.request, e.version, e.type, e.at, e.requester, e.responder, r.due_day
    FROM event e CROSS JOIN request r ON r.key = e.request WHERE e.seq = $1
    """
  case owner = "SELECT organ FROM endpoint WHERE key = $1"
  case watch = """
    INSERT INTO undelivered (request, version, seq, requester, since, needed_day) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (request) DO UPDATE SET version = excluded.version, seq = excluded.seq, since = excluded.since,
      needed_day = excluded.needed_day, listed_at = NULL WHERE excluded.version > undelivered.version
    """
  case find = """
    SELECT u.needed_day, u.requester, e.responder FROM undelivered u CROSS JOIN event e ON e.seq = u.seq
    WHERE u.request = $1 AND u.version = $2 AND u.listed_at IS NULL
    """
  case list = "UPDATE undelivered SET listed_at = $1 WHERE request = $2"
  case arrived = """
    DELETE FROM undelivered
    WHERE request = $1 AND seq = $2 AND requester = (SELECT organ FROM endpoint WHERE key = $3)
    """
  /// Before an endpoint is deleted: what it has taken was taken, by its own organ and nobody else's.
  case taken = """
    DELETE FROM undelivered WHERE requester = (SELECT organ FROM endpoint WHERE key = $1)
      AND EXISTS (SELECT 1 FROM delivery d WHERE d.endpoint = $1 AND d.seq = undelivered.seq
        AND (d.state = 'delivered' OR d.delivered_at IS NOT NULL))
    """
  case read = "DELETE FROM undelivered WHERE request = $1 AND version <= $2"
  /// It was read, delivered by another endpoint, or overtaken by what happened since.
  case isOver = """
    SELECT 1 FROM undelivered u CROSS JOIN request r ON r.key = u.request WHERE u.request = $1 AND (
      r.state NOT IN ('answered', 'declined', 'returned')
      OR EXISTS (SELECT 1 FROM first_read f WHERE f.request = u.request AND f.version >= u.version)
      OR EXISTS (SELECT 1 FROM endpoint n CROSS JOIN delivery d ON d.endpoint = n.key AND d.seq = u.seq
        WHERE n.organ = u.requester AND n.deleted_at IS NULL
          AND (d.state = 'delivered' OR d.delivered_at IS NOT NULL))
      OR EXISTS (SELECT 1 FROM endpoint n CROSS JOIN outbox o
          ON o.endpoint = n.key AND o.request = u.request AND o.seq = u.seq
        WHERE n.organ = u.requester AND n.deleted_at IS NULL AND o.delivered_at IS NOT NULL))
    """
  case page = """
    SELECT request, seq, requester, since, needed_day, listed_at FROM undelivered WHERE request > $1
    ORDER BY request LIMIT $2
    """
  case forget = "DELETE FROM undelivered WHERE request = $1"
  case endpointsOff = "SELECT key FROM endpoint WHERE enabled = 0 AND deleted_at IS NULL AND key >= $1 ORDER BY key"
  /// With whether it is watched already, or read.
  case untried = """
    SELECT o.request, o.seq, e.type, o.attempts,
      EXISTS (SELECT 1 FROM undelivered u WHERE u.request = o.request AND u.version >= e.version)
      OR EXISTS (SELECT 1 FROM first_read f WHERE f.request = o.request AND f.version >= e.version)
    FROM outbox o CROSS JOIN event e ON e.seq = o.seq
    WHERE o.endpoint = $1 AND (o.request, o.seq) > ($2, $3) ORDER BY o.request, o.seq LIMIT $4
    """
}

/// The timer of a result as rows hold it: far above those of all rungs, one for each version of its request.
enum UndeliveredTimer {
  private static let base: Int64 = 2_000_000

  static func code(version: Int64) -> Int64 { (base + version) * 10 + 1 }

  static func version(_ code: Int64) -> Int64? {
    (base..<RulingTimer.base).contains(code / 10) ? code / 10 - base : nil
  }
}

extension WriteContext {
  /// Watches a result that is owed to an endpoint of its requester and does not get through. Other messages are nothing
  /// that anybody waits for.
  /// - Parameter isGivenUp: nobody will try it again, so it is told at the next office hour.
  func watchResult(seq: Int64, endpoint: Int64, isGivenUp: Bool) throws {
    let found = try db.first(UndeliveredSQL.result, .int(seq)) { row in
      (
        request: row.int(0), version: row.int(1), type: row.text(2), at: Instant(milliseconds: row.int(3)),
        requester: row.int(4), responder: row.int(5), due: CalendarDate(dayNumber: Int(row.int(6)))
      )
    }
    guard let found, EventType(rawValue: found.type)?.isResult == true, found.requester != found.responder,
      try db.first(UndeliveredSQL.owner, .int(endpoint), body: { $0.int(0) }) == found.requester
    else { return }
    let region = reference.organ(number: found.requester)?.region
    let by = reference.calendar.deliverBy(due: found.due, resultAt: found.at, region: region)
    try db.run(
      UndeliveredSQL.watch, .int(found.request), .int(found.version), .int(seq), .int(found.requester),
      .int(found.at.milliseconds), .int(Int64(by.needed.dayNumber)))
    let isNew = db.changesCount == 1
    guard isNew || isGivenUp else { return }
    let at = isGivenUp ? now : max(now, by.alertAt)
    try armUndelivered(
      found.request, version: found.version, at: reference.calendar.officeMoment(from: at, region: region))
  }

  private func armUndelivered(_ request: Int64, version: Int64, at: Instant) throws {
    try db.run(
      ApplySQL.insertTimer, .int(at.milliseconds), .int(request), .int(UndeliveredTimer.code(version: version)))
    noteTimer(at: at)
  }

  /// It got through at a later attempt.
  func arrivedAfterAll(seq: Int64, request: Int64, endpoint: Int64) throws {
    try db.run(UndeliveredSQL.arrived, .int(request), .int(seq), .int(endpoint))
  }

  /// The timer of a watched result has fired: unless it has arrived, it goes on the call list and into the inbox of the
  /// requester's contact, in office hours.
  func listUndelivered(_ request: Int64, version: Int64) throws {
    let found = try db.first(UndeliveredSQL.find, .int(request), .int(version)) {
      (day: $0.int(0), organ: $0.int(1), responder: $0.int(2))
    }
    guard let found else { return }
    guard try db.first(UndeliveredSQL.isOver, .int(request), body: { _ in true }) != true else {
      return try db.run(UndeliveredSQL.forget, .int(request))
    }
    let region = reference.organ(number: found.organ)?.region
    let at = reference.calendar.officeMoment(from: now, region: region)
    guard at <= now else { return try armUndelivered(request, version: version, at: at) }
    try db.run(UndeliveredSQL.list, .int(now.milliseconds), .int(request))
    try db.run(
      InboxSQL.insert, .int(found.organ), .int(request), .int(UndeliveredTimer.code(version: version)),
      .text(Audience.contact.rawValue), .int(now.milliseconds), .int(found.day), .int(found.responder),
      .int(reference.calendar.isKnown(CalendarDate(dayNumber: Int(found.day)).year) ? 0 : 1))
  }
}

extension Store {
  private static let watchGroup = 256
  private static let watchSweep = 1024

  /// Watches results that wait untried at endpoints that are switched off, or that let nothing out; forgets watched ones
  /// that have arrived otherwise. Looks at a thousand of each and goes on there the next time.
  /// - Parameter stuck: keys of endpoints that are on and let nothing out.
  package func sweepUndelivered(stuck: [Int64] = []) async throws(StoreError) {
    let from = watchWalk.withLock { $0 }
    let (found, next) = try await read { db in try db.untried(from, stuck: stuck, limit: Self.watchSweep) }
    watchWalk.withLock { $0 = next }
    var left = found[...]
    while !left.isEmpty {
      let group = left.prefix(Self.watchGroup)
      left = left.dropFirst(group.count)
      try await write { context in
        for row in group { try context.watchResult(seq: row.seq, endpoint: row.endpoint, isGivenUp: false) }
      }
    }
    try await forgetArrived()
  }

  private func forgetArrived() async throws(StoreError) {
    let from = forgetWalk.withLock { $0 }
    let (over, next) = try await read { db in
      let page = try db.all(UndeliveredSQL.page, .int(from), .int(Int64(Self.watchSweep))) { $0.int(0) }
      let over = try page.filter { try db.first(UndeliveredSQL.isOver, .int($0), body: { _ in true }) == true }
      return (over, page.count == Self.watchSweep ? page[page.count - 1] : 0)
    }
    forgetWalk.withLock { $0 = next }
    var left = over[...]
    while !left.isEmpty {
      let group = left.prefix(Self.watchGroup)
      left = left.dropFirst(group.count)
      try await write { context in
        for request in group { try context.db.run(UndeliveredSQL.forget, .int(request)) }
      }
    }
  }
}

extension Database {
  /// - Parameter limit: of the rows looked at, over all endpoints.
  fileprivate func untried(
    _ from: PruneWalk, stuck: [Int64], limit: Int
  ) throws -> (found: [(endpoint: Int64, seq: Int64)], next: PruneWalk) {
    var found: [(endpoint: Int64, seq: Int64)] = []
    var left = limit
    let off = try all(UndeliveredSQL.endpointsOff, .int(from.endpoint), body: { $0.int(0) })
    for endpoint in Set(off + stuck.filter { $0 >= from.endpoint }).sorted() {
      let (request, seq) = endpoint == from.endpoint ? (from.request, from.seq) : (0, 0)
      let rows = try all(UndeliveredSQL.untried, .int(endpoint), .int(request), .int(seq), .int(Int64(left))) {
        (request: $0.int(0), seq: $0.int(1), type: $0.text(2), attempts: $0.int(3), isKnown: $0.int(4) == 1)
      }
      found += rows.filter { $0.attempts == 0 && !$0.isKnown && EventType(rawValue: $0.type)?.isResult == true }
        .map { (endpoint, $0.seq) }
      left -= rows.count
      if left <= 0, let last = rows.last {
        return (found, PruneWalk(endpoint: endpoint, seq: last.seq, request: last.request))
      }
    }
    return (found, PruneWalk())
  }
}
