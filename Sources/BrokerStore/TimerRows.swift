package import BrokerDomain
internal import GRDB

enum TimerSQL: String, CaseIterable {
  case earliest = "SELECT due_at FROM timer ORDER BY due_at LIMIT 1"
  /// With the request, but without what no rung looks at: its content and its subject. Columns as in `RequestSQL.get`,
  /// then those of the timer, and the highest rung of its clock, from its own upwards, that has fired before.
  case due = """
    SELECT r.key, r.tail, r.procedure, r.state, r.version, r.requester, r.responder, r.item, r.received_at,
      r.updated_at, r.due_at, r.due_day, r.working_days, r.provisional, r.acknowledged_at, r.officer,
      r.outcome, NULL, NULL, NULL, NULL, NULL, r.progress, r.procedure_version, t.due_at, t.rung,
      (SELECT max(e.rung) FROM event e
        WHERE e.request = t.request AND e.rung BETWEEN t.rung AND t.rung / 10 * 10 + 9 AND e.rung IS NOT NULL)
    FROM timer t CROSS JOIN request r ON r.key = t.request
    WHERE t.due_at <= $1 ORDER BY t.due_at, t.request, t.rung LIMIT $2
    """
  /// The highest rung of a clock, between two codes, that has fired.
  case highestFired = "SELECT max(rung) FROM event WHERE request = $1 AND rung BETWEEN $2 AND $3 AND rung IS NOT NULL"
  /// Everything up to the last row that was taken: they come in the order of the key.
  case deleteThrough = "DELETE FROM timer WHERE (due_at, request, rung) <= ($1, $2, $3)"
  case postpone = "UPDATE OR REPLACE timer SET due_at = $1 WHERE due_at = $2 AND request = $3 AND rung = $4"
  /// Open requests with no timer but one for people, and the last rung that fired (0 for none).
  case unarmed = """
    SELECT r.key, coalesce((SELECT max(e.rung) FROM event e WHERE e.request = r.key AND e.rung IS NOT NULL), 0)
    FROM request r WHERE r.open = 1 AND r.key NOT IN (SELECT request FROM timer WHERE rung < 10000000)
    """
}

extension WriteContext {
  /// Takes up to `limit` timers that are due, fires those that still mean something and removes them all.
  /// - Returns: how many events they made, and whether more may be due: beyond the limit, or armed just now.
  package func fireDueTimers(limit: Int) throws -> (fired: Int, isMoreDue: Bool) {
    let (due, isFull) = try takeDueTimers(limit: limit)
    let now = now
    var fired = 0
    // What fires in this very group was not yet seen by the read.
    var here: [Int64: Int64] = [:]
    var before: (timer: LadderTimer, decision: Decision, data: [UInt8])?
    // Who is told of a rung comes before the next one of the same moment: the leader before the supervisor.
    let order =
      due.indices.filter { RungCode.isForPeople(due[$0].code) }
      + due.indices.filter { !RungCode.isForPeople(due[$0].code) }
    for index in order {
      let row = due[index]
      let request = row.request
      if let version = UndeliveredTimer.version(row.code) {
        try listUndelivered(request.id.key, version: version)
        continue
      }
      if RulingTimer.isOne(row.code) {
        try tellArbiter(of: request, row.code)
        continue
      }
      if let seq = ReminderTimer.seq(row.code) {
        try tellStillReminded(request, seq: seq)
        continue
      }
      guard let code = RungCode(row.code), request.isLadderRunning, request.progress.leg == code.leg else { continue }
      if code.isForPeople {
        // Moved since it was armed: they are told when it is so.
        try tellPeople(of: code.rung, of: request, from: request.moment(of: code.rung, reference))
        continue
      }
      // A rung that has fired before (its event is unique) never fires again, whatever re-armed it, nor does one below
      // it, whose timer a moved deadline left behind; the ladder goes on.
      if let fired = row.highestFired(here[request.id.key]).flatMap({ RungCode($0) }) {
        if let next = request.nextTimer(after: fired.rung, reference) { try arm(next, of: request.id.key) }
        continue
      }
      let like = before.flatMap {
        $0.timer.rung == code.rung && request.isAlike($0.decision.request, for: $0.timer, reference) ? $0 : nil
      }
      // An extension, or a notice that came out since the rung was armed, may have moved it: the ladder follows.
      let timer =
        like?.timer ?? LadderTimer(rung: code.rung, leg: code.leg, at: request.moment(of: code.rung, reference))
      guard timer.at <= now else {
        try arm(timer, of: request.id.key)
        continue
      }
      let fires = like.map { request.fire(timer, like: $0.decision) }
      guard let decision = fires ?? request.fire(timer, now: now, reference: reference) else { continue }
      let data = like?.data ?? decision.event.data.bytes
      before = (timer, decision, data)
      try apply(decision, previous: request, data: data)
      try tellPeople(of: code.rung, of: request)
      here[request.id.key] = row.code
      fired += 1
    }
    return (fired, isFull || earliestArmed.map { $0 <= now } == true)
  }
}

extension WriteContext {
  /// Fires what the keeper has not come to yet of a request that is moved after its due moment: what came late is told to
  /// have been late, also where that comes within the same second, or right after a start.
  func fireMissed(_ request: AssistanceRequest, at moment: Instant) throws {
    let leg = Int64(request.progress.leg) * 10
    let fired = try db.first(TimerSQL.highestFired, .int(request.id.key), .int(leg), .int(leg + 9)) {
      $0.optionalInt(0)
    }
    var last = fired.flatMap(\.self).flatMap { RungCode($0)?.rung }
    while let timer = request.nextTimer(after: last, reference), timer.at <= moment,
      let decision = request.fire(timer, now: moment, reference: reference)
    {
      try apply(decision, previous: request)
      try tellPeople(of: timer.rung, of: request)
      last = timer.rung
    }
  }

  /// For how long a timer is left alone whose request cannot be read: it may be mended by then.
  private static let mendingMilliseconds: Int64 = 3_600_000

  /// Takes timers that are due out of the table. One whose request cannot be read is put off instead, and the others go
  /// on.
  /// - Returns: those that can be fired, and whether there were as many as the limit.
  private func takeDueTimers(limit: Int) throws -> (due: [DueTimer], isFull: Bool) {
    var (due, unreadable): ([DueTimer], [FiledRow]) = ([], [])
    try db.each(TimerSQL.due, [.int(now.milliseconds), .int(Int64(limit))]) { row in
      if let timer = try damagedRows.passing("no deadline of it is watched", { try DueTimer(row, reference) }) {
        due.append(timer)
      } else {
        unreadable.append(FiledRow(row.int(24), row.int(0), row.int(25)))
      }
    }
    let isFull = due.count + unreadable.count == limit
    let until = now + Self.mendingMilliseconds
    for timer in unreadable {
      let (at, request, code) = (timer.columns[0], timer.columns[1], timer.columns[2])
      try db.run(TimerSQL.postpone, .int(until.milliseconds), .int(at), .int(request), .int(code))
    }
    if !unreadable.isEmpty { noteTimer(at: until) }
    if isFull { due.removeLast(DueTimer.begun(due)) }
    if let last = due.last {
      try db.run(TimerSQL.deleteThrough, .int(last.at), .int(last.request.id.key), .int(last.code))
    }
    return (due, isFull)
  }
}

/// A timer that is due, with its request as far as a rung looks at it: a rung changes nothing of the request.
private struct DueTimer {
  /// Without content.
  let request: AssistanceRequest
  let at: Int64
  let code: Int64
  private let fired: Int64?

  /// Columns in the order of `TimerSQL.due`.
  init(_ row: SQLRow, _ reference: Reference) throws {
    request = try StoredRequest(row, reference).request
    (at, code, fired) = (row.int(24), row.int(25), row.optionalInt(26))
  }

  /// The highest rung of the same clock, this one or above it, that has fired; nil while none has.
  /// - Parameter here: the last one of the request that fired since the row was read.
  func highestFired(_ here: Int64?) -> Int64? {
    [fired, here.flatMap { $0 >= code ? $0 : nil }].compactMap(\.self).max()
  }

  /// How many at the end are of one request and one moment, of which more may follow: what is told of them has an order
  /// and is not torn apart, unless there is nothing else.
  static func begun(_ due: [DueTimer]) -> Int {
    guard let last = due.last else { return 0 }
    let count = due.reversed().prefix { $0.at == last.at && $0.request.id == last.request.id }.count
    return count == due.count ? 0 : count
  }
}

extension Database {
  /// How many open requests have rungs of their ladder to come and no timer for them.
  func unarmedRequests(_ reference: Reference) throws -> Int {
    let rows = try all(TimerSQL.unarmed) { (key: $0.int(0), rung: $0.int(1)) }
    return rows.count { row in
      // One that cannot be read is told of as that.
      guard let request = (try? StoredRequest.load(row.key, self, reference))?.request, request.isLadderRunning
      else { return false }
      // What fired last may belong to an earlier clock.
      let last = RungCode(row.rung).flatMap { $0.leg == request.progress.leg ? $0.rung : nil }
      let next = request.nextTimer(after: last, reference)
      return next != nil
    }
  }
}

extension Store {
  package func earliestTimer() async throws(StoreError) -> Instant? {
    try await read { db in
      try db.first(TimerSQL.earliest) { Instant(milliseconds: $0.int(0)) }
    }
  }
}
