internal import BrokerDomain
internal import GRDB

/// Files events under the organs that they concern and requests under their parties: what feeds and lists are read from.
/// Subjects are filed by themselves (`SubjectFiling`).
///
/// These trees are ordered by organ, so a row of theirs lands anywhere. Written with every request they would cost
/// more pages than everything else together; written for some hundreds of events at once, in their own order, they
/// share them. Readers take what is filed and add the events after it (see `Unfiled`), of which there are never more than
/// `every` and one batch.
enum Filing {
  /// Events that may be unfiled before a group files them.
  static let every = 512
}

extension WriteContext {
  /// Files what is unfiled when there is enough of it. Called once in each group, before its commit.
  func fileEvents(every: Int64 = Int64(Filing.every)) throws {
    guard let newest = notedSeq else { return }
    if filedThrough == nil { filedThrough = try db.first(FilingSQL.through) { $0.int(0) } ?? 0 }
    guard let filed = filedThrough, newest - filed >= every else { return }
    try db.run(FilingSQL.events, .int(filed))
    // What was filed as open and has been closed since is filed anew.
    let closed = try db.all(FilingSQL.closed, .int(filed)) { ($0.int(0), $0.int(1), $0.int(2)) }
    for (requester, responder, request) in closed {
      try db.run(FilingSQL.takeOut, .int(requester), .int(0), .int(request))
      try db.run(FilingSQL.takeOut, .int(responder), .int(1), .int(request))
    }
    // Who gave it to another organ has it no longer.
    let transferred = try db.all(FilingSQL.transferred, .int(filed)) {
      (organ: $0.int(0), request: $0.int(1))
    }
    for (former, request) in transferred { try db.run(FilingSQL.takeFrom, .int(former), .int(request)) }
    try db.run(FilingSQL.requests, .int(filed))
    try fileOverdue(after: filed, former: transferred)
    try db.tallyReports(through: newest, reference)
    try db.run(FilingSQL.advance, .int(newest))
    filedThrough = newest
    noteFiled(through: newest)
  }

  /// Keeps the list of what is overdue; see `OverdueSQL` for what has to be in it. What is in it stays until its clock
  /// stops, also when its deadline is moved: it may run out again without a word.
  private func fileOverdue(after filed: Int64, former: [(organ: Int64, request: Int64)]) throws {
    let stopped = try db.all(FilingSQL.stopped, .int(filed)) { ($0.int(0), $0.int(1), $0.int(2)) }
    for (requester, responder, request) in stopped {
      try db.run(FilingSQL.takeFromOverdue, .int(requester), .int(0), .int(request))
      try db.run(FilingSQL.takeFromOverdue, .int(responder), .int(1), .int(request))
    }
    for (organ, request) in former { try db.run(FilingSQL.takeFromOverdue, .int(organ), .int(1), .int(request)) }
    let overdue = try db.all(FilingSQL.overdue, .int(filed), .int(now.milliseconds)) {
      ($0.int(0), $0.int(1), $0.int(2))
    }
    // In the order of the tree.
    for (organ, request) in overdue.map({ ($0.0, $0.2) }).sorted(by: <) {
      try db.run(FilingSQL.putIntoOverdue, .int(organ), .int(0), .int(request))
    }
    for (organ, request) in overdue.map({ ($0.1, $0.2) }).sorted(by: <) {
      try db.run(FilingSQL.putIntoOverdue, .int(organ), .int(1), .int(request))
    }
    let silent = reference.withoutOverdue
    guard !silent.isEmpty else { return }
    let names = silent.map { " \($0.id)/\($0.version) " }.joined()
    try db.run(FilingSQL.silent, .int(filed), .text(names))
  }
}

enum FilingSQL: String, CaseIterable {
  case through = "SELECT through FROM filing"
  case advance = "UPDATE filing SET through = $1"
  case events = """
    INSERT INTO filed_event (organ, seq)
    SELECT requester, seq FROM event WHERE seq > $1 UNION ALL SELECT responder, seq FROM event WHERE seq > $1
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
    """
  case closed = """
    SELECT DISTINCT r.requester, r.responder, r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > $1 AND e.version > 1 AND e.rung IS NULL AND e.type <> 'request.deadline-changed' AND r.open = 0
    """
  case takeOut = "DELETE FROM filed_request WHERE organ = $1 AND role = $2 AND open = 1 AND request = $3"
  case transferred = """
    SELECT DISTINCT b.responder, r.key
    FROM event e CROSS JOIN request r ON r.key = e.request CROSS JOIN event b ON b.request = r.key
    WHERE e.seq > $1 AND e.type = 'request.transferred' AND b.responder <> r.responder
    """
  case takeFrom = "DELETE FROM filed_request WHERE organ = $1 AND role = 1 AND open IN (0, 1) AND request = $2"
  /// A rung, and a calendar that moves a deadline, leave a request where it is filed; they come by the ten thousand.
  case requests = """
    INSERT INTO filed_request (organ, role, open, request)
    SELECT r.requester, 0, r.open, r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > $1 AND e.rung IS NULL AND e.type <> 'request.deadline-changed'
    UNION
    SELECT r.responder, 1, r.open, r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > $1 AND e.rung IS NULL AND e.type <> 'request.deadline-changed'
    ON CONFLICT DO NOTHING
    """
  /// In the list of what is overdue, and no longer on the clock. Only a new clock, with a ladder of its own, starts it
  /// again.
  case stopped = """
    SELECT DISTINCT r.requester, r.responder, r.key
    FROM event e CROSS JOIN request r ON r.key = e.request CROSS JOIN filed_overdue o
    WHERE e.seq > $1 AND e.version > 1 AND e.rung IS NULL AND e.type <> 'request.deadline-changed'
      AND (NOT (r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL)
        OR json_extract(r.progress, '$.metAt') IS NOT NULL)
      AND o.organ = r.requester AND o.role = 0 AND o.request = r.key
    """
  case takeFromOverdue = "DELETE FROM filed_overdue WHERE organ = $1 AND role = $2 AND request = $3"
  /// A submission is not looked at: what is overdue from the beginning has a timer that is due.
  case overdue = """
    SELECT r.requester, r.responder, r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > $1 AND (e.version > 1 OR e.rung IS NOT NULL) AND (e.type = 'request.overdue' OR r.due_at <= $2)
      AND (r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL)
      AND json_extract(r.progress, '$.metAt') IS NULL
    """
  case putIntoOverdue = """
    INSERT INTO filed_overdue (organ, role, request) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
    """
  /// Of procedures whose ladder has no step for it.
  case silent = """
    INSERT INTO filed_overdue (organ, role, request)
    SELECT r.requester, 0, r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > $1 AND instr($2, ' ' || r.procedure || '/' || r.procedure_version || ' ') > 0
      AND (r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL)
      AND json_extract(r.progress, '$.metAt') IS NULL
    UNION
    SELECT r.responder, 1, r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > $1 AND instr($2, ' ' || r.procedure || '/' || r.procedure_version || ' ') > 0
      AND (r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL)
      AND json_extract(r.progress, '$.metAt') IS NULL
    ON CONFLICT DO NOTHING
    """
}
