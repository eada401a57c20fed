internal import BrokerDomain
internal import Testing

/// Dates and moments against tables that another library computed.
@Suite struct DateTimeTests {
  @Test func datesOfTheTable() throws {
    let rows = try Vectors.rows("dates")
    #expect(rows.count == 349)
    for row in rows {
      let text = try #require(row["date"])
      let day = try date(text)
      #expect(String(day.dayNumber) == row["day_number"], "\(text)")
      #expect(String(day.weekday) == row["iso_weekday"], "\(text)")
      #expect(day.description == text)
      let c = day.components
      #expect(CalendarDate(year: c.year, month: c.month, day: c.day) == day)
      #expect(CalendarDate(dayNumber: day.dayNumber) == day && (day + 1) + -1 == day && day < day + 1)
      #expect(day.midnight.date == day && (day.midnight + -1).date == day + -1)
      #expect((day.midnight + (Instant.millisecondsPerDay - 1)).date == day)
      #expect(day.midnight.millisecondOfDay == 0 && (day.midnight + -1).millisecondOfDay == 86_399_999)
    }
  }

  /// Four centuries without a gap: each day is the one after the day before.
  @Test func everyDayFollowsTheOneBefore() throws {
    var day = try date("1799-12-31")
    var before = day.components
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    for _ in 0..<146_097 {
      day = day + 1
      let now = day.components
      let leap = before.year % 4 == 0 && (before.year % 100 != 0 || before.year % 400 == 0)
      let length = lengths[before.month - 1] + (leap && before.month == 2 ? 1 : 0)
      let isFirst = before.day == length
      guard now.day == (isFirst ? 1 : before.day + 1),
        now.month == (isFirst ? before.month % 12 + 1 : before.month),
        now.year == (isFirst && before.month == 12 ? before.year + 1 : before.year)
      else {
        Issue.record("\(now) follows \(before)")
        return
      }
      before = now
    }
    #expect(day.description == "2199-12-31")
  }

  @Test(arguments: [
    "", "2026", "2026-11", "2026-11-2", "2026-11-020", "26-11-20", "2026/11/20", "20261120", "2026-13-01",
    "2026-00-10", "2026-11-00", "2026-11-31", "2026-02-29", "1900-02-29", "2100-02-29", "0000-01-01",
    "-001-01-01", "+026-11-20", "2026-11-2 ", " 026-11-20", "２０２６-11-20", "2026-１1-20", "2026-11-20T",
    "2026-1a-20", "2026年11月20",
  ])
  func noDates(_ text: String) { #expect(CalendarDate(text) == nil) }

  @Test func weekdayNames() throws {
    let monday = try date("2026-11-16")
    let names = (0..<7).map { (monday + $0).weekdayName }
    #expect(names.map(\.zh) == ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"])
    #expect(names.first?.en == "Monday" && names.last?.en == "Sunday")
  }

  @Test func momentsOfTheTable() throws {
    let rows = try Vectors.rows("moments")
    #expect(rows.count == 320)
    for row in rows {
      let text = try #require(row["text"])
      let moment = try instant(text)
      #expect(String(moment.milliseconds) == row["milliseconds"], "\(text)")
      #expect(moment.rfc3339 == row["shanghai"], "\(text)")
      #expect(Instant(rfc3339: moment.rfc3339) == moment)
    }
  }

  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0, "1970-01-01T08:00:00+08:00"),
      ("1970-01-01T08:00:00+08:00", 0, "1970-01-01T08:00:00+08:00"),
      ("1969-12-31T23:59:59.999Z", -1, "1970-01-01T07:59:59.999+08:00"),
      ("2026-11-20T10:00:00.1+08:00", 1_795_140_000_100, "2026-11-20T10:00:00.100+08:00"),
      ("2026-11-20T10:00:00.0019999+08:00", 1_795_140_000_001, "2026-11-20T10:00:00.001+08:00"),
      ("2026-11-19T16:00:00-10:00", 1_795_140_000_000, "2026-11-20T10:00:00+08:00"),
      ("2026-11-20t02:00:00z", 1_795_140_000_000, "2026-11-20T10:00:00+08:00"),
    ] as [(String, Int64, String)])
  func moments(_ text: String, _ milliseconds: Int64, _ shanghai: String) throws {
    let moment = try instant(text)
    #expect(moment == Instant(milliseconds: milliseconds) && moment.rfc3339 == shanghai)
  }

  @Test(arguments: [
    "", "2026-11-20", "2026-11-20T10:00:00", "2026-11-20 10:00:00+08:00", "2026-11-20T10:00+08:00",
    "2026-11-20T24:00:00+08:00", "2026-11-20T10:60:00+08:00", "2026-11-20T10:00:60+08:00",
    "2026-11-20T10:00:00+8:00", "2026-11-20T10:00:00+0800", "2026-11-20T10:00:00+08", "2026-11-20T10:00:00+24:00",
    "2026-11-20T10:00:00+08:60", "2026-11-20T10:00:00.+08:00", "2026-11-20T10:00:00,5+08:00",
    "2026-11-20T10:00:00.1234567890Z", "2026-11-20T10:00:00.5", "2026-11-20T10:00:00Zulu",
    "2026-11-20T10:00:00+08:00 ", " 2026-11-20T10:00:00Z", "2026-02-30T10:00:00Z", "2026-11-20T1:00:00+08:00",
    "2026-11-20T10:00:00 08:00", "2026-11-20T10-00-00Z", "２026-11-20T10:00:00Z", "2026-11-20T10:00:00±08:00",
    "2026-11-20T-1:00:00Z", "20261120T100000Z", "2026-11-20T10:00:00.5Z5",
  ])
  func noMoments(_ text: String) { #expect(Instant(rfc3339: text) == nil) }
}
