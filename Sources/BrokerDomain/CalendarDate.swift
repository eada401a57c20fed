/// A date of the Gregorian calendar, as the number of days since 1970-01-01.
package struct CalendarDate: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let dayNumber: Int

  package init(dayNumber: Int) { self.dayNumber = dayNumber }

  package init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month),
      day >= 1, day <= Self.days(in: month, of: year)
    else { return nil }
    self.init(unchecked: year, month, day)
  }

  /// Days from a civil date: the year is taken to start in March, so that the leap day comes last
  /// and every 400-year era has the same 146,097 days.
  private init(unchecked year: Int, _ month: Int, _ day: Int) {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    dayNumber = era * 146_097 + dayOfEra - 719_468
  }

  /// Parses `YYYY-MM-DD`.
  package init?(_ text: some StringProtocol) {
    let b = Array(text.utf8)
    guard b.count == 10, b[4] == UInt8(ascii: "-"), b[7] == UInt8(ascii: "-"),
      let y = digits(b, 0, 4), let m = digits(b, 5, 2), let d = digits(b, 8, 2)
    else { return nil }
    self.init(year: y, month: m, day: d)
  }

  package var components: (year: Int, month: Int, day: Int) {
    let z = dayNumber + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let mp = (5 * dayOfYear + 2) / 153
    let month = mp < 10 ? mp + 3 : mp - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * mp + 2) / 5 + 1)
  }

  package var year: Int { components.year }

  /// The first day of its month.
  package var firstOfMonth: CalendarDate { CalendarDate(dayNumber: dayNumber - components.day + 1) }

  /// 1 Monday … 7 Sunday (ISO 8601).
  package var weekday: Int { ((dayNumber + 3) % 7 + 7) % 7 + 1 }

  package var weekdayName: Phrase {
    let zh = ["一", "二", "三", "四", "五", "六", "日"]
    let en = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    return Phrase("星期" + zh[weekday - 1], en[weekday - 1])
  }

  /// 00:00 of this date in Asia/Shanghai.
  package var midnight: Instant {
    Instant(
      milliseconds: Int64(dayNumber) * Instant.millisecondsPerDay - Instant.shanghaiOffset)
  }

  package var description: String {
    String(unsafeUninitializedCapacity: 32) { out in
      var text = DigitWriter(out)
      text.date(self)
      return text.count
    }
  }

  package static func < (a: CalendarDate, b: CalendarDate) -> Bool { a.dayNumber < b.dayNumber }
  package static func + (a: CalendarDate, days: Int) -> CalendarDate {
    CalendarDate(dayNumber: a.dayNumber + days)
  }

  private static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
