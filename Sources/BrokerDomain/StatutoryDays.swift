/// Statutory days off 全国年节及纪念日放假办法 (国务院令第795号, in force since 2025) for years whose notice is not out. Only a
/// projection: which neighbouring days are swapped (调休) is known when the notice is.
package enum StatutoryDays {
  /// Of the law that the table is of.
  static let firstYear = 2025

  package static func festival(on date: CalendarDate) -> Phrase? {
    let (year, month, day) = date.components
    switch (month, day) {
    case (1, 1): return Phrase("元旦", "New Year's Day")
    case (5, 1), (5, 2): return Phrase("劳动节", "Labour Day")
    case (10, 1), (10, 2), (10, 3): return Phrase("国庆节", "National Day")
    default: break
    }
    guard let days = lunisolar[year] else { return nil }
    func isDay(_ monthDay: Int, length: Int = 1) -> Bool {
      guard let first = CalendarDate(year: year, month: monthDay / 100, day: monthDay % 100) else {
        return false
      }
      return date >= first && date < first + length
    }
    if isDay(days[0], length: 4) { return Phrase("春节", "Spring Festival") }
    if isDay(days[1]) { return Phrase("清明节", "Qingming") }
    if isDay(days[2]) { return Phrase("端午节", "Dragon Boat Festival") }
    if isDay(days[3]) { return Phrase("中秋节", "Mid-Autumn Festival") }
    return nil
  }

  /// By year: New Year's Eve (four days off from there), Qingming, Dragon Boat, Mid-Autumn, as month × 100 + day.
  /// From the lunar calendar and the solar term. A year beyond the table keeps the fixed days only: what is so far off is
  /// the nearer to midnight of one day or the next the longer one looks, and published tables begin to differ.
  private static let lunisolar: [Int: [Int]] = [
    2027: [205, 405, 609, 915],
    2028: [125, 404, 528, 1003],
    2029: [212, 404, 616, 922],
    2030: [202, 405, 605, 912],
    2031: [122, 405, 624, 1001],
    2032: [210, 404, 612, 919],
    2033: [130, 404, 601, 908],
    2034: [218, 405, 620, 927],
    2035: [207, 405, 610, 916],
    2036: [127, 404, 530, 1004],
    2037: [214, 404, 618, 924],
    2038: [203, 405, 607, 913],
    2039: [123, 405, 527, 1002],
    2040: [211, 404, 614, 920],
    2041: [131, 404, 603, 910],
    2042: [121, 404, 622, 928],
    2043: [209, 405, 611, 917],
    2044: [129, 404, 531, 1005],
    2045: [216, 404, 619, 925],
    2046: [205, 404, 608, 915],
    2047: [125, 405, 529, 1004],
    2048: [213, 404, 615, 922],
    2049: [201, 404, 604, 911],
    2050: [122, 404, 623, 930],
    2051: [210, 405, 613, 919],
    2052: [131, 404, 601, 907],
    2053: [218, 404, 620, 926],
    2054: [207, 404, 610, 916],
    2055: [127, 405, 530, 1005],
    2056: [214, 404, 617, 924],
    2057: [203, 404, 606, 913],
    2058: [123, 404, 625, 1002],
    2059: [211, 405, 614, 921],
    2060: [201, 404, 603, 909],
  ]
}
