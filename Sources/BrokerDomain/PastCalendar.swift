/// The calendar as it was announced until a change of it. What a clock counted up to its end stays as it was counted then:
/// a later notice moves open deadlines and touches no closed request (domain: "recomputes open requests only").
package struct PastCalendar: Sendable {
  /// A day as it was announced before a change; nil where nothing was.
  package typealias Day = (region: String, date: CalendarDate, announced: AnnouncedDay?)

  /// Exclusive: the moment of the change.
  package let until: Instant
  package let calendar: WorkingCalendar

  /// - Parameters:
  ///   - calendar: as it is now.
  ///   - changes: every change of it, in order of time, each with the days as they were before.
  /// - Returns: one for each change, in order of time.
  package static func past(of calendar: WorkingCalendar, _ changes: [(until: Instant, days: [Day])]) -> [PastCalendar] {
    var (calendar, past) = (calendar, [PastCalendar]())
    for change in changes.reversed() {
      calendar = calendar.before(change.days)
      past.append(PastCalendar(until: change.until, calendar: calendar))
    }
    return past.reversed()
  }
}

extension WorkingCalendar {
  /// The calendar with these days as they were before.
  fileprivate func before(_ days: [PastCalendar.Day]) -> WorkingCalendar {
    var (national, overlays) = (national, overlays)
    for day in days {
      if day.region.isEmpty {
        national[day.date] = day.announced
      } else {
        overlays[day.region, default: [:]][day.date] = day.announced
      }
    }
    var calendar = WorkingCalendar(national: Array(national.values), overlays: overlays.mapValues { Array($0.values) })
    calendar.officeHours = officeHours
    return calendar
  }

  /// The days that are announced otherwise than they were in `old`, as they were there.
  package func replaced(of old: WorkingCalendar) -> [PastCalendar.Day] {
    Set(overlays.keys).union(old.overlays.keys).union([""]).sorted().flatMap { region in
      let (new, old) =
        region.isEmpty ? (national, old.national) : (overlays[region] ?? [:], old.overlays[region] ?? [:])
      return Set(new.keys).union(old.keys).filter { new[$0] != old[$0] }.sorted().map { (region, $0, old[$0]) }
    }
  }
}

extension Reference {
  /// The calendar as it was announced at a moment.
  package func calendar(at moment: Instant) -> WorkingCalendar {
    pastCalendars.first { moment < $0.until }?.calendar ?? calendar
  }

  /// The calendar by which the days of a request are counted: of a clock that has ended or stands still, as it was
  /// announced then.
  package func calendar(of request: borrowing AssistanceRequest) -> WorkingCalendar {
    // Most databases know of no change, and most requests that are looked at run.
    if pastCalendars.isEmpty { return calendar }
    return request.clockStoppedAt.map { calendar(at: $0) } ?? calendar
  }
}
