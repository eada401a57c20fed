internal import BrokerDomain
internal import Testing

/// Years whose notice is not out: counted with statutory days, and marked so.
@Suite struct ProvisionalYearTests {
  static let statutory = ((try? Vectors.rows("statutory-days")) ?? []).map {
    (date: $0["date"] ?? "", festival: $0["festival"] ?? "")
  }

  /// 13 days a year, fewer where two festivals fall together. The moon by ICU's Chinese calendar and, from 2041 on, by two
  /// published tables that agree; 清明 by the solar term.
  @Test func statutoryDaysOf2027To2060() throws {
    var expected: [CalendarDate: String] = [:]
    for row in Self.statutory { expected[try date(row.date)] = row.festival }
    #expect(expected.count == Self.statutory.count && expected.count > 430)
    var day = try date("2027-01-01")
    while day < (try date("2061-01-01")) {
      #expect(StatutoryDays.festival(on: day)?.zh == expected[day], "\(day)")
      day = day + 1
    }
    // Beyond the table of the moon the fixed days remain.
    #expect(StatutoryDays.festival(on: try date("2065-10-03")) == Phrase("国庆节", "National Day"))
    #expect(StatutoryDays.festival(on: try date("2065-02-05")) == nil)
  }

  static let verdicts: [(String, Bool, String)] = [
    ("2027-01-01", false, "元旦"), ("2027-02-04", true, "工作日"), ("2027-02-05", false, "春节"),
    ("2027-02-08", false, "春节"), ("2027-02-09", true, "工作日"), ("2027-02-13", false, "休息日"),
    ("2027-04-05", false, "清明节"), ("2027-05-03", true, "工作日"), ("2027-06-09", false, "端午节"),
    ("2027-09-15", false, "中秋节"), ("2027-10-01", false, "国庆节"), ("2027-10-04", true, "工作日"),
  ]

  @Test(arguments: verdicts)
  func verdictOf2027(_ text: String, _ counts: Bool, _ reason: String) throws {
    let verdict = try Vectors.calendar.get().verdict(try date(text), region: nil)
    #expect(verdict.counts == counts && verdict.provisional && verdict.notice == nil)
    #expect(verdict.reason.zh.hasPrefix(reason) && verdict.reason.zh.contains("暂定"))
    #expect(verdict.reason.en.contains("provisional"))
  }

  static let deadlines: [(String, Int, String, Bool)] = [
    // received, days, due, provisional
    ("2026-12-25T10:00:00+08:00", 4, "2026-12-31", false),
    ("2026-12-25T10:00:00+08:00", 5, "2027-01-04", true),
    ("2026-12-31T23:59:59+08:00", 1, "2027-01-04", true),
    ("2027-02-04T10:00:00+08:00", 1, "2027-02-09", true),
    ("2027-02-04T10:00:00+08:00", 5, "2027-02-15", true),
    ("2027-09-30T10:00:00+08:00", 1, "2027-10-04", true),
    // The day of receipt is not counted: a 31 December of an unknown year decides nothing.
    ("2017-12-31T10:00:00+08:00", 1, "2018-01-02", false),
    ("2017-12-30T10:00:00+08:00", 1, "2018-01-02", true),
    ("2017-12-29T10:00:00+08:00", 5, "2018-01-08", true),
  ]

  @Test(arguments: deadlines)
  func deadline(_ received: String, _ days: Int, _ due: String, _ provisional: Bool) throws {
    let calendar = try Vectors.calendar.get()
    let receivedAt = try instant(received)
    let deadline = calendar.deadline(receivedAt: receivedAt, workingDays: days, region: nil)
    #expect(deadline.date.description == due)
    #expect(deadline.provisional == provisional)
    let summary = calendar.summary(receivedAt: receivedAt, deadline: deadline, region: nil)
    #expect(summary.zh.contains("暂定") == provisional && summary.en.contains("provisional") == provisional)
  }

  @Test func shippedCalendarsMakeNineYearsKnown() throws {
    #expect(try Vectors.calendar.get().knownYears == Set(2018...2026))
    #expect(try Vectors.calendar.get().isKnown(2026))
    #expect(try !Vectors.calendar.get().isKnown(2027))
  }

  /// Only 1 October, off, for the whole country makes a year known.
  @Test func whatMakesAYearKnown() throws {
    func known(_ days: [(String, AnnouncedDay.Kind)], regional: [String] = []) throws -> Set<Int> {
      func day(_ text: String, _ kind: AnnouncedDay.Kind) throws -> AnnouncedDay {
        AnnouncedDay(date: try date(text), kind: kind, festival: "", notice: "")
      }
      return WorkingCalendar(
        national: try days.map { try day($0.0, $0.1) },
        overlays: ["45": try regional.map { try day($0, .off) }]
      ).knownYears
    }
    #expect(try known([]) == [])
    #expect(try known([("2026-12-30", .off), ("2026-12-31", .off), ("2027-01-01", .off)]) == [])
    #expect(try known([("2027-01-01", .off), ("2027-02-05", .off), ("2027-10-02", .off)]) == [])
    #expect(try known([("2027-10-01", .work)]) == [])
    #expect(try known([], regional: ["2027-10-01"]) == [])
    #expect(try known([("2027-10-01", .off)]) == [2027])
    #expect(try known([("2027-10-01", .off), ("2028-10-01", .off), ("2026-12-31", .off)]) == [2027, 2028])
  }

  /// The notice for 2019 began on 29 December 2018: with that file alone, 2018 stays unknown but those days hold.
  @Test func decemberOfTheYearBefore() throws {
    let days = try Vectors.announcedDays(2018...2019).filter {
      $0.date >= (try date("2018-12-01"))
    }
    let calendar = WorkingCalendar(national: days)
    #expect(calendar.knownYears == [2019])
    #expect(calendar.isWorkingDay(try date("2018-12-29"), region: nil))
    #expect(!calendar.isWorkingDay(try date("2018-12-31"), region: nil))
    let deadline = calendar.deadline(
      receivedAt: try instant("2018-12-28T10:00:00+08:00"), workingDays: 2, region: nil)
    #expect(deadline.date.description == "2019-01-02" && deadline.provisional)
  }
}
