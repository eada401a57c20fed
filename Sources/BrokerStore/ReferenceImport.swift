package import BrokerDomain
internal import GRDB

/// A kind of reference file, and how its rows are read and checked. All rows go in or none.
package enum ReferenceKind: String, Sendable, CaseIterable {
  case organs, items
  case assistanceList = "assistance-list"
  case calendar
}

/// A row that was refused, by its line in the file.
package struct ImportFault: Sendable, Equatable, Error {
  package let line: Int
  package let detail: Phrase
  package init(line: Int, _ detail: Phrase) {
    self.line = line
    self.detail = detail
  }
}

package enum ImportError: Error, Sendable {
  /// Every bad row; nothing was written.
  case rows([ImportFault])
  case store(StoreError)
}

package struct ImportReport: Sendable {
  package let rows: Int
  /// Columns that mean nothing to us and were passed over.
  package let ignoredColumns: [String]
  /// Of a calendar only.
  package var days = CalendarChanges()
}

/// What a calendar file changed.
package struct CalendarChanges: Sendable, Equatable {
  /// Years whose own notice the file is: their national days are now exactly what it says.
  package var replacedYears: [Int] = []
  /// Days outside those years, as `2026-03-03`, or `45 2026-03-03` for a region.
  package var added: [String] = []
  package var changed: [String] = []
}

/// What the rows of one file come to once they have passed the checks.
enum ImportBatch {
  case organs([Organ])
  case items([Item])
  case entries([AssistanceEntry])
  case days([(region: String, day: AnnouncedDay)])
}

extension Database {
  /// Writes a checked file. The assistance list is replaced whole, and so is each year whose own notice a calendar is;
  /// organs and items are added or updated, because requests refer to them.
  /// - Returns: what became of the days of a calendar.
  @discardableResult
  func write(_ batch: ImportBatch) throws -> CalendarChanges {
    var changes = CalendarChanges()
    switch batch {
    case .organs(let organs):
      for organ in organs {
        try run(
          ReferenceSQL.upsertOrgan, .text(organ.code.description), .text(organ.name),
          .text(organ.shortName), .text(organ.region.description),
          .optionalText(organ.superior?.description),
          .text(organ.roles.map(\.rawValue).joined(separator: " ")))
      }
    case .items(let items):
      for (position, item) in items.enumerated() {
        try run(
          ReferenceSQL.upsertItem, .text(item.code), .text(item.proof), .text(item.matter),
          .text(item.departments.joined(separator: "\t")), .int(Int64(position)))
      }
    case .entries(let entries):
      try run(ReferenceSQL.clearEntries)
      for (position, entry) in entries.enumerated() {
        try run(
          ReferenceSQL.upsertEntry, .text(entry.item), .int(Int64(entry.workingDays)), .int(Int64(position)),
          .text(entry.requester.description), .text(entry.obliged.description))
      }
    case .days(let days):
      changes = try write(days)
    }
    try run(ReferenceSQL.bump)
    return changes
  }

  private func write(_ days: [WorkingCalendar.Row]) throws -> CalendarChanges {
    let changes = CalendarChanges(of: try loadCalendar(), by: days)
    for year in changes.replacedYears { try run(ReferenceSQL.clearNationalDays, .text(String(year))) }
    for (region, day) in days {
      try run(
        ReferenceSQL.upsertDay, .text(region), .text(day.date.description), .text(day.kind.rawValue),
        .text(day.festival), .text(day.notice))
    }
    return changes
  }
}

extension CalendarChanges {
  /// What the rows of a file make of a calendar; see `WorkingCalendar.amended`.
  init(of calendar: WorkingCalendar, by rows: [WorkingCalendar.Row]) {
    replacedYears = WorkingCalendar.noticeYears(rows)
    for (region, day) in rows where !region.isEmpty || !replacedYears.contains(day.date.year) {
      let name = region.isEmpty ? day.date.description : "\(region) \(day.date)"
      let old = calendar.announcedDay(day.date, prefix: region)
      if old == nil { added.append(name) }
      if let old, old != day { changed.append(name) }
    }
  }
}

/// A calendar file by itself, without a database.
package enum ReferenceCalendar {
  /// - Throws: `ImportError.rows` with every bad row.
  package static func days(_ bytes: [UInt8]) throws(ImportError) -> [AnnouncedDay] {
    var file = try ReferenceFile(bytes)
    let empty = Reference(
      organs: [], items: [], assistance: [], calendar: WorkingCalendar(national: []), procedures: [],
      lastDay: .midnight)
    guard case .days(let days) = try file.batch(.calendar, empty) else { return [] }
    return days.filter { $0.region.isEmpty }.map(\.day)
  }
}
