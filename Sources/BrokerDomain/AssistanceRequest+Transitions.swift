/// What a party asks of an open request.
package enum Command: Sendable, Equatable {
  case acknowledge(officer: String?)
  case answer(Answer)
  case decline(Decline)
  case withdraw(Withdrawal)

  package var verb: Verb {
    switch self {
    case .acknowledge: .acknowledge
    case .answer: .answer
    case .decline: .decline
    case .withdraw: .withdraw
    }
  }
}

extension AssistanceRequest {
  package func party(_ organ: OrganCode) -> Party? {
    if organ == requester { return .requester }
    return organ == responder ? .responder : nil
  }

  /// Why this organ may not use the verb now, whatever it would say with it; nil when it may.
  /// - Parameter expectedVersions: of `If-Match`; nil accepts any, none is never met.
  package func refusal(of verb: Verb, by organ: OrganCode, expectedVersions: [Int]?) -> Refusal? {
    guard party(organ) == verb.party else { return .notYours(verb) }
    if let expectedVersions, !expectedVersions.contains(version) { return .staleVersion(current: version) }
    return state.name.allowed.contains(verb) ? nil : .illegalTransition(verb, from: state.name)
  }

  /// Carries a command out, or refuses it. Pure: the same arguments give the same decision.
  /// - Parameter expectedVersions: of `If-Match`; nil accepts any, none is never met.
  package func carryOut(
    _ command: Command, by organ: OrganCode, now: Instant, expectedVersions: [Int]?,
    reference: Reference
  ) throws(Refusal) -> Decision {
    if let refusal = refusal(of: command.verb, by: organ, expectedVersions: expectedVersions) { throw refusal }
    var next = self
    next.version += 1
    next.updatedAt = now
    let type: EventType
    let data: JSON
    switch command {
    case .acknowledge(let officer):
      next.acknowledgement = Acknowledgement(officer: officer, at: now)
      next.state = .acknowledged
      type = .acknowledged
      data = .object(officer.map { [.init("officer", .string($0))] } ?? [])
    case .answer(let answer):
      let faults = faults(
        of: answer.findings.map { FindingDraft(question: $0.question, result: $0.result) }, reference: reference)
      guard faults.isEmpty else { throw .faults(faults) }
      next.state = .answered(answer)
      type = .answered
      data = answer.eventData(late: now >= deadline.at)
    case .decline(let decline):
      let faults = faults(
        reasonCode: decline.reasonCode, competentOrgan: decline.competentOrgan, reference: reference)
      guard faults.isEmpty else { throw .faults(faults) }
      next.state = .declined(decline)
      type = .declined
      data = decline.eventData
    case .withdraw(let withdrawal):
      next.state = .withdrawn(withdrawal)
      type = .withdrawn
      data = .object([.init("reason", .string(withdrawal.reason))])
    }
    let event = Event(
      type: type, at: now, actor: .organ(organ), version: next.version, state: next.state.name,
      data: data)
    return Decision(request: next, event: event, timer: nil)
  }

  /// Fires one rung of the ladder, or nothing when the request is closed or the timer is no longer the one that its
  /// deadline asks for: timers are not taken back when a request closes, they find out here.
  package func fire(_ timer: LadderTimer, now: Instant, reference: Reference) -> Decision? {
    guard state.name.isOpen, let organ = reference.organ(responder),
      reference.calendar.moment(of: timer.rung, deadline: deadline, region: organ.region)
        == timer.at
    else { return nil }
    let left = reference.calendar.workingDays(
      after: now.date, through: deadline.date, region: organ.region)
    let event = Event(
      type: timer.rung.eventType, at: now, actor: .clock, version: version, state: state.name,
      rung: timer.rung,
      data: .object([
        .init("rung", .string(timer.rung.name)),
        .init("scheduledAt", .string(timer.at.rfc3339)),
        .init("dueDate", .string(deadline.date.description)),
        .init("remaining", .int(left)),
      ]))
    let ladder = reference.procedures[procedure]?.ladder ?? Rung.allCases
    return Decision(
      request: self, event: event,
      timer: reference.calendar.next(
        after: timer.rung, ladder: ladder, deadline: deadline, receivedAt: receivedAt,
        region: organ.region),
      alsoTell: timer.rung == .escalated ? reference.supervisors(of: organ).map(\.code) : [])
  }
}

extension Answer {
  /// Results only: notes and texts may hold personal data and stay with the request.
  fileprivate func eventData(late: Bool) -> JSON {
    .object([
      .init(
        "findings",
        .array(
          findings.map {
            .object([
              .init("question", .string($0.question)), .init("result", .string($0.result)),
            ])
          })),
      .init("reference", reference.map(JSON.string) ?? .null),
      .init("late", .bool(late)),
    ])
  }
}

extension Decline {
  fileprivate var eventData: JSON {
    .object([
      .init("reasonCode", .string(reasonCode)),
      .init("reason", .string(reason)),
      .init("competentOrgan", competentOrgan.map(JSON.string) ?? .null),
    ])
  }
}
