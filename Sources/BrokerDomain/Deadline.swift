/// When an answer is owed. Day of receipt is not counted (民法典 第二百零一条); day 1 is the next working day; the last day
/// runs to 24:00 (民法典 第二百零三条), so the due moment is the following 00:00, exclusive.
package struct Deadline: Sendable, Equatable {
  /// Exclusive: an answer at this moment is late.
  package let at: Instant
  package let date: CalendarDate
  package let workingDays: Int
  /// A counted day lies in a year whose notice is not known.
  package let provisional: Bool

  package init(at: Instant, date: CalendarDate, workingDays: Int, provisional: Bool) {
    self.at = at
    self.date = date
    self.workingDays = workingDays
    self.provisional = provisional
  }
}

/// One line of the 算式.
package struct CountedDay: Sendable, Equatable {
  package let date: CalendarDate
  /// 1, 2, 3 … for a counted day, nil for a skipped one.
  package let ordinal: Int?
  package let reason: Phrase
  package let notice: String?
}

/// How the last day ends: at 24:00 by law, or at office close where a region says so (minutes after 00:00). And when
/// people are in their offices, who are told of deadlines then and at no other time.
package struct LastDayPolicy: Sendable, Equatable {
  package let endMinute: Int
  package let officeHours: OfficeHours
  package init(endMinute: Int, officeHours: OfficeHours = .standard) {
    self.endMinute = endMinute
    self.officeHours = officeHours
  }
  package static let midnight = LastDayPolicy(endMinute: 24 * 60)

  /// By which a last day ended at `due`.
  init(endingAt due: Instant) {
    let minute = Int((due.milliseconds - due.date.midnight.milliseconds) / 60_000)
    self.init(endMinute: minute == 0 ? 24 * 60 : minute)
  }
}

extension WorkingCalendar {
  /// At least 1, at most `Procedure.maximumDays` working days.
  package func deadline(
    receivedAt: Instant, workingDays: Int, region: RegionCode?, lastDay: LastDayPolicy = .midnight
  ) -> Deadline {
    let received = receivedAt.date
    let date = workingDay(workingDays, from: received, region: region)
    // From the day after receipt on, which itself is not counted: 31 December of an unknown year decides nothing.
    let first = (received + 1).year
    let provisional = (first...max(first, date.year)).contains { !isKnown($0) }
    return Deadline(
      at: date.midnight + Int64(lastDay.endMinute) * 60_000, date: date, workingDays: workingDays,
      provisional: provisional)
  }

  /// Every day from the day after receipt to the due date, counted or skipped, and why.
  package func explanation(receivedAt: Instant, deadline: Deadline, region: RegionCode?)
    -> [CountedDay]
  {
    var lines: [CountedDay] = []
    var ordinal = 0
    var day = receivedAt.date + 1
    while day <= deadline.date {
      let verdict = verdict(day, region: region)
      if verdict.counts { ordinal += 1 }
      lines.append(
        CountedDay(
          date: day, ordinal: verdict.counts ? ordinal : nil, reason: verdict.reason,
          notice: verdict.notice))
      day = day + 1
    }
    return lines
  }

  /// The explanation in two sentences that a clerk can put on file.
  /// - Parameters:
  ///   - receivedAt: the moment from whose day on is counted.
  ///   - start: what happened on that day.
  package func summary(
    receivedAt: Instant, deadline: Deadline, region: RegionCode?, start: CountingStart = .receipt
  ) -> Phrase {
    let skipped = explanation(receivedAt: receivedAt, deadline: deadline, region: region).filter {
      $0.ordinal == nil
    }.count
    let provisional =
      deadline.provisional
      ? Phrase("；含放假通知未公布或者尚未导入的年份，为暂定期限", "; provisional, a year's notice is not out or not loaded") : Phrase("", "")
    if case .named(let date, let label) = start {
      return named(date, label, from: receivedAt, deadline, provisional)
    }
    let head = start.head(receivedAt)
    return Phrase(
      "\(head.zh)（当日不计），自次日起计\(deadline.workingDays)个工作日，跳过\(skipped)个非工作日，届满日 \(deadline.date)，截至 \(deadline.at.rfc3339)（不含）\(provisional.zh)",
      "\(head.en) (that day is not counted); \(Phrase.count(deadline.workingDays, "working day")) from the next day, "
        + "\(Phrase.count(skipped, "day")) skipped; due \(deadline.date), until \(deadline.at.rfc3339) exclusive\(provisional.en)"
    )
  }
}

extension Deadline {
  /// The members of a deadline with its 算式, as the API and the command line show it.
  /// - Parameter text: in place of the usual words, where a deadline is not counted from receipt.
  package func write(
    _ w: inout JSONWriter, receivedAt: Instant, region: RegionCode?, calendar: WorkingCalendar,
    start: CountingStart = .receipt, text: Phrase? = nil
  ) {
    w.string("date", date.description)
    w.string("at", at.rfc3339)
    let days = calendar.explanation(receivedAt: receivedAt, deadline: self, region: region)
    // Of a date that somebody has named, the days before it are counted as they are now.
    var counted = workingDays
    if case .named = start { counted = days.count { $0.ordinal != nil } }
    w.int("workingDays", counted)
    w.bool("provisional", provisional)
    w.string("region", region?.description)
    w.array("explanation") { w in
      for day in days {
        w.object { w in
          w.string("date", day.date.description)
          w.int("weekday", day.date.weekday)
          w.bool("counted", day.ordinal != nil)
          w.int("day", day.ordinal)
          w.phrase("reason", day.reason)
          w.string("notice", day.notice)
        }
      }
    }
    w.phrase("text", text ?? calendar.summary(receivedAt: receivedAt, deadline: self, region: region, start: start))
  }
}
