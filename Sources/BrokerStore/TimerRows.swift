package import BrokerDomain
internal import GRDB

enum TimerSQL: String, CaseIterable {
  case earliest = "SELECT due_at FROM timer ORDER BY due_at LIMIT 1"
  case due = "SELECT due_at, request, rung FROM timer WHERE due_at <= $1 ORDER BY due_at, request LIMIT $2"
  case delete = "DELETE FROM timer WHERE due_at = $1 AND request = $2 AND rung = $3"
  /// Open requests with no timer but one for people, and the last rung that fired (0 for none).
  case unarmed = """
    SELECT r.key, coalesce((SELECT max(e.rung) FROM event e WHERE e.request = r.key AND e.rung IS NOT NULL), 0)
    FROM request r WHERE r.open = 1 AND r.key NOT IN (SELECT request FROM timer WHERE rung < 10000000)
    """
  case hasFired = "SELECT 1 FROM event WHERE request = $1 AND rung = $2 AND rung IS NOT NULL"
}

extension WriteContext {
  /// Takes up to `limit` timers that are due, fires those that still mean something and removes them all.
  /// - Returns: how many rows were taken and how many events they made.
  package func fireDueTimers(limit: Int) throws -> (taken: Int, fired: Int) {
    let now = now
    let due = try db.all(TimerSQL.due, .int(now.milliseconds), .int(Int64(limit))) {
      (at: $0.int(0), request: $0.int(1), rung: $0.int(2))
    }
    var fired = 0
    // Who is told of a rung comes before the next one of the same moment: the leader before the supervisor.
    let (people, machines) = (
      due.filter { RungCode.isForPeople($0.rung) }, due.filter { !RungCode.isForPeople($0.rung) }
    )
    for row in people + machines {
      try db.run(TimerSQL.delete, .int(row.at), .int(row.request), .int(row.rung))
      if let version = UndeliveredTimer.version(row.rung) {
        try listUndelivered(row.request, version: version)
        continue
      }
      guard let code = RungCode(row.rung), let stored = try StoredRequest.load(row.request, db, reference),
        stored.request.isClockRunning, stored.request.progress.leg == code.leg
      else { continue }
      if code.isForPeople {
        // Moved since it was armed: they are told when it is so.
        try tellPeople(of: code.rung, of: stored.request, from: stored.request.moment(of: code.rung, reference))
        continue
      }
      // A rung that has fired before (its event is unique) never fires again, whatever re-armed it; the ladder goes on.
      if try db.first(TimerSQL.hasFired, .int(row.request), .int(row.rung), body: { _ in true }) == true {
        if let next = stored.request.nextTimer(after: code.rung, reference) { try arm(next, of: row.request) }
        continue
      }
      // An extension, or a notice that came out since the rung was armed, may have moved it: the ladder follows.
      let timer = LadderTimer(rung: code.rung, leg: code.leg, at: stored.request.moment(of: code.rung, reference))
      guard timer.at <= now else {
        try arm(timer, of: row.request)
        continue
      }
      guard let decision = stored.request.fire(timer, now: now, reference: reference) else { continue }
      try apply(decision, previous: stored.request)
      try tellPeople(of: code.rung, of: stored.request)
      fired += 1
    }
    return (due.count, fired)
  }
}

extension AssistanceRequest {
  fileprivate func moment(of rung: Rung, _ reference: Reference) -> Instant {
    reference.calendar.moment(
      of: rung, deadline: deadline, region: reference.organ(responder)?.region)
  }
}

extension Database {
  /// How many open requests have rungs of their ladder to come and no timer for them.
  func unarmedRequests(_ reference: Reference) throws -> Int {
    let rows = try all(TimerSQL.unarmed) { (key: $0.int(0), rung: $0.int(1)) }
    return try rows.count { row in
      guard let request = try StoredRequest.load(row.key, self, reference)?.request, request.isClockRunning
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
