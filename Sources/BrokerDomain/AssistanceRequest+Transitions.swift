/// What a party asks of a request.
package enum Command: Sendable, Equatable {
  case acknowledge(officer: String?)
  case answer(Answer)
  case decline(Decline)
  case withdraw(Withdrawal)
  case giveBack(GiveBack)
  case ask(text: String)
  case supply(text: String, data: JSON = .object([]))
  case extend(Extend)
  case transfer(Move)
  case remind(text: String?)
  case dispose(Dispose)
  case close(text: String?)

  package struct GiveBack: Sendable, Equatable {
    let reason: String
    let competentOrgan: String?
    package init(reason: String, competentOrgan: String?) {
      self.reason = reason
      self.competentOrgan = competentOrgan
    }
  }

  package struct Extend: Sendable, Equatable {
    let workingDays: Int
    let reason: String
    let approver: String
    package init(workingDays: Int, reason: String, approver: String) {
      self.workingDays = workingDays
      self.reason = reason
      self.approver = approver
    }
  }

  package struct Move: Sendable, Equatable {
    let to: OrganCode
    let reason: String
    package init(to: OrganCode, reason: String) {
      self.to = to
      self.reason = reason
    }
  }

  package struct Dispose: Sendable, Equatable {
    let measure: Disposal.Measure
    let by: CalendarDate?
    let text: String
    /// Fields of the follow-up that the measure opens.
    let data: JSON
    package init(measure: Disposal.Measure, by: CalendarDate?, text: String, data: JSON = .object([])) {
      self.measure = measure
      self.by = by
      self.text = text
      self.data = data
    }
  }

  package var verb: Verb {
    switch self {
    case .acknowledge: .acknowledge
    case .answer: .answer
    case .decline: .decline
    case .withdraw: .withdraw
    case .giveBack: .return
    case .ask: .ask
    case .supply: .supply
    case .extend: .extend
    case .transfer: .transfer
    case .remind: .remind
    case .dispose: .dispose
    case .close: .close
    }
  }
}

extension AssistanceRequest {
  package func party(_ organ: OrganCode) -> Party? {
    if organ == requester { return .requester }
    return organ == responder ? .responder : nil
  }

  /// Everything that an organ is to this request: the supervisor 司法局 of a region may be a party as well, and so may
  /// the superior to whom a dispute was referred.
  package func parties(_ organ: OrganCode, _ reference: Reference) -> [Party] {
    var parties: [Party] = []
    if organ == requester { parties.append(.requester) }
    if organ == responder { parties.append(.responder) }
    if supervises(organ, reference) { parties.append(.supervisor) }
    return parties
  }

  private func supervises(_ code: OrganCode, _ reference: Reference) -> Bool {
    if progress.referral?.to == code { return true }
    // What is sealed is for the two parties, and nobody supervises a matter that is against himself.
    guard progress.recused != code, reference.procedure(of: self)?.isSealed != true, let organ = reference.organ(code),
      organ.roles.contains(.supervisor)
    else { return false }
    return [requester, responder].contains { party in
      party != code && (reference.organ(party).map { organ.region.covers($0.region) } ?? false)
    }
  }

  /// As what this organ would use the verb now; nil when it may not.
  func role(_ organ: OrganCode, for verb: Verb, _ reference: Reference) -> Party? {
    let roles = parties(organ, reference).filter { verb.parties.contains($0) }
    // Before a return only the supervisor may move it.
    if verb == .transfer, state != .returned, roles.contains(.supervisor) { return .supervisor }
    if verb == .transfer, progress.referral != nil, roles.contains(.supervisor) { return .supervisor }
    // What lies returned lies with the requester, which does not remind itself.
    if verb == .remind, state == .returned, organ != requester, roles.contains(.supervisor) { return .supervisor }
    return roles.first
  }

  /// A supervisor takes a request only from an organ that it supervises, or gives away what it has itself: that of the
  /// requester's region reads and reminds.
  /// What was returned lies with the requester, and who was asked to rule decides for both.
  private func mayMove(_ supervisor: OrganCode, _ reference: Reference) -> Bool {
    guard state != .returned, progress.referral == nil else { return true }
    guard let supervisor = reference.organ(supervisor), let holder = reference.organ(responder) else { return false }
    return supervisor.code == holder.code || supervisor.supervises(holder)
  }

  /// Why this organ may not use the verb now, whatever it would say with it; nil when it may.
  /// - Parameter expectedVersions: of `If-Match`; nil accepts any, none is never met.
  package func refusal(of verb: Verb, by organ: OrganCode, expectedVersions: [Int]?, reference: Reference) -> Refusal? {
    guard let role = role(organ, for: verb, reference) else { return .notYours(verb) }
    if let expectedVersions, !expectedVersions.contains(version) { return .staleVersion(current: version) }
    guard state.name.allowed.contains(verb) else { return .illegalTransition(verb, from: state.name) }
    if verb == .transfer, role == .requester, state != .returned { return .illegalTransition(verb, from: state.name) }
    if verb == .transfer, role == .supervisor, !mayMove(organ, reference) { return .notAllowed(.notSupervised) }
    if verb == .remind, state == .returned {
      if role == .requester { return .illegalTransition(verb, from: state.name) }
      if !isClockRunning { return .notAllowed(.clockStopped) }
    }
    return nil
  }

  /// Carries a command out, or refuses it. Pure: the same arguments give the same decision.
  /// - Parameter expectedVersions: of `If-Match`; nil accepts any, none is never met.
  package func carryOut(
    _ command: Command, by organ: OrganCode, now: Instant, expectedVersions: [Int]?,
    reference: Reference
  ) throws(Refusal) -> Decision {
    if let refusal = refusal(of: command.verb, by: organ, expectedVersions: expectedVersions, reference: reference) {
      throw refusal
    }
    guard let procedure = reference.procedure(of: self) else { throw .notAllowed(.procedure(command.verb)) }
    let law = Law(procedure, calendarRegion(reference), reference)
    var turn = try turn(command, by: organ, now: now, law)
    if turn.isChange {
      turn.request.version += 1
      turn.request.updatedAt = now
    }
    let event = Event(
      type: turn.type, at: now, actor: .organ(organ), version: turn.request.version, state: turn.request.state.name,
      data: .object(turn.data))
    return Decision(
      request: turn.request, event: event, timer: turn.timer, alsoTell: turn.alsoTell + turn.request.copied(reference),
      owes: turn.owes)
  }

  private func turn(_ command: Command, by organ: OrganCode, now: Instant, _ law: Law) throws(Refusal) -> Turn {
    switch command {
    case .acknowledge(let officer): acknowledge(officer, now: now, law)
    case .answer(let answer): try self.answer(answer, now: now, law)
    case .decline(let decline): try self.decline(decline, law)
    case .withdraw(let withdrawal): withdraw(withdrawal)
    case .giveBack(let body): try giveBack(body, now: now, law)
    case .ask(let text): try ask(text, now: now, law)
    case .supply(let text, let data): try supply(text, data, now: now, law)
    case .extend(let body): try extend(body, now: now, law)
    case .transfer(let body):
      try transfer(body, by: organ, as: role(organ, for: .transfer, law.reference) ?? .requester, now: now, law)
    case .remind(let text): remind(text)
    case .dispose(let body): try dispose(body, now: now, law)
    case .close(let text): close(text)
    }
  }

  private func acknowledge(_ officer: String?, now: Instant, _ law: Law) -> Turn {
    var next = self
    if law.procedure.owesReceiptOnly { next.progress.metAt = now }
    next.acknowledgement = Acknowledgement(officer: officer, at: now)
    next.state = .acknowledged
    return Turn(request: next, type: .acknowledged, data: officer.map { [.init("officer", .string($0))] } ?? [])
  }

  private func answer(_ answer: Answer, now: Instant, _ law: Law) throws(Refusal) -> Turn {
    let faults =
      switch law.procedure.answerKind {
      case .findings:
        faults(
          of: answer.findings.map { FindingDraft(question: $0.question, result: $0.result) }, reference: law.reference)
          + dateFaults(of: answer.findings)
      case .outcome:
        faults(outcome: answer.outcome ?? "", data: answer.data, now: now, law.procedure)
      }
    guard faults.isEmpty else { throw .faults(faults) }
    var next = self
    next.state = .answered(answer)
    let isLate = !progress.bindsSender && (progress.metAt ?? now) >= deadline.at
    var turn = Turn(request: next, type: .answered, data: answer.eventData(late: isLate))
    for rule in next.obligations(law.procedure) where rule.how != .offers {
      turn.owes.append(Owed(next: rule, text: answer.text, given: .object([])))
    }
    return turn
  }

  private func decline(_ decline: Decline, _ law: Law) throws(Refusal) -> Turn {
    guard law.procedure.allowsDecline else { throw .notAllowed(.procedure(.decline)) }
    guard !isRuled || decline.reasonCode != Decline.notCompetent else { throw .notAllowed(.ruling) }
    let faults = faults(
      reasonCode: decline.reasonCode, competentOrgan: decline.competentOrgan, reference: law.reference)
    guard faults.isEmpty else { throw .faults(faults) }
    var next = self
    next.state = .declined(decline)
    return Turn(request: next, type: .declined, data: decline.eventData)
  }

  private func withdraw(_ withdrawal: Withdrawal) -> Turn {
    var next = self
    next.state = .withdrawn(withdrawal)
    return Turn(request: next, type: .withdrawn, data: [.init("reason", .string(withdrawal.reason))])
  }
}

extension Answer {
  /// Results only: notes and texts may hold personal data and stay with the request.
  fileprivate func eventData(late: Bool) -> [JSON.Member] {
    [
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
    ] + (outcome.map { [.init("outcome", .string($0))] } ?? [])
  }
}

extension Decline {
  fileprivate var eventData: [JSON.Member] {
    [
      .init("reasonCode", .string(reasonCode)),
      .init("reason", .string(reason)),
      .init("competentOrgan", competentOrgan.map(JSON.string) ?? .null),
    ]
  }
}
