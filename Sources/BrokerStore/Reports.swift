package import BrokerDomain
internal import GRDB

/// How a report divides its figures.
package enum ReportGrouping: String, Sendable, CaseIterable { case organ, procedure, item, month }

/// What one row of a report is about.
package enum ReportKey: Sendable, Hashable {
  case organ(Int64)
  case procedure(String)
  /// Empty: the requests that name no item.
  case item(String)
  /// Its first day.
  case month(CalendarDate)
}

/// Whose requests a report counts: those that these organs received, and of those that they sent what was sent late.
package struct ReportScope: Sendable {
  /// Organ numbers.
  package let organs: Set<Int64>
  /// Whoever asks. What is sealed is for its two parties: a supervisor's report has of it only what the supervisor
  /// received itself, and an operator's nothing.
  package let own: Int64?
  /// To whom the report is given, also one that has nothing of its own in it.
  package let reader: Int64?

  package init(organs: Set<Int64>, own: Int64?, reader: Int64? = nil) {
    self.organs = organs
    self.own = own
    self.reader = reader ?? own
  }

  func includes(_ organ: Int64, _ procedure: String, _ reference: Reference) -> Bool {
    organs.contains(organ) && (organ == own || !reference.isSealed(procedure))
  }
}

package struct TimelinessReport: Sendable {
  package struct Row: Sendable {
    package let key: ReportKey
    package let figures: Figures
  }

  /// An open request past its due moment. No personal data.
  package struct Overdue: Sendable {
    package let id: EntityID
    /// Who has it in hand.
    package let holder: Int64
    package let procedure: String
    package let reference: String?
    package let dueDate: CalendarDate
  }

  /// When it was made: what is open and overdue is so at this moment.
  package let at: Instant
  /// In no order; only of what received something, or sent something late.
  package let rows: [ReportGrouping: [Row]]
  package let total: Figures
  /// The longest overdue first, `Store.overdueShown` at most.
  package let overdue: [Overdue]
  /// Of those counted, by organ number; nothing where they were not asked for.
  package let lateEnds: [Int64: LateEnds]
  /// Of what was received before and ended in these days.
  package let earlierLateEnds: [Int64: LateEnds]
}

extension Store {
  /// What a report names of the overdue; its figures count them all.
  package static let overdueShown = 200

  /// The figures of requests received from the first to the last day, both included, in Asia/Shanghai.
  ///
  /// What has ended is read from tallies: by month between the ends, by day at the ends, however many requests these
  /// stand for. What is open is counted request by request. All of it is one moment of the database.
  /// - Parameter lateEnds: also how turns ended late.
  package func timeliness(
    from: CalendarDate, to: CalendarDate, by groupings: [ReportGrouping], _ scope: ReportScope, lateEnds: Bool = false
  ) async throws(StoreError) -> TimelinessReport {
    let (reference, now, damagedRows) = (reference, clock.now, damagedRows)
    return try await read { db in
      var builder = ReportBuilder(
        from: from, to: to, groupings: groupings, scope: scope, reference: reference, now: now,
        damagedRows: damagedRows)
      try builder.addTallies(db)
      if lateEnds { try builder.addLateEnds(db) }
      try builder.addUnfiled(db, lateEnds: lateEnds)
      try builder.addOpen(db)
      return builder.report
    }
  }
}

private struct ReportBuilder {
  let from: CalendarDate
  let to: CalendarDate
  let groupings: [ReportGrouping]
  let scope: ReportScope
  let reference: Reference
  let now: Instant
  let damagedRows: DamagedRows
  private var tables: [ReportKey: Figures] = [:]
  private var total = Figures()
  private var overdue: [TimelinessReport.Overdue] = []
  private var lateEnds: [Int64: LateEnds] = [:]
  private var earlierLateEnds: [Int64: LateEnds] = [:]

  init(
    from: CalendarDate, to: CalendarDate, groupings: [ReportGrouping], scope: ReportScope, reference: Reference,
    now: Instant, damagedRows: DamagedRows
  ) {
    self.from = from
    self.to = to
    self.groupings = groupings
    self.scope = scope
    self.reference = reference
    self.now = now
    self.damagedRows = damagedRows
  }

  private func keys(organ: Int64, procedure: String, item: String, day: CalendarDate) -> [ReportKey] {
    groupings.map { grouping in
      switch grouping {
      case .organ: .organ(organ)
      case .procedure: .procedure(procedure)
      case .item: .item(item)
      case .month: .month(day.firstOfMonth)
      }
    }
  }

  /// Months that lie within the report whole, and the single days around them.
  private var spans: [(span: ReportSpan, from: CalendarDate, before: CalendarDate)] {
    let end = to + 1
    let firstWhole = from == from.firstOfMonth ? from : (from.firstOfMonth + 31).firstOfMonth
    let lastWhole = end.firstOfMonth
    guard firstWhole < lastWhole else { return [(.day, from, end)] }
    return [(.day, from, firstWhole), (.month, firstWhole, lastWhole), (.day, lastWhole, end)].filter { $0.1 < $0.2 }
  }

  /// Rows are many, cells few: what a row adds to is found once for each cell and month.
  mutating func addTallies(_ db: Database) throws {
    var cells: [Int64: ReportCell] = [:]
    try db.each(ReportSQL.cells, []) { row in
      guard scope.includes(row.int(1), row.text(2), reference), let measure = Measure(name: row.text(4)) else { return }
      cells[row.int(0)] = ReportCell(organ: row.int(1), procedure: row.text(2), item: row.text(3), measure: measure)
    }
    for (span, from, before) in spans {
      // By cell and month, because a run of rows is of one day or month.
      var sums: [Int64: DayHistogram] = [:]
      var month = from.firstOfMonth
      func close() {
        for (id, histogram) in sums { if let cell = cells[id] { add(cell, month, histogram) } }
        sums.removeAll(keepingCapacity: true)
      }
      let values: [SQLValue] = [
        .int(span.rawValue), .int(Int64(from.dayNumber)), .int(Int64(before.dayNumber)),
      ]
      var start = Int64.min
      try db.each(ReportSQL.tallies, values) { row in
        if row.int(0) != start {
          start = row.int(0)
          let next = CalendarDate(dayNumber: Int(start)).firstOfMonth
          if next != month {
            close()
            month = next
          }
        }
        sums[row.int(1), default: DayHistogram()].add(days: Int(row.int(2)), count: Int(row.int(3)))
      }
      close()
    }
  }

  private mutating func add(_ cell: ReportCell, _ day: CalendarDate, _ histogram: DayHistogram) {
    for (days, count) in histogram.counts.enumerated() where count > 0 { add(cell, day, days: days, count: count) }
  }

  private mutating func add(_ cell: ReportCell, _ day: CalendarDate, days: Int, count: Int) {
    total.add(cell.measure, days: days, count: count)
    for key in keys(organ: cell.organ, procedure: cell.procedure, item: cell.item, day: day) {
      tables[key, default: Figures()].add(cell.measure, days: days, count: count)
    }
  }

  mutating func addLateEnds(_ db: Database) throws {
    try db.each(LateEndSQL.since, [.int(Int64(from.dayNumber))]) { row in
      guard let (key, count) = LateEndCount.read(row) else { return }
      add(key, count)
    }
  }

  private mutating func add(_ end: LateEndCount, _ count: Int) {
    guard scope.includes(end.organ, end.procedure, reference) else { return }
    if end.received >= from, end.received <= to {
      lateEnds[end.organ, default: LateEnds()].add(end.how, count)
    } else if end.received < from, end.day >= from, end.day <= to {
      earlierLateEnds[end.organ, default: LateEnds()].add(end.how, count)
    }
  }

  /// Fewer than `Filing.every` events and one batch.
  mutating func addUnfiled(_ db: Database, lateEnds: Bool) throws {
    let newest = try db.first(EventSQL.newest) { $0.int(0) } ?? 0
    let counts = try db.reportCounts(after: try db.reportedThrough(), through: newest, reference)
    if lateEnds { for (key, count) in counts.lateEnds { add(key, count) } }
    for (key, count) in counts.tallies
    where key.day >= from && key.day <= to && scope.includes(key.cell.organ, key.cell.procedure, reference) {
      add(key.cell, key.day, days: key.days, count: count)
    }
  }

  mutating func addOpen(_ db: Database) throws {
    // A key is not older than its receipt, and a millisecond has 4096 of them: a day is margin enough.
    let before = (to + 2).midnight.milliseconds << 12
    for organ in scope.organs.sorted() {
      try db.each(ReportSQL.open, [.int(organ), .int(before)]) { addOpen($0) }
      try db.each(ReportSQL.returned, [.int(organ)]) { addOpen($0) }
    }
    var seen: Set<Int64> = []
    try db.each(ReportSQL.unfiledOpen, []) { row in if seen.insert(row.int(0)).inserted { addOpen(row) } }
  }

  /// Columns in the order of `ReportSQL.open`; of `returned`, what runs on.
  private mutating func addOpen(_ row: SQLRow) {
    let (organ, procedure) = (row.int(2), row.text(3))
    guard scope.includes(organ, procedure, reference) else { return }
    let encoded = row.optionalBytes(10)
    guard let progress = Progress(encoded: encoded) else {
      let id = EntityID(key: row.int(0), tail: row.int(1))
      let error = StoreError.damaged(file: StoreError.database, "request \(id) cannot be read")
      return damagedRows.note(error, "it is in no report as open")
    }
    let day = progress.heldSince(Instant(milliseconds: row.int(6))).date
    guard day >= from, day <= to else { return }
    let isRunning =
      progress.runsOn || StateName(rawValue: row.text(5))?.isRunning == true && progress.metAt == nil
    let isOverdue = isRunning && now.milliseconds >= row.int(7)
    total.open += 1
    if isOverdue { total.overdue += 1 }
    for key in keys(organ: organ, procedure: procedure, item: row.text(4), day: day) {
      tables[key, default: Figures()].open += 1
      if isOverdue { tables[key, default: Figures()].overdue += 1 }
    }
    // Counted, as every other, and not named to whom it is against.
    let recused = progress.recused.flatMap { reference.organ($0)?.number }
    guard isOverdue, recused == nil || recused != scope.reader || organ == recused else { return }
    overdue.append(
      TimelinessReport.Overdue(
        id: EntityID(key: row.int(0), tail: row.int(1)), holder: organ, procedure: procedure,
        reference: row.optionalText(9), dueDate: CalendarDate(dayNumber: Int(row.int(8)))))
    // Kept short while it is gathered: an organ may have a hundred thousand of them.
    if overdue.count >= 10 * Store.overdueShown { overdue = shown }
  }

  private var shown: [TimelinessReport.Overdue] {
    Array(overdue.sorted { ($0.dueDate, $0.id.key) < ($1.dueDate, $1.id.key) }.prefix(Store.overdueShown))
  }

  var report: TimelinessReport {
    var rows: [ReportGrouping: [TimelinessReport.Row]] = [:]
    for grouping in groupings { rows[grouping] = [] }
    for (key, figures) in tables where figures.received + figures.sentLate > 0 {
      rows[key.grouping, default: []].append(.init(key: key, figures: figures))
    }
    return TimelinessReport(
      at: now, rows: rows, total: total, overdue: shown, lateEnds: lateEnds, earlierLateEnds: earlierLateEnds)
  }
}

extension ReportKey {
  fileprivate var grouping: ReportGrouping {
    switch self {
    case .organ: .organ
    case .procedure: .procedure
    case .item: .item
    case .month: .month
    }
  }
}
