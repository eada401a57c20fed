/// A unified social credit code 统一社会信用代码 (GB 32100-2015): 18 characters of a 31-letter alphabet,
/// the last of them a check character. Names organs, and organisations that are subjects.
package struct OrganCode: Sendable, Hashable, CustomStringConvertible {
  package let description: String

  /// The 31 characters of GB 32100; I, O, S, V and Z are left out.
  private static let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY".utf8)

  /// Value of each ASCII character, or 255.
  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 255, count: 128)
    for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
    return table
  }()

  /// Accepts lower case and keeps capitals. Throws what exactly is wrong.
  package init(_ text: some StringProtocol) throws(Phrase) {
    let bytes = text.asciiCapitals
    guard bytes.count == 18 else {
      throw Phrase(
        "统一社会信用代码应为18位，实为\(bytes.count)位",
        "a unified social credit code has 18 characters, not \(bytes.count)")
    }
    for (position, byte) in bytes.enumerated() where byte >= 128 || Self.values[Int(byte)] == 255 {
      throw Phrase(
        "统一社会信用代码第\(position + 1)位不是允许的字符（不用 I、O、S、V、Z）",
        "character \(position + 1) is not allowed in a unified social credit code (I, O, S, V, Z are not used)"
      )
    }
    for position in 2..<8 where !(48...57).contains(bytes[position]) {
      throw Phrase(
        "统一社会信用代码第3至8位应为行政区划数字", "characters 3 to 8 must be the digits of the region")
    }
    guard bytes[17] == Self.checkCharacter(bytes) else {
      throw Phrase(
        "统一社会信用代码校验码不符（GB 32100），请核对",
        "the check character of the unified social credit code does not match (GB 32100)")
    }
    description = String(decoding: bytes, as: UTF8.self)
  }

  /// The check character of the first 17: 31 minus the sum, weighted by powers of 3 modulo 31.
  private static func checkCharacter(_ bytes: [UInt8]) -> UInt8 {
    var weight = 1
    var sum = 0
    for position in 0..<17 {
      sum += Int(values[Int(bytes[position])]) * weight
      weight = weight * 3 % 31
    }
    return alphabet[(31 - sum % 31) % 31]
  }
}

extension StringProtocol {
  /// One byte for each character, capitals for small letters, 255 for what is not ASCII: a full-width digit must not
  /// count as three characters, nor a ligature (ﬀ) pass for the two letters that its capital has.
  var asciiCapitals: [UInt8] {
    let fast = utf8.withContiguousStorageIfAvailable { bytes -> [UInt8]? in
      guard bytes.allSatisfy({ $0 < 128 && $0 != 10 }) else { return nil }
      return bytes.map { (97...122).contains($0) ? $0 - 32 : $0 }
    }
    if let fast, let fast { return fast }
    return map { character in
      guard let byte = character.asciiValue else { return 255 }
      return (97...122).contains(byte) ? byte - 32 : byte
    }
  }
}

extension Phrase: Error {}
