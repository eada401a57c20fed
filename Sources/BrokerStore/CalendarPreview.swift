internal import BrokerDomain
internal import GRDB

/// What a calendar file would do to the open requests.
package struct CalendarPreview: Sendable {
  package let rows: Int
  package let days: CalendarChanges
  /// Rows that do not say by what their day was announced.
  package let withoutNotice: Int
  /// The first of them, by age.
  package fileprivate(set) var lines: [MovedDeadline] = []
  /// All of them, those beyond `lines` included.
  package fileprivate(set) var moved = 0
  /// Of these: provisional before, firm after.
  package fileprivate(set) var becomeFirm = 0
  /// Open requests that stay as they are, those whose clock stands still included.
  package fileprivate(set) var unchanged = 0
}

extension Store {
  /// Years whose notice should be here by the broker's clock, and is not.
  package var missingYears: [Int] { reference.calendar.missingYears(on: clock.now.date) }

  /// Writes nothing, and holds up nobody: it reads in pages, beside a running daemon or without one.
  /// - Parameter limit: of the lines.
  /// - Throws: `ImportError.rows` with every bad row.
  package func previewCalendar(_ bytes: [UInt8], limit: Int) throws(ImportError) -> CalendarPreview {
    var file = try ReferenceFile(bytes)
    let reference = reference
    guard case .days(let days) = try file.batch(.calendar, reference) else {
      preconditionFailure("a calendar has days")
    }
    let rows = days.map(\.value)
    let old = reference.calendar
    let scan = DeadlineScan(reference, by: old.amended(by: rows), since: nil)
    var preview = CalendarPreview(
      rows: rows.count, days: CalendarChanges(of: old, by: rows),
      withoutNotice: rows.count { $0.day.notice.isEmpty })
    var after: Int64 = 0
    do throws(StoreError) {
      while true {
        let page = try readNow { db in try scan.page(db, after: after) }
        // Whoever asks beforehand is told, and not given numbers that are not all.
        if let error = page.unreadable.first { throw error }
        guard let last = page.last else { return preview }
        for line in page.moved {
          if preview.lines.count < limit { preview.lines.append(line) }
          if line.before.provisional, !line.after.provisional { preview.becomeFirm += 1 }
        }
        preview.moved += page.moved.count
        preview.unchanged += page.open - page.moved.count
        after = last
      }
    } catch {
      throw .store(error)
    }
  }

  /// How many deadlines have moved since an event.
  package func deadlinesMoved(after seq: Int64) throws(StoreError) -> Int {
    try readNow { db in try db.first(RecomputationSQL.movedAfter, .int(seq)) { Int($0.int(0)) } ?? 0 }
  }

  package func newestEventNow() throws(StoreError) -> Int64 {
    try readNow { db in try db.first(EventSQL.newest) { $0.int(0) } ?? 0 }
  }
}
