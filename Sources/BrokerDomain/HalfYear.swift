/// Half of a calendar year, as `2026-H1`: what a half-yearly summary reports on.
package struct HalfYear: Sendable, Equatable {
  package let year: Int
  /// 1 or 2.
  package let half: Int

  /// What a field must match whose half year a clock goes by.
  package static let pattern = "[0-9]{4}-H[12]"

  /// Fits the pattern, whatever the year.
  static func isWritten(_ text: String) -> Bool {
    (try? Procedure.Field.expression(pattern).wholeMatch(in: text)) != nil
  }

  /// Parses `YYYY-H1` or `YYYY-H2`. Nil of a year that is a slip: days are counted one by one.
  package init?(_ text: some StringProtocol) {
    let b = Array(text.utf8)
    guard b.count == 7, let year = digits(b, 0, 4), Procedure.Field.years.contains(year), b[4] == UInt8(ascii: "-"),
      b[5] == UInt8(ascii: "H"), b[6] == UInt8(ascii: "1") || b[6] == UInt8(ascii: "2")
    else { return nil }
    (self.year, half) = (year, Int(b[6] - UInt8(ascii: "0")))
  }

  /// The first of these days of the year after its last day; nil of none.
  func next(of dates: [MonthDay]) -> CalendarDate? {
    let sorted = dates.sorted()
    if half == 1, let later = sorted.first(where: { $0.month > 6 }) { return later.date(in: year) }
    return sorted.first?.date(in: year + 1)
  }
}
