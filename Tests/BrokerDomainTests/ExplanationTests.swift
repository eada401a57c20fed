internal import BrokerDomain
internal import Testing

/// The 算式, line by line, on the stretches that are hard.
@Suite struct ExplanationTests {
  private func lines(_ received: String, _ days: Int) throws -> [String] {
    let calendar = try Vectors.calendar.get()
    let receivedAt = try instant(received)
    let deadline = calendar.deadline(receivedAt: receivedAt, workingDays: days, region: nil)
    return calendar.explanation(receivedAt: receivedAt, deadline: deadline, region: nil).map {
      let ordinal = $0.ordinal.map(String.init) ?? "-"
      return "\($0.date) \(ordinal) \($0.reason.zh) \($0.notice ?? "-")"
    }
  }

  @Test func springFestival2026() throws {
    let notice = "国办发明电〔2025〕7号"
    let off = (15...23).map { "2026-02-\($0) - 春节放假 \(notice)" }
    #expect(
      try lines("2026-02-13T17:45:00+08:00", 2)
        == ["2026-02-14 1 春节调休上班 \(notice)"] + off + ["2026-02-24 2 工作日 -"])
  }

  /// The extension of 2020 names its own notice: 1 February turned from a make-up day into a day off.
  @Test func springFestival2020() throws {
    let first = "国办发明电〔2019〕16号"
    let extended = "国办发明电〔2020〕1号"
    let found = try lines("2020-01-23T10:00:00+08:00", 2)
    var expected = (24...30).map { "2020-01-\($0) - 春节放假 \(first)" }
    expected.append("2020-01-31 - 春节放假 \(extended)")
    expected += (1...2).map { "2020-02-0\($0) - 春节放假 \(extended)" }
    #expect(Array(found.prefix(10)) == expected)
    #expect(found.dropFirst(10).map { String($0.prefix(12)) } == ["2020-02-03 1", "2020-02-04 2"])
  }

  @Test func plainWeek() throws {
    #expect(
      try lines("2026-11-20T10:00:00+08:00", 2) == [
        "2026-11-21 - 休息日 -", "2026-11-22 - 休息日 -", "2026-11-23 1 工作日 -", "2026-11-24 2 工作日 -",
      ])
  }

  /// Across the end of the last known year each line says from when on it is a projection.
  @Test func intoTheUnknown() throws {
    let note = "（当年放假通知未公布或者尚未导入，暂定）"
    #expect(
      try lines("2026-12-30T10:00:00+08:00", 2) == [
        "2026-12-31 1 工作日 -", "2027-01-01 - 元旦（法定节假日，当年放假通知未公布或者尚未导入，暂定） -",
        "2027-01-02 - 休息日\(note) -", "2027-01-03 - 休息日\(note) -", "2027-01-04 2 工作日\(note) -",
      ])
  }

  @Test func summaryIsASentenceForTheFile() throws {
    let calendar = try Vectors.calendar.get()
    let received = try instant("2026-11-20T10:00:00+08:00")
    let deadline = calendar.deadline(receivedAt: received, workingDays: 5, region: nil)
    let summary = calendar.summary(receivedAt: received, deadline: deadline, region: nil)
    #expect(
      summary.zh
        == "收到 2026-11-20T10:00:00+08:00（当日不计），自次日起计5个工作日，跳过2个非工作日，届满日 2026-11-27，截至 2026-11-28T00:00:00+08:00（不含）"
    )
    #expect(
      summary.en
        == "received 2026-11-20T10:00:00+08:00 (that day is not counted); 5 working days from the next day, 2 days skipped; due 2026-11-27, until 2026-11-28T00:00:00+08:00 exclusive"
    )
  }

  /// Whatever the shipped files say, every announced day is what they say and names its notice.
  @Test func everyAnnouncedDayIsCited() throws {
    let calendar = try Vectors.calendar.get()
    let days = try Vectors.announcedDays()
    #expect(days.count >= 315 && Set(days.map(\.date)).count == days.count)
    for day in days {
      let verdict = calendar.verdict(day.date, region: nil)
      #expect(verdict.counts == (day.kind == .work) && verdict.notice == day.notice)
      #expect(day.notice.hasPrefix("国办发明电〔") && verdict.reason.zh.hasPrefix(day.festival))
    }
  }
}
