internal import BrokerDomain
internal import Testing

/// When people are told: on working days of the region, in office hours.
@Suite struct OfficeHoursTests {
  @Test(arguments: [
    "", "9:00-17:00", "09:00", "17:00-09:00", "09:00-09:00", "09:00-24:01", "24:00-24:00", "09:60-17:00", "09:00~17:00",
    "ab:cd-ef:gh", "09:00-17:000",
  ])
  func noHours(_ text: String) { #expect(OfficeHours(text) == nil) }

  @Test func hours() {
    #expect(OfficeHours("09:00-17:00") == .standard)
    #expect(OfficeHours("00:00-24:00").map { [$0.opens, $0.closes] } == [0, 1440])
    #expect(OfficeHours("10:00-19:30").map { [$0.opens, $0.closes] } == [600, 1170])
  }

  /// From, region, until.
  static let moments: [(String, String, String)] = [
    ("2026-03-05T00:00:00+08:00", "320681", "2026-03-05T09:00:00+08:00"),
    ("2026-03-05T09:00:00+08:00", "320681", "2026-03-05T09:00:00+08:00"),
    ("2026-03-05T16:59:59+08:00", "320681", "2026-03-05T16:59:59+08:00"),
    ("2026-03-05T17:00:00+08:00", "320681", "2026-03-06T09:00:00+08:00"),
    // Friday evening, over a plain weekend.
    ("2026-03-06T20:00:00+08:00", "320681", "2026-03-09T09:00:00+08:00"),
    ("2026-03-07T12:00:00+08:00", "320681", "2026-03-09T09:00:00+08:00"),
    // A make-up Saturday is worked; in 广西 it was given off.
    ("2026-02-28T00:00:00+08:00", "320681", "2026-02-28T09:00:00+08:00"),
    ("2026-02-28T00:00:00+08:00", "450100", "2026-03-02T09:00:00+08:00"),
    // Over the Spring Festival.
    ("2026-02-14T18:00:00+08:00", "320681", "2026-02-24T09:00:00+08:00"),
  ]

  @Test(arguments: moments)
  func officeMoment(_ from: String, _ code: String, _ expected: String) throws {
    let day = AnnouncedDay(date: try date("2026-02-28"), kind: .off, festival: "测试", notice: "")
    let calendar = try Vectors.calendar.get().amended(by: [("45", day)])
    let moment = calendar.officeMoment(from: try instant(from), region: try region(code))
    #expect(moment.rfc3339 == expected)
    #expect(calendar.officeMoment(from: moment, region: try region(code)) == moment, "it is one")
  }

  @Test func everyRungHasAnAudienceAndWords() {
    #expect(Rung.allCases.map(\.audience) == [.contact, .contact, .leader, .supervisor])
    let due = CalendarDate(dayNumber: 20_519)
    func words(provisional: Bool, owesReceiptOnly: Bool = false) -> [Phrase] {
      Rung.allCases.flatMap { rung in
        rung.audiences.map { audience in
          rung.notice(
            to: audience, title: Phrase("协助核查", "verification"), asker: "甲局", answerer: "乙局", due: due,
            provisional: provisional, left: 3 - rung.rawValue, owesReceiptOnly: owesReceiptOnly,
            supervisorIsTold: rung == .escalated)
        }
      }
    }
    let title = Phrase("备案", "filing")
    func others(provisional: Bool) -> [Phrase] {
      [Audience.leader, .supervisor].map {
        Rung.overdue.senderNotice(
          to: $0, title: title, asker: "甲局", answerer: "乙局", due: due, provisional: provisional,
          supervisorIsTold: false)
      } + [undeliveredNotice(title: title, answerer: "乙局", needed: due, provisional: provisional)]
    }
    for provisional in [true, false] {
      for notice in words(provisional: provisional) + words(provisional: provisional, owesReceiptOnly: true)
        + others(provisional: provisional)
      {
        #expect(notice.zh.contains("（暂定）") == provisional && notice.en.contains("\(due) (provisional)") == provisional)
        #expect(notice.zh.replacing("（暂定）", with: "").contains("\(due)") && notice.en.contains("\(due)"))
      }
    }
    let notices = words(provisional: false)
    #expect(Set(notices.map(\.zh)).count == 5 && Set(notices.map(\.en)).count == 5)
    #expect(notices.allSatisfy { $0.zh.contains(due.description) && $0.en.contains("甲局") })
    #expect(notices[4].zh.contains("乙局"), "a supervisor has to know whom to ask")
  }

  /// What is late is named: the whole, or that receipt is acknowledged where nothing else is owed. That a supervisor has
  /// been told is said only where one has.
  @Test(arguments: [false, true]) func whatIsLateIsNamed(owesReceiptOnly: Bool) {
    func text(_ rung: Rung, _ audience: Audience, supervisorIsTold: Bool) -> Phrase {
      rung.notice(
        to: audience, title: Phrase("现场核查推送", "dispatch"), asker: "甲局", answerer: "乙局",
        due: CalendarDate(dayNumber: 20_519), provisional: false, left: 0, owesReceiptOnly: owesReceiptOnly,
        supervisorIsTold: supervisorIsTold)
    }
    let overdue = text(.overdue, .leader, supervisorIsTold: false)
    let leader = text(.escalated, .leader, supervisorIsTold: true)
    let alone = text(.escalated, .leader, supervisorIsTold: false)
    let supervisor = text(.escalated, .supervisor, supervisorIsTold: true)
    for notice in [overdue, leader, alone, supervisor] {
      #expect(notice.zh.contains("尚未签收") == owesReceiptOnly && notice.zh.contains("办结") == !owesReceiptOnly)
      #expect(notice.en.contains("acknowledged") == owesReceiptOnly, "\(notice.en)")
    }
    #expect(overdue.zh.hasPrefix("请分管领导督促签收：") == owesReceiptOnly)
    #expect(overdue.zh.hasSuffix(owesReceiptOnly ? "届满，尚未签收" : "届满，尚未办结"))
    #expect(leader.zh.hasPrefix(owesReceiptOnly ? "请分管领导督促签收：" : "请分管领导立即督办："))
    let rest = owesReceiptOnly ? "尚未签收" : "仍未办结"
    #expect(leader.zh.hasSuffix("，届满后的第一个工作日\(rest)，已同时告知监督机关") && alone.zh.hasSuffix("第一个工作日\(rest)"))
    let state = owesReceiptOnly ? "not yet acknowledged" : "still open"
    #expect(leader.en.hasSuffix("is \(state) on the first working day after, and the supervisor is told"))
    #expect(alone.en.hasSuffix("is \(state) on the first working day after"))
  }

  /// The leader of the sender reads no sentence twice.
  @Test func theSenderHearsThatTheSupervisorIsTold() {
    let texts = [(Rung.overdue, false), (.escalated, true)].map { rung, isTold in
      rung.senderNotice(
        to: .leader, title: Phrase("清单备案", "filing"), asker: "甲局", answerer: "乙局",
        due: CalendarDate(dayNumber: 20_519), provisional: false, supervisorIsTold: isTold)
    }
    #expect(texts[0].zh.hasSuffix("，逾期送交") && texts[1].zh == texts[0].zh + "，已同时告知监督机关")
    #expect(texts[1].en == texts[0].en + ", and the supervisor is told")
  }
}
