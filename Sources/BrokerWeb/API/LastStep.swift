internal import BrokerDomain

/// What brought a request into the state in which it is: whoever comes too late is told who was there before.
struct LastStep {
  let what: Phrase
  let by: OrganCode
  /// Its name.
  let organ: String?
  /// Who signed it, where that is recorded.
  let person: String?
  let at: Instant

  /// Nil for a request to which nothing has happened.
  init?(_ request: AssistanceRequest, _ reference: Reference) {
    let (at, progress) = (request.closedAt ?? request.updatedAt, request.progress)
    switch request.state {
    case .submitted: return nil
    case .acknowledged:
      guard let seen = request.acknowledgement else { return nil }
      (what, by, person, self.at) = (Phrase("签收", "acknowledged"), request.responder, seen.officer, seen.at)
    case .awaitingSupplement:
      (what, by, person) = (Phrase("要求补正", "asked for particulars"), request.responder, nil)
      self.at = progress.supplement?.askedAt ?? at
    case .returned:
      (what, by, person) = (Phrase("退回", "returned"), request.responder, nil)
      self.at = progress.returned?.at ?? at
    case .answered(let answer):
      (what, by, person, self.at) = (Phrase("答复", "answered"), request.responder, answer.signatory, at)
    case .declined(let decline):
      (what, by, person, self.at) = (Phrase("告知不能协助", "declined"), request.responder, decline.signatory, at)
    case .withdrawn: (what, by, person, self.at) = (Phrase("撤回", "withdrawn"), request.requester, nil, at)
    case .closed:
      (what, by, person) = (Phrase("办结归档", "closed"), request.requester, nil)
      self.at = progress.disposal?.at ?? request.updatedAt
    }
    organ = reference.organ(by)?.name
  }
}

extension Problem {
  /// A refusal with what has happened to the request that it is about.
  init(_ refusal: Refusal, of request: AssistanceRequest, _ reference: Reference) {
    let plain = Problem(refusal)
    guard case .illegalTransition = refusal, let step = LastStep(request, reference) else {
      self = plain
      return
    }
    let (zh, en) = (step.organ ?? "\(step.by)", step.organ ?? "\(step.by)")
    self.init(
      plain.status, plain.code,
      plain.detail.zh + "。该请求已于 \(step.at.rfc3339) 由\(zh)\(step.person.map { "（\($0)）" } ?? "")\(step.what.zh)",
      plain.detail.en
        + ". It was \(step.what.en) at \(step.at.rfc3339) by \(en)\(step.person.map { " (\($0))" } ?? "")")
    transition = plain.transition
    happened = step
  }
}
