/// 办公时间: when people are at work on a working day, in minutes after 00:00; the second moment is exclusive.
package struct OfficeHours: Sendable, Equatable {
  package let opens: Int
  package let closes: Int

  package static let standard = OfficeHours(opens: 9 * 60, closes: 17 * 60)

  private init(opens: Int, closes: Int) {
    self.opens = opens
    self.closes = closes
  }

  /// Parses `09:00-17:00`.
  package init?(_ text: some StringProtocol) {
    let b = Array(text.utf8)
    guard b.count == 11, b[2] == UInt8(ascii: ":"), b[5] == UInt8(ascii: "-"), b[8] == UInt8(ascii: ":"),
      let fromHour = digits(b, 0, 2), let fromMinute = digits(b, 3, 2), let toHour = digits(b, 6, 2),
      let toMinute = digits(b, 9, 2), fromHour < 24, fromMinute < 60, toMinute < 60
    else { return nil }
    let (opens, closes) = (fromHour * 60 + fromMinute, toHour * 60 + toMinute)
    guard opens < closes, closes <= 24 * 60 else { return nil }
    self.init(opens: opens, closes: closes)
  }

  var opensMilliseconds: Int64 { Int64(opens) * 60_000 }
  var closesMilliseconds: Int64 { Int64(closes) * 60_000 }
}

/// Whom a rung is for among people 联络员、分管领导、监督机关. The first two work at the organ that the
/// clock binds.
package enum Audience: String, Sendable, CaseIterable { case contact, leader, supervisor }

extension Rung {
  /// The contact is reminded, the leader hears of what is overdue, and with the supervisor of what stays so.
  package var audiences: [Audience] {
    switch self {
    case .twoDaysLeft, .oneDayLeft: [.contact]
    case .overdue: [.leader]
    case .escalated: [.leader, .supervisor]
    }
  }

  /// The highest of them.
  package var audience: Audience { audiences[audiences.count - 1] }

  /// What an audience of the sender's reads, where the clock binds the sender: it was sent, and late.
  /// - Parameter supervisorIsTold: of this rung, at the same time.
  package func senderNotice(
    to audience: Audience, title: Phrase, asker: String, answerer: String, due: CalendarDate, provisional: Bool,
    supervisorIsTold: Bool
  ) -> Phrase {
    let mark = Phrase.mark(provisional: provisional)
    guard audience == .supervisor else {
      let told = Phrase.told(supervisorIsTold)
      return Phrase(
        "请分管领导查明原因：本机关送\(answerer)的“\(title.zh)”已于 \(due) 届满\(mark.zh)，逾期送交\(told.zh)",
        "for the leader: \"\(title.en)\" to \(answerer) was due on \(due)\(mark.en) and was sent late\(told.en)")
    }
    return Phrase(
      "请监督机关督促：\(asker)送\(answerer)的“\(title.zh)”，\(due) 届满\(mark.zh)，逾期送交",
      "for the supervisor: \(asker) sent \"\(title.en)\" to \(answerer) late, due on \(due)\(mark.en)")
  }

  /// What an audience reads, without anything about the subject.
  /// - Parameters:
  ///   - title: of the procedure.
  ///   - asker: name of the requesting organ.
  ///   - answerer: name of the organ that was to answer.
  ///   - provisional: the last day is, for want of a year's notice.
  ///   - left: working days left when the notice was given.
  ///   - owesReceiptOnly: of the procedure; what is late then is that receipt is acknowledged.
  ///   - supervisorIsTold: of this rung, at the same time.
  package func notice(
    to audience: Audience, title: Phrase, asker: String, answerer: String, due: CalendarDate, provisional: Bool,
    left: Int, owesReceiptOnly: Bool, supervisorIsTold: Bool
  ) -> Phrase {
    let mark = Phrase.mark(provisional: provisional)
    switch (self, audience) {
    case (.twoDaysLeft, _), (.oneDayLeft, _):
      let rest = left == 0 ? Phrase("今日截止", "today") : Phrase("还剩\(left)个工作日", "working days left: \(left)")
      return Phrase(
        "请联络员尽快\(owesReceiptOnly ? "签收" : "办理")：\(asker)提出的“\(title.zh)”，\(due) 届满\(mark.zh)，\(rest.zh)",
        "for the contact: \"\(title.en)\", opened by \(asker), is due on \(due)\(mark.en) (\(rest.en))")
    case (.overdue, _):
      let state = owesReceiptOnly ? Phrase("尚未签收", "not yet acknowledged") : Phrase("尚未办结", "overdue")
      return Phrase(
        "请分管领导督促\(owesReceiptOnly ? "签收" : "")：\(asker)提出的“\(title.zh)”已于 \(due) 届满\(mark.zh)，\(state.zh)",
        "for the leader: \"\(title.en)\", opened by \(asker), was due on \(due)\(mark.en) and is \(state.en)")
    case (.escalated, .supervisor) where owesReceiptOnly:
      return Phrase(
        "请监督机关督办：\(answerer)收到\(asker)提出的“\(title.zh)”，\(due) 届满\(mark.zh)，尚未签收",
        "for the supervisor: \(answerer) has not yet acknowledged \"\(title.en)\", opened by \(asker),"
          + " due on \(due)\(mark.en)")
    case (.escalated, .supervisor):
      return Phrase(
        "请监督机关督办：\(answerer)办理\(asker)提出的“\(title.zh)”，\(due) 届满\(mark.zh)，逾期未办结",
        "for the supervisor: \(answerer) owes \"\(title.en)\", opened by \(asker), due on \(due)\(mark.en)")
    case (.escalated, _):
      let (urge, state) =
        owesReceiptOnly
        ? ("督促签收", Phrase("尚未签收", "not yet acknowledged")) : ("立即督办", Phrase("仍未办结", "still open"))
      let told = Phrase.told(supervisorIsTold)
      return Phrase(
        "请分管领导\(urge)：\(asker)提出的“\(title.zh)”已于 \(due) 届满\(mark.zh)，届满后的第一个工作日\(state.zh)\(told.zh)",
        "for the leader: \"\(title.en)\", opened by \(asker), was due on \(due)\(mark.en) and is \(state.en) on the first"
          + " working day after\(told.en)")
    }
  }
}

extension Phrase {
  /// Added to what the leader reads. Of what is sealed, and where the directory has none, no supervisor is told.
  fileprivate static func told(_ supervisorIsTold: Bool) -> Phrase {
    supervisorIsTold ? Phrase("，已同时告知监督机关", ", and the supervisor is told") : Phrase("", "")
  }
}

extension WorkingCalendar {
  /// The moment itself, when the organ's people are at work then; otherwise when they come in next.
  package func officeMoment(from moment: Instant, region: RegionCode?) -> Instant {
    let date = moment.date
    if isWorkingDay(date, region: region) {
      let sinceMidnight = moment.milliseconds - date.midnight.milliseconds
      if sinceMidnight < officeHours.opensMilliseconds { return date.midnight + officeHours.opensMilliseconds }
      if sinceMidnight < officeHours.closesMilliseconds { return moment }
    }
    return workingDay(1, from: date, region: region).midnight + officeHours.opensMilliseconds
  }
}
