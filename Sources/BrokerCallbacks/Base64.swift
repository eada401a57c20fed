/// RFC 4648 base64 with padding: short texts (secrets, signatures), without Foundation.
enum Base64 {
  private static let alphabet: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  static func encode(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: length(of: bytes.count)) { text in
      bytes.withUnsafeBytes { write($0, to: text, at: 0) }
    }
  }

  /// Characters that `count` bytes become.
  static func length(of count: Int) -> Int { (count + 2) / 3 * 4 }

  /// Writes the encoding of `bytes` at `start` and returns the index after it; `text` has room.
  static func write(
    _ bytes: UnsafeRawBufferPointer, to text: UnsafeMutableBufferPointer<UInt8>, at start: Int
  ) -> Int {
    let letters = alphabet.utf8Start
    var out = start
    var index = 0
    while index < bytes.count {
      let rest = bytes.count - index
      let second = rest > 1 ? UInt32(bytes[index + 1]) : 0
      let third = rest > 2 ? UInt32(bytes[index + 2]) : 0
      let group = UInt32(bytes[index]) << 16 | second << 8 | third
      text[out] = letters[Int(group >> 18)]
      text[out + 1] = letters[Int(group >> 12 & 63)]
      text[out + 2] = rest > 1 ? letters[Int(group >> 6 & 63)] : UInt8(ascii: "=")
      text[out + 3] = rest > 2 ? letters[Int(group & 63)] : UInt8(ascii: "=")
      out += 4
      index += 3
    }
    return out
  }

  /// nil unless `text` is exactly what `encode` writes: padding complete, unused bits zero.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard text.count % 4 == 0, padding <= 2 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var bits: UInt32 = 0
    var held = 0
    for letter in text.dropLast(padding) {
      guard let value = value(of: letter) else { return nil }
      bits = bits << 6 | value
      held += 6
      if held >= 8 {
        held -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
      }
    }
    guard bits & (1 << UInt32(held) - 1) == 0 else { return nil }
    return bytes
  }

  private static func value(of letter: UInt8) -> UInt32? {
    switch letter {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter) - 97 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter) - 48 + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
