internal import BrokerDomain

/// A CSV file (RFC 4180) as it is written. It begins with a byte order mark: without one, Excel on a Chinese Windows
/// reads UTF-8 as GB 18030 and shows every name garbled.
struct CSVLines {
  private(set) var bytes: [UInt8] = [0xEF, 0xBB, 0xBF]

  enum Field {
    /// Somebody's words.
    case text(String?)
    case int(Int?)
    /// A number that is written already.
    case number(String?)
  }

  init(header: [String]) { add(header.map { .text($0) }) }

  mutating func add(_ fields: [Field]) {
    for (index, field) in fields.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      switch field {
      case .text(let text): put(text ?? "")
      case .int(let value): if let value { bytes.append(contentsOf: String(value).utf8) }
      case .number(let text): if let text { bytes.append(contentsOf: text.utf8) }
      }
    }
    bytes.append(contentsOf: [13, 10])
  }

  /// Scalars, not characters: a combining mark makes another character of "=", and no less a formula.
  private static let formulaStarts: [Unicode.Scalar] = [
    "=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠",
  ]

  /// A text that a spreadsheet would take for a formula stands behind an apostrophe: these texts come from other organs.
  private mutating func put(_ text: String) {
    let isFormula = text.unicodeScalars.first.map { Self.formulaStarts.contains($0) } ?? false
    let text = isFormula ? "'" + text : text
    guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else {
      return bytes.append(contentsOf: text.utf8)
    }
    bytes.append(0x22)
    for byte in text.utf8 {
      if byte == 0x22 { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(0x22)
  }
}
