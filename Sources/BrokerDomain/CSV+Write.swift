/// How a file was laid out, so that the same rows make the same bytes again: its columns, line ends, and whether it
/// began with a byte order mark and ended with a line end.
package struct CSVForm: Sendable, Equatable {
  package var columns: [String]
  package var hasCRLF: Bool
  package var hasMark: Bool
  package var endsLine: Bool

  /// The canonical form: LF, no mark, every line ended.
  package init(columns: [String]) {
    self.columns = columns
    (hasCRLF, hasMark, endsLine) = (false, false, true)
  }

  /// The form of a file whose header has been read.
  package init(_ bytes: [UInt8], columns: [String]) {
    self.columns = columns
    hasCRLF = bytes.firstIndex(of: 10).map { $0 > 0 && bytes[$0 - 1] == 13 } ?? false
    hasMark = bytes.starts(with: Self.mark)
    endsLine = bytes.last == 10
  }

  /// As it is kept.
  package init?(text: String) {
    guard let json = try? JSON.parse(Array(text.utf8)), let columns = json["columns"]?.arrayValue,
      let crlf = json["crlf"]?.boolValue, let mark = json["mark"]?.boolValue, let ends = json["endsLine"]?.boolValue
    else { return nil }
    self.columns = columns.compactMap(\.stringValue)
    (hasCRLF, hasMark, endsLine) = (crlf, mark, ends)
  }

  package var text: String {
    var w = JSONWriter()
    w.object { w in
      w.array("columns") { w in for column in columns { w.string(nil, column) } }
      w.bool("crlf", hasCRLF)
      w.bool("mark", hasMark)
      w.bool("endsLine", endsLine)
    }
    return w.text
  }

  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// The file. A field is quoted where it must be and nowhere else.
  package func bytes(_ rows: [[String]]) -> [UInt8] {
    bytes(lines: ([columns] + rows).map { .record(Self.record($0)) })
  }

  /// One line of a file.
  package enum Line {
    /// To be ended as the file's lines are.
    case record(String)
    /// As a file had it, with its line end.
    case kept(String)
  }

  package func bytes(lines: [Line]) -> [UInt8] {
    let end: [UInt8] = hasCRLF ? [13, 10] : [10]
    var bytes = hasMark ? Self.mark : []
    var endsLine = true
    for line in lines {
      if !endsLine { bytes += end }
      switch line {
      case .record(let text):
        bytes += text.utf8
        endsLine = false
      case .kept(let text):
        bytes += text.utf8
        endsLine = text.utf8.last == 10
      }
    }
    if case .record? = lines.last, self.endsLine { bytes += end }
    return bytes
  }

  /// The fields as a line without its end.
  package static func record(_ fields: [String]) -> String {
    var bytes: [UInt8] = []
    for (at, field) in fields.enumerated() {
      if at > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes += quoted(field)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func quoted(_ field: String) -> [UInt8] {
    guard field.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return Array(field.utf8) }
    return [0x22] + field.utf8.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] } + [0x22]
  }
}
