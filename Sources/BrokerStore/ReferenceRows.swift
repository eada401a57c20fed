internal import BrokerDomain
internal import GRDB

enum ReferenceSQL: String, CaseIterable {
  case organs = "SELECT number, code, name, short_name, region, superior, roles, extra FROM organ ORDER BY number"
  case contacts = "SELECT organ, role, name, phone, substitute_name, substitute_phone FROM organ_contact"
  case days = "SELECT region, date, kind, festival, notice, extra FROM calendar_day ORDER BY region, date"
  case upsertOrgan = """
    INSERT INTO organ (code, name, short_name, region, superior, roles, extra) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (code) DO UPDATE SET name = excluded.name, short_name = excluded.short_name,
      region = excluded.region, superior = excluded.superior, roles = excluded.roles,
      extra = CASE WHEN $8 THEN excluded.extra ELSE organ.extra END
    """
  case clearContact = """
    DELETE FROM organ_contact WHERE organ = (SELECT number FROM organ WHERE code = $1) AND role = $2
    """
  case insertContact = """
    INSERT INTO organ_contact (organ, role, name, phone, substitute_name, substitute_phone)
    SELECT number, $1, $2, $3, $4, $5 FROM organ WHERE code = $6
    """
  case upsertDay = """
    INSERT INTO calendar_day (region, date, kind, festival, notice, extra) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (region, date) DO UPDATE SET kind = excluded.kind, festival = excluded.festival,
      notice = excluded.notice, extra = excluded.extra
    """
  case removeNationalDay = "DELETE FROM calendar_day WHERE region = '' AND date = $1"
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
  /// The form of the file from which each kind of reference data came last: columns, line ends.
  case organsForm = "form-organs"
  case itemsForm = "form-items"
  case assistanceForm = "form-assistance-list"
  case calendarForm = "form-calendar"
}

extension Database {
  func meta(_ name: Meta) throws -> String? {
    try first(ReferenceSQL.getMeta, .text(name.rawValue)) { $0.text(0) }
  }

  func setMeta(_ name: Meta, _ value: String) throws {
    try run(ReferenceSQL.setMeta, .text(name.rawValue), .text(value))
  }

  func loadReference(procedures: [Procedure], lastDay: LastDayPolicy, today: CalendarDate) throws -> Reference {
    let organs = try organs().map(\.value)
    let catalogue = try Catalogue(self, today: today)
    var calendar = try loadCalendar()
    calendar.officeHours = lastDay.officeHours
    let pastCalendars = try pastCalendars(of: calendar)
    let numbered = try number(procedures)
    let stored = try used(numbered)
    func snapshot(_ day: CalendarDate, then successor: Reference.Successor?) -> Reference {
      let (items, entries) = (catalogue.items(on: day), catalogue.entries(on: day))
      return Reference(
        organs: organs, items: items.rows, assistance: entries.rows, calendar: calendar,
        pastCalendars: pastCalendars, procedures: numbered.current, earlier: stored, lastDay: lastDay,
        itemsVersion: items.version,
        assistanceVersion: entries.version,
        history: ItemHistory(catalogue.itemVersions.map { ($0.version, $0.rows) }, current: items.rows),
        successor: successor)
    }
    var successor: Reference.Successor?
    for day in catalogue.daysToCome.reversed() {
      successor = Reference.Successor(from: day.midnight, reference: snapshot(day, then: successor))
    }
    return snapshot(catalogue.today, then: successor)
  }

  func organs() throws -> [Kept<Organ>] {
    let pastRegions = try pastRegions()
    var contacts: [Int64: [OrganContact]] = [:]
    try each(ReferenceSQL.contacts, []) { row in
      guard let role = OrganContact.Role(rawValue: row.text(1)) else { return }
      contacts[row.int(0), default: []].append(
        OrganContact(
          role: role, name: row.text(2), phone: row.optionalText(3), substituteName: row.optionalText(4),
          substitutePhone: row.optionalText(5)))
    }
    return try all(ReferenceSQL.organs) { row in
      guard let code = try? OrganCode(row.text(1)), let region = RegionCode(row.text(4)) else {
        throw StoreError.damaged(file: StoreError.database, "organ \(row.text(1)) cannot be read")
      }
      return Kept(
        Organ(
          number: row.int(0), code: code, name: row.text(2), shortName: row.text(3), region: region,
          superior: row.optionalText(5).flatMap { try? OrganCode($0) },
          roles: row.text(6).split(separator: " ").compactMap { Organ.Role(rawValue: String($0)) },
          contacts: OrganContact.Role.allCases.compactMap { role in
            contacts[row.int(0)]?.first { $0.role == role }
          }, pastRegions: pastRegions[row.int(0)] ?? []), extra: row.text(7))
    }
  }

  func loadCalendar() throws -> WorkingCalendar {
    var national: [AnnouncedDay] = []
    var overlays: [String: [AnnouncedDay]] = [:]
    try each(ReferenceSQL.days, []) { row in
      guard let date = CalendarDate(row.text(1)), let kind = AnnouncedDay.Kind(rawValue: row.text(2)) else {
        throw StoreError.damaged(file: StoreError.database, "calendar day \(row.text(1)) cannot be read")
      }
      let day = AnnouncedDay(date: date, kind: kind, festival: row.text(3), notice: row.text(4))
      if row.text(0).isEmpty { national.append(day) } else { overlays[row.text(0), default: []].append(day) }
    }
    return WorkingCalendar(national: national, overlays: overlays)
  }
}
