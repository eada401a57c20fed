/// A request of one organ to another: everything that decides what may happen to it next.
package struct AssistanceRequest: Sendable, Equatable {
  package let id: EntityID
  package let procedure: String
  package let requester: OrganCode
  package let responder: OrganCode
  package let item: String?
  package let receivedAt: Instant
  package let deadline: Deadline
  package let content: EncodedContent
  package var version: Int
  package var updatedAt: Instant
  package var acknowledgement: Acknowledgement?
  package var state: State

  package enum State: Sendable, Equatable {
    case submitted
    case acknowledged
    case answered(Answer)
    case declined(Decline)
    case withdrawn(Withdrawal)

    package var name: StateName {
      switch self {
      case .submitted: .submitted
      case .acknowledged: .acknowledged
      case .answered: .answered
      case .declined: .declined
      case .withdrawn: .withdrawn
      }
    }
  }

  package init(
    id: EntityID, procedure: String, requester: OrganCode, responder: OrganCode, item: String?,
    receivedAt: Instant, deadline: Deadline, content: EncodedContent, version: Int, updatedAt: Instant,
    acknowledgement: Acknowledgement?, state: State
  ) {
    self.id = id
    self.procedure = procedure
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
  }

  /// When it was closed; nil while it is open. A closed request never changes again, so the last change closed it.
  package var closedAt: Instant? { state.name.isOpen ? nil : updatedAt }

  package enum ClockStatus: String, Sendable { case running, met, missed }

  package func clockStatus(now: Instant) -> ClockStatus {
    if let closedAt { return closedAt < deadline.at ? .met : .missed }
    return now < deadline.at ? .running : .missed
  }

  package func isOverdue(now: Instant) -> Bool { state.name.isOpen && now >= deadline.at }
}

package enum StateName: String, Sendable, CaseIterable {
  case submitted, acknowledged, answered, declined, withdrawn

  package var isOpen: Bool { self == .submitted || self == .acknowledged }

  /// The contract's states that no request takes yet: whoever asks for them finds nothing, and has made no mistake.
  package static let unused = ["awaiting-supplement", "returned", "closed"]

  /// The verbs that may follow, in the order in which a reader would think of them.
  package var allowed: [Verb] {
    switch self {
    case .submitted: [.acknowledge, .answer, .decline, .withdraw]
    case .acknowledged: [.answer, .decline, .withdraw]
    case .answered, .declined, .withdrawn: []
    }
  }
}

package enum Verb: String, Sendable, CaseIterable {
  case acknowledge, answer, decline, withdraw

  /// Which party it belongs to.
  package var party: Party {
    switch self {
    case .acknowledge, .answer, .decline: .responder
    case .withdraw: .requester
    }
  }
}

package enum Party: String, Sendable { case requester, responder }

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
  package let findings: [Finding]
  package let text: String?
  package let reference: String?
  package let signatory: String

  package init(findings: [Finding], text: String?, reference: String?, signatory: String) {
    self.findings = findings
    self.text = text
    self.reference = reference
    self.signatory = signatory
  }
}

/// 不能协助书面告知: in writing, with a reason that the law knows, and signed.
package struct Decline: Sendable, Equatable {
  package let reasonCode: String
  package let reason: String
  /// The code of an organ in the directory, or the name of one outside it.
  package let competentOrgan: String?
  package let signatory: String

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
