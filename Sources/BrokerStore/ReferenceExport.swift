package import BrokerDomain
internal import GRDB

/// Reference data as a file again. The columns are those of the file that came last, in their order and under their
/// names, and behind them those that some row needs besides: nothing is lost, and a row that is still what that file said
/// comes back byte for byte (`ReferenceLines.swift`).
struct ExportColumn<Row> {
  /// As an import knows it; the first is the canonical one.
  let names: [String]
  /// Left out of a file that never had it, as long as no row needs it.
  let isLeftOut: (Row) -> Bool
  let text: (Row) -> String

  init(_ names: String..., leftOut: @escaping (Row) -> Bool = { _ in false }, text: @escaping (Row) -> String) {
    self.names = names
    isLeftOut = leftOut
    self.text = text
  }
}

/// The rows of a kind as cells of a file.
struct CSVSheet {
  private(set) var form: CSVForm
  /// By what identifies each row: code; item and requester; region and date.
  private(set) var keys: [String] = []
  private(set) var cells: [[String]] = []

  /// - Parameter form: nil where no file came yet.
  init<Row>(
    _ columns: [ExportColumn<Row>], _ rows: [Kept<Row>], _ form: CSVForm?, key: (Row) -> String
  ) throws {
    let extras = try rows.map { row -> [String: String] in
      guard case .object(let members) = try JSON.parse(Array(row.extra.utf8)) else { return [:] }
      return Dictionary(members.map { ($0.name, $0.value.stringValue ?? "") }) { first, _ in first }
    }
    var form = form ?? CSVForm(columns: [])
    // A file of an older version may have had a column twice.
    var seen: Set<String> = [""]
    form.columns = form.columns.filter { $0.isEmpty || seen.insert($0).inserted }
    for column in columns where form.columns.allSatisfy({ !column.names.contains($0) }) {
      if !rows.allSatisfy({ column.isLeftOut($0.value) }) || rows.isEmpty { form.columns.append(column.names[0]) }
    }
    form.columns += Set(extras.flatMap(\.keys)).subtracting(form.columns).sorted()
    self.form = form
    keys = rows.map { key($0.value) }
    let unnamed = form.columns.firstIndex(of: "")
    cells = zip(rows, extras).map { row, extra in
      form.columns.enumerated().map { index, name in
        // Of columns without a name the first is kept.
        if name.isEmpty { return index == unnamed ? extra[""] ?? "" : "" }
        // A column that means something now may have been kept as one that meant nothing, by an older version.
        let known = columns.first { $0.names.contains(name) }?.text(row.value) ?? ""
        return known.isEmpty ? extra[name] ?? "" : known
      }
    }
  }
}

extension Store {
  /// The whole kind as a CSV file; of a list, the version in force.
  /// - Parameter day: nil for today; a later one for a version that waits.
  package func exportFile(_ kind: ReferenceKind, asOf day: CalendarDate? = nil) throws(StoreError) -> [UInt8] {
    let reference = day.map { self.reference.inForce(at: $0.midnight) } ?? reference
    return try readNow { db in
      let version =
        switch kind {
        case .organs, .calendar: 0
        case .items: reference.itemsVersion.number
        case .assistanceList: reference.assistanceVersion.number
        }
      return try db.sheet(kind, version: version, reference).bytes(as: try db.referenceLines(of: kind))
    }
  }
}

extension Database {
  /// - Parameter version: of a list.
  func sheet(_ kind: ReferenceKind, version: Int, _ reference: Reference) throws -> CSVSheet {
    let form = try meta(kind.form).flatMap { CSVForm(text: $0) }
    return switch kind {
    case .organs: try CSVSheet(CSVSheet.organColumns, try organs(), form) { $0.key }
    case .items: try CSVSheet(CSVSheet.itemColumns, try items(version: version), form) { $0.code }
    case .assistanceList:
      try CSVSheet(CSVSheet.entryColumns(reference), try entries(version: version), form) { $0.key }
    case .calendar: try CSVSheet(CSVSheet.dayColumns, try announcedDays(), form) { $0.day.key(in: $0.region) }
    }
  }
}

extension CSVSheet {
  static var organColumns: [ExportColumn<Organ>] {
    var columns: [ExportColumn<Organ>] = [
      ExportColumn("code") { $0.code.description }, ExportColumn("name") { $0.name },
      ExportColumn("short_name", leftOut: { $0.shortName == $0.name }) { $0.shortName },
      ExportColumn("role", "roles", leftOut: { $0.roles == [.member] }) {
        $0.roles.map(\.rawValue).joined(separator: " ")
      },
      ExportColumn("region") { $0.region.description },
      ExportColumn("superior", leftOut: { $0.superior == nil }) { $0.superior?.description ?? "" },
    ]
    for role in OrganContact.Role.allCases {
      let texts: [(OrganContact) -> String?] = [
        { $0.name }, { $0.phone }, { $0.substituteName }, { $0.substitutePhone },
      ]
      for (name, text) in zip(ContactColumns.names(role), texts) {
        columns.append(
          ExportColumn(name, leftOut: { $0.contact(role).flatMap(text) == nil }) {
            $0.contact(role).flatMap(text) ?? ""
          })
      }
    }
    return columns
  }

  static var itemColumns: [ExportColumn<Item>] {
    func department(_ level: Int) -> (Item) -> String {
      { level < $0.departments.count ? $0.departments[level] : "" }
    }
    func none(_ level: Int) -> (Item) -> Bool { { department(level)($0).isEmpty } }
    return [
      ExportColumn("seq", "code") { $0.code }, ExportColumn("proof_item", "proof") { $0.proof },
      ExportColumn("admin_matter", "matter") { $0.matter },
      ExportColumn("province_dept", leftOut: none(0), text: department(0)),
      ExportColumn("prefecture_dept", "nantong_dept", leftOut: none(1), text: department(1)),
      ExportColumn("county_dept", "qidong_dept", "department", leftOut: none(2), text: department(2)),
      ExportColumn("method", leftOut: { $0.method == .assistance }) { $0.method.rawValue },
      ExportColumn("method_basis", leftOut: { $0.methodBasis == nil }) { $0.methodBasis ?? "" },
      ExportColumn("excluded", leftOut: { $0.exclusion == nil }) { $0.exclusion ?? "" },
      ExportColumn("public", leftOut: { $0.isPublic }) { $0.isPublic ? "yes" : "no" },
      ExportColumn("agent_allowed", leftOut: { $0.agentAllowed }) { $0.agentAllowed ? "yes" : "no" },
      ExportColumn("region", leftOut: { $0.region == nil }) { $0.region?.description ?? "" },
    ]
  }

  static func entryColumns(_ reference: Reference) -> [ExportColumn<AssistanceEntry>] {
    [
      ExportColumn("item_seq", "item") { $0.item },
      ExportColumn("proof_item", "proof", leftOut: { _ in true }) { reference.item($0.item)?.proof ?? "" },
      ExportColumn("admin_matter", "matter", leftOut: { _ in true }) { reference.item($0.item)?.matter ?? "" },
      ExportColumn("requesting_code", "requester") { $0.requester.description },
      ExportColumn("requested_code", "obliged") { $0.obliged.description },
      ExportColumn("working_days") { String($0.workingDays) },
    ]
  }

  static var dayColumns: [ExportColumn<(region: String, day: AnnouncedDay)>] {
    [
      ExportColumn("date") { $0.day.date.description }, ExportColumn("kind") { $0.day.kind.rawValue },
      ExportColumn("festival", leftOut: { $0.day.festival.isEmpty }) { $0.day.festival },
      ExportColumn("notice", leftOut: { $0.day.notice.isEmpty }) { $0.day.notice },
      ExportColumn("region", leftOut: { $0.region.isEmpty }) { $0.region },
    ]
  }
}

extension Database {
  fileprivate func announcedDays() throws -> [Kept<(region: String, day: AnnouncedDay)>] {
    try all(ReferenceSQL.days) { row in
      guard let date = CalendarDate(row.text(1)), let kind = AnnouncedDay.Kind(rawValue: row.text(2)) else {
        throw StoreError.damaged(file: StoreError.database, "calendar day \(row.text(1)) cannot be read")
      }
      return Kept(
        (row.text(0), AnnouncedDay(date: date, kind: kind, festival: row.text(3), notice: row.text(4))),
        extra: row.text(5))
    }
  }
}
