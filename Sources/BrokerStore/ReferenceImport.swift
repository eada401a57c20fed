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
  /// Rows of a calendar that do not say by what their day was announced.
  package var daysWithoutNotice = 0
  /// Entries of the assistance list by which nobody can ask since.
  package var unusable: [Reference.UnusableEntry] = []
  /// Rows that stand in the file as they are in force now, where a version that waits had them otherwise: by code, or by
  /// item and requester.
  package var takenBack: [String] = []
  /// Of the lists only: the version that the file made.
  package var version: ListVersion?
}

/// What a calendar file changed.
package struct CalendarChanges: Sendable, Equatable {
  /// Years whose own notice the file is: their national days are now what it says, and what the next year's notice says
  /// of their last days.
  package var replacedYears: [Int] = []
  /// Days of those years that are announced no more.
  package var removed: [String] = []
  /// Days outside those years, as `2026-03-03`, or `45 2026-03-03` for a region.
  package var added: [String] = []
  package var changed: [String] = []
  /// What is wrong with years that the file makes known, and that lack statutory days.
  package var incomplete: [Phrase] = []
}

/// From when on a list holds, and by what.
package struct ListTerms: Sendable {
  /// Days from today within which a list must come into force.
  package static let longestAhead = 366

  /// Nil: today.
  package let effectiveFrom: CalendarDate?
  package let notice: String?

  func fault(today: CalendarDate) -> String? {
    guard let day = effectiveFrom else { return nil }
    if day < today { return "施行日期 \(day) 已过 / \(day) is past: a list comes into force today or later" }
    return day <= today + Self.longestAhead
      ? nil : "施行日期过远：\(day) / \(day) is too far: a list comes into force within \(Self.longestAhead) days"
  }

  package init(effectiveFrom: CalendarDate? = nil, notice: String? = nil) {
    self.effectiveFrom = effectiveFrom
    self.notice = notice
  }
}

/// What the rows of one file come to once they have passed the checks.
enum ImportBatch {
  /// With the contacts that the file has columns for; it leaves the others alone.
  case organs([Kept<Organ>], contacts: [OrganContact.Role], hasExtra: Bool)
  case items([Kept<Item>], missing: MissingColumns)
  case entries([Kept<AssistanceEntry>])
  case days([Kept<(region: String, day: AnnouncedDay)>])
}

extension Database {
  /// Writes a checked file. The assistance list is replaced whole, and so is each year whose own notice a calendar is;
  /// organs and items are added or updated, because requests refer to them; what the file has no column for stays as it
  /// is. Both lists get a new version.
  func write(_ batch: ImportBatch, _ terms: ListTerms, now: Instant, report: inout ImportReport) throws {
    let effectiveFrom = terms.effectiveFrom ?? now.date
    switch batch {
    case .organs(let organs, let roles, let hasExtra):
      for organ in organs { try write(organ, roles, hasExtra: hasExtra, now: now) }
    case .items(let items, let missing):
      let base = try versions(of: .items).last.map { try self.items(version: $0.number) } ?? []
      let version = try newVersion(of: .items, effectiveFrom: effectiveFrom, at: now, notice: terms.notice)
      let merged = Self.merged(base, items, missing)
      let named = Set(items.map(\.value.code))
      report.takenBack = try takenBack(of: .items, merged.map(\.value), now, key: \.code) {
        try self.items(version: $0).map(\.value)
      }.filter(named.contains)
      try insert(items: merged, version: version.number)
      report.version = version
    case .entries(let entries):
      let version = try newVersion(of: .assistanceList, effectiveFrom: effectiveFrom, at: now, notice: terms.notice)
      report.takenBack = try takenBack(of: .assistanceList, entries.map(\.value), now, key: \.key) {
        try self.entries(version: $0).map(\.value)
      }
      try insert(entries: entries, version: version.number)
      report.version = version
    case .days(let days):
      report.days = try write(days, now: now)
      report.daysWithoutNotice = days.count { $0.value.day.notice.isEmpty }
    }
    try run(ReferenceSQL.bump)
  }

  /// Rows that the file leaves as they are now, and that the version which was to come would have changed: whoever exports
  /// what is in force and imports it for later takes back what was published for then.
  private func takenBack<Row: Equatable>(
    of list: CatalogueList, _ file: [Row], _ now: Instant, key: (Row) -> String, rows: (Int) throws -> [Row]
  ) throws -> [String] {
    // The last is the one that has just been made.
    let known = try versions(of: list).dropLast()
    guard let present = known.last(where: { $0.isInForce(on: now.date) }), let waiting = known.last,
      waiting.number != present.number
    else { return [] }
    func byKey(_ rows: [Row]) -> [String: Row] { Dictionary(rows.map { (key($0), $0) }) { first, _ in first } }
    let (new, old, next) = (byKey(file), byKey(try rows(present.number)), byKey(try rows(waiting.number)))
    return Set(old.keys).union(next.keys).filter { new[$0] == old[$0] && new[$0] != next[$0] }.sorted()
  }

  /// What is updated keeps its place, what is new comes after it.
  private static func merged(
    _ base: [Kept<Item>], _ items: [Kept<Item>], _ missing: MissingColumns
  ) -> [Kept<Item>] {
    let new = Dictionary(items.map { ($0.value.code, $0) }) { first, _ in first }
    let known = Set(base.map(\.value.code))
    return base.map { old in new[old.value.code].map { missing.filled($0, from: old) } ?? old }
      + items.filter { !known.contains($0.value.code) }
  }

  private func write(_ row: Kept<Organ>, _ roles: [OrganContact.Role], hasExtra: Bool, now: Instant) throws {
    let organ = row.value
    try run(
      PastRegionSQL.keep, .int(now.milliseconds), .text(organ.code.description), .text(organ.region.description))
    try run(
      ReferenceSQL.upsertOrgan, .text(organ.code.description), .text(organ.name),
      .text(organ.shortName), .text(organ.region.description),
      .optionalText(organ.superior?.description),
      .text(organ.roles.map(\.rawValue).joined(separator: " ")), .text(row.extra), .int(hasExtra ? 1 : 0))
    for role in roles {
      try run(ReferenceSQL.clearContact, .text(organ.code.description), .text(role.rawValue))
      guard let contact = organ.contact(role) else { continue }
      try run(
        ReferenceSQL.insertContact, .text(role.rawValue), .text(contact.name), .optionalText(contact.phone),
        .optionalText(contact.substituteName), .optionalText(contact.substitutePhone), .text(organ.code.description))
    }
  }

  private func write(_ days: [Kept<WorkingCalendar.Row>], now: Instant) throws -> CalendarChanges {
    let old = try loadCalendar()
    let changes = CalendarChanges(of: old, by: days.map(\.value))
    for day in changes.removed { try run(ReferenceSQL.removeNationalDay, .text(day)) }
    for row in days {
      let (region, day) = row.value
      try run(
        ReferenceSQL.upsertDay, .text(region), .text(day.date.description), .text(day.kind.rawValue),
        .text(day.festival), .text(day.notice), .text(row.extra))
    }
    try keepPast(of: old, changedAt: now)
    return changes
  }
}

extension CalendarChanges {
  /// What the rows of a file make of a calendar; see `WorkingCalendar.amended`.
  init(of calendar: WorkingCalendar, by rows: [WorkingCalendar.Row]) {
    replacedYears = calendar.replacedYears(by: rows)
    let amended = calendar.amended(by: rows)
    incomplete = WorkingCalendar.noticeYears(rows).compactMap { amended.incomplete($0) }
    removed = calendar.removed(by: rows).map(\.description)
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
    return days.map(\.value).filter { $0.region.isEmpty }.map(\.day)
  }
}
