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

/// An event that is not filed yet, as far as filing asks.
struct UnfiledEvent {
  let seq: Int64
  let request: Int64
  let requester: Int64
  let responder: Int64
  /// Nil for one that cannot be read: the request is looked at as after any other event.
  let type: EventType?
  let isRung: Bool
  let isLate: Bool

  init(
    seq: Int64, request: Int64, requester: Int64, responder: Int64, type: EventType?, isRung: Bool, isLate: Bool
  ) {
    (self.seq, self.request, self.requester, self.responder) = (seq, request, requester, responder)
    (self.type, self.isRung, self.isLate) = (type, isRung, isLate)
  }

  /// Columns in the order of `FilingSQL.unfiled`.
  fileprivate init(_ row: SQLRow, _ damagedRows: DamagedRows) {
    let type = EventType(rawValue: row.text(4))
    if type == nil {
      let error = StoreError.damaged(file: StoreError.database, "event \(row.int(0)) is of no known type")
      damagedRows.note(error, "it is filed, and in no report")
    }
    self.init(
      seq: row.int(0), request: row.int(1), requester: row.int(2), responder: row.int(3), type: type,
      isRung: row.int(5) == 1, isLate: row.int(6) == 1)
  }

  /// A rung, and a calendar that moves a deadline, leave a request where it is filed; they come by the ten thousand.
  fileprivate var movesRequest: Bool { !isRung && type != .deadlineChanged }

  /// Nothing but that it was opened, in time.
  fileprivate var isMereOpening: Bool { isOpening && !isLate }

  fileprivate var isOpening: Bool { type == .submitted }
}

extension WriteContext {
  /// Files what is unfiled when there is enough of it. Called once in each group, before its commit.
  func fileEvents(every: Int64 = Int64(Filing.every)) throws {
    guard let newest = notedSeq else { return }
    if filedThrough == nil { filedThrough = try db.first(FilingSQL.through) { $0.int(0) } ?? 0 }
    guard let filed = filedThrough, newest - filed >= every else { return }
    let events = try unfiledEvents(after: filed, through: newest)
    try file(events)
    if try fileRequests(of: events) { try fileOverdue(after: filed, of: events) }
    let silent = reference.withoutOverdue
    if !silent.isEmpty {
      let names = silent.map { " \($0.id)/\($0.version) " }.joined()
      try db.run(FilingSQL.silent, .int(filed), .text(names))
    }
    if events.allSatisfy(\.isMereOpening) {
      try db.run(ReportSQL.advance, .int(newest))
    } else {
      try db.tallyReports(through: newest, reference, damagedRows)
    }
    try db.run(FilingSQL.advance, .int(newest))
    filedThrough = newest
    unfiledEvents = []
    noteFiled(through: newest)
  }

  /// Those that were noted when they were written, or read where these are not all: after a start, after a group that was
  /// rolled back, or when another process has written.
  private func unfiledEvents(after filed: Int64, through newest: Int64) throws -> [UnfiledEvent] {
    if let noted = unfiledEvents, noted.count == newest - filed { return noted }
    return try db.all(FilingSQL.unfiled, .int(filed)) { UnfiledEvent($0, damagedRows) }
  }

  private func file(_ events: [UnfiledEvent]) throws {
    var rows: [FiledRow] = []
    rows.reserveCapacity(2 * events.count)
    for event in events {
      rows.append(FiledRow(event.requester, event.seq))
      if event.responder != event.requester { rows.append(FiledRow(event.responder, event.seq)) }
    }
    try db.run(FilingSQL.event, rows: rows.sorted(), columns: 2)
  }

  /// Files requests as they are now.
  /// - Returns: whether anything else happened than that requests were opened.
  private func fileRequests(of events: [UnfiledEvent]) throws -> Bool {
    var moved: Set<Int64> = []
    for event in events where !event.isOpening && event.movesRequest { moved.insert(event.request) }
    var rows: [FiledRow] = []
    rows.reserveCapacity(2 * events.count)
    func add(_ request: Int64, requester: Int64, responder: Int64, open: Int64) {
      rows.append(FiledRow(requester, 0, open, request))
      rows.append(FiledRow(responder, 1, open, request))
    }
    for event in events where event.isOpening && !moved.contains(event.request) {
      add(event.request, requester: event.requester, responder: event.responder, open: 1)
    }
    for request in moved.sorted() {
      let now = try db.first(FilingSQL.standing, .int(request)) { ($0.int(0), $0.int(1), $0.int(2)) }
      guard let (requester, responder, open) = now else { continue }
      add(request, requester: requester, responder: responder, open: open)
      guard open == 0 else { continue }
      // What was filed as open and has been closed since is filed anew.
      try db.run(FilingSQL.takeOut, .int(requester), .int(0), .int(request))
      try db.run(FilingSQL.takeOut, .int(responder), .int(1), .int(request))
    }
    try db.run(FilingSQL.request, rows: rows.sorted(), columns: 4)
    return !events.allSatisfy(\.isOpening)
  }

  /// Keeps the list of what is overdue; see `OverdueSQL` for what has to be in it. What is in it stays until its clock
  /// stops, also when its deadline is moved: it may run out again without a word.
  private func fileOverdue(after filed: Int64, of events: [UnfiledEvent]) throws {
    // Who gave it to another organ has it no longer.
    let former =
      events.contains { $0.type == .transferred }
      ? try db.all(FilingSQL.transferred, .int(filed)) { (organ: $0.int(0), request: $0.int(1)) } : []
    for (organ, request) in former { try db.run(FilingSQL.takeFrom, .int(organ), .int(request)) }
    // Rungs alone stop no clock.
    let stopped =
      events.contains { !$0.isOpening && $0.movesRequest }
      ? try db.all(FilingSQL.stopped, .int(filed)) { ($0.int(0), $0.int(1), $0.int(2)) } : []
    for (requester, responder, request) in stopped {
      try db.run(FilingSQL.takeFromOverdue, .int(requester), .int(0), .int(request))
      try db.run(FilingSQL.takeFromOverdue, .int(responder), .int(1), .int(request))
    }
    for (organ, request) in former { try db.run(FilingSQL.takeFromOverdue, .int(organ), .int(1), .int(request)) }
    let overdue = try db.all(FilingSQL.overdue, .int(filed), .int(now.milliseconds)) {
      ($0.int(0), $0.int(1), $0.int(2))
    }
    let rows = overdue.flatMap { [FiledRow($0.0, 0, $0.2), FiledRow($0.1, 1, $0.2)] }
    try db.run(FilingSQL.putIntoOverdue, rows: rows.sorted(), columns: 3)
  }
}

/// A row that cannot be read must not keep the others from being filed, and with them everybody's writes: what is no JSON
/// counts as nothing.
enum FilingSQL: String, CaseIterable {
  case through = "SELECT through FROM filing"
  case advance = "UPDATE filing SET through = $1"
  case unfiled = """
    SELECT seq, request, requester, responder, type, rung IS NOT NULL, instr(data, '"late":true') > 0
    FROM event WHERE seq > $1 ORDER BY seq
    """
  case event = "INSERT INTO filed_event (organ, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING"
  case request = """
    INSERT INTO filed_request (organ, role, open, request) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
    """
  case standing = "SELECT requester, responder, open FROM request WHERE key = $1"
  case takeOut = "DELETE FROM filed_request WHERE organ = $1 AND role = $2 AND open = 1 AND request = $3"
  case transferred = """
    SELECT DISTINCT b.responder, r.key
    FROM event e CROSS JOIN request r ON r.key = e.request CROSS JOIN event b ON b.request = r.key
    WHERE e.seq > $1 AND e.type = 'request.transferred' AND b.responder <> r.responder
    """
  case takeFrom = "DELETE FROM filed_request WHERE organ = $1 AND role = 1 AND open IN (0, 1) AND request = $2"
  /// In the list of what is overdue, and no longer on the clock. Only a new clock, with a ladder of its own, starts it
  /// again.
  case stopped = """
    SELECT DISTINCT r.requester, r.responder, r.key
    FROM event e CROSS JOIN request r ON r.key = e.request CROSS JOIN filed_overdue o
    WHERE e.seq > $1 AND e.version > 1 AND e.rung IS NULL AND e.type <> 'request.deadline-changed'
      AND (NOT (r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL)
        OR iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NOT NULL)
      AND o.organ = r.requester AND o.role = 0 AND o.request = r.key
    """
  case takeFromOverdue = "DELETE FROM filed_overdue WHERE organ = $1 AND role = $2 AND request = $3"
  /// A submission is not looked at: what is overdue from the beginning has a timer that is due.
  case overdue = """
    SELECT r.requester, r.responder, r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > $1 AND (e.version > 1 OR e.rung IS NOT NULL) AND (e.type = 'request.overdue' OR r.due_at <= $2)
      AND (r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL)
      AND iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NULL
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
        OR r.state = 'returned' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL)
      AND iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NULL
    UNION
    SELECT r.responder, 1, r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > $1 AND instr($2, ' ' || r.procedure || '/' || r.procedure_version || ' ') > 0
      AND (r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL)
      AND iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NULL
    ON CONFLICT DO NOTHING
    """
}
