package import BrokerDomain
internal import GRDB

/// The lists as rows: every version whole, so that an old one is read as easily as the present one.
enum CatalogueSQL: String, CaseIterable {
  case versions = "SELECT version, effective_from, made_at, notice FROM list_version WHERE list = $1 ORDER BY version"
  case items = """
    SELECT code, proof, matter, departments, method, method_basis, exclusion, public, agent_allowed, extra,
      region
    FROM listed_item WHERE version = $1 ORDER BY position
    """
  case entries = """
    SELECT a.item, q.code, o.code, a.working_days, a.extra
    FROM listed_entry a JOIN organ q ON q.number = a.requester JOIN organ o ON o.number = a.obliged
    WHERE a.version = $1 ORDER BY a.position
    """
  case insertVersion = """
    INSERT INTO list_version (list, version, effective_from, made_at, notice, publication)
    VALUES ($1, $2, $3, $4, $5, $6)
    """
  case insertItem = """
    INSERT INTO listed_item (version, code, position, proof, matter, departments, method, method_basis, exclusion,
      public, agent_allowed, extra, region)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    """
  case insertEntry = """
    INSERT INTO listed_entry (version, item, requester, obliged, working_days, position, extra)
    SELECT $1, $2, q.number, o.number, $3, $4, $5 FROM organ q, organ o WHERE q.code = $6 AND o.code = $7
    """
}

/// A row of a file, with the cells of columns that mean nothing to us as a JSON object: they are exported again.
struct Kept<Value: Sendable>: Sendable {
  var value: Value
  var extra: String

  init(_ value: Value, extra: String = "{}") {
    self.value = value
    self.extra = extra
  }
}

extension Database {
  /// Oldest first.
  func versions(of list: CatalogueList) throws -> [ListVersion] {
    try all(CatalogueSQL.versions, .text(list.rawValue)) {
      ListVersion(
        number: Int($0.int(0)), effectiveFrom: $0.optionalInt(1).map { CalendarDate(dayNumber: Int($0)) },
        madeAt: Instant(milliseconds: $0.int(2)), notice: $0.optionalText(3))
    }
  }

  func items(version: Int) throws -> [Kept<Item>] {
    try all(CatalogueSQL.items, .int(Int64(version))) { row in
      Kept(
        Item(
          code: row.text(0), proof: row.text(1), matter: row.text(2),
          departments: row.text(3).split(separator: "\t", omittingEmptySubsequences: false).map(String.init),
          method: Item.Method(rawValue: row.text(4)) ?? .assistance, methodBasis: row.optionalText(5),
          exclusion: row.optionalText(6), isPublic: row.int(7) == 1, agentAllowed: row.int(8) == 1,
          region: RegionCode(row.text(10))), extra: row.text(9))
    }
  }

  func entries(version: Int) throws -> [Kept<AssistanceEntry>] {
    try all(CatalogueSQL.entries, .int(Int64(version))) { row in
      guard let requester = try? OrganCode(row.text(1)), let obliged = try? OrganCode(row.text(2)) else {
        throw StoreError.damaged(file: StoreError.database, "assistance entry \(row.text(0)) cannot be read")
      }
      return Kept(
        AssistanceEntry(
          item: row.text(0), requester: requester, obliged: obliged, workingDays: Int(row.int(3))),
        extra: row.text(4))
    }
  }

  func insert(items: [Kept<Item>], version: Int) throws {
    for (position, row) in items.enumerated() {
      let item = row.value
      try run(
        CatalogueSQL.insertItem, .int(Int64(version)), .text(item.code), .int(Int64(position)), .text(item.proof),
        .text(item.matter), .text(item.departments.joined(separator: "\t")), .text(item.method.rawValue),
        .optionalText(item.methodBasis), .optionalText(item.exclusion), .int(item.isPublic ? 1 : 0),
        .int(item.agentAllowed ? 1 : 0), .text(row.extra), .text(item.region?.description ?? ""))
    }
  }

  func insert(entries: [Kept<AssistanceEntry>], version: Int) throws {
    for (position, row) in entries.enumerated() {
      let entry = row.value
      try run(
        CatalogueSQL.insertEntry, .int(Int64(version)), .text(entry.item), .int(Int64(entry.workingDays)),
        .int(Int64(position)), .text(row.extra), .text(entry.requester.description), .text(entry.obliged.description))
    }
  }

  /// Opens the next version of a list.
  /// - Parameter effectiveFrom: not before that of the newest version, or an old list would come back by itself.
  func newVersion(
    of list: CatalogueList, effectiveFrom: CalendarDate, at now: Instant, notice: String?
  ) throws -> ListVersion {
    if let waiting = try versions(of: list).last, !waiting.isInForce(on: effectiveFrom) {
      throw WaitingVersion(list: list, version: waiting)
    }
    return try insertVersion(of: list, effectiveFrom: effectiveFrom, at: now, notice: notice, publication: nil)
  }

  /// Of two versions that are in force on a day the newer one holds: one that is made for an earlier day than others are
  /// waiting for is followed by each of those anew.
  func insertVersion(
    of list: CatalogueList, effectiveFrom: CalendarDate, at now: Instant, notice: String?, publication: Int64?
  ) throws -> ListVersion {
    let newest = try versions(of: list).last?.number ?? 0
    let version = ListVersion(number: newest + 1, effectiveFrom: effectiveFrom, madeAt: now, notice: notice)
    try run(
      CatalogueSQL.insertVersion, .text(list.rawValue), .int(Int64(version.number)),
      .int(Int64(effectiveFrom.dayNumber)), .int(now.milliseconds), .optionalText(notice), .optionalInt(publication))
    return version
  }
}

/// A version comes into force only later than the one that was to be made.
struct WaitingVersion: Error {
  let list: CatalogueList
  let version: ListVersion

  var detail: Phrase {
    let day = version.effectiveFrom?.description ?? ""
    return Phrase(
      "\(list.title.zh)第\(version.number)版自\(day)起施行，新版本的施行日期不能早于该日",
      "version \(version.number) of the \(list.title.en) comes into force on \(day); a newer one cannot come before it")
  }
}

/// The versions of both lists, and which of them holds when.
struct Catalogue {
  let itemVersions: [(version: ListVersion, rows: [Item])]
  let entryVersions: [(version: ListVersion, rows: [AssistanceEntry])]

  /// Not before any version was made: a clock that was set back since must not take away what was in force.
  let today: CalendarDate

  init(_ db: Database, today: CalendarDate) throws {
    itemVersions = try db.versions(of: .items).map { ($0, try db.items(version: $0.number).map(\.value)) }
    // The present one and those that wait: requests say by themselves whom an earlier one obliged.
    let lists = try db.versions(of: .assistanceList)
    let made = (itemVersions.map(\.version) + lists).map(\.madeAt.date)
    let today = max(today, made.max() ?? today)
    self.today = today
    let present = lists.last { $0.isInForce(on: today) }?.number ?? 0
    entryVersions = try lists.filter { $0.number >= present }.map {
      ($0, try db.entries(version: $0.number).map(\.value))
    }
  }

  /// The days to come on which something comes into force, in order.
  var daysToCome: [CalendarDate] { days(after: today) }

  func days(after day: CalendarDate) -> [CalendarDate] {
    let all = (itemVersions.map(\.version) + entryVersions.map(\.version)).compactMap(\.effectiveFrom)
    return Set(all.filter { $0 > day }).sorted()
  }

  func items(on date: CalendarDate) -> (version: ListVersion, rows: [Item]) {
    itemVersions.last { $0.version.isInForce(on: date) } ?? (.none, [])
  }

  func entries(on date: CalendarDate) -> (version: ListVersion, rows: [AssistanceEntry]) {
    entryVersions.last { $0.version.isInForce(on: date) } ?? (.none, [])
  }
}

extension Store {
  /// A list as it holds on a day, read from its rows.
  package func items(asOf date: CalendarDate) async throws(StoreError) -> (version: ListVersion, rows: [Item]) {
    try await read { db in
      guard let version = try db.versions(of: .items).last(where: { $0.isInForce(on: date) }) else {
        return (.none, [])
      }
      return (version, try db.items(version: version.number).map(\.value))
    }
  }

  package func assistanceList(
    asOf date: CalendarDate
  ) async throws(StoreError) -> (version: ListVersion, rows: [AssistanceEntry]) {
    try await read { db in
      guard let version = try db.versions(of: .assistanceList).last(where: { $0.isInForce(on: date) }) else {
        return (.none, [])
      }
      return (version, try db.entries(version: version.number).map(\.value))
    }
  }
}
