/// A moment: integer milliseconds since 1970-01-01T00:00:00Z.
package struct Instant: Sendable, Hashable, Comparable {
  package let milliseconds: Int64

  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  package static let distantFuture = Instant(milliseconds: .max)

  package static func < (a: Instant, b: Instant) -> Bool { a.milliseconds < b.milliseconds }

  package static func + (a: Instant, milliseconds: Int64) -> Instant {
    Instant(milliseconds: a.milliseconds + milliseconds)
  }

  /// China keeps one zone without daylight saving since 1992, so a constant offset is the whole rule.
  package static let shanghaiOffset: Int64 = 8 * 3_600_000
  package static let millisecondsPerDay: Int64 = 86_400_000

  /// The calendar date in Asia/Shanghai.
  package var date: CalendarDate {
    let local = milliseconds + Self.shanghaiOffset
    return CalendarDate(dayNumber: Int(local.flooredQuotient(Self.millisecondsPerDay)))
  }

  package var millisecondOfDay: Int64 {
    let local = milliseconds + Self.shanghaiOffset
    return local - local.flooredQuotient(Self.millisecondsPerDay) * Self.millisecondsPerDay
  }

  /// RFC 3339 with the offset +08:00; milliseconds only when there are any.
  package var rfc3339: String {
    String(unsafeUninitializedCapacity: 40) { out in
      var text = DigitWriter(out)
      text.moment(self)
      return text.count
    }
  }

  /// Parses RFC 3339 with any offset. Nil when the text is not such a moment.
  package init?(rfc3339 text: some StringProtocol) {
    let b = Array(text.utf8)
    guard b.count >= 20, let date = CalendarDate(String(decoding: b[0..<10], as: UTF8.self)),
      b[10] == UInt8(ascii: "T") || b[10] == UInt8(ascii: "t"),
      b[13] == UInt8(ascii: ":"), b[16] == UInt8(ascii: ":"),
      let h = digits(b, 11, 2), let m = digits(b, 14, 2), let s = digits(b, 17, 2),
      h < 24, m < 60, s < 60
    else { return nil }
    var at = 19
    var fraction = 0
    if b[at] == UInt8(ascii: ".") {
      let start = at + 1
      at = start
      while at < b.count, (48...57).contains(b[at]) { at += 1 }
      guard at > start, at - start <= 9 else { return nil }
      for i in 0..<3 { fraction = fraction * 10 + (start + i < at ? Int(b[start + i]) - 48 : 0) }
    }
    guard at < b.count, let offset = Self.offset(b, at) else { return nil }
    let seconds = Int64(h * 3600 + m * 60 + s) - offset
    milliseconds =
      Int64(date.dayNumber) * Self.millisecondsPerDay + seconds * 1000 + Int64(fraction)
  }

  /// Seconds east of Greenwich at the end of an RFC 3339 text.
  private static func offset(_ b: [UInt8], _ at: Int) -> Int64? {
    if b[at] == UInt8(ascii: "Z") || b[at] == UInt8(ascii: "z") {
      return at + 1 == b.count ? 0 : nil
    }
    let sign: Int64
    switch b[at] {
    case UInt8(ascii: "+"): sign = 1
    case UInt8(ascii: "-"): sign = -1
    default: return nil
    }
    guard at + 6 == b.count, b[at + 3] == UInt8(ascii: ":"),
      let h = digits(b, at + 1, 2), let m = digits(b, at + 4, 2), h < 24, m < 60
    else { return nil }
    return sign * Int64(h * 3600 + m * 60)
  }
}

extension Int64 {
  fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
    let q = self / divisor
    return self % divisor < 0 ? q - 1 : q
  }
}

/// Writes digits and separators into a string's own memory: a representation holds half a dozen moments, and putting
/// each together from small strings was a good part of its price.
struct DigitWriter {
  private let out: UnsafeMutableBufferPointer<UInt8>
  private(set) var count = 0

  init(_ out: UnsafeMutableBufferPointer<UInt8>) { self.out = out }

  mutating func put(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount {
      out[count] = text.utf8Start[index]
      count += 1
    }
  }

  /// At least `width` digits, with zeros in front.
  mutating func number(_ value: Int, _ width: Int) {
    if width == 2, (0..<100).contains(value) {
      out[count] = UInt8(48 + value / 10)
      out[count + 1] = UInt8(48 + value % 10)
      count += 2
      return
    }
    if value < 0 { put("-") }
    let value = value.magnitude
    var power: UInt = 1
    var digits = 1
    while digits < width || value / power >= 10 {
      power *= 10
      digits += 1
    }
    while power > 0 {
      out[count] = UInt8(48 + value / power % 10)
      count += 1
      power /= 10
    }
  }

  mutating func moment(_ moment: Instant) {
    let ms = Int(moment.millisecondOfDay)
    date(moment.date)
    put("T")
    number(ms / 3_600_000, 2)
    put(":")
    number(ms / 60_000 % 60, 2)
    put(":")
    number(ms / 1000 % 60, 2)
    if ms % 1000 != 0 {
      put(".")
      number(ms % 1000, 3)
    }
    put("+08:00")
  }

  mutating func date(_ date: CalendarDate) {
    let c = date.components
    number(c.year, 4)
    put("-")
    number(c.month, 2)
    put("-")
    number(c.day, 2)
  }
}

func digits(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Int? {
  guard at + count <= bytes.count else { return nil }
  var value = 0
  for i in at..<(at + count) {
    guard (48...57).contains(bytes[i]) else { return nil }
    value = value * 10 + Int(bytes[i]) - 48
  }
  return value
}
