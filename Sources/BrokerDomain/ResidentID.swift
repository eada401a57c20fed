/// A citizen's identity number 公民身份号码 (GB 11643-1999): 17 digits and a check character.
package struct ResidentID: Sendable, Hashable {
  package let text: String

  private static let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  private static let checks = Array("10X98765432".utf8)

  /// Accepts a small x and keeps the capital. Throws what exactly is wrong.
  package init(_ input: some StringProtocol) throws(Phrase) {
    let bytes = input.asciiCapitals
    guard bytes.count == 18 else {
      throw Phrase(
        "公民身份号码应为18位，实为\(bytes.count)位",
        "a resident id has 18 characters, not \(bytes.count)")
    }
    guard bytes[..<17].allSatisfy({ (48...57).contains($0) }) else {
      throw Phrase("公民身份号码前17位应为数字", "the first 17 characters of a resident id are digits")
    }
    guard let y = digits(bytes, 6, 4), let m = digits(bytes, 10, 2), let d = digits(bytes, 12, 2),
      y >= 1850, CalendarDate(year: y, month: m, day: d) != nil
    else {
      throw Phrase(
        "公民身份号码第7至14位不是有效的出生日期", "digits 7 to 14 of the resident id are not a date of birth")
    }
    guard bytes[0] != 48 else {
      throw Phrase("公民身份号码的地址码无效", "the region of the resident id does not exist")
    }
    var sum = 0
    for position in 0..<17 { sum += (Int(bytes[position]) - 48) * Self.weights[position] }
    guard bytes[17] == Self.checks[sum % 11] else {
      throw Phrase(
        "公民身份号码校验码不符（GB 11643），请核对",
        "the check character of the resident id does not match (GB 11643)")
    }
    text = String(decoding: bytes, as: UTF8.self)
  }
}

package enum Mask {
  /// The first six and the last four characters stay; what is shorter than 12 hides all but two.
  package static func idNumber(_ text: String) -> String {
    let utf8 = text.utf8
    if Self.isOfBytes(utf8) {
      return String(unsafeUninitializedCapacity: utf8.count) { out in
        out.baseAddress.map { write(utf8, to: $0) } ?? 0
      }
    }
    let n = text.count
    guard n >= 12 else { return text.prefix(min(2, n)) + String(repeating: "*", count: max(0, n - 2)) }
    return text.prefix(6) + String(repeating: "*", count: n - 10) + text.suffix(4)
  }

  /// Twelve bytes or more that are a character each, and need no escape in JSON.
  static func isOfBytes(_ utf8: String.UTF8View) -> Bool {
    utf8.count >= 12 && utf8.allSatisfy { $0 < 128 && $0 >= 32 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
  }

  /// - Parameter out: room for all of them.
  /// - Returns: how many they are.
  static func write(_ utf8: String.UTF8View, to out: UnsafeMutablePointer<UInt8>) -> Int {
    for (at, byte) in utf8.enumerated() { out[at] = at < 6 || at >= utf8.count - 4 ? byte : UInt8(ascii: "*") }
    return utf8.count
  }
}
