internal import BrokerDomain
internal import Testing

/// What a file of days makes of a calendar, which dates that concerns, and which year is missing when.
@Suite struct CalendarChangeTests {
  private static func row(_ date: String, _ kind: AnnouncedDay.Kind, _ region: String = "") throws
    -> WorkingCalendar.Row
  {
    (region, AnnouncedDay(date: try BrokerDomainTests.date(date), kind: kind, festival: "测试", notice: "通知"))
  }

  /// Rows of a file, and the first and the last date that count otherwise after it; "" when none does.
  static let changes: [([(String, AnnouncedDay.Kind, String)], String)] = [
    ([("2026-03-09", .off, "")], "2026-03-09...2026-03-09"),
    ([("2026-03-09", .off, ""), ("2026-05-09", .off, "")], "2026-03-09...2026-05-09"),
    // As it is announced already, and in a region as it was not.
    ([("2026-02-14", .work, "")], ""),
    ([("2026-02-14", .off, "45")], "2026-02-14...2026-02-14"),
    ([("2026-02-14", .work, "45")], "2026-02-14...2026-02-14"),
    // A year's own notice: all of that year was provisional, and the year before may have lost its last days.
    ([("2027-10-01", .off, "")], "2027-01-01...2027-12-31"),
    ([("2026-12-31", .off, ""), ("2027-10-01", .off, "")], "2026-12-31...2027-12-31"),
  ]

  @Test(arguments: changes)
  func changedDates(_ rows: [(String, AnnouncedDay.Kind, String)], _ expected: String) throws {
    let old = try Vectors.calendar.get()
    let new = old.amended(by: try rows.map { try Self.row($0.0, $0.1, $0.2) })
    let range = new.changedDates(since: old)
    #expect(range.map { "\($0.lowerBound)...\($0.upperBound)" } ?? "" == expected)
    #expect(old.changedDates(since: new) == range, "there and back")
  }

  /// The end of a year is announced by the notice of the next one, and stays so when its own comes again.
  @Test func theNextYearsNoticeHoldsForTheLastDays() throws {
    func row(_ day: String, _ notice: String) throws -> WorkingCalendar.Row {
      ("", AnnouncedDay(date: try date(day), kind: .off, festival: "", notice: notice))
    }
    let old = try Vectors.calendar.get()
    let both = old.amended(by: [try row("2026-12-31", "甲"), try row("2027-10-01", "甲"), try row("2026-06-01", "乙")])
    let notice = [try row("2026-05-01", "丙"), try row("2026-10-01", "丙")]
    let again = both.amended(by: notice)
    #expect(!again.isWorkingDay(try date("2026-12-31"), region: nil))
    #expect(again.isWorkingDay(try date("2026-06-01"), region: nil))
    #expect(both.removed(by: notice).contains(try date("2026-06-01")))
    // Unless both come together.
    let replaced = both.amended(by: notice + [try row("2027-05-01", "丙"), try row("2027-10-01", "丙")])
    #expect(replaced.isWorkingDay(try date("2026-12-31"), region: nil))
  }

  /// An amendment of National Day names it, as the year's own notice does, and not Labour Day.
  @Test func anAmendmentOfNationalDayLeavesTheRest() throws {
    let old = try Vectors.calendar.get()
    let rows = [try Self.row("2026-10-01", .off), try Self.row("2026-10-09", .off), try Self.row("2026-10-11", .work)]
    #expect(old.removed(by: rows) == [] && old.replacedYears(by: rows) == [])
    let amended = old.amended(by: rows)
    #expect(!amended.isWorkingDay(try date("2026-02-17"), region: nil), "Spring Festival")
    #expect(!amended.isWorkingDay(try date("2026-10-09"), region: nil))
    #expect(amended.isWorkingDay(try date("2026-10-11"), region: nil) && amended.incomplete(2026) == nil)
    // Of a year that is not known it is all there is, and too little.
    let part = old.amended(by: [try Self.row("2027-10-01", .off)])
    let missing = part.unannouncedStatutoryDays(of: 2027).map(\.date.description)
    #expect(!part.isWorkingDay(try date("2027-02-08"), region: nil), "off by law")
    #expect(part.isWorkingDay(try date("2027-02-10"), region: nil), "what a notice adds is not known")
    let verdict = part.verdict(try date("2027-02-08"), region: nil)
    #expect(!verdict.counts && !verdict.provisional && verdict.reason.zh == "春节（法定节假日，导入的放假安排没有列明）")
    let worked = part.amended(by: [try Self.row("2027-02-08", .work)])
    #expect(worked.isWorkingDay(try date("2027-02-08"), region: nil), "a row is a row")
    #expect(missing.contains("2027-02-05") && missing.contains("2027-01-01") && !missing.contains("2027-10-01"))
    #expect(!missing.contains("2027-05-01"), "a Saturday is off by itself")
    #expect(old.unannouncedStatutoryDays(of: 2027).isEmpty, "nothing is known of it")
  }

  @Test func aYearsOwnNoticeReplacesItAndAnythingElseIsAdded() throws {
    let old = try Vectors.calendar.get()
    let amended = old.amended(by: [try Self.row("2026-03-09", .off), try Self.row("2026-03-10", .off, "45")])
    let nanning = try region("450100")
    #expect(!amended.isWorkingDay(try date("2026-03-09"), region: nil))
    #expect(amended.isWorkingDay(try date("2026-03-10"), region: nil))
    #expect(!amended.isWorkingDay(try date("2026-03-10"), region: nanning))
    #expect(!amended.isWorkingDay(try date("2026-10-05"), region: nil), "the rest of the year stays")
    let replaced = amended.amended(by: [try Self.row("2026-05-01", .off), try Self.row("2026-10-01", .off)])
    #expect(replaced.isWorkingDay(try date("2026-03-09"), region: nil) && replaced.isKnown(2026))
    #expect(replaced.isWorkingDay(try date("2026-10-05"), region: nil), "not in this notice")
    #expect(!replaced.isWorkingDay(try date("2026-03-10"), region: nanning), "a region's days are its own")
  }

  static let missing: [(String, [Int])] = [
    ("2026-10-31", []), ("2026-11-01", [2027]), ("2026-12-31", [2027]), ("2027-01-01", [2027]),
    ("2027-10-31", [2027]), ("2027-11-01", [2027, 2028]), ("2025-11-21", []), ("2017-11-01", [2017]),
  ]

  @Test(arguments: missing)
  func missingYears(_ today: String, _ expected: [Int]) throws {
    #expect(try Vectors.calendar.get().missingYears(on: try date(today)) == expected)
  }
}
