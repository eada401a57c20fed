internal import BrokerDomain
internal import Foundation

/// One table, for people or as JSON.
struct Report {
  enum Cell {
    case text(String)
    case number(Double, digits: Int)
    case none

    fileprivate var shown: String {
      switch self {
      case .text(let text): text
      case .number(let value, let digits): String(format: "%.\(digits)f", value)
      case .none: "-"
      }
    }

    fileprivate var json: JSON {
      switch self {
      case .text(let text): .string(text)
      case .number(_, _): .number(shown)
      case .none: .null
      }
    }
  }

  let title: String
  let columns: [String]
  var rows: [[Cell]] = []
  /// What a reader must know: how much was in the database, which target applies.
  var notes: [String] = []

  init(_ title: String, columns: [String]) {
    self.title = title
    self.columns = columns
  }

  var table: String {
    let cells = [columns] + rows.map { $0.map(\.shown) }
    let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    func line(_ row: [String]) -> String {
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
    }
    var lines = [title, line(columns), String(repeating: "-", count: widths.reduce(-2) { $0 + $1 + 2 })]
    lines += cells.dropFirst().map(line)
    return (lines + notes).joined(separator: "\n")
  }

  var json: String {
    let rows = rows.map { row in JSON.object(zip(columns, row).map { .init($0, $1.json) }) }
    let whole = JSON.object([
      .init("title", .string(title)), .init("rows", .array(rows)),
      .init("notes", .array(notes.map { .string($0) })),
    ])
    return String(decoding: whole.bytes, as: UTF8.self)
  }
}
