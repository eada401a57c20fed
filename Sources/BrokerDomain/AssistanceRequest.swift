/// A request of one organ to another: everything that decides what may happen to it next.
package struct AssistanceRequest: Sendable, Equatable {
  package let id: EntityID
  package let procedure: String
  /// Of the definition under which it was opened, by which it goes on whatever becomes of the file.
  package let procedureVersion: Int
  package let requester: OrganCode
  package var responder: OrganCode
  package let item: String?
  package let receivedAt: Instant
  package var deadline: Deadline
  package let content: EncodedContent
  package var version: Int
  package var updatedAt: Instant
  /// Nil while the organ that has it has not said so, also of one that is `acknowledged` because it was supplemented.
  package var acknowledgement: Acknowledgement?
  package var state: State
  private var way: Way

  /// What has happened to it besides; lent rather than copied, because it is larger than all the rest.
  package var progress: Progress {
    _read { yield way.progress }
    _modify { yield &way.progress }
  }

  package enum State: Sendable, Equatable {
    case submitted
    case acknowledged
    case awaitingSupplement
    case returned
    case answered(Answer)
    case declined(Decline)
    case withdrawn(Withdrawal)
    case closed(Conclusion)

    package var name: StateName {
      switch self {
      case .submitted: .submitted
      case .acknowledged: .acknowledged
      case .awaitingSupplement: .awaitingSupplement
      case .returned: .returned
      case .answered: .answered
      case .declined: .declined
      case .withdrawn: .withdrawn
      case .closed: .closed
      }
    }

    /// The answer, also of a request that was closed after it.
    package var answer: Answer? {
      switch self {
      case .answered(let answer), .closed(.answered(let answer)): answer
      default: nil
      }
    }

    package var decline: Decline? {
      switch self {
      case .declined(let decline), .closed(.declined(let decline)): decline
      default: nil
      }
    }
  }

  /// What a closed request had come to.
  package enum Conclusion: Sendable, Equatable {
    case answered(Answer)
    case declined(Decline)
    case returned
  }

  package init(
    id: EntityID, procedure: String, requester: OrganCode, responder: OrganCode, item: String?,
    receivedAt: Instant, deadline: Deadline, content: EncodedContent, version: Int, updatedAt: Instant,
    acknowledgement: Acknowledgement?, state: State, progress: Progress? = nil, procedureVersion: Int = 1
  ) {
    self.id = id
    self.procedure = procedure
    self.procedureVersion = procedureVersion
    self.requester = requester
    self.responder = responder
    self.item = item
    self.receivedAt = receivedAt
    self.deadline = deadline
    self.content = content
    self.version = version
    self.updatedAt = updatedAt
    self.acknowledgement = acknowledgement
    self.state = state
    way = Way(progress)
  }

  /// When it was answered, declined or withdrawn; nil while it is open. Filing it afterwards does not change that.
  package var closedAt: Instant? { state.name.isOpen ? nil : progress.concludedAt ?? updatedAt }

  /// Since when the clock stands still; nil while it does not.
  package var pausedAt: Instant? {
    switch state {
    case .awaitingSupplement: progress.supplement?.askedAt
    case .returned: progress.runsOn ? nil : progress.returned?.at
    default: nil
    }
  }

  package enum ClockStatus: String, Sendable { case running, paused, met, missed }

  /// When the requested organ had done its part, of a request that the requesting organ then let go.
  private var endOfTurn: Instant? {
    switch state {
    // What runs on while it lies returned has ended with the request.
    case .withdrawn where !progress.runsOn, .closed(.returned) where !progress.runsOn:
      progress.returned?.at ?? progress.supplement.flatMap { $0.supplied == nil ? $0.askedAt : nil }
    default: nil
    }
  }

  private var clockEndedAt: Instant? { progress.metAt ?? endOfTurn ?? closedAt }

  /// Since when no day counts any more: the clock has ended, or stands still. Nil while it runs.
  package var clockStoppedAt: Instant? { clockEndedAt ?? pausedAt }

  package func clockStatus(now: Instant) -> ClockStatus {
    if let end = clockEndedAt { return end < deadline.at ? .met : .missed }
    if state.name.isPaused, !progress.runsOn { return .paused }
    return now < deadline.at ? .running : .missed
  }

  /// Something is still owed, by the organ that has it in hand.
  package var isClockRunning: Bool {
    (state.name.isRunning || state.name == .returned && progress.runsOn) && progress.metAt == nil
  }

  /// Who has it in hand: what was returned lies with the organ that asked.
  package var holder: OrganCode { state.name == .returned ? requester : responder }

  /// Whose turn it is: particulars are for the organ that asked to supply, and what was returned for it to send on.
  package var turn: OrganCode { state.name.isPaused ? requester : responder }

  package func isOverdue(now: Instant) -> Bool { isClockRunning && now >= deadline.at }
}

package enum StateName: String, Sendable, CaseIterable {
  case submitted, acknowledged
  case awaitingSupplement = "awaiting-supplement"
  case returned, answered, declined, withdrawn, closed

  package var isOpen: Bool { isRunning || isPaused }

  /// The requested organ's clock runs.
  package var isRunning: Bool { self == .submitted || self == .acknowledged }

  /// It is the requesting organ's turn.
  package var isPaused: Bool { self == .awaitingSupplement || self == .returned }

  /// The verbs that may follow, in the order in which a reader would think of them.
  package var allowed: [Verb] {
    switch self {
    case .submitted:
      [.acknowledge, .answer, .decline, .return, .ask, .extend, .transfer, .withdraw, .remind]
    case .acknowledged: [.answer, .decline, .return, .ask, .extend, .transfer, .withdraw, .remind]
    case .awaitingSupplement: [.supply, .withdraw, .remind]
    // Reminded of by the supervisor alone, and where its clock runs on.
    case .returned: [.transfer, .withdraw, .remind, .close]
    case .answered: [.dispose, .close]
    case .declined: [.close]
    case .withdrawn, .closed: []
    }
  }
}

package enum Verb: String, Sendable, CaseIterable {
  case acknowledge, answer, decline, `return`, ask, supply, extend, transfer, withdraw, remind, dispose, close

  /// Who may use it.
  package var parties: [Party] {
    switch self {
    case .acknowledge, .answer, .decline, .return, .ask, .extend: [.responder]
    case .supply, .withdraw, .dispose, .close: [.requester]
    case .transfer, .remind: [.requester, .supervisor]
    }
  }
}

package enum Party: String, Sendable { case requester, responder, supervisor }

package struct Acknowledgement: Sendable, Equatable {
  package let officer: String?
  package let at: Instant
  package init(officer: String?, at: Instant) {
    self.officer = officer
    self.at = at
  }
}

/// The answer to one closed question.
package struct Finding: Sendable, Equatable {
  package let question: String
  package let result: String
  package let source: String
  package let asOf: CalendarDate
  package let note: String?

  package init(question: String, result: String, source: String, asOf: CalendarDate, note: String?) {
    self.question = question
    self.result = result
    self.source = source
    self.asOf = asOf
    self.note = note
  }
}

/// 复函.
package struct Answer: Sendable, Equatable {
  /// Empty where the procedure answers by outcome.
  package let findings: [Finding]
  /// One of the procedure's own.
  package let outcome: String?
  /// What the outcome requires, by the procedure's answer fields.
  package let data: JSON
  package let text: String?
  package let reference: String?
  package let signatory: String

  package init(
    findings: [Finding], outcome: String? = nil, data: JSON = .object([]), text: String?, reference: String?,
    signatory: String
  ) {
    self.findings = findings
    self.outcome = outcome
    self.data = data
    self.text = text
    self.reference = reference
    self.signatory = signatory
  }
}

extension Answer {
  /// Something that was promised turned out untrue. No record is not the same.
  package var isContradicted: Bool { findings.contains { $0.result == "contradicted" } }
}

/// 不能协助书面告知: in writing, with a reason that the law knows, and signed.
package struct Decline: Sendable, Equatable {
  package let reasonCode: String
  package let reason: String
  /// The code of an organ in the directory, or the name of one outside it.
  package let competentOrgan: String?
  package let signatory: String

  /// 不属于本机关职权: what a ruling has decided, it cannot say any more.
  package static let notCompetent = "not-competent"

  package init(reasonCode: String, reason: String, competentOrgan: String?, signatory: String) {
    self.reasonCode = reasonCode
    self.reason = reason
    self.competentOrgan = competentOrgan
    self.signatory = signatory
  }
}

package struct Withdrawal: Sendable, Equatable {
  package let reason: String
  package init(reason: String) { self.reason = reason }
}
