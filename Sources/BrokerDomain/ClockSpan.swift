/// One line of the ledger of a clock 期限的账: a span of the request's life in which the clock ran on one budget in one hand
/// or stood still, or the moment at which it ended.
package struct ClockSpan: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable { case running, paused, ended }

  package let kind: Kind
  /// What began it.
  package let cause: EventType
  package let from: Instant
  /// Exclusive; nil while it lasts. What ended did so at one moment.
  package internal(set) var to: Instant?
  /// Which of the request's clocks, counted from 1.
  package let clock: Int
  /// A clock begins here, after the first: nothing of its budget is used.
  package let isRestart: Bool
  /// A date was named, and no number of days.
  package let isDated: Bool
  /// Who has the request in hand; while the clock stands still, whoever it waits for.
  package let organ: OrganCode
  /// Working days of the clock, extensions included.
  package let budget: Int
  /// Working days of the budget used in this span; the day on which a span ends is used in it.
  package internal(set) var used = 0
  /// The same since this clock began. More than the budget is late.
  package internal(set) var usedTotal = 0
  package let due: CalendarDate
  /// Where this span begins with another last day.
  package let previousDue: CalendarDate?
  package let provisional: Bool
  /// It ran past its due moment.
  package internal(set) var isOverdue = false
  /// Of what ended: met or missed.
  package let result: AssistanceRequest.ClockStatus?
  package let facts: Facts

  /// What is told of it besides, by the event that began it.
  package struct Facts: Sendable, Equatable {
    /// Of an extension, in working days.
    package var added: Int?
    /// Why it was returned, transferred or extended.
    package var reason: String?
    package var approver: String?
    /// Of a recomputation: the notices that decide the days.
    package var notices: [String] = []
    /// Of a recomputation: whence and whereto the organ has moved, where that is why.
    package var regions: Regions?
    /// A superior ruled.
    package var isRuling = false
    /// A superior ruled that it stays where it is.
    package var isKept = false

    package struct Regions: Sendable, Equatable {
      package let old: String
      package let new: String
    }

    package init() {}
  }
}

extension ClockSpan {
  /// The members of one line.
  /// - Parameter name: of an organ; nil when the directory has it no more.
  package func write(_ w: inout JSONWriter, name: (OrganCode) -> String?) {
    w.string("kind", kind.rawValue)
    w.string("cause", cause.rawValue)
    w.moment("from", from)
    w.moment("to", to)
    w.int("clock", clock)
    w.object("organ") { w in
      w.string("code", organ.description)
      w.string("name", name(organ))
    }
    w.int("budget", budget)
    w.int("usedTotal", usedTotal)
    switch kind {
    case .running:
      w.int("used", used)
      w.bool("restarted", isRestart)
      w.date("dueDate", due)
      if let previousDue { w.date("previousDueDate", previousDue) }
      w.bool("provisional", provisional)
      w.bool("overdue", isOverdue)
    case .paused: break
    case .ended: w.string("result", result?.rawValue)
    }
    if let added = facts.added { w.int("added", added) }
    if let reason = facts.reason { w.string("reason", reason) }
    if let approver = facts.approver { w.string("approver", approver) }
    if facts.isRuling { w.bool("ruling", true) }
    if facts.isKept { w.bool("kept", true) }
    if cause == .deadlineChanged {
      w.array("notices") { w in for notice in facts.notices { w.string(nil, notice) } }
      if let regions = facts.regions {
        w.string("previousRegion", regions.old)
        w.string("region", regions.new)
      }
    }
    w.phrase("text", text(name: name))
  }
}
