extension AssistanceRequest {
  /// What a change of the calendar makes of an open request's deadline; nil when it stays as it is. The clock starts
  /// where it started and counts as many working days, by the days as they are announced now (February 2020: days that
  /// became holidays count no more). A clock that stands still starts anew anyway, and what is closed is never touched.
  package func recomputed(now: Instant, reference: Reference) -> Decision? {
    movedDeadline(by: reference.calendar, reference)
      .flatMap { deadlineChange(to: $0, reference) }
      .flatMap { recomputed(by: $0, now: now, reference: reference) }
  }

  /// What of a moved deadline does not depend on when it is recorded.
  package struct DeadlineChange: Sendable {
    fileprivate let deadline: Deadline
    fileprivate let data: JSON
  }

  /// - Parameter deadline: as `movedDeadline` found it by the calendar of `reference`.
  package func deadlineChange(to deadline: Deadline, _ reference: Reference) -> DeadlineChange? {
    guard let procedure = reference.procedure(of: self) else { return nil }
    let law = Law(procedure, calendarRegion(reference), reference)
    return DeadlineChange(
      deadline: deadline,
      data: .object(
        [
          .init("previousDueDate", .string(self.deadline.date.description)),
          .init("dueDate", .string(deadline.date.description)),
          .init("dueAt", .string(deadline.at.rfc3339)), .init("workingDays", .int(deadline.workingDays)),
          .init("provisional", .bool(deadline.provisional)),
          .init("notices", .array(notices(for: deadline, law).map { .string($0) })),
        ] + regions(movingTo: deadline, law)))
  }

  /// - Parameter change: of this request as it is, by the same `reference`.
  package func recomputed(by change: DeadlineChange, now: Instant, reference: Reference) -> Decision? {
    guard let procedure = reference.procedure(of: self) else { return nil }
    let deadline = change.deadline
    let law = Law(procedure, calendarRegion(reference), reference)
    var next = self
    next.version += 1
    next.updatedAt = now
    next.deadline = deadline
    // Overdue by days that turn out to be none: it has a ladder to come again. What lay before the moment at which it was
    // overdue has been told.
    let isAnew = now >= self.deadline.at && now < deadline.at
    if isAnew { next.progress.leg += 1 }
    let event = Event(
      type: .deadlineChanged, at: now, actor: .clock, version: next.version, state: state.name, data: change.data)
    return Decision(
      request: next, event: event,
      timer: law.timer(afterMoving: next, now: now, from: isAnew ? self.deadline.at : nil),
      alsoTell: copied(reference))
  }

  /// Where a calendar moves the deadline of an open request to; nil when it stays as it is.
  package func movedDeadline(by calendar: WorkingCalendar, _ reference: Reference) -> Deadline? {
    guard isClockRunning, let procedure = reference.procedure(of: self) else { return nil }
    let moved = counted(by: calendar, Law(procedure, calendarRegion(reference), reference))
    // How many days lie before a date that somebody has named moves nothing.
    return (moved.at, moved.provisional) == (deadline.at, deadline.provisional) ? nil : moved
  }

  /// The next rung by the calendar of `reference`, and the one to arm where that is not the one which is armed: a change
  /// that takes as many days as it gives (a holiday and its make-up days) moves reminders and leaves the deadline.
  /// Nil where no rung is to come.
  package func rungs(now: Instant, reference: Reference) -> (next: LadderTimer, toArm: LadderTimer)? {
    guard isLadderRunning, let procedure = reference.procedure(of: self) else { return nil }
    guard now < deadline.at else {
      // What is due has fired, or is about to.
      return nextTimer(after: .overdue, reference).flatMap { $0.at > now ? ($0, $0) : nil }
    }
    let law = Law(procedure, calendarRegion(reference), reference)
    guard let next = law.nextTimer(for: self, now: now), let toArm = law.timer(afterMoving: self, now: now, from: nil)
    else { return nil }
    return (next, toArm)
  }

  /// The deadline of the present clock by a calendar, in the region of `law`.
  private func counted(by calendar: WorkingCalendar, _ law: Law) -> Deadline {
    // The hour at which its last day ends was settled when it was counted first: days move it, and no policy of later.
    let (region, lastDay) = (law.region, LastDayPolicy(endingAt: deadline.at))
    if isBoundToDate(law.procedure),
      let named = law.procedure.namedDate(receivedAt: receivedAt, data: data, region: region, calendar: calendar)
    {
      let due = calendar.deadline(
        receivedAt: clockFrom, on: named.date, roll: named.roll, region: region, lastDay: lastDay)
      guard let added = progress.extended?.workingDays else { return due }
      // What was granted runs from the date: no day before it is any of these.
      let last = calendar.workingDay(added, from: due.date, region: region)
      let later = calendar.deadline(
        receivedAt: clockFrom, on: last, roll: named.roll, region: region, lastDay: lastDay)
      return Deadline(
        at: later.at, date: later.date, workingDays: later.workingDays,
        provisional: due.provisional || later.provisional)
    }
    return calendar.deadline(
      receivedAt: clockFrom, workingDays: deadline.workingDays, region: region, lastDay: lastDay)
  }

  /// Whence and whereto its organ has moved since the deadline was counted, where that is a cause of its moving: by the days
  /// of the old region it was what it is, and would not be what it becomes.
  private func regions(movingTo moved: Deadline, _ law: Law) -> [JSON.Member] {
    guard let organ = calendarOrgan(law.reference),
      let past = organ.pastRegions.first(where: { $0.until >= updatedAt }), past.region != organ.region
    else { return [] }
    let old = Law(law.procedure, past.region, law.reference)
    guard counted(by: law.reference.calendar(at: updatedAt), old) == deadline, counted(by: law.calendar, old) != moved
    else { return [] }
    return [
      .init("previousRegion", .string(past.region.description)), .init("region", .string(organ.region.description)),
    ]
  }

  /// A date decides on every clock, where the procedure has one, and a transfer leaves it; an extension counts days from it.
  package func isDueOnDate(_ procedure: Procedure) -> Bool { isBoundToDate(procedure) && progress.extended == nil }

  package func isBoundToDate(_ procedure: Procedure) -> Bool {
    switch procedure.clock {
    case .fixedDates, .statedDate: true
    case .workingDays, .acknowledge: false
    }
  }

  /// The day on which the answer is owed, where a day and no number of days was named; of an extended request the day
  /// to which it was extended.
  func namedDate(by law: Law) -> NamedDate? {
    let named = law.procedure.namedDate(
      receivedAt: receivedAt, data: data, region: law.region, calendar: law.calendar)
    guard let named, progress.extended != nil else { return named }
    return NamedDate(date: deadline.date, roll: named.roll)
  }

  /// The notices that decide the days from the start of the clock, each once, in order. What was provisional for want of a
  /// year's notice, and what moved by a day that no notice names any more, did so by the own notices of these years.
  private func notices(for moved: Deadline, _ law: Law) -> [String] {
    // A date that was named may lie after the working day to which it went.
    let named = namedDate(by: law)?.date ?? moved.date
    let (first, last) = (clockFrom.date + 1, max(moved.date, deadline.date, named))
    let years = min(first.year, last.year)...max(first.year, last.year)
    let ofDays = law.calendar.notices(from: first, through: last, region: law.region)
    let ofYears = deadline.provisional || ofDays.isEmpty ? years.compactMap { law.calendar.notice(of: $0) } : []
    return ofDays + ofYears.filter { !ofDays.contains($0) }
  }
}

extension Law {
  /// The rung that comes next by a deadline that was moved from outside: a reminder whose moment is over comes at once
  /// while there is time left, and of two only the later one. What fired on this clock does not fire again, nor does what
  /// is below it: the keeper sees to that.
  /// - Parameter earliest: of a reminder whose moment is over; nil for any after the clock began.
  fileprivate func timer(
    afterMoving request: AssistanceRequest, now: Instant, from earliest: Instant?
  ) -> LadderTimer? {
    let (deadline, start) = (request.deadline, max(request.clockFrom, request.receivedAt))
    guard now < deadline.at else { return nextTimer(for: request, now: now) }
    for rung in procedure.ladder.reversed() where rung.rawValue < Rung.overdue.rawValue {
      let at = calendar.moment(of: rung, deadline: deadline, region: region)
      if at > start, at >= earliest ?? start, at <= now {
        return LadderTimer(rung: rung, leg: request.progress.leg, at: at)
      }
    }
    return nextTimer(for: request, now: now)
  }
}
