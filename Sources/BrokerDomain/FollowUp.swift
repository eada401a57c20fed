/// One thing that the outcome of a request obliges, and what has become of it.
package struct FollowUp: Sendable, Equatable {
  package let procedure: String
  package let how: Procedure.Next.How
  /// Nil while nobody has opened it.
  package var request: EntityID?
  /// Who received it.
  package var to: OrganCode?
  /// Why the broker could not open it by itself.
  package var reason: Phrase?
  /// Known to the organ that owes it and to the one that received it only.
  package let isSealed: Bool

  package init(
    procedure: String, how: Procedure.Next.How, request: EntityID? = nil, to: OrganCode? = nil, reason: Phrase? = nil,
    isSealed: Bool = false
  ) {
    self.procedure = procedure
    self.how = how
    self.request = request
    self.to = to
    self.reason = reason
    self.isSealed = isSealed
  }
}

extension Reference {
  /// An outcome of some procedure offers it. One that names an origin then names what such an outcome came of.
  package func isOffered(_ procedure: String) -> Bool {
    procedures.values.contains {
      $0.outcomes.contains { $0.next.contains { $0.procedure == procedure && $0.how == .offers } }
    }
  }
}

/// 撤销: by which request, and when.
package struct Reversal: Sendable, Equatable {
  package let by: EntityID
  package let at: Instant
  /// The parties of that request. Of one that was recorded before they were kept, none: it is shown as it was then.
  package let parties: [OrganCode]
  /// That request is for its parties alone.
  package let isSealed: Bool

  package init(by: EntityID, at: Instant, parties: [OrganCode], isSealed: Bool) {
    self.by = by
    self.at = at
    self.parties = parties
    self.isSealed = isSealed
  }

  /// Whether an organ may read the request by which it was undone.
  package func isShown(to organ: OrganCode, _ reference: Reference) -> Bool {
    if parties.isEmpty || parties.contains(organ) { return true }
    guard !isSealed, let supervisor = reference.organ(organ), supervisor.roles.contains(.supervisor) else {
      return false
    }
    return parties.contains { party in reference.organ(party).map { supervisor.region.covers($0.region) } ?? false }
  }
}

/// What a decision obliges the broker to do in the same breath, and from what it may fill the fields.
package struct Owed: Sendable, Equatable {
  package let next: Procedure.Next
  /// Of the answer or of the disposal.
  let text: String?
  /// Given with the disposal.
  let given: JSON
}

extension AssistanceRequest {
  /// What its answer and its disposal oblige, by the definition under which it was opened.
  package func obligations(_ procedure: Procedure) -> [Procedure.Next] {
    guard let answer = state.answer else { return [] }
    var rules: [Procedure.Next] = []
    func add(_ more: [Procedure.Next]?) {
      for rule in more ?? [] where !rules.contains(where: { $0.procedure == rule.procedure }) { rules.append(rule) }
    }
    if let outcome = answer.outcome { add(procedure.outcome(outcome)?.next) }
    for finding in answer.findings { add(procedure.outcome(finding.result)?.next) }
    if let disposal = progress.disposal { add(procedure.next(of: disposal.measure).map { [$0] }) }
    return rules
  }

  /// Whether its result is what a procedure follows, for the organ that asked.
  package func leads(to procedure: String, for organ: OrganCode, _ reference: Reference) -> Bool {
    guard requester == organ, let own = reference.procedure(of: self) else { return false }
    return obligations(own).contains { $0.procedure == procedure && $0.how != .reverses }
  }

  /// What follows from it: what was opened, and what is still on offer.
  package func followUps(_ reference: Reference) -> [FollowUp] {
    guard state.answer != nil, let procedure = reference.procedure(of: self) else { return progress.followUps }
    let offered = obligations(procedure).filter { rule in
      rule.how != .reverses && !progress.followUps.contains { $0.procedure == rule.procedure }
    }
    return progress.followUps
      + offered.map {
        FollowUp(procedure: $0.procedure, how: .offers, isSealed: reference.isSealed($0.procedure))
      }
  }

  /// Whether an organ may know of a follow-up: what is sealed is for those whom it concerns, and what is told to
  /// everybody (nil) holds nothing of it.
  package func shows(_ link: FollowUp, to viewer: OrganCode?) -> Bool {
    !link.isSealed || viewer.map { $0 == requester || $0 == link.to } ?? false
  }
}

extension AssistanceRequest {
  /// A follow-up that was on offer has been opened. Nil when none of this procedure is.
  package func followed(by request: AssistanceRequest, now: Instant, reference: Reference) -> Decision? {
    guard request.requester == requester,
      var link = followUps(reference).first(where: {
        $0.procedure == request.procedure && $0.request == nil && $0.how != .reverses
      })
    else { return nil }
    link.request = request.id
    link.to = request.responder
    link.reason = nil
    var next = self
    next.progress.followUps.removeAll { $0.procedure == link.procedure }
    next.progress.followUps.append(link)
    return next.told(
      .followedUp, by: request.requester, now: now, reference,
      data: [
        .init("procedure", .string(link.procedure)), .init("how", .string(link.how.rawValue)),
        .init("request", .string(request.id.description)),
      ])
  }

  /// What followed it was withdrawn: it is on offer again. Nil when that did not follow it.
  package func unfollowed(by request: AssistanceRequest, now: Instant, reference: Reference) -> Decision? {
    guard let link = progress.followUps.first(where: { $0.request == request.id }) else { return nil }
    var next = self
    next.progress.followUps.removeAll { $0.request == request.id }
    return next.told(
      .followedUp, by: request.requester, now: now, reference,
      data: [
        .init("procedure", .string(link.procedure)), .init("how", .string(Procedure.Next.How.offers.rawValue)),
        .init("request", .null), .init("withdrawn", .string(request.id.description)),
      ])
  }

  /// What is told to both parties alike may name the request that has undone it.
  package func isShownToBoth(_ reversal: Reversal) -> Bool {
    reversal.parties.isEmpty || !reversal.isSealed && [requester, responder].allSatisfy(reversal.parties.contains)
  }

  /// It is undone by a later request.
  package func reversed(by request: AssistanceRequest, now: Instant, reference: Reference) -> Decision {
    var next = self
    let reversal = Reversal(
      by: request.id, at: now, parties: [request.requester, request.responder],
      isSealed: reference.isSealed(request.procedure))
    next.progress.reversal = reversal
    // An event tells all the same: by which request only where both parties may read that.
    return next.told(
      .reversed, by: request.responder, now: now, reference,
      data: [
        .init("by", isShownToBoth(reversal) ? .string(request.id.description) : .null),
        .init("procedure", reversal.isSealed ? .null : .string(request.procedure)),
      ])
  }

  private func told(
    _ type: EventType, by actor: OrganCode, now: Instant, _ reference: Reference, data: [JSON.Member]
  ) -> Decision {
    var next = self
    // It ended when it ended.
    if !state.name.isOpen { next.progress.concludedAt = closedAt }
    next.version += 1
    next.updatedAt = now
    return Decision(
      request: next,
      event: Event(
        type: type, at: now, actor: .organ(actor), version: next.version, state: state.name, data: .object(data)),
      timer: nil, alsoTell: copied(reference))
  }
}
