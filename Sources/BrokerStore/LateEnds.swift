package import BrokerDomain
internal import GRDB

/// How many turns of an organ ended late, and how.
package struct LateEnds: Sendable, Equatable {
  package private(set) var counts: [LateEnd: Int] = [:]

  package init() {}

  package subscript(how: LateEnd) -> Int { counts[how] ?? 0 }

  /// What was acknowledged late, where receipt is all that is owed, and is not replied to.
  package var receiptAlone: Int { max(0, self[.receipt] - self[.receiptReplied]) }

  package mutating func add(_ how: LateEnd, _ count: Int) { counts[how, default: 0] += count }
}

/// What ended late on a day, of what an organ had received on another.
struct LateEndCount: Hashable {
  let day: CalendarDate
  let received: CalendarDate
  /// Organ number.
  let organ: Int64
  let procedure: String
  let how: LateEnd
}

/// Tallies of a report go by the day of receipt. What a month has to be told of is also what ended late in it and had been
/// received before: no report that was made earlier could say so.
enum LateEndSQL: String, CaseIterable {
  case count = """
    INSERT INTO late_end (day, received, organ, procedure, how, count) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (day, received, organ, procedure, how) DO UPDATE SET count = count + excluded.count
    """
  case forget = "DELETE FROM late_end"
  case since = "SELECT day, received, organ, procedure, how, count FROM late_end WHERE day >= $1"
}

extension LateEndCount {
  /// Columns in the order of `LateEndSQL.since`.
  static func read(_ row: SQLRow) -> (LateEndCount, Int)? {
    guard let how = LateEnd(rawValue: row.text(4)) else { return nil }
    let count = LateEndCount(
      day: CalendarDate(dayNumber: Int(row.int(0))), received: CalendarDate(dayNumber: Int(row.int(1))),
      organ: row.int(2), procedure: row.text(3), how: how)
    return (count, Int(row.int(5)))
  }
}

extension Database {
  /// Rows that say otherwise than the events, in either direction: of the tallies by day, and of what ended late.
  func wrongReports(_ reference: Reference) throws -> (tallies: Int64, lateEnds: Int64) {
    let counts = try reportCounts(after: 0, through: try reportedThrough(), reference)
    return (try wrongTallies(counts.tallies), try wrongLateEnds(counts.lateEnds))
  }

  private func wrongTallies(_ tallies: [ReportCount: Int]) throws -> Int64 {
    var (cells, counted): ([Int64: ReportCell], [ReportCount: Int]) = ([:], tallies)
    try each(ReportSQL.cells, []) { row in
      guard let measure = Measure(name: row.text(4)) else { return }
      cells[row.int(0)] = ReportCell(organ: row.int(1), procedure: row.text(2), item: row.text(3), measure: measure)
    }
    var unknown: Int64 = 0
    try each(ReportSQL.tallies, [.int(ReportSpan.day.rawValue), .int(.min), .int(.max)]) { row in
      guard let cell = cells[row.int(1)] else { return unknown += 1 }
      let key = ReportCount(cell: cell, day: CalendarDate(dayNumber: Int(row.int(0))), days: Int(row.int(2)))
      counted[key, default: 0] -= Int(row.int(3))
    }
    return unknown + Int64(counted.values.count { $0 != 0 })
  }

  private func wrongLateEnds(_ lateEnds: [LateEndCount: Int]) throws -> Int64 {
    var counted = lateEnds
    try each(LateEndSQL.since, [.int(.min)]) { row in
      guard let (key, count) = LateEndCount.read(row) else { return }
      counted[key, default: 0] -= count
    }
    return Int64(counted.values.count { $0 != 0 })
  }

  func add(_ lateEnds: [LateEndCount: Int]) throws {
    for (end, count) in lateEnds {
      try run(
        LateEndSQL.count, .int(Int64(end.day.dayNumber)), .int(Int64(end.received.dayNumber)), .int(end.organ),
        .text(end.procedure), .text(end.how.rawValue), .int(Int64(count)))
    }
  }
}
