/// A clock that binds the sender is over when the request is opened: what is left of it is whether that was in time, and
/// who is told that it was not.
extension AssistanceRequest {
  /// Who has to keep its clock.
  package var bound: OrganCode { progress.bindsSender ? requester : holder }

  /// It was sent after its due moment, by the organ whose duty it was to send it.
  package var isSentLate: Bool { progress.bindsSender && receivedAt >= deadline.at }

  /// Rungs of its ladder may still fire: something is owed, or was sent late and is not taken back.
  package var isLadderRunning: Bool { isClockRunning || isSentLate && state.name != .withdrawn }

  /// The requested organ replied after the due moment. What bound the sender gave it no deadline.
  package func isReplyLate(now: Instant) -> Bool { !progress.bindsSender && clockStatus(now: now) == .missed }

  /// The explanation of a deadline of the sender's in two sentences; nil where it is the receiver's.
  package func senderSummary(_ calendar: WorkingCalendar, region: RegionCode?) -> Phrase? {
    guard progress.bindsSender else { return nil }
    var text: Phrase
    if let start = progress.clockFrom?.date {
      let days = calendar.explanation(receivedAt: clockFrom, deadline: deadline, region: region)
      let skipped = days.count { $0.ordinal == nil }
      text = Phrase(
        "自 \(start)（当日不计）的次日起计\(deadline.workingDays)个工作日，跳过\(skipped)个非工作日，届满日 \(deadline.date)",
        "\(Phrase.count(deadline.workingDays, "working day")) from the day after \(start), \(Phrase.count(skipped, "day"))"
          + " skipped; due \(deadline.date)"
      )
    } else {
      text = Phrase("届满日 \(deadline.date)", "due \(deadline.date)")
    }
    let kept = isSentLate ? Phrase("逾期", "late") : Phrase("按期", "in time")
    let provisional =
      deadline.provisional
      ? Phrase("；含放假通知未公布或者尚未导入的年份，为暂定期限", "; provisional, a year's notice is not out or not loaded") : Phrase("", "")
    return Phrase(
      "\(text.zh)，截至 \(deadline.at.rfc3339)（不含）；期限约束送交机关，\(receivedAt.rfc3339) 送交，\(kept.zh)\(provisional.zh)",
      "\(text.en), until \(deadline.at.rfc3339) exclusive; it binds the organ that sends, which sent it at"
        + " \(receivedAt.rfc3339), \(kept.en)\(provisional.en)")
  }
}
