internal import BrokerDomain
internal import GRDB

enum ReferenceSQL: String, CaseIterable {
  case organs = "SELECT number, code, name, short_name, region, superior, roles FROM organ ORDER BY number"
  case items = "SELECT code, proof, matter, departments FROM item ORDER BY position"
  case entries = """
    SELECT a.item, q.code, o.code, a.working_days FROM assistance_entry a
    JOIN organ q ON q.number = a.requester JOIN organ o ON o.number = a.obliged ORDER BY a.position
    """
  case days = "SELECT region, date, kind, festival, notice FROM calendar_day ORDER BY region, date"
  case upsertOrgan = """
    INSERT INTO organ (code, name, short_name, region, superior, roles) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (code) DO UPDATE SET name = excluded.name, short_name = excluded.short_name,
      region = excluded.region, superior = excluded.superior, roles = excluded.roles
    """
  case upsertItem = """
    INSERT INTO item (code, proof, matter, departments, position) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (code) DO UPDATE SET proof = excluded.proof, matter = excluded.matter,
      departments = excluded.departments, position = excluded.position
    """
  case upsertEntry = """
    INSERT INTO assistance_entry (item, requester, obliged, working_days, position)
    SELECT $1, q.number, o.number, $2, $3 FROM organ q, organ o WHERE q.code = $4 AND o.code = $5
    ON CONFLICT (item, requester) DO UPDATE SET obliged = excluded.obliged,
      working_days = excluded.working_days, position = excluded.position
    """
  case upsertDay = """
    INSERT INTO calendar_day (region, date, kind, festival, notice) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (region, date) DO UPDATE SET kind = excluded.kind, festival = excluded.festival,
      notice = excluded.notice
    """
  case clearEntries = "DELETE FROM assistance_entry"
  case clearNationalDays = "DELETE FROM calendar_day WHERE region = '' AND substr(date, 1, 4) = $1"
  case getMeta = "SELECT value FROM meta WHERE name = $1"
  case setMeta = """
    INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
    """
  case bump = """
    INSERT INTO meta (name, value) VALUES ('reference-generation', '1')
    ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)
    """
}

/// Names under which single values are kept.
enum Meta: String {
  /// Grows with every change of reference data or keys, so that a running daemon notices what a command did.
  case referenceGeneration = "reference-generation"
  /// The generation that the running daemon works with.
  case loadedGeneration = "loaded-generation"
  /// Where the rehearsed clock stands (milliseconds); present only in a database made for rehearsal.
  case rehearsalNow = "rehearsal-now"
  case heartbeat = "heartbeat"
}

extension Database {
  func meta(_ name: Meta) throws -> String? {
    try first(ReferenceSQL.getMeta, .text(name.rawValue)) { $0.text(0) }
  }

  func setMeta(_ name: Meta, _ value: String) throws {
    try run(ReferenceSQL.setMeta, .text(name.rawValue), .text(value))
  }

  func loadReference(procedures: [Procedure], lastDay: LastDayPolicy) throws -> Reference {
    let organs = try all(ReferenceSQL.organs) { row in
      guard let code = try? OrganCode(row.text(1)), let region = RegionCode(row.text(4)) else {
        throw StoreError.damaged(file: "the database", "organ \(row.text(1)) cannot be read")
      }
      return Organ(
        number: row.int(0), code: code, name: row.text(2), shortName: row.text(3), region: region,
        superior: row.optionalText(5).flatMap { try? OrganCode($0) },
        roles: row.text(6).split(separator: " ").compactMap { Organ.Role(rawValue: String($0)) })
    }
    let items = try all(ReferenceSQL.items) { row in
      Item(
        code: row.text(0), proof: row.text(1), matter: row.text(2),
        departments: row.text(3).split(separator: "\t", omittingEmptySubsequences: false).map(String.init))
    }
    let entries = try all(ReferenceSQL.entries) { row in
      guard let requester = try? OrganCode(row.text(1)), let obliged = try? OrganCode(row.text(2)) else {
        throw StoreError.damaged(file: "the database", "assistance entry \(row.text(0)) cannot be read")
      }
      return AssistanceEntry(
        item: row.text(0), requester: requester, obliged: obliged, workingDays: Int(row.int(3)))
    }
    var calendar = try loadCalendar()
    calendar.officeHours = lastDay.officeHours
    let numbered = try number(procedures)
    return Reference(
      organs: organs, items: items, assistance: entries, calendar: calendar, procedures: numbered.current,
      earlier: numbered.stored, lastDay: lastDay)
  }

  func loadCalendar() throws -> WorkingCalendar {
    var national: [AnnouncedDay] = []
    var overlays: [String: [AnnouncedDay]] = [:]
    try each(ReferenceSQL.days, []) { row in
      guard let date = CalendarDate(row.text(1)), let kind = AnnouncedDay.Kind(rawValue: row.text(2)) else {
        throw StoreError.damaged(file: "the database", "calendar day \(row.text(1)) cannot be read")
      }
      let day = AnnouncedDay(date: date, kind: kind, festival: row.text(3), notice: row.text(4))
      if row.text(0).isEmpty { national.append(day) } else { overlays[row.text(0), default: []].append(day) }
    }
    return WorkingCalendar(national: national, overlays: overlays)
  }
}
