/// Comma-separated values (RFC 4180): quoted fields, doubled quotes, LF or CRLF, a UTF-8 byte order mark is skipped.
package struct CSVTable: Sendable {
  package struct Row: Sendable {
    /// Line of the file on which the row starts, counted from 1.
    package let line: Int
    package let fields: [String]
    /// As the file has it, with its line end and the empty lines before it (of the last row, those behind it too).
    package fileprivate(set) var text: String
  }

  package let header: [String]
  /// The line of the header, as `Row.text`.
  package let headerText: String
  package let rows: [Row]
  /// Of rows in which something is not UTF-8, and was read with U+FFFD in its place.
  package let invalidLines: Set<Int>

  package struct Fault: Error, Equatable, Sendable {
    package let line: Int
    package let detail: Phrase
    package init(line: Int, _ zh: String, _ en: String) {
      self.line = line
      detail = Phrase(zh, en)
    }
  }

  package init(_ bytes: [UInt8]) throws(Fault) {
    var content = bytes[...]
    if content.starts(with: [0xEF, 0xBB, 0xBF]) { content = content.dropFirst(3) }
    var all: [Row] = []
    var fields: [String] = []
    var field: [UInt8] = []
    var quoted = false
    var line = 1
    var startLine = 1
    var at = content.startIndex
    var start = at

    var invalid: Set<Int> = []
    func text(_ bytes: [UInt8]) -> String {
      if let text = String(validating: bytes, as: UTF8.self) { return text }
      invalid.insert(startLine)
      return String(decoding: bytes, as: UTF8.self)
    }
    while at < content.endIndex {
      let byte = content[at]
      at += 1
      if quoted {
        if byte == UInt8(ascii: "\"") {
          if at < content.endIndex, content[at] == UInt8(ascii: "\"") {
            field.append(byte)
            at += 1
          } else {
            quoted = false
          }
        } else {
          if byte == 10 { line += 1 }
          field.append(byte)
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\"") where field.isEmpty: quoted = true
      case UInt8(ascii: ","):
        fields.append(text(field))
        field = []
      case 10:
        if field.last == 13 { field.removeLast() }
        fields.append(text(field))
        if fields != [""] {
          all.append(Row(line: startLine, fields: fields, text: text(Array(content[start..<at]))))
          start = at
        }
        fields = []
        field = []
        line += 1
        startLine = line
      default: field.append(byte)
      }
    }
    guard !quoted else { throw Fault(line: startLine, "引号没有结束", "a quoted field does not end") }
    if !field.isEmpty || !fields.isEmpty {
      fields.append(text(field))
      all.append(Row(line: startLine, fields: fields, text: text(Array(content[start...]))))
    } else if !all.isEmpty {
      all[all.count - 1].text += text(Array(content[start...]))
    }
    guard let first = all.first else { throw Fault(line: 1, "文件为空", "the file is empty") }
    guard !invalid.contains(first.line) else {
      throw Fault(line: first.line, "不是有效的UTF-8，请将文件另存为UTF-8", "not valid UTF-8; save the file as UTF-8")
    }
    invalidLines = invalid
    header = first.fields.map { $0.trimmingSpaces() }
    headerText = first.text
    rows = Array(all.dropFirst())
  }

  /// The position of the column with one of these names; the first name is the one that a fault asks for.
  package func column(_ names: String...) throws(Fault) -> Int {
    guard let index = header.firstIndex(where: { names.contains($0) }) else {
      throw Fault(line: 1, "缺少列“\(names[0])”", "the column \"\(names[0])\" is missing")
    }
    return index
  }

  package func optionalColumn(_ names: String...) -> Int? {
    header.firstIndex { names.contains($0) }
  }
}

extension StringProtocol {
  package func trimmingSpaces() -> String {
    let isSpace: (Character) -> Bool = { $0.isWhitespace }
    guard let first = firstIndex(where: { !isSpace($0) }) else { return "" }
    let last = lastIndex { !isSpace($0) } ?? first
    return String(self[first...last])
  }
}

extension String {
  /// The same; most texts have no white space at either end, and the bytes there tell so at once. Asking Unicode about
  /// characters costs more than reading a whole body.
  package func trimmingSpaces() -> String {
    utf8.withContiguousStorageIfAvailable(Self.isBareAtBothEnds) == true ? self : self[...].trimmingSpaces()
  }

  /// Printable ASCII, a common Chinese character or its punctuation stands at either end.
  private static func isBareAtBothEnds(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = bytes.first, let last = bytes.last else { return true }
    let isASCII = { (byte: UInt8) in byte > 0x20 && byte < 0x7F }
    let count = bytes.count
    return (isASCII(first) || count >= 3 && isChinese(bytes[0], bytes[1], bytes[2]))
      && (isASCII(last) || count >= 3 && isChinese(bytes[count - 3], bytes[count - 2], last))
  }

  /// Of three bytes of UTF-8. None of these is white space, and none becomes one character with what goes before.
  private static func isChinese(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
    switch (first, second) {
    // U+4E00 and around it.
    case (0xE4...0xE9, _): true
    // U+FF01 to U+FF3F: （）：，
    case (0xEF, 0xBC): third > 0x80
    // U+3001 to U+3015: 、。《》〔〕
    case (0xE3, 0x80): (0x81...0x95).contains(third)
    // U+2010 to U+201F: —“”
    case (0xE2, 0x80): (0x90...0x9F).contains(third)
    default: false
    }
  }
}
