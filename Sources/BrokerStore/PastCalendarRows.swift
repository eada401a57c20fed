internal import BrokerDomain
internal import GRDB

enum PastCalendarSQL: String, CaseIterable {
  case days = "SELECT until, region, date, kind, festival, notice FROM past_calendar_day ORDER BY until, region, date"
  /// Of two changes in one millisecond the days were before them what they were before the first.
  case keep = """
    INSERT INTO past_calendar_day (until, region, date, kind, festival, notice) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING
    """
  case hasRequests = "SELECT 1 FROM request LIMIT 1"
}

extension Database {
  func pastCalendars(of calendar: WorkingCalendar) throws -> [PastCalendar] {
    var changes: [(until: Instant, days: [PastCalendar.Day])] = []
    try each(PastCalendarSQL.days, []) { row in
      let until = Instant(milliseconds: row.int(0))
      let kind = row.optionalText(3).map { AnnouncedDay.Kind(rawValue: $0) }
      guard let date = CalendarDate(row.text(2)), kind != .some(nil) else {
        throw StoreError.damaged(file: StoreError.database, "past calendar day \(row.text(2)) cannot be read")
      }
      let announced = kind.flatMap { $0 }.map {
        AnnouncedDay(date: date, kind: $0, festival: row.text(4), notice: row.text(5))
      }
      if changes.last?.until != until { changes.append((until, [])) }
      changes[changes.count - 1].days.append((row.text(1), date, announced))
    }
    return PastCalendar.past(of: calendar, changes)
  }

  /// Keeps what a change has replaced. Without a request nothing was counted by it.
  func keepPast(of old: WorkingCalendar, changedAt now: Instant) throws {
    guard try first(PastCalendarSQL.hasRequests, body: { _ in true }) == true else { return }
    for day in try loadCalendar().replaced(of: old) {
      try run(
        PastCalendarSQL.keep, .int(now.milliseconds), .text(day.region), .text(day.date.description),
        .optionalText(day.announced?.kind.rawValue), .text(day.announced?.festival ?? ""),
        .text(day.announced?.notice ?? ""))
    }
  }
}
