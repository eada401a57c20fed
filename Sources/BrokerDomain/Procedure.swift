/// A procedure: what one organ may ask of another, under which clause and clock. Data, one YAML file each.
///
/// Rules that look across members (a `requires` that names an answer field, a sealed procedure that is copied to
/// nobody) are held where a definition is read; a value that was read keeps them.
package struct Procedure: Sendable, Equatable {
  /// A result that closes a request, or a reason to decline one.
  package struct Outcome: Sendable, Equatable {
    package let id: String
    package let title: Phrase
    /// Names of the answer fields without which this outcome is not complete.
    package let requires: [String]
    /// What this outcome obliges next, all of it; each procedure once.
    package let next: [Next]

    package init(id: String, title: Phrase, requires: [String] = [], next: [Next] = []) {
      self.id = id
      self.title = title
      self.requires = requires
      self.next = next
    }
  }

  /// Who may open it.
  package enum Openers: Sendable, Equatable {
    /// Organs with one of these roles; none named means any organ.
    case roles([Organ.Role])
    /// An organ asks itself: a duty with a clock that nobody else asked for.
    case itself
  }

  /// Whether a part of a request is left out, may stand or must stand.
  package enum Presence: String, Sendable, CaseIterable { case none, optional, required }

  /// An answer holds one finding a question, or one outcome of the procedure.
  package enum AnswerKind: String, Sendable, CaseIterable { case findings, outcome }

  package let id: String
  /// Counts the changes of its definition that this broker has seen, from 1.
  package let version: Int
  package let title: Phrase
  /// The clause of the plan that it comes from.
  package let clause: String
  package let openers: Openers
  /// Roles of the organs that may be asked; empty means any. Of no meaning where an organ asks itself.
  package let answerers: [Organ.Role]
  package let clock: Clock
  /// Working days within which receipt is to be acknowledged; nil asks for none.
  package let acknowledgeDays: Int?
  /// Working days within which a misrouted request may be sent back; nil: it may not.
  package let returnDays: Int?
  /// The responder may ask once for what is missing; the clock then restarts when it is supplied.
  package let supplement: Bool
  package let allowsExtension: Bool
  package let allowsTransfer: Bool
  package let item: Presence
  package let subject: Presence
  package let questions: Presence
  package let answerKind: AnswerKind
  /// It is about a promise that was given or is to be given: refused where the item takes none, and where it takes none
  /// from an agent. What is answered by findings is so unless its definition says otherwise.
  package let commits: Bool
  package let outcomes: [Outcome]
  /// Empty: it cannot be declined.
  package let declineReasons: [Outcome]
  /// What `data` of a request holds.
  package let fields: [Field]
  /// What `data` of an answer holds.
  package let answerFields: [Field]
  /// Visible to the two parties only, whoever supervises them.
  package let isSealed: Bool
  /// Roles of the organs of the responder's region that are told of every event.
  package let copies: [Organ.Role]
  package let ladder: [Rung]
  /// What a disposal of a contradicted answer obliges next.
  package let disposals: [DisposalNext]
  package let handover: Handover
  package let answererRegion: AnswererRegion
  package let binds: Bound

  /// Nothing in the plans runs longer than 60 working days; a year bounds a typing error.
  package static let maximumDays = 250
  /// What is told of one body: who has more of them wrong has sent something else.
  package static let mostFaults = 100
  /// Of a date that is named, after the year in which it is: whoever names a later one has slipped.
  package static let maximumYearsAhead = 10

  package init(
    id: String, title: Phrase, clause: String, openers: Openers, answerers: [Organ.Role], clock: Clock,
    acknowledgeDays: Int?, returnDays: Int?, supplement: Bool, allowsExtension: Bool, allowsTransfer: Bool,
    item: Presence, subject: Presence, questions: Presence, answerKind: AnswerKind, outcomes: [Outcome],
    declineReasons: [Outcome], fields: [Field], answerFields: [Field], isSealed: Bool, copies: [Organ.Role],
    ladder: [Rung], disposals: [DisposalNext] = [], handover: Handover = .restarts,
    answererRegion: AnswererRegion = .any, binds: Bound = .receiver, commits: Bool? = nil, version: Int = 1
  ) {
    self.id = id
    self.version = version
    self.title = title
    self.clause = clause
    self.openers = openers
    self.answerers = answerers
    self.clock = clock
    self.acknowledgeDays = acknowledgeDays
    self.returnDays = returnDays
    self.supplement = supplement
    self.allowsExtension = allowsExtension
    self.allowsTransfer = allowsTransfer
    self.item = item
    self.subject = subject
    self.questions = questions
    self.answerKind = answerKind
    self.commits = commits ?? answerKind.verifies
    self.outcomes = outcomes
    self.declineReasons = declineReasons
    self.fields = fields
    self.answerFields = answerFields
    self.isSealed = isSealed
    self.copies = copies
    self.ladder = ladder
    self.disposals = disposals
    self.handover = handover
    self.answererRegion = answererRegion
    self.binds = binds
  }

  /// The same definition under another number.
  package func numbered(_ version: Int) -> Procedure {
    Procedure(
      id: id, title: title, clause: clause, openers: openers, answerers: answerers, clock: clock,
      acknowledgeDays: acknowledgeDays, returnDays: returnDays, supplement: supplement,
      allowsExtension: allowsExtension, allowsTransfer: allowsTransfer, item: item, subject: subject,
      questions: questions, answerKind: answerKind, outcomes: outcomes, declineReasons: declineReasons,
      fields: fields, answerFields: answerFields, isSealed: isSealed, copies: copies, ladder: ladder,
      disposals: disposals, handover: handover, answererRegion: answererRegion, binds: binds, commits: commits,
      version: version)
  }

  /// A procedure in all else like verification, whose rules are the defaults of a definition too.
  package init(
    id: String, title: Phrase, clause: String, workingDays: Int, ladder: [Rung],
    outcomes: [Outcome], declineReasons: [Outcome]
  ) {
    self.init(
      id: id, title: title, clause: clause, openers: .roles([]), answerers: [],
      clock: .workingDays(workingDays, from: .receipt), acknowledgeDays: 1, returnDays: 2, supplement: true,
      allowsExtension: true, allowsTransfer: true, item: .optional, subject: .required, questions: .required,
      answerKind: .findings, outcomes: outcomes, declineReasons: declineReasons, fields: [], answerFields: [],
      isSealed: false, copies: [], ladder: ladder)
  }

  /// Its clock waits for nothing but that receipt is acknowledged.
  package var owesReceiptOnly: Bool {
    if case .acknowledge = clock { true } else { false }
  }
  package var allowsReturn: Bool { returnDays != nil }
  package var allowsDecline: Bool { !declineReasons.isEmpty }

  package func outcome(_ id: String) -> Outcome? { outcomes.first { $0.id == id } }
}
