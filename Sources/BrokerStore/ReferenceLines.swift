internal import BrokerDomain
internal import GRDB

/// A line of the file from which a kind of reference data came last: as the file had it, and as we would have written
/// it then. While the second is what we would write today, the first is what we export: quotes, blanks and separators
/// of an office's own come back as they were, as long as no row needs a column that the file had not.
struct ReferenceLine: Equatable {
  let canonical: String
  let text: String
}

enum ReferenceLineSQL: String, CaseIterable {
  case clear = "DELETE FROM reference_line WHERE kind = $1"
  case insert = "INSERT INTO reference_line (kind, place, canonical, text) VALUES ($1, $2, $3, $4)"
  case all = "SELECT canonical, text FROM reference_line WHERE kind = $1 ORDER BY place"
}

extension Database {
  /// The header first; empty where no file came since they are kept.
  func referenceLines(of kind: ReferenceKind) throws -> [ReferenceLine] {
    try all(ReferenceLineSQL.all, .text(kind.rawValue)) { ReferenceLine(canonical: $0.text(0), text: $0.text(1)) }
  }

  /// Keeps the lines of a file that has just been written.
  /// - Parameter keys: of the file's rows, in its order.
  func keep(_ table: CSVTable, keys: [String], of kind: ReferenceKind, as sheet: CSVSheet) throws {
    try run(ReferenceLineSQL.clear, .text(kind.rawValue))
    // Rows that the file does not name need columns that it has not: its lines are too short for the export.
    guard sheet.form.columns == table.header else { return }
    let written = Dictionary(zip(sheet.keys, sheet.cells)) { first, _ in first }
    let lines =
      [(table.header, table.headerText)] + zip(keys, table.rows).map { (written[$0] ?? [], $1.text) }
    for (place, (cells, text)) in lines.enumerated() {
      try run(
        ReferenceLineSQL.insert, .text(kind.rawValue), .int(Int64(place)), .text(CSVForm.record(cells)), .text(text))
    }
  }
}

extension CSVSheet {
  /// The file. Where every row is still what the lines say, it has their order, too.
  func bytes(as lines: [ReferenceLine]) -> [UInt8] {
    // By their bytes: Unicode calls texts equal that are written with other characters.
    guard let header = lines.first, Array(header.canonical.utf8) == Array(CSVForm.record(form.columns).utf8) else {
      return form.bytes(cells)
    }
    let known = Dictionary(lines.dropFirst().enumerated().map { (Array($1.canonical.utf8), $0) }) { first, _ in first }
    let rows = cells.map { cells in
      let record = CSVForm.record(cells)
      return (record: record, place: known[Array(record.utf8)])
    }
    let kept = rows.compactMap(\.place).sorted().map { CSVForm.Line.kept(lines[$0 + 1].text) }
    if kept.count == rows.count { return form.bytes(lines: [.kept(header.text)] + kept) }
    return form.bytes(
      lines: [.kept(header.text)]
        + rows.map { row in row.place.map { .kept(lines[$0 + 1].text) } ?? .record(row.record) })
  }
}

extension ReferenceKind {
  /// Under which name the form of its last file is kept.
  var form: Meta {
    switch self {
    case .organs: .organsForm
    case .items: .itemsForm
    case .assistanceList: .assistanceForm
    case .calendar: .calendarForm
    }
  }
}

extension ImportBatch {
  /// What identifies each row, in the file's order; as `CSVSheet.keys`.
  var keys: [String] {
    switch self {
    case .organs(let rows, _, _): rows.map(\.value.key)
    case .items(let rows, _): rows.map(\.value.code)
    case .entries(let rows): rows.map(\.value.key)
    case .days(let rows): rows.map { $0.value.day.key(in: $0.value.region) }
    }
  }
}

extension Organ {
  var key: String { code.description }
}

extension AssistanceEntry {
  var key: String { "\(requester) \(item)" }
}

extension AnnouncedDay {
  func key(in region: String) -> String { "\(region) \(date)" }
}
