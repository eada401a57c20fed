internal import BrokerDomain

/// One case from beginning to end, as its file tells it: who takes part, what each does, and what must be seen then.
struct Story: Sendable {
  let file: String
  let id: String
  let title: Phrase
  /// The procedure that it is about.
  let procedure: String
  /// The clauses that it proves, and what they say.
  let clause: String
  let proves: Phrase
  /// The folder of `examples/` on whose organs and lists it is played.
  let example: String
  /// Where the rehearsed clock starts.
  let startsAt: Instant
  let cast: [Role]
  let steps: [Step]

  /// A short name for an organ of the directory.
  struct Role: Sendable {
    let alias: String
    /// Name, short name or code.
    let organ: String
    let line: Int
  }

  struct Step: Sendable {
    let line: Int
    let said: Phrase
    let deed: Deed
    /// The alias of who does it; nil for the clock.
    let who: String?
    /// The body that is sent: aliases of the cast and `${names}` of requests stand in it as they were written.
    let with: JSON
    let see: Sight
  }

  /// What is done. Requests go by the names that `open` gave them.
  enum Deed: Sendable, Equatable {
    case open(String)
    case move(Verb, String)
    case withdrawCommitment(String)
    case advance(Instant)
    case look(Look, String)
  }

  /// Where one looks, without changing anything.
  enum Look: String, Sendable, CaseIterable {
    /// The request itself.
    case expect
    case timeline
    /// The 算式.
    case deadline
    /// The organ's own feed, as far as it is about the request.
    case feed
    /// What came in at the organ's endpoint about the request, every signature verified.
    case callback
  }
}

/// What must be seen after a step.
struct Sight: Sendable {
  /// HTTP.
  var status: Int?
  /// The code of a problem.
  var problem: String?
  /// Members of the reply; those that are not named may be anything.
  var members: [(name: String, wanted: Wanted)] = []
  /// In this order; others may stand between.
  var events: Wanted?
  /// Rungs of the ladder of which each is there exactly once, in this order.
  var once: [Rung] = []
  /// Types of events of which there is none.
  var never: [String] = []
  /// The days that a deadline counts, all of them.
  var counted: [CalendarDate] = []
  /// Requests that a withdrawn commitment took along, by name.
  var withdrawn: [String] = []
  /// The line of each key, for what is said of a difference.
  var lines: [String: Int] = [:]
}
