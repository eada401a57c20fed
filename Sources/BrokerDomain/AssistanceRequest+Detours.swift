/// Where a command leads: the request as it is then, and what is told of it.
struct Turn {
  var request: AssistanceRequest
  let type: EventType
  var data: [JSON.Member]
  var timer: LadderTimer?
  /// Besides the two parties.
  var alsoTell: [OrganCode] = []
  /// A reminder is recorded and told, and changes nothing.
  var isChange = true
  /// What the broker is to open or to undo together with it.
  var owes: [Owed] = []
}

/// What the law lets a request do besides being answered or declined: go back, wait for particulars, take longer, go to
/// another organ. Each checks what the state alone does not say.
extension AssistanceRequest {
  /// 退回: only soon after it came in, or a misrouted request would lie for days and then start from the beginning.
  func giveBack(_ command: Command.GiveBack, now: Instant, _ law: Law) throws(Refusal) -> Turn {
    guard let days = law.procedure.returnDays else { throw .notAllowed(.procedure(.return)) }
    guard !isRuled else { throw .notAllowed(.ruling) }
    // From when this organ received it: what was supplied or extended since opens it no second time.
    let until = law.calendar.deadline(
      receivedAt: progress.turnStart(receivedAt), workingDays: days, region: law.reference.organ(responder)?.region,
      lastDay: law.reference.lastDay)
    guard now < until.at else { throw .notAllowed(.returnPassed(until.at, mayDecline: law.procedure.allowsDecline)) }
    let faults = StatedReason.faults(command.reason) + self.faults(competentOrgan: command.competentOrgan)
    guard faults.isEmpty else { throw .faults(faults) }
    var next = self
    next.state = .returned
    next.progress.runsOn = law.procedure.handover == .keeps
    next.progress.returned = Return(reason: command.reason, competentOrgan: command.competentOrgan, at: now)
    return Turn(
      request: next, type: .returned,
      data: [
        .init("reason", .string(command.reason)),
        .init("competentOrgan", command.competentOrgan.map(JSON.string) ?? .null),
      ])
  }

  /// 补正: the particulars are asked for once and all together; the clock stands still meanwhile.
  func ask(_ text: String, now: Instant, _ law: Law) throws(Refusal) -> Turn {
    guard law.procedure.supplement else { throw .notAllowed(.procedure(.ask)) }
    guard progress.supplement == nil else { throw .notAllowed(.once(.ask)) }
    guard now < deadline.at else { throw .notAllowed(.deadlinePassed(.ask, deadline.at)) }
    let used = law.calendar.workingDays(after: clockFrom.date, through: now.date, region: law.region)
    var next = self
    next.state = .awaitingSupplement
    next.progress.supplement = Supplement(text: text, askedAt: now, used: used, supplied: nil)
    return Turn(
      request: next, type: .supplementAsked,
      data: [
        .init("usedWorkingDays", .int(used)), .init("dueDate", .string(deadline.date.description)),
        .init("provisional", .bool(deadline.provisional)),
      ])
  }

  /// The clock starts anew from the moment at which everything is there (行政许可法 第三十二条 by analogy). What was posted
  /// stays; fields that are given now stand in its place.
  func supply(_ text: String, _ data: JSON, now: Instant, _ law: Law) throws(Refusal) -> Turn {
    let faults = law.procedure.faults(supplied: data, today: now.date)
    guard faults.isEmpty else { throw .faults(faults) }
    var next = self
    let given = data.members.filter { !$0.value.isNull }
    next.progress.supplement?.supplied = Supply(text: text, data: given.isEmpty ? nil : .object(given), at: now)
    if law.procedure.hasOrigin, let origin = data[Procedure.originField]?.stringValue.flatMap({ EntityID($0) }) {
      next.progress.origin = origin
    }
    next.progress.recused = law.procedure.recused(by: next.data)
    // Whoever asked for particulars has it before him; that he acknowledged receipt nobody says for him.
    next.state = .acknowledged
    // An extension was approved for the clock that ran then.
    let added = progress.extended.map { $0.at >= clockFrom ? $0.workingDays : 0 } ?? 0
    let timer = next.startClock(now, workingDays: deadline.workingDays - added, on: next.namedDate(by: law), law)
    return Turn(
      request: next, type: .supplied,
      data: [
        .init("dueDate", .string(next.deadline.date.description)),
        .init("previousDueDate", .string(deadline.date.description)),
        .init("workingDays", .int(next.deadline.workingDays)),
        .init("provisional", .bool(next.deadline.provisional)),
        // Names only: the values may be personal.
      ] + (given.isEmpty ? [] : [.init("fields", .array(given.map { .string($0.name) }))]), timer: timer)
  }

  /// 延期: counted on from the day that was due, so that what was promised is moved and not begun again.
  func extend(_ command: Command.Extend, now: Instant, _ law: Law) throws(Refusal) -> Turn {
    guard law.procedure.allowsExtension else { throw .notAllowed(.procedure(.extend)) }
    guard progress.extended == nil else { throw .notAllowed(.once(.extend)) }
    guard now < deadline.at else { throw .notAllowed(.deadlinePassed(.extend, deadline.at)) }
    let faults = StatedReason.faults(command.reason)
    guard faults.isEmpty else { throw .faults(faults) }
    var next = self
    next.progress.extended = Extension(
      workingDays: command.workingDays, reason: command.reason, approver: command.approver, at: now)
    next.deadline = law.calendar.deadline(
      receivedAt: clockFrom, workingDays: deadline.workingDays + command.workingDays, region: law.region,
      lastDay: LastDayPolicy(endingAt: deadline.at))
    return Turn(
      request: next, type: .extended,
      data: [
        .init("dueDate", .string(next.deadline.date.description)),
        .init("previousDueDate", .string(deadline.date.description)),
        .init("workingDays", .int(next.deadline.workingDays)), .init("added", .int(command.workingDays)),
        .init("reason", .string(command.reason)), .init("approver", .string(command.approver)),
        .init("provisional", .bool(next.deadline.provisional)),
      ], timer: law.nextTimer(for: next, now: now))
  }

  /// Of one organ about one request: each is kept for ever, and told to people.
  package static let maximumReminders = 100

  /// 催办: recorded and told, and nothing changes. Of what lies returned it says whom it is for: no longer the requested
  /// organ.
  func remind(_ text: String?) -> Turn {
    Turn(
      request: self, type: .reminded,
      data: (text.map { [.init("text", .string($0))] } ?? [])
        + (state == .returned ? [.init("holder", .string(holder.description))] : []), isChange: false)
  }

  /// 处理: only what was found untrue is disposed of.
  func dispose(_ command: Command.Dispose, now: Instant, _ law: Law) throws(Refusal) -> Turn {
    guard case .answered(let answer) = state, answer.isContradicted else { throw .notAllowed(.notContradicted) }
    let faults =
      Self.faults(disposedBy: command.by, now: now) + law.faults(of: command.data, with: command.measure, now: now)
    guard faults.isEmpty else { throw .faults(faults) }
    var next = self
    next.progress.disposal = Disposal(measure: command.measure, by: command.by, text: command.text, at: now)
    next.progress.concludedAt = closedAt
    next.state = .closed(.answered(answer))
    var turn = Turn(
      request: next, type: .closed,
      data: [
        .init("measure", .string(command.measure.rawValue)),
        .init("by", command.by.map { .string($0.description) } ?? .null),
      ])
    if let rule = law.procedure.next(of: command.measure), rule.how == .opens {
      turn.owes = [Owed(next: rule, text: command.text, given: command.data)]
    }
    return turn
  }

  /// Files it: what was answered or declined needs nothing more, what was returned goes nowhere else.
  func close(_ text: String?) -> Turn {
    var next = self
    let conclusion: Conclusion =
      switch state {
      case .answered(let answer): .answered(answer)
      case .declined(let decline): .declined(decline)
      default: .returned
      }
    next.state = .closed(conclusion)
    next.progress.concludedAt = closedAt
    return Turn(request: next, type: .closed, data: text.map { [.init("text", .string($0))] } ?? [])
  }

  /// - Parameter date: where a date and no number of days decides.
  mutating func startClock(
    _ now: Instant, workingDays: Int, on date: NamedDate? = nil, _ law: Law
  ) -> LadderTimer? {
    progress.leg += 1
    progress.clockFrom = now
    progress.metAt = nil
    if let date {
      deadline = law.calendar.deadline(
        receivedAt: now, on: date.date, roll: date.roll, region: law.region, lastDay: law.reference.lastDay)
    } else {
      deadline = law.calendar.deadline(
        receivedAt: now, workingDays: workingDays, region: law.region, lastDay: law.reference.lastDay)
    }
    return law.nextTimer(for: self, now: now)
  }
}

/// What a transition is judged by: the procedure, the calendar of the requested organ's region, the directory.
struct Law {
  let procedure: Procedure
  let region: RegionCode?
  let reference: Reference

  init(_ procedure: Procedure, _ region: RegionCode?, _ reference: Reference) {
    self.procedure = procedure
    self.region = region
    self.reference = reference
  }

  var calendar: WorkingCalendar { reference.calendar }

  /// The days of the list for a pair of organs, else the procedure's own.
  func days(for request: AssistanceRequest, to responder: OrganCode) -> Int {
    guard procedure.takesListedDays else { return procedure.workingDays }
    let entry = request.item.flatMap { reference.route(item: $0, requester: request.requester) }
    return entry.flatMap { $0.obliged == responder ? $0.workingDays : nil } ?? procedure.workingDays
  }

  /// The first rung that is still to come. One that fired on this clock does not fire again: its event is unique.
  func nextTimer(for request: AssistanceRequest, now: Instant) -> LadderTimer? {
    calendar.next(
      after: nil, ladder: procedure.ladder, deadline: request.deadline, receivedAt: max(request.clockFrom, now),
      region: region, leg: request.progress.leg)
  }
}
