/// What the deadline keeper makes of a request.
extension AssistanceRequest {
  /// Fires one rung of the ladder, or nothing when the request is closed or waits for the requesting organ (unless it
  /// was sent late by an organ that had to send it: that stays so whatever becomes of the request), or when the
  /// timer is no longer the one that its deadline asks for: timers are not taken back, they find out here.
  package func fire(_ timer: LadderTimer, now: Instant, reference: Reference) -> Decision? {
    guard isLadderRunning, timer.leg == progress.leg, let bound = reference.organ(bound),
      moment(of: timer.rung, reference) == timer.at
    else { return nil }
    let region = calendarRegion(reference)
    let left = reference.calendar.workingDays(after: now.date, through: deadline.date, region: region)
    return told(
      of: timer, now: now,
      data: .object(
        [
          .init("rung", .string(timer.rung.name)),
          .init("scheduledAt", .string(timer.at.rfc3339)),
          .init("dueDate", .string(deadline.date.description)),
          .init("provisional", .bool(deadline.provisional)),
          .init("remaining", .int(left)),
          .init("audience", .string(timer.rung.audience.rawValue)),
          .init(
            "notifyAt", .string(reference.calendar.officeMoment(from: now, region: bound.region).rfc3339)),
        ] + (progress.bindsSender ? [.init("binds", .string(Procedure.Bound.sender.rawValue))] : [])),
      next: nextTimer(after: timer.rung, reference),
      alsoTell: alsoTold(of: timer.rung, bound: bound, reference))
  }

  /// The supervisor of what stays overdue, and who is told of every event. What is sealed is for the two parties.
  private func alsoTold(of rung: Rung, bound: Organ, _ reference: Reference) -> [OrganCode] {
    guard reference.procedure(of: self)?.isSealed == false else { return [] }
    let supervisor = rung == .escalated ? supervisor(of: bound, reference).map { [$0.code] } ?? [] : []
    return supervisor + copied(reference).filter { !supervisor.contains($0) }
  }

  /// The same for a request that is alike: a whole city's deadlines fall due at once, and what is told of them is the same
  /// but for whose it is.
  /// - Parameter other: what `timer` came to for a request that this one `isAlike`, now and by the same lists.
  package func fire(_ timer: LadderTimer, like other: Decision) -> Decision? {
    guard isLadderRunning, timer.leg == progress.leg else { return nil }
    return told(
      of: timer, now: other.event.at, data: other.event.data, next: other.timer, alsoTell: other.alsoTell)
  }

  /// All that this rung looks at is the same: the days, by whose calendar they are counted, and how far it has come.
  package func isAlike(_ other: AssistanceRequest, for timer: LadderTimer, _ reference: Reference) -> Bool {
    // A rung before receipt is left out, so what was received later may have another one next.
    guard deadline == other.deadline, max(clockFrom, receivedAt, other.clockFrom, other.receivedAt) < timer.at,
      state.name == other.state.name,
      procedure == other.procedure, procedureVersion == other.procedureVersion, progress == other.progress
    else { return false }
    if responder == other.responder, bound == other.bound { return true }
    // Who supervises it is told as well of the last one.
    guard timer.rung != .escalated, let region = reference.organ(bound)?.region else { return false }
    return region == reference.organ(other.bound)?.region && isCopiedAlike(other, reference)
      && calendarRegion(reference) == other.calendarRegion(reference)
  }

  /// Whom a copy goes to is the same: everybody of the region but the organ that is asked.
  private func isCopiedAlike(_ other: AssistanceRequest, _ reference: Reference) -> Bool {
    guard let copies = reference.procedure(of: self)?.copies, !copies.isEmpty, responder != other.responder
    else { return true }
    let both = [responder, other.responder].compactMap { reference.organ($0) }
    return both.count == 2 && both[0].region == both[1].region
      && both.allSatisfy { organ in !organ.roles.contains { copies.contains($0) } }
  }

  private func told(
    of timer: LadderTimer, now: Instant, data: JSON, next: LadderTimer?, alsoTell: [OrganCode]
  ) -> Decision {
    Decision(
      request: self,
      event: Event(
        type: timer.rung.eventType, at: now, actor: .clock, version: version, state: state.name, rung: timer.rung,
        leg: timer.leg, data: data),
      timer: next, alsoTell: alsoTell)
  }

  /// When a rung of its present clock is due.
  package func moment(of rung: Rung, _ reference: Reference) -> Instant {
    reference.calendar.moment(of: rung, deadline: deadline, region: calendarRegion(reference))
  }

  /// The rung of the present clock that follows one of it.
  package func nextTimer(after rung: Rung?, _ reference: Reference) -> LadderTimer? {
    reference.calendar.next(
      after: rung, ladder: reference.procedure(of: self)?.ladder ?? Rung.allCases, deadline: deadline,
      receivedAt: max(clockFrom, receivedAt), region: calendarRegion(reference), leg: progress.leg)
  }
}
