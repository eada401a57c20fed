internal import BrokerDomain
internal import HTTPTypes

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
      let (seen, supplied) = (request.acknowledgement, progress.supplement?.supplied?.at)
      // What was supplied to an organ that had it before is not the last that happened.
      if let supplied, seen.map({ $0.at <= supplied }) ?? true {
        (what, by, person, self.at) = (Phrase("补正", "supplied with particulars"), request.requester, nil, supplied)
      } else if let seen {
        (what, by, person, self.at) = (Phrase("签收", "acknowledged"), request.responder, seen.officer, seen.at)
      } else {
        return nil
      }
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
  /// A refusal with how the request stands that it is about: its state, what the caller may do instead, and of a verb that
  /// does not fit the state what has happened to it.
  init(_ refusal: Refusal, of request: AssistanceRequest, to caller: OrganCode, now: Instant, _ reference: Reference) {
    self.init(refusal)
    guard status == .conflict else { return }
    let verbs = request.allowed(to: caller, now: now, reference: reference)
    transition = (request.state.name, verbs)
    guard case .illegalTransition = refusal else { return }
    let rest =
      if !verbs.isEmpty {
        Phrase(
          "可以：\(verbs.map(\.zh).joined(separator: "、"))", "allowed: \(verbs.map(\.rawValue).joined(separator: ", "))")
      } else if request.state.name.allowed.isEmpty {
        Phrase("该请求已经终结，不能再办理", "it is closed, and nothing more can be done")
      } else {
        Phrase("本机关目前没有可办的事项", "there is nothing for your organ to do at present")
      }
    var words = (zh: "\(detail.zh)；\(rest.zh)", en: "\(detail.en); \(rest.en)")
    if let step = LastStep(request, reference) {
      let (organ, person) = (step.organ ?? "\(step.by)", step.person)
      words.zh += "。该请求已于 \(step.at.rfc3339) 由\(organ)\(person.map { "（\($0)）" } ?? "")\(step.what.zh)"
      words.en += ". It was \(step.what.en) at \(step.at.rfc3339) by \(organ)\(person.map { " (\($0))" } ?? "")"
      happened = step
    }
    detail = Phrase(words.zh, words.en)
  }
}
