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

  /// Carries a command out, or refuses it. Pure: the same arguments give the same decision.
  /// - Parameter expectedVersion: of `If-Match`; nil accepts any.
  package func carryOut(
    _ command: Command, by organ: OrganCode, now: Instant, expectedVersion: Int?,
    reference: Reference
  ) throws(Refusal) -> Decision {
    guard party(organ) == command.verb.party else { throw .notYours(command.verb) }
    if let expectedVersion, expectedVersion != version {
      throw .staleVersion(current: version)
    }
    guard state.name.allowed.contains(command.verb) else {
      throw .illegalTransition(command.verb, from: state.name)
    }
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
      let faults = faults(of: answer, procedure: reference.procedures[procedure])
      guard faults.isEmpty else { throw .faults(faults) }
      next.state = .answered(answer)
      type = .answered
      data = answer.eventData(late: now >= deadline.at)
    case .decline(let decline):
      let faults = faults(of: decline, reference: reference)
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

  /// Every question is answered once, with an outcome that the procedure knows.
  private func faults(of answer: Answer, procedure: Procedure?) -> [Fault] {
    var faults: [Fault] = []
    let questions = content.questionIDs
    var seen: Set<String> = []
    for (index, finding) in answer.findings.enumerated() {
      let pointer = "/findings/\(index)"
      if !questions.contains(finding.question) {
        faults.append(
          Fault(
            pointer + "/question", "没有问题“\(finding.question)”；应为：\(questions.joined(separator: "、"))",
            "there is no question \"\(finding.question)\"; the questions are \(questions.joined(separator: ", "))"
          ))
      } else if !seen.insert(finding.question).inserted {
        faults.append(
          Fault(
            pointer + "/question", "问题“\(finding.question)”答复了两次",
            "the question \"\(finding.question)\" is answered twice"))
      }
      let outcomes = procedure?.outcomes.map(\.id) ?? []
      if !outcomes.contains(finding.result) {
        faults.append(
          Fault(
            pointer + "/result", "结果应为 \(outcomes.joined(separator: "、")) 之一",
            "the result is one of \(outcomes.joined(separator: ", "))"))
      }
    }
    for question in questions where !seen.contains(question) {
      faults.append(
        Fault(
          "/findings", "问题“\(question)”没有答复", "the question \"\(question)\" has no finding"))
    }
    return faults
  }

  private func faults(of decline: Decline, reference: Reference) -> [Fault] {
    var faults: [Fault] = []
    let codes = reference.procedures[procedure]?.declineReasons.map(\.id) ?? []
    if !codes.contains(decline.reasonCode) {
      faults.append(
        Fault(
          "/reasonCode",
          "理由代码应为 \(codes.joined(separator: "、")) 之一；人手不足、系统故障、材料不全不是不予协助的理由",
          "the reason code is one of \(codes.joined(separator: ", ")); lack of staff, a broken system or missing particulars are no reason to decline"
        ))
    }
    if let competent = decline.competentOrgan, competent.looksLikeCode {
      do throws(Phrase) {
        if try OrganCode(competent) == responder {
          faults.append(
            Fault(
              "/competentOrgan", code: "same-organ", "有权机关不能是本机关",
              "the competent organ cannot be the one that declines"))
        }
      } catch {
        faults.append(Fault("/competentOrgan", error.zh, error.en))
      }
    }
    return faults
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

extension String {
  /// Eighteen letters and digits: a code with a slip, rather than the name of an organ ("Ministry of Health").
  fileprivate var looksLikeCode: Bool {
    utf8.count == 18 && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
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
