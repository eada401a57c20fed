internal import BrokerDomain
internal import Testing

/// Regional days over the national ones: county before prefecture before province before the country.
@Suite struct RegionalOverlayTests {
  private static func calendar() throws -> WorkingCalendar {
    func day(_ text: String, _ kind: AnnouncedDay.Kind, _ name: String, _ notice: String = "") throws
      -> AnnouncedDay
    {
      AnnouncedDay(date: try date(text), kind: kind, festival: name, notice: notice)
    }
    return WorkingCalendar(
      national: try Vectors.announcedDays(),
      overlays: [
        "45": [
          try day("2026-04-20", .off, "三月三", "桂政办电〔2026〕1号"),  // a Monday taken off
          try day("2026-04-25", .work, "三月三"),  // a Saturday worked
          try day("2026-02-14", .off, "春节"),  // a national make-up day taken away
          try day("2026-10-07", .work, "国庆节"),  // a national day off worked
          try day("2026-05-14", .off, "省"), try day("2026-05-15", .off, "省"),
        ],
        "4501": [try day("2026-05-14", .work, "市"), try day("2026-05-18", .off, "市")],
        "450102": [try day("2026-05-15", .work, "县"), try day("2026-05-18", .work, "县")],
      ])
  }

  /// Each row: the date, then whether it counts in 启东, 桂林 (450300), 南宁 (450100), and its district 450102.
  static let days: [(String, Bool, Bool, Bool, Bool)] = [
    ("2026-04-20", true, false, false, false),
    ("2026-04-25", false, true, true, true),
    ("2026-02-14", true, false, false, false),
    ("2026-10-07", false, true, true, true),
    ("2026-05-14", true, false, true, true),
    ("2026-05-15", true, false, false, true),
    ("2026-05-18", true, true, false, true),
    ("2026-04-21", true, true, true, true),
    ("2026-04-26", false, false, false, false),
    ("2026-02-16", false, false, false, false),
  ]

  @Test(arguments: days)
  func counts(_ row: (String, Bool, Bool, Bool, Bool)) throws {
    let calendar = try Self.calendar()
    let day = try date(row.0)
    let expected = [row.1, row.2, row.3, row.4]
    for (region, expected) in zip(["320681", "450300", "450100", "450102"], expected) {
      #expect(calendar.isWorkingDay(day, region: RegionCode(region)) == expected, "\(region)")
      #expect(calendar.verdict(day, region: RegionCode(region)).counts == expected, "\(region)")
    }
    #expect(calendar.isWorkingDay(day, region: nil) == row.1)
  }

  @Test func verdictNamesTheRegionAndItsNotice() throws {
    let calendar = try Self.calendar()
    let added = calendar.verdict(try date("2026-04-20"), region: try region("450300"))
    #expect(added.reason == Phrase("三月三放假（地区 45）", "day off: 三月三 (region 45)"))
    #expect(added.notice == "桂政办电〔2026〕1号" && !added.provisional)
    let county = calendar.verdict(try date("2026-05-15"), region: try region("450102"))
    #expect(county.reason == Phrase("县调休上班（地区 450102）", "make-up working day: 县 (region 450102)"))
    #expect(county.notice == nil)
    let national = calendar.verdict(try date("2026-02-14"), region: try region("320681"))
    #expect(national.reason == Phrase("春节调休上班", "make-up working day: 春节"))
    #expect(national.notice == "国办发明电〔2025〕7号")
  }

  /// Five days from Friday 17 April: 三月三 costs a day that the Saturday gives back.
  @Test func deadlineFollowsTheRegion() throws {
    let calendar = try Self.calendar()
    let received = try instant("2026-04-17T10:00:00+08:00")
    func due(_ days: Int, _ code: String) throws -> String {
      calendar.deadline(receivedAt: received, workingDays: days, region: try region(code)).date.description
    }
    #expect(try due(1, "320681") == "2026-04-20")
    #expect(try due(1, "450300") == "2026-04-21")
    #expect(try due(5, "320681") == "2026-04-24")
    #expect(try due(5, "450300") == "2026-04-25")
    #expect(try due(6, "320681") == "2026-04-27")
    #expect(try due(6, "450300") == "2026-04-27")
  }

  /// The two ways to ask agree on every day, also beyond the last notice.
  @Test(arguments: [nil, "320681", "450300", "450100", "450102"])
  func verdictAndIsWorkingDayAgree(_ code: String?) throws {
    let calendar = try Self.calendar()
    let region = code.flatMap { RegionCode($0) }
    var day = try date("2017-12-01")
    while day < (try date("2041-02-01")) {
      #expect(calendar.verdict(day, region: region).counts == calendar.isWorkingDay(day, region: region))
      day = day + 1
    }
  }

  @Test func calendarWithoutWorkingDaysEnds() throws {
    let start = try date("2026-01-01")
    let off = (0...800).map {
      AnnouncedDay(date: start + $0, kind: .off, festival: "停", notice: "")
    }
    let calendar = WorkingCalendar(national: off)
    #expect(calendar.workingDay(1, from: start, region: nil) == start + 366)
    #expect(calendar.workingDay(-1, from: start + 800, region: nil) == start + 434)
  }

  /// 广西 in 2017: 三月三 on 30 and 31 March, the national make-up Saturday of 1 April given off, 8 April worked for it. The
  /// nationwide days are those of that year's Qingming.
  private static func guangxi2017() throws -> WorkingCalendar {
    func day(_ text: String, _ kind: AnnouncedDay.Kind, _ name: String) throws -> AnnouncedDay {
      AnnouncedDay(date: try date(text), kind: kind, festival: name, notice: "")
    }
    return WorkingCalendar(
      national: [
        try day("2017-04-01", .work, "清明节"), try day("2017-04-03", .off, "清明节"),
        try day("2017-04-04", .off, "清明节"), try day("2017-10-01", .off, "国庆节"),
      ],
      overlays: [
        "45": [
          try day("2017-03-30", .off, "三月三"), try day("2017-03-31", .off, "三月三"),
          try day("2017-04-01", .off, "三月三"), try day("2017-04-08", .work, "三月三"),
        ]
      ])
  }

  /// Working days, then the due date in 启东 and in 南宁, of what is received on Wednesday 29 March 2017.
  static let flipped: [(Int, String, String)] = [
    (1, "2017-03-30", "2017-04-05"), (2, "2017-03-31", "2017-04-06"), (3, "2017-04-01", "2017-04-07"),
    (4, "2017-04-05", "2017-04-08"), (5, "2017-04-06", "2017-04-10"),
  ]

  @Test(arguments: flipped)
  func aNationalMakeUpDayIsFlipped(_ days: Int, _ qidong: String, _ nanning: String) throws {
    let calendar = try Self.guangxi2017()
    let received = try instant("2017-03-29T10:00:00+08:00")
    for (code, expected) in [("320681", qidong), ("450100", nanning)] {
      let due = calendar.deadline(receivedAt: received, workingDays: days, region: try region(code))
      #expect(due.date.description == expected && !due.provisional, "\(code)")
    }
    let reason = calendar.verdict(try date("2017-04-01"), region: try region("450100")).reason
    #expect(reason.zh == "三月三放假（地区 45）")
  }

  /// The table of counted days says what the verdict of each day says: in known years, in the one after them, where there
  /// is no table, and under an overlay, which no table knows.
  @Test func countsAreThoseOfTheVerdicts() throws {
    let national = try Vectors.calendar.get()
    let guangxi = try #require(RegionCode("450102"))
    let local = AnnouncedDay(date: try date("2026-03-03"), kind: .off, festival: "三月三", notice: "")
    let overlaid = WorkingCalendar(national: try Vectors.announcedDays(), overlays: ["45": [local]])
    let (start, end) = (try date("2009-01-01"), try date("2045-12-31"))
    for (calendar, region) in [(national, nil), (national, guangxi), (overlaid, guangxi), (overlaid, nil)] {
      var (day, counted) = (start, [0])
      while day < end {
        day = day + 1
        let counts = calendar.verdict(day, region: region).counts
        counted.append((counted.last ?? 0) + (counts ? 1 : 0))
        if calendar.isWorkingDay(day, region: region) != counts { Issue.record("\(day)") }
      }
      let last = counted.count - 1
      for index in stride(from: 0, through: last, by: 11) {
        for length in [0, 1, 5, 40, 400, last] where index + length <= last {
          let found = calendar.workingDays(after: start + index, through: start + (index + length), region: region)
          if found != counted[index + length] - counted[index] { Issue.record("\(start + index), \(length) days") }
        }
        #expect(calendar.workingDays(after: start + index, through: start, region: region) == 0)
      }
    }
  }
}
