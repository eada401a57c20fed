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
}

/// What the rows of one file come to once they have passed the checks.
enum ImportBatch {
  case organs([Organ])
  case items([Item])
  case entries([AssistanceEntry])
  case days([(region: String, day: AnnouncedDay)])
}

extension Database {
  /// Writes a checked file. The assistance list is replaced whole, and so is each year (and region) of a calendar that
  /// the file speaks of; organs and items are added or updated, because requests refer to them.
  func write(_ batch: ImportBatch) throws {
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
      for year in Set(days.map { YearOfRegion(region: $0.region, year: $0.day.date.year) }) {
        try run(ReferenceSQL.clearDays, .text(year.region), .text(String(year.year)))
      }
      for (region, day) in days {
        try run(
          ReferenceSQL.upsertDay, .text(region), .text(day.date.description),
          .text(day.kind.rawValue), .text(day.festival), .text(day.notice))
      }
    }
    try run(ReferenceSQL.bump)
  }
}

private struct YearOfRegion: Hashable {
  let region: String
  let year: Int
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
