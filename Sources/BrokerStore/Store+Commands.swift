package import BrokerDomain
internal import GRDB
internal import Glibc

/// What the command line does to a database, beside a running daemon or without one.
extension Store {
  /// - Parameter terms: from when on a list holds; of no meaning for organs and calendars.
  /// - Throws: `ImportError.rows` with every bad row; then nothing was written.
  package func importFile(
    _ kind: ReferenceKind, _ bytes: [UInt8], _ terms: ListTerms = ListTerms()
  ) throws(ImportError) -> ImportReport {
    let now = clock.now
    if let fault = terms.fault(today: now.date) { throw .store(.wrongMode(fault)) }
    var file = try ReferenceFile(bytes)
    let reference = terms.effectiveFrom.map { self.reference.inForce(at: $0.midnight) } ?? self.reference
    let batch = try file.batch(kind, reference)
    let table = file.table
    var report = ImportReport(rows: table.rows.count, ignoredColumns: file.ignoredColumns)
    do {
      report = try pool.write { db in
        var report = report
        try db.write(batch, terms, now: now, report: &report)
        try db.setMeta(kind.form, CSVForm(bytes, columns: table.header).text)
        let sheet = try db.sheet(kind, version: report.version?.number ?? 0, reference)
        try db.keep(table, keys: batch.keys, of: kind, as: sheet)
        return report
      }
      let before = Set(self.reference.unusableEntries)
      try reload()
      report.unusable = self.reference.unusableEntries.filter { !before.contains($0) }
    } catch let waiting as WaitingVersion {
      throw .store(.wrongMode("\(waiting.detail.zh) / \(waiting.detail.en)"))
    } catch {
      throw .store(StoreError.from(error))
    }
    return report
  }

  /// - Returns: the key, shown once, and its id.
  package func createKey(organ: Int64?) throws(StoreError) -> (key: String, id: Int64) {
    let key = APIKey.generate()
    let id = try writeNow { db in
      let id = try db.insertKey(key, organ: organ, at: BrokerClock.wall)
      try db.run(ReferenceSQL.bump)
      return id
    }
    return (key, id)
  }

  package func keys() throws(StoreError) -> [KeyRecord] {
    try readNow { db in
      try db.all(KeySQL.list) {
        KeyRecord(
          id: $0.int(0), organ: $0.optionalInt(1), createdAt: Instant(milliseconds: $0.int(2)),
          revokedAt: $0.optionalInt(3).map { Instant(milliseconds: $0) })
      }
    }
  }

  /// - Returns: false when there is no such key, or it was revoked before.
  package func revokeKey(_ id: Int64) throws(StoreError) -> Bool {
    try writeNow { db in
      try db.run(KeySQL.revoke, .int(BrokerClock.wall.milliseconds), .int(id))
      let revoked = db.changesCount == 1
      try db.run(ReferenceSQL.bump)
      return revoked
    }
  }

  /// A daemon runs on this directory.
  package var hasDaemon: Bool { InstanceLock.isHeld(directory: directory) }

  /// Waits until a running daemon works with what was just changed. Returns false when none took it up in time.
  package func awaitDaemon(timeoutMilliseconds: Int = 5000) -> Bool {
    guard InstanceLock.isHeld(directory: directory) else { return true }
    let deadline = monotonicMicroseconds() + Int64(timeoutMilliseconds) * 1000
    while monotonicMicroseconds() < deadline {
      let same = try? readNow { db in
        try db.meta(.referenceGeneration) == db.meta(.loadedGeneration)
      }
      if same == true { return true }
      usleep(20_000)
    }
    return false
  }

  /// Reads the whole file and holds rows against each other. Empty when all is well.
  package func verify() throws(StoreError) -> [Phrase] {
    let reference = reference
    return try readNow { db in
      var faults = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)").filter { $0 != "ok" }
        .map { Phrase("数据库文件有误", $0) }
      for row in try Row.fetchAll(db, sql: "PRAGMA foreign_key_check") {
        faults.append(Phrase("外键没有对应的行", "foreign key: \(row)"))
      }
      func add(_ what: Phrase, _ rows: Int64) {
        if rows > 0 { faults.append(Phrase("\(what.zh)：\(rows)行", "\(what.en): \(Phrase.count(rows, "row"))")) }
      }
      for check in VerifySQL.allCases { add(check.words, try db.first(check) { $0.int(0) } ?? 0) }
      add(
        Phrase("所在段的过滤器未收录的当事人", "subjects that the filter of their run does not know"),
        Int64(try db.subjectsBesideTheirFilter()))
      add(Phrase("没有定时的未办结请求", "open requests without a timer"), Int64(try db.unarmedRequests(reference)))
      let wrong = try db.wrongReports(reference)
      add(Phrase("与事件逐日核对不符的统计", "tallies of a day that disagree with the events"), wrong.tallies)
      add(
        Phrase("逾期办理的统计与事件不符", "figures of what ended late that disagree with the events"), wrong.lateEnds)
      faults += try db.unreadableRows(reference)
      return faults
    }
  }

  func writeNow<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
    do {
      return try pool.write(body)
    } catch {
      throw StoreError.from(error)
    }
  }

  /// Rows per table, for a report and for comparing a backup with its origin.
  package func counts() throws(StoreError) -> [(table: String, rows: Int64)] {
    try readNow { db in
      try CountSQL.allCases.map { ("\($0)", try db.first($0) { $0.int(0) } ?? 0) }
    }
  }
}

/// What must never be true of the rows, whatever happened. Each counts the rows that break it.
enum VerifySQL: String, CaseIterable {
  /// Each version came about by an event of its own, beginning with the one by which it was submitted.
  case requestWithoutAnEvent = """
    SELECT count(*) FROM request r WHERE (
        SELECT count(DISTINCT e.version) FROM event e WHERE e.request = r.key AND e.version BETWEEN 1 AND r.version
      ) <> r.version
      OR NOT EXISTS (SELECT 1 FROM event e WHERE e.request = r.key AND e.type = 'request.submitted')
    """
  case requestWithoutItsLastEvent = """
    SELECT count(*) FROM request r WHERE NOT EXISTS (
      SELECT 1 FROM event e WHERE e.request = r.key AND e.version = r.version AND e.state = r.state)
    """
  /// In both directions: a row that is not counted, and a count without rows.
  case tallyThatDisagrees = """
    SELECT count(*) FROM (
      SELECT procedure, state FROM (
        SELECT procedure, state, 1 AS n FROM request
        UNION ALL SELECT r.procedure, 'overdue', 1 FROM request r
          JOIN event e ON e.request = r.key AND e.rung = 3 + 10 * coalesce(iif(json_valid(r.progress), json_extract(r.progress, '$.leg'), NULL), 0)
          WHERE (r.state IN ('submitted', 'acknowledged')
            OR r.state = 'returned' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL)
            AND iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NULL
        UNION ALL SELECT procedure, state, -count FROM tally
      ) c GROUP BY procedure, state HAVING sum(n) <> 0
    ) d
    """
  /// Filed under its organs when it is old enough to be.
  case eventFiledNowhere = """
    SELECT count(*) FROM event e WHERE e.seq <= (SELECT through FROM filing) AND (
      NOT EXISTS (SELECT 1 FROM filed_event f WHERE f.organ = e.requester AND f.seq = e.seq)
      OR NOT EXISTS (SELECT 1 FROM filed_event f WHERE f.organ = e.responder AND f.seq = e.seq))
    """
  case requestFiledWrongly = """
    SELECT count(*) FROM request r WHERE NOT EXISTS (
      SELECT 1 FROM event e WHERE e.request = r.key AND e.seq > (SELECT through FROM filing))
    AND (NOT EXISTS (SELECT 1 FROM filed_request f
        WHERE f.organ = r.requester AND f.role = 0 AND f.open = r.open AND f.request = r.key)
      OR NOT EXISTS (SELECT 1 FROM filed_request f
        WHERE f.organ = r.responder AND f.role = 1 AND f.open = r.open AND f.request = r.key)
      OR EXISTS (SELECT 1 FROM filed_request f
        WHERE f.organ = r.requester AND f.role = 0 AND f.open <> r.open AND f.request = r.key)
      OR EXISTS (SELECT 1 FROM filed_request f
        WHERE f.organ = r.responder AND f.role = 1 AND f.open <> r.open AND f.request = r.key))
    """
  case subjectFiledNowhere = """
    SELECT count(*) FROM subject s WHERE s.request <= (SELECT max(through) FROM subject_run) AND NOT EXISTS (
      SELECT 1 FROM filed_subject f
      WHERE f.run = (SELECT n.run FROM subject_run n WHERE n.through >= s.request ORDER BY n.through LIMIT 1)
        AND f.id_number = s.id_number AND f.request = s.request)
    """
  /// Runs are read one after the other, newest first: a request in another one would be out of order on a page.
  case subjectFiledElsewhere = """
    SELECT count(*) FROM subject_run n CROSS JOIN filed_subject f ON f.run = n.run
    WHERE f.request > n.through OR f.request <= (SELECT p.through FROM subject_run p WHERE p.run = n.run - 1)
    """
  /// Recorded as overdue on its present clock and not in the list of what is, or in it with a clock that has stopped.
  case overdueFiledWrongly = """
    SELECT count(*) FROM request r WHERE NOT EXISTS (
      SELECT 1 FROM event e WHERE e.request = r.key AND e.seq > (SELECT through FROM filing))
    AND CASE WHEN (r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL)
      AND iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NULL
      THEN EXISTS (SELECT 1 FROM event e
          WHERE e.request = r.key AND e.rung = 3 + 10 * coalesce(iif(json_valid(r.progress), json_extract(r.progress, '$.leg'), NULL), 0))
        AND NOT (
          EXISTS (SELECT 1 FROM filed_overdue f WHERE f.organ = r.requester AND f.role = 0 AND f.request = r.key)
          AND EXISTS (SELECT 1 FROM filed_overdue f WHERE f.organ = r.responder AND f.role = 1 AND f.request = r.key))
      ELSE EXISTS (SELECT 1 FROM filed_overdue f
          WHERE f.organ = r.requester AND f.role = 0 AND f.request = r.key)
        OR EXISTS (SELECT 1 FROM filed_overdue f
          WHERE f.organ = r.responder AND f.role = 1 AND f.request = r.key) END
    """
  /// One message of a request in each queue must be on its way; which one is not fixed, because an early one may be
  /// sent once more. What was owed to a deleted endpoint goes piece by piece.
  case waitingForNothing = """
    SELECT count(*) FROM outbox o WHERE o.next_at = 9223372036854775807 AND NOT EXISTS (
      SELECT 1 FROM outbox e WHERE e.endpoint = o.endpoint AND e.request = o.request
        AND e.next_at < 9223372036854775807)
      AND EXISTS (SELECT 1 FROM endpoint n WHERE n.key = o.endpoint AND n.deleted_at IS NULL)
    """
  /// Tallies of reports: as many as the events that were counted, and by month the same as by day.
  case reportThatDisagrees = """
    SELECT count(*) FROM (
      SELECT kind FROM (
        SELECT type AS kind, 1 AS n FROM event WHERE seq <= (SELECT through FROM report_filing)
          AND (type IN ('request.acknowledged', 'request.answered', 'request.declined', 'request.returned')
            OR type = 'request.submitted' AND instr(data, '"late":true'))
        UNION ALL SELECT 'first word', 1 FROM event e CROSS JOIN request r ON r.key = e.request
          JOIN procedure_version v ON v.procedure = r.procedure AND v.version = r.procedure_version
          LEFT JOIN request_past p ON p.request = e.request AND p.version = (
            SELECT min(q.version) FROM request_past q WHERE q.request = e.request AND q.version >= e.version)
          WHERE e.seq <= (SELECT through FROM report_filing)
            AND json_extract(v.definition, '$.acknowledgeDays') IS NOT NULL
            AND (e.type = 'request.acknowledged' OR e.type IN ('request.supplement-asked', 'request.answered',
                'request.declined', 'request.returned')
              AND CASE WHEN p.request IS NULL THEN r.acknowledged_at ELSE p.acknowledged_at END IS NULL
              AND (e.type = 'request.supplement-asked' OR NOT EXISTS (
                SELECT 1 FROM event s WHERE s.request = e.request AND s.seq < e.seq
                  AND s.type = 'request.supplement-asked' AND NOT EXISTS (
                    SELECT 1 FROM event t WHERE t.request = e.request AND t.seq > s.seq AND t.seq < e.seq
                      AND t.type = 'request.transferred' AND instr(t.data, '"kept":true') = 0))))
        UNION ALL SELECT CASE WHEN c.measure IN ('on-time', 'late') THEN 'request.answered'
          WHEN c.measure LIKE 'declined:%' THEN 'request.declined'
          WHEN c.measure IN ('acknowledged-on-time', 'acknowledged-late') THEN 'first word'
          WHEN c.measure = 'sent-late' THEN 'request.submitted' ELSE 'request.' || c.measure END, -t.count
          FROM report_tally t JOIN report_cell c ON c.id = t.cell
          WHERE t.span = 0 AND c.measure NOT IN ('transferred', 'withdrawn')
      ) k GROUP BY kind HAVING sum(n) <> 0
      UNION ALL SELECT cell FROM (
        SELECT cell, days, count AS n FROM report_tally WHERE span = 0
        UNION ALL SELECT cell, days, -count FROM report_tally WHERE span = 1
      ) s GROUP BY cell, days HAVING sum(n) <> 0
    ) d
    """

  var words: Phrase {
    switch self {
    case .reportThatDisagrees: Phrase("与事件不符的报表数", "figures of reports that disagree with the events")
    case .requestWithoutAnEvent: Phrase("缺少事件的请求", "requests some of whose events are missing")
    case .requestWithoutItsLastEvent: Phrase("缺少最近事件的请求", "requests whose last event is missing")
    case .tallyThatDisagrees: Phrase("与请求不符的计数", "tallies that disagree with the requests")
    case .eventFiledNowhere: Phrase("未归入所属机关的事件", "events that are not filed under their organs")
    case .requestFiledWrongly: Phrase("归入与实际不符的请求", "requests that are not filed as they are")
    case .subjectFiledNowhere: Phrase("未按证件号码归入的当事人", "subjects that are not filed under their id numbers")
    case .subjectFiledElsewhere: Phrase("归入其他段的当事人", "subjects that are filed in another run than their own")
    case .overdueFiledWrongly: Phrase("逾期归入与实际不符的请求", "requests that are not filed as overdue as they are")
    case .waitingForNothing: Phrase("没有等待对象的回调", "callbacks that wait for nothing")
    }
  }
}

enum CountSQL: String, CaseIterable, CustomStringConvertible {
  case requests = "SELECT count(*) FROM request"
  case events = "SELECT count(*) FROM event"
  case timers = "SELECT count(*) FROM timer"
  case endpoints = "SELECT count(*) FROM endpoint WHERE deleted_at IS NULL"
  case outbox = """
    SELECT count(*) FROM endpoint n CROSS JOIN outbox o ON o.endpoint = n.key WHERE n.deleted_at IS NULL
    """
  case deliveries = "SELECT count(*) FROM delivery"
  case organs = "SELECT count(*) FROM organ"
  /// Of the newest version.
  case items = """
    SELECT count(*) FROM listed_item WHERE version = (SELECT max(version) FROM list_version WHERE list = 'items')
    """
  case assistance = """
    SELECT count(*) FROM listed_entry
    WHERE version = (SELECT max(version) FROM list_version WHERE list = 'assistance-list')
    """
  case calendarDays = "SELECT count(*) FROM calendar_day"
  case keys = "SELECT count(*) FROM api_key"

  var description: String {
    switch self {
    case .requests: "requests"
    case .events: "events"
    case .timers: "timers"
    case .endpoints: "endpoints"
    case .outbox: "outbox"
    case .deliveries: "deliveries"
    case .organs: "organs"
    case .items: "items"
    case .assistance: "assistance list"
    case .calendarDays: "calendar days"
    case .keys: "keys"
    }
  }
}
