extension String {
  /// Nothing of it is seen: blanks, and what Unicode has shown as nothing.
  package var isInvisible: Bool {
    // Nearly every text begins with a letter of ASCII or a Han character, and this is asked of every one.
    if let first = utf8.first, first > 0x20 && first < 0x7F || (0xE4...0xE9).contains(first) { return false }
    return unicodeScalars.allSatisfy { $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint }
  }

  /// What is wrong with a text that holds what nobody sees; nil of any other. Line ends and tabs may stand in texts. Controls
  /// of either set may not, nor signs that turn the direction of writing: with them a text reads as something else than
  /// it says.
  package var hiddenCharacter: Phrase? {
    let found =
      utf8.withContiguousStorageIfAvailable { Self.firstHidden(in: $0) }
      ?? Array(utf8).withUnsafeBufferPointer { Self.firstHidden(in: $0) }
    guard let scalar = found else { return nil }
    let number = String(scalar, radix: 16, uppercase: true)
    let name = "U+" + String(repeating: "0", count: 4 - number.count) + number
    return scalar > 0xFF
      ? Phrase("含有改变书写方向的字符 \(name)，请删除", "contains \(name), which turns the direction of writing; leave it out")
      : Phrase("含有控制字符 \(name)，请删除", "contains the control character \(name); leave it out")
  }

  /// - Parameter bytes: UTF-8, looked at as they are: this is asked of every text of every body.
  private static func firstHidden(in bytes: UnsafeBufferPointer<UInt8>) -> UInt32? {
    for (at, byte) in bytes.enumerated() {
      switch byte {
      case 0x09, 0x0A: continue
      // A line end of two.
      case 0x0D where at + 1 < bytes.count && bytes[at + 1] == 0x0A: continue
      case 0..<0x20, 0x7F: return UInt32(byte)
      // U+0080 to U+009F.
      case 0xC2 where bytes[at + 1] < 0xA0: return UInt32(bytes[at + 1])
      case 0xE2:
        let scalar = 0x2000 | UInt32(bytes[at + 1] & 0x3F) << 6 | UInt32(bytes[at + 2] & 0x3F)
        // Embeddings and overrides, isolates.
        if (0x202A...0x202E).contains(scalar) || (0x2066...0x2069).contains(scalar) { return scalar }
      default: continue
      }
    }
    return nil
  }
}

extension String {
  /// For a terminal, a log or a page: what these would act upon, instead of showing it, is shown as a mark.
  package var printable: String {
    String(
      UnicodeScalarView(
        unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control where scalar == "\n" || scalar == "\t": scalar
          case .control, .format, .privateUse, .unassigned, .surrogate: "\u{FFFD}"
          default: scalar
          }
        }))
  }
}
