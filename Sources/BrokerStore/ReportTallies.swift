internal import BrokerDomain
internal import GRDB

/// Keeps the tallies of reports. Events are counted when they are filed, some hundreds at once (`Filing`): nothing is
/// written for a report while a request is on its way. Readers count the few that are not filed yet themselves.
///
/// A calendar that changes later moves no figure: the days of an answer are counted by the calendar that was known when
/// it was filed, as its deadline is.
enum ReportSQL: String, CaseIterable {
  case through = "SELECT through FROM report_filing"
  case advance = "UPDATE report_filing SET through = $1"
  /// What counts among the events after `$1`, up to `$2`, with the request as it was then: the past that replaced it,
  /// or the present. Being submitted counts for the sender, and only when it says that it was late. A transfer is told by
  /// what it was before, for it ends the turn of the organ that had it; a ruling that leaves it there ends none. Who asked
  /// for particulars in this turn had said that he has it. Being closed counts for the organ that asked, where the clock ran
  /// on with it, and so does being sent on then, also where a ruling sends it back to the organ that had returned it.
  case finishes = """
    SELECT e.type, e.at, CASE e.type WHEN 'request.transferred' THEN p.responder
        WHEN 'request.submitted' THEN e.requester ELSE e.responder END, r.procedure,
      coalesce(r.item, ''), r.received_at, coalesce(p.due_at, r.due_at),
      CASE WHEN p.request IS NULL THEN r.progress ELSE p.progress END,
      CASE WHEN e.type = 'request.declined' AND json_valid(e.data)
        THEN json_extract(e.data, '$.reasonCode') END, r.procedure_version,
      coalesce(CASE WHEN p.request IS NULL THEN r.acknowledged_at ELSE p.acknowledged_at END,
        CASE WHEN e.type <> 'request.supplement-asked'
          AND CASE WHEN p.request IS NULL THEN r.progress ELSE p.progress END IS NOT NULL
        THEN (SELECT s.at FROM event s WHERE s.request = e.request AND s.seq < e.seq
          AND s.type = 'request.supplement-asked' AND NOT EXISTS (
            SELECT 1 FROM event t WHERE t.request = e.request AND t.seq > s.seq AND t.seq < e.seq
              AND t.type = 'request.transferred' AND instr(t.data, '"kept":true') = 0)) END),
      e.requester
    FROM event e CROSS JOIN request r ON r.key = e.request
    LEFT JOIN request_past p ON p.request = e.request AND p.version = (
      SELECT q.version FROM request_past q
      WHERE q.request = e.request AND q.version >= e.version - (e.type = 'request.transferred')
      ORDER BY q.version LIMIT 1)
    WHERE e.seq > $1 AND e.seq <= $2 AND (e.type IN ('request.acknowledged', 'request.supplement-asked', 'request.answered',
        'request.declined', 'request.returned', 'request.transferred', 'request.withdrawn')
      OR e.type = 'request.submitted' AND instr(e.data, '"late":true')
      OR e.type = 'request.closed' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL)
      AND (e.type <> 'request.transferred' OR p.responder <> e.responder
        OR iif(json_valid(p.progress), json_extract(p.progress, '$.runsOn'), NULL) IS NOT NULL)
    """
  case cell = "SELECT id FROM report_cell WHERE organ = $1 AND procedure = $2 AND item = $3 AND measure = $4"
  case openCell = "INSERT INTO report_cell (organ, procedure, item, measure) VALUES ($1, $2, $3, $4)"
  case count = """
    INSERT INTO report_tally (span, start, cell, days, count) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (span, start, cell, days) DO UPDATE SET count = count + excluded.count
    """
  case cells = "SELECT id, organ, procedure, item, measure FROM report_cell"
  case tallies = "SELECT start, cell, days, count FROM report_tally WHERE span = $1 AND start >= $2 AND start < $3"
  /// What an organ has before it, by the list of what is filed; what it returned is no longer its turn.
  case open = """
    SELECT r.key, r.tail, r.responder, r.procedure, coalesce(r.item, ''), r.state, r.received_at, r.due_at, r.due_day,
      r.reference, r.progress
    FROM filed_request f CROSS JOIN request r ON r.key = f.request
    WHERE f.organ = $1 AND f.role = 1 AND f.open = 1 AND f.request < $2
      AND r.open = 1 AND r.responder = $1 AND r.state <> 'returned'
    """
  /// What lies returned with the organ that asked, on a clock that runs on: of all of them, filed or not.
  case returned = """
    SELECT r.key, r.tail, r.requester, r.procedure, coalesce(r.item, ''), r.state, r.received_at, r.due_at, r.due_day,
      r.reference, r.progress
    FROM request r
    WHERE r.requester = $1 AND r.state = 'returned' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL
      AND iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NULL
    """
  /// What an organ has before it in requests with events that are not filed yet, whoever has them; a row for each such event, because
  /// DISTINCT would have SQLite read an index of all events for it.
  case unfiledOpen = """
    SELECT r.key, r.tail, r.responder, r.procedure, coalesce(r.item, ''), r.state, r.received_at, r.due_at, r.due_day,
      r.reference, r.progress
    FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > (SELECT through FROM filing) AND r.open = 1 AND r.state <> 'returned' AND NOT EXISTS (
      SELECT 1 FROM filed_request f
      WHERE f.organ = r.responder AND f.role = 1 AND f.open = 1 AND f.request = r.key)
    """
}

enum ReportSpan: Int64 { case day = 0, month = 1 }

/// Where a finish is counted.
struct ReportCell: Hashable {
  let organ: Int64
  let procedure: String
  /// Empty for none.
  let item: String
  let measure: Measure
}

struct ReportCount: Hashable {
  let cell: ReportCell
  /// The day of receipt.
  let day: CalendarDate
  let days: Int
}

/// What some events come to.
struct ReportCounts: Equatable {
  var tallies: [ReportCount: Int] = [:]
  var lateEnds: [LateEndCount: Int] = [:]
}

extension Database {
  func reportedThrough() throws -> Int64 { try first(ReportSQL.through) { $0.int(0) } ?? 0 }

  /// What the events after `after` come to, up to and including `through`, but for those that cannot be read.
  func reportCounts(
    after: Int64, through: Int64, _ reference: Reference, _ damagedRows: DamagedRows? = nil
  ) throws -> ReportCounts {
    var counts = ReportCounts()
    try each(ReportSQL.finishes, [.int(after), .int(through)]) { row in
      guard let type = EventType(rawValue: row.text(0)), let progress = Progress(encoded: row.optionalBytes(7)) else {
        let error = StoreError.damaged(
          file: StoreError.database, "\(row.text(0)) at \(Instant(milliseconds: row.int(1)).rfc3339) cannot be read")
        damagedRows?.note(error, "it is counted in no report")
        return
      }
      let finish = Self.finish(type, row, progress, reference)
      func count(_ measure: Measure, days: Int = 0) {
        let cell = ReportCell(organ: row.int(2), procedure: row.text(3), item: row.text(4), measure: measure)
        counts.tallies[ReportCount(cell: cell, day: finish.receivedOn, days: days), default: 0] += 1
      }
      // By the calendar of that moment, as the region is the one of then: what is announced later moves no figure.
      let calendar = reference.calendar(at: finish.at)
      if let (measure, days) = finish.counted(calendar, clock: reference.calendar(at: finish.clockEnd)) {
        count(measure, days: days)
      }
      finish.acknowledgement(calendar).map { count($0) }
      if let how = finish.lateEnd {
        let late = LateEndCount(
          day: finish.at.date, received: finish.heldSince, organ: row.int(how == .letGo ? 11 : 2),
          procedure: row.text(3), how: how)
        counts.lateEnds[late, default: 0] += 1
      }
    }
    return counts
  }

  /// Columns in the order of `ReportSQL.finishes`.
  private static func finish(
    _ type: EventType, _ row: SQLRow, _ progress: Progress, _ reference: Reference
  ) -> Finish {
    let at = Instant(milliseconds: row.int(1))
    let procedure = reference.procedure(row.text(3), version: Int(row.int(9)))
    let (organ, keepsClock) = (reference.organ(number: row.int(2)), procedure?.handover == .keeps)
    let first = keepsClock ? progress.transfers.first.flatMap { reference.organ($0.from) } : nil
    return Finish(
      type: type, at: at, receivedAt: Instant(milliseconds: row.int(5)), progress: progress,
      dueAt: Instant(milliseconds: row.int(6)), reasonCode: row.optionalText(8), region: organ?.region(at: at),
      clockRegion: (first ?? organ)?.region(at: progress.bindsSender ? at : progress.metAt ?? at),
      keepsClock: keepsClock, acknowledgeDays: procedure?.acknowledgeDays, wasAcknowledged: !row.isNull(10))
  }

  /// Counts the events up to `through` that are not counted yet.
  func tallyReports(through: Int64, _ reference: Reference, _ damagedRows: DamagedRows) throws {
    let counts = try reportCounts(after: try reportedThrough(), through: through, reference, damagedRows)
    var ids: [ReportCell: Int64] = [:]
    var rows: [TallyRow: Int64] = [:]
    for (key, count) in counts.tallies {
      let cell = try ids[key.cell] ?? reportCell(key.cell)
      ids[key.cell] = cell
      for (span, start) in [(ReportSpan.day, key.day), (.month, key.day.firstOfMonth)] {
        let row = TallyRow(
          span: span.rawValue, start: Int64(start.dayNumber), cell: cell, days: Int64(key.days))
        rows[row, default: 0] += Int64(count)
      }
    }
    // In the order of the tree, so that neighbours share their pages.
    for (row, count) in rows.sorted(by: { $0.key < $1.key }) {
      try run(ReportSQL.count, .int(row.span), .int(row.start), .int(row.cell), .int(row.days), .int(count))
    }
    try add(counts.lateEnds)
    try run(ReportSQL.advance, .int(through))
  }

  private func reportCell(_ cell: ReportCell) throws -> Int64 {
    let values: [SQLValue] = [
      .int(cell.organ), .text(cell.procedure), .text(cell.item), .text(cell.measure.name),
    ]
    var id: Int64?
    try each(ReportSQL.cell, values) { id = $0.int(0) }
    if let id { return id }
    try each(ReportSQL.openCell, values) { _ in }
    return lastInsertedRowID
  }
}

private struct TallyRow: Hashable, Comparable {
  let span: Int64
  let start: Int64
  let cell: Int64
  let days: Int64

  static func < (a: Self, b: Self) -> Bool {
    (a.span, a.start, a.cell, a.days) < (b.span, b.start, b.cell, b.days)
  }
}

extension Store {
  /// Events that one transaction counts when a database of an older version is opened.
  private static let reportBatch: Int64 = 4096

  /// Counts what was recorded before there were tallies, or all of them, when the daemon opens its database and before it takes any
  /// request: batch by batch, each on disk by itself, so that a start that is cut short goes on where it ended. A
  /// database whose tallies are kept has nothing to do here.
  static func buildReports(_ pool: DatabasePool, _ reference: Reference, _ damagedRows: DamagedRows) throws {
    while true {
      let isDone = try pool.write { db in
        let filed = try db.first(FilingSQL.through) { $0.int(0) } ?? 0
        let through = try db.reportedThrough()
        guard through < filed else { return true }
        if through == 0 { try db.run(LateEndSQL.forget) }
        try db.tallyReports(through: min(filed, through + reportBatch), reference, damagedRows)
        return false
      }
      if isDone { return }
    }
  }
}
