/// 移送: a request goes to another organ, or a superior rules where it belongs.
extension AssistanceRequest {
  /// At most `maximumTransfers` times and never back to who had it: then nothing moves and a superior rules. A ruling
  /// moves it wherever it says, or leaves it where it is, and binds.
  func transfer(_ command: Command.Move, by actor: OrganCode, as party: Party, now: Instant, _ law: Law) throws(Refusal)
    -> Turn
  {
    guard law.procedure.allowsTransfer else { throw .notAllowed(.procedure(.transfer)) }
    let isRuling = isRuling(actor, as: party)
    let faults = transferFaults(to: command.to, isRuling: isRuling, law) + StatedReason.faults(command.reason)
    guard faults.isEmpty, let target = law.reference.organ(command.to) else { throw .faults(faults) }
    guard !isRuled else { throw .notAllowed(.ruling) }
    if !isRuling {
      guard progress.referral == nil else { throw .notAllowed(.referred) }
      if trail.contains(command.to) { return try refer(command, now: now, law) }
      guard progress.transfers.count < Self.maximumTransfers else {
        throw .notAllowed(.transferLimit(back: waysBack(law)))
      }
    }
    var next = self
    var move = Transfer(
      from: responder, to: command.to, reason: command.reason, at: now, ruledBy: isRuling ? actor : nil)
    move.kept = command.to == responder && state.name.isRunning
    next.progress.transfers.append(move)
    next.progress.referral = nil
    let timer = move.kept ? nil : next.arrive(at: target, now: now, days: law.days(for: self, to: target.code), law)
    return Turn(
      request: next, type: .transferred,
      data: [
        .init("from", .string(responder.description)), .init("to", .string(command.to.description)),
        .init("reason", .string(command.reason)), .init("ruling", .bool(isRuling)),
        .init("dueDate", .string(next.deadline.date.description)),
        .init("previousDueDate", .string(deadline.date.description)),
        .init("workingDays", .int(next.deadline.workingDays)),
        .init("provisional", .bool(next.deadline.provisional)),
      ] + (move.kept ? [.init("kept", .bool(true))] : []), timer: timer, alsoTell: [responder])
  }

  /// It is the turn of another organ, or again of the one that had sent it back: on a clock of its own, or on the one that
  /// runs, as the procedure has it.
  private mutating func arrive(at target: Organ, now: Instant, days: Int, _ law: Law) -> LadderTimer? {
    let date = namedDate(by: law)
    progress.returned = nil
    progress.runsOn = false
    responder = target.code
    acknowledgement = nil
    state = .submitted
    switch law.procedure.handover {
    case .restarts:
      return startClock(now, workingDays: days, on: date, Law(law.procedure, target.region, law.reference))
    // Rungs that have fired do not fire again.
    case .keeps: return law.nextTimer(for: self, now: now)
    }
  }

  /// 报请共同上一级行政机关确定 (行政程序的一般规则): the superior that both have, else the supervisor of a region that holds
  /// both: nobody else could bind them both. Of what is to go back to the organ that returned it, the two are that organ and the one that asks.
  private func refer(_ command: Command.Move, now: Instant, _ law: Law) throws(Refusal) -> Turn {
    guard let arbiter = arbiter(movingTo: command.to, law) else { throw .notAllowed(.noSuperior) }
    var next = self
    next.progress.referral = Referral(to: arbiter.code, proposed: command.to, reason: command.reason, at: now)
    return Turn(
      request: next, type: .escalated,
      data: [
        .init("cause", .string("ping-pong")), .init("referredTo", .string(arbiter.code.description)),
        .init("proposed", .string(command.to.description)), .init("reason", .string(command.reason)),
      ], alsoTell: [arbiter.code])
  }

  private func arbiter(movingTo to: OrganCode, _ law: Law) -> Organ? {
    // What is sealed is for its two parties.
    guard !law.procedure.isSealed else { return nil }
    let other = to == responder ? requester : to
    let parties = [requester, responder, to] + (progress.recused.map { [$0] } ?? [])
    return law.reference.commonSuperior(responder, other, without: Set(parties))
  }

  /// Those who have had it and to whom a transfer would be referred.
  private func waysBack(_ law: Law) -> [OrganCode] {
    trail.filter { transferFaults(to: $0, isRuling: false, law).isEmpty && arbiter(movingTo: $0, law) != nil }
  }

  /// A superior has ruled who is competent. That binds everybody, and there is no second ruling.
  var isRuled: Bool { progress.transfers.contains { $0.ruledBy != nil } }

  /// Who was asked to, and nobody in its own matter.
  private func isRuling(_ actor: OrganCode, as party: Party) -> Bool {
    party == .supervisor && progress.referral?.to == actor && actor != requester && actor != responder
  }

  /// What is wrong with the organ to which another would move it.
  package func faults(transferTo to: OrganCode, by actor: OrganCode, reference: Reference) -> [Fault] {
    guard let procedure = reference.procedure(of: self), let party = role(actor, for: .transfer, reference) else {
      return []
    }
    return transferFaults(
      to: to, isRuling: isRuling(actor, as: party), Law(procedure, calendarRegion(reference), reference))
  }

  private func transferFaults(to: OrganCode, isRuling: Bool, _ law: Law) -> [Fault] {
    guard let target = law.reference.organ(to) else {
      return [Fault("/to", code: "unknown-organ", "机关目录中没有“\(to)”", "the directory has no organ \"\(to)\"")]
    }
    // To the organ that has it goes a ruling that it keeps it; to the one that returned it, what is then referred.
    let mayStay = isRuling || state.name == .returned
    if to == requester || to == responder && !mayStay {
      return [
        Fault(
          "/to", code: "same-organ", "不能移送给请求机关或正在办理的机关",
          "it cannot go to the requesting organ or to the one that has it")
      ]
    }
    return law.procedure.answererFaults(target, by: law.reference.organ(requester), law.reference)
  }
}

extension AssistanceRequest {
  /// The region whose calendar counts from now on; see `countedRegion` of what was counted.
  package func calendarRegion(_ reference: Reference) -> RegionCode? { calendarOrgan(reference)?.region }

  /// The organ whose calendar counts: the one that is asked, and the first that was where the clock is kept through
  /// transfers.
  func calendarOrgan(_ reference: Reference) -> Organ? {
    guard let first = progress.transfers.first?.from, reference.procedure(of: self)?.handover == .keeps else {
      return reference.organ(responder)
    }
    return reference.organ(first)
  }
}

extension Reference {
  /// The nearest organ above both, by the directory; where they have none the supervisor of the nearest region that holds
  /// both; nil where there is neither.
  /// - Parameter parties: who may not rule, having a part in it.
  func commonSuperior(_ a: OrganCode, _ b: OrganCode, without parties: Set<OrganCode>) -> Organ? {
    let above = Set(superiors(of: b)).subtracting(parties)
    if let common = superiors(of: a).first(where: { above.contains($0) }) { return organ(common) }
    guard let first = organ(a), let other = organ(b) else { return nil }
    return Reference.nearest(supervisors(of: first).filter { !parties.contains($0.code) && $0.supervises(other) })
  }

  /// From the next superior upwards. A directory that runs in a circle ends where it began.
  func superiors(of code: OrganCode) -> [OrganCode] {
    var result: [OrganCode] = []
    var at = organ(code)?.superior
    while let superior = at, !result.contains(superior), superior != code {
      result.append(superior)
      at = organ(superior)?.superior
    }
    return result
  }
}
