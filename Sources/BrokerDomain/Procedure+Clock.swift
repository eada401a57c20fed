extension Procedure {
  /// From which day the working days count; that day itself is not counted.
  package enum Start: Sendable, Equatable {
    case receipt
    /// A required date field of `data`, such as the day on which a list was published.
    case field(String)
  }

  /// Where a date goes that is no working day.
  package enum Roll: String, Sendable, CaseIterable { case following, preceding }

  /// When an answer is owed.
  package enum Clock: Sendable, Equatable {
    case workingDays(Int, from: Start)
    /// The next of these days of the year: from receipt on, or after the half year that a required field of `data`
    /// names (`HalfYear`).
    case fixedDates([MonthDay], roll: Roll, after: String? = nil)
    /// The date that a field of `data` names; without one, so many working days from receipt.
    case statedDate(field: String, roll: Roll, otherwise: Int)
    /// Receipt is all that is owed, within so many working days of it.
    case acknowledge(workingDays: Int)
  }

  /// Whose duty the clock measures.
  package enum Bound: String, Sendable, CaseIterable {
    /// Who is asked, and has until then to answer.
    case receiver
    /// Who asks: the clause obliges it to send, as a list within days of its publication. It is kept when the request is
    /// opened in time, and broken from the start when it is opened later; the receiver's reply is never late.
    case sender
  }

  /// What a return or a transfer does to the clock: who waits for the organ that has it may begin anew, a promise to a
  /// third person runs on whoever has it (a complaint: 阿拉善右旗方案 三(二), five days from its receipt).
  package enum Handover: String, Sendable, CaseIterable { case restarts, keeps }

  /// Days that the clock counts where the assistance list names none. A clock of fixed dates counts none: 0.
  package var workingDays: Int {
    switch clock {
    case .workingDays(let days, _), .acknowledge(let days), .statedDate(_, _, let days): days
    case .fixedDates: 0
    }
  }

  /// The assistance list says how long a verification may take. A complaint or a handover about the same item keeps its
  /// own clock.
  package var takesListedDays: Bool { answerKind == .findings }

  /// The moment from whose day on the clock counts; that day is not counted. An explanation of the deadline starts
  /// here too.
  package func clockStart(receivedAt: Instant, data: JSON) -> Instant {
    // The field is required and was checked; what a damaged row lost is counted from receipt.
    guard case .workingDays(_, .field(let name)) = clock,
      let date = data[name]?.stringValue.flatMap({ CalendarDate($0) })
    else { return receivedAt }
    return date.midnight
  }

  /// The day that the procedure or the request names, before it is rolled to a working day; nil where days are counted.
  func namedDate(receivedAt: Instant, data: JSON, region: RegionCode?, calendar: WorkingCalendar) -> NamedDate? {
    switch clock {
    case .fixedDates(let dates, let roll, let field):
      let half = field.flatMap { data[$0]?.stringValue }.flatMap { HalfYear($0) }
      let date =
        half?.next(of: dates) ?? calendar.next(of: dates, receivedAt: receivedAt, roll: roll, region: region)
      return NamedDate(date: date, roll: roll)
    case .statedDate(let field, let roll, _):
      return data[field]?.stringValue.flatMap { CalendarDate($0) }.map { NamedDate(date: $0, roll: roll) }
    case .workingDays, .acknowledge: return nil
    }
  }

  /// When the answer is owed.
  /// - Parameters:
  ///   - data: of the request, checked against `fields`.
  ///   - override: working days of the assistance list, wherever the clock counts days.
  ///   - region: of the organ that answers.
  package func due(
    receivedAt: Instant, data: JSON, days override: Int?, region: RegionCode?, calendar: WorkingCalendar,
    lastDay: LastDayPolicy
  ) -> Deadline {
    if let named = namedDate(receivedAt: receivedAt, data: data, region: region, calendar: calendar) {
      return calendar.deadline(
        receivedAt: receivedAt, on: named.date, roll: named.roll, region: region, lastDay: lastDay)
    }
    return calendar.deadline(
      receivedAt: clockStart(receivedAt: receivedAt, data: data), workingDays: override ?? workingDays,
      region: region, lastDay: lastDay)
  }
}

struct NamedDate {
  let date: CalendarDate
  let roll: Procedure.Roll
}

/// A day of every year; `02-29` is the end of February, in a common year the 28th.
package struct MonthDay: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let month: Int
  package let day: Int

  /// Parses `MM-DD`.
  package init?(_ text: some StringProtocol) {
    // 2000 was a leap year: every day of a year is a day of it.
    guard let date = CalendarDate("2000-" + text) else { return nil }
    (month, day) = (date.components.month, date.components.day)
  }

  package func date(in year: Int) -> CalendarDate? {
    CalendarDate(year: year, month: month, day: day) ?? CalendarDate(year: year, month: 2, day: 28)
  }

  package var description: String {
    (month < 10 ? "0" : "") + String(month) + "-" + (day < 10 ? "0" : "") + String(day)
  }

  package static func < (a: MonthDay, b: MonthDay) -> Bool { (a.month, a.day) < (b.month, b.day) }
}

extension WorkingCalendar {
  /// The date itself when it is worked, otherwise the working day beside it.
  package func rolled(_ date: CalendarDate, _ roll: Procedure.Roll, region: RegionCode?) -> CalendarDate {
    if isWorkingDay(date, region: region) { return date }
    return workingDay(roll == .following ? 1 : -1, from: date, region: region)
  }

  /// A deadline on a named date, rolled to a working day. `workingDays` are those after the day of receipt up to it.
  package func deadline(
    receivedAt: Instant, on date: CalendarDate, roll: Procedure.Roll, region: RegionCode?,
    lastDay: LastDayPolicy = .midnight
  ) -> Deadline {
    let last = rolled(date, roll, region: region)
    // Nothing is counted, so only the years of the date and of the day that it rolled to decide.
    let provisional = !isKnown(date.year) || !isKnown(last.year)
    return Deadline(
      at: last.midnight + Int64(lastDay.endMinute) * 60_000, date: last,
      workingDays: workingDays(after: receivedAt.date, through: last, region: region), provisional: provisional)
  }

  /// The first of these days of the year whose working day is not over on the day of receipt: who is heard on the
  /// Sunday after a 30th that rolled to Monday is in time for it.
  package func deadline(
    receivedAt: Instant, dates: [MonthDay], roll: Procedure.Roll, region: RegionCode?,
    lastDay: LastDayPolicy = .midnight
  ) -> Deadline {
    let next = next(of: dates, receivedAt: receivedAt, roll: roll, region: region)
    return deadline(receivedAt: receivedAt, on: next, roll: roll, region: region, lastDay: lastDay)
  }

  fileprivate func next(
    of dates: [MonthDay], receivedAt: Instant, roll: Procedure.Roll, region: RegionCode?
  ) -> CalendarDate {
    let received = receivedAt.date
    // The year before, for a date that rolled past New Year; two ahead, for one that rolled back before receipt.
    let listed = (received.year - 1...received.year + 2).flatMap { year in
      dates.sorted().compactMap { $0.date(in: year) }
    }
    return listed.first { rolled($0, roll, region: region) >= received } ?? received
  }
}
