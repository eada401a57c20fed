/// The contract's vocabulary, in its order.
package enum EventType: String, Sendable, CaseIterable {
  case submitted = "request.submitted"
  case acknowledged = "request.acknowledged"
  case answered = "request.answered"
  case declined = "request.declined"
  case returned = "request.returned"
  case supplementAsked = "request.supplement-asked"
  case supplied = "request.supplied"
  case extended = "request.extended"
  case transferred = "request.transferred"
  case withdrawn = "request.withdrawn"
  case reminded = "request.reminded"
  case dueSoon = "request.due-soon"
  case overdue = "request.overdue"
  case escalated = "request.escalated"
  case deadlineChanged = "request.deadline-changed"
  case closed = "request.closed"
  /// Something that follows from it was opened by the organ to which it was offered.
  case followedUp = "request.followed-up"
  /// A later request has undone it.
  case reversed = "request.reversed"
}

/// Who made something happen: an organ (through one of its keys), or the clock.
package enum Actor: Sendable, Equatable {
  case organ(OrganCode)
  case clock
}

/// One thing that happened to a request: the spine from which timeline, feed, callbacks and statistics are read.
package struct Event: Sendable, Equatable {
  package let type: EventType
  package let at: Instant
  package let actor: Actor
  /// The request's version and state after it.
  package let version: Int
  package let state: StateName
  package let rung: Rung?
  /// Of a rung: which of the request's clocks.
  package let leg: Int
  /// Never personal data of the subject.
  package var data: JSON

  package init(
    type: EventType, at: Instant, actor: Actor, version: Int, state: StateName, rung: Rung? = nil,
    leg: Int = 0, data: JSON
  ) {
    self.type = type
    self.at = at
    self.actor = actor
    self.version = version
    self.state = state
    self.rung = rung
    self.leg = leg
    self.data = data
  }
}

/// What a transition comes to: the request as it is from now on, what happened, the next timer, and whom to tell.
/// `BrokerStore` writes it whole or not at all.
package struct Decision: Sendable, Equatable {
  package var request: AssistanceRequest
  package var event: Event
  /// The ladder's next rung to arm; nil when none is left or the request is closed.
  package let timer: LadderTimer?
  /// Organs whose feed and endpoints are owed the event besides the two parties.
  package let alsoTell: [OrganCode]
  /// What the broker is to open or to undo together with it.
  package let owes: [Owed]

  package init(
    request: AssistanceRequest, event: Event, timer: LadderTimer?, alsoTell: [OrganCode] = [], owes: [Owed] = []
  ) {
    self.request = request
    self.event = event
    self.timer = timer
    self.alsoTell = alsoTell
    self.owes = owes
  }
}

/// Why a command was refused. A closed vocabulary, mapped to HTTP in one place.
package enum Refusal: Error, Sendable, Equatable {
  case faults([Fault])
  /// The verb is not allowed from this state.
  case illegalTransition(Verb, from: StateName)
  /// The verb belongs to the other party.
  case notYours(Verb)
  /// The procedure of this title is not for this organ to open.
  case mayNotOpen(Phrase)
  /// The state allows it, the law or the procedure does not.
  case notAllowed(Obstacle)
  /// `If-Match` named no version that this is.
  case staleVersion(current: Int)
}
