/// A procedure: what one organ may ask of another, under which clause and clock. Data, one YAML file each.
package struct Procedure: Sendable, Equatable {
  package struct Outcome: Sendable, Equatable {
    package let id: String
    package let title: Phrase
    package init(id: String, title: Phrase) {
      self.id = id
      self.title = title
    }
  }

  package let id: String
  package let title: Phrase
  /// The clause of the plan that it comes from.
  package let clause: String
  /// Working days from receipt when the assistance list names none.
  package let workingDays: Int
  package let ladder: [Rung]
  package let outcomes: [Outcome]
  package let declineReasons: [Outcome]

  /// Nothing in the plans runs longer than 60 working days; a year bounds a typing error.
  package static let maximumDays = 250

  package init(
    id: String, title: Phrase, clause: String, workingDays: Int, ladder: [Rung],
    outcomes: [Outcome], declineReasons: [Outcome]
  ) {
    self.id = id
    self.title = title
    self.clause = clause
    self.workingDays = workingDays
    self.ladder = ladder
    self.outcomes = outcomes
    self.declineReasons = declineReasons
  }
}
