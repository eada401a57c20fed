internal import BrokerDomain

extension ReferenceFile {
  /// Said once and alone: what a file in another encoding seems to hold is not what it holds.
  static func encodingFault(_ table: CSVTable) -> ImportFault? {
    guard let first = table.invalidLines.min() else { return nil }
    let others = table.invalidLines.count - 1
    let lines = others == 1 ? "one more line" : "\(others) more lines"
    let more = others > 0 ? Phrase("（另有\(others)行亦然）", "; so it is with \(lines)") : Phrase("", "")
    return ImportFault(
      line: first, Phrase("不是有效的UTF-8\(more.zh)，请将文件另存为UTF-8", "not valid UTF-8\(more.en); save the file as UTF-8"))
  }

  /// A comma that is not quoted shifts the cells behind it, and nothing else tells; what a terminal acts upon belongs
  /// into no name.
  mutating func checkCells() {
    for row in table.rows {
      if row.fields.count > table.header.count {
        let (cells, columns) = (row.fields.count, table.header.count)
        fault(
          row.line,
          Phrase(
            "有\(cells)格而表头只有\(columns)列；含逗号的格请加引号",
            "\(cells) cells, but the header has \(columns) columns; quote a cell that holds a comma"))
      }
      if row.fields.contains(where: { $0.unicodeScalars.contains(where: Self.isControl) }) {
        fault(row.line, Phrase("含有控制字符，请删去", "it holds a control character; delete it"))
      } else if let hidden = row.fields.lazy.compactMap(\.hiddenCharacter).first(where: { $0.zh.contains("书写方向") }) {
        fault(row.line, hidden)
      }
    }
  }

  /// What stands on one line. Departments are kept with tabs between them.
  mutating func line(_ row: CSVTable.Row, _ column: Int?, required: Bool = false) -> String? {
    guard let column, let text = field(row, column, required: required) else { return nil }
    if text.unicodeScalars.contains(where: { ["\t", "\n", "\r"].contains($0) }) {
      let title = table.header[column]
      fault(
        row.line,
        Phrase("“\(title)”中有换行或制表符，请改为一行", "\"\(title)\" holds a line break or a tab; write it on one line"))
    }
    return text
  }

  /// What an organ is called, in answers, notices and reports: one line with something to read on it.
  mutating func name(_ row: CSVTable.Row, _ column: Int?, required: Bool = true) -> String? {
    guard let column, let text = line(row, column, required: required) else { return nil }
    let title = table.header[column]
    if !text.contains(where: { $0.isLetter || $0.isNumber }) {
      fault(row.line, Phrase("“\(title)”中没有文字", "\"\(title)\" holds nothing to read"))
    }
    if text.count > Self.longestName {
      fault(
        row.line,
        Phrase("“\(title)”超过\(Self.longestName)字", "\"\(title)\" is longer than \(Self.longestName) characters"))
    }
    return text
  }

  private static let longestName = 100

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control && !["\t", "\n", "\r"].contains(scalar)
  }
}
