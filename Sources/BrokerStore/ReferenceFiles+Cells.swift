internal import BrokerDomain

extension ReferenceFile {
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
      }
    }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control && !["\t", "\n", "\r"].contains(scalar)
  }
}
