/// The steps by which a deadline makes itself heard. Each fires exactly once for a request.
package enum Rung: Int, Sendable, CaseIterable {
  /// Two working days are left.
  case twoDaysLeft = 1
  /// One working day is left 黄牌.
  case oneDayLeft = 2
  /// The first moment after the last day 红牌.
  case overdue = 3
  /// One working day late: to the leader of the organ and the supervisor 督办.
  case escalated = 4

  package var name: String {
    switch self {
    case .twoDaysLeft: "T-2"
    case .oneDayLeft: "T-1"
    case .overdue: "T"
    case .escalated: "T+1"
    }
  }

  package init?(name: String) {
    guard let rung = Rung.allCases.first(where: { $0.name == name }) else { return nil }
    self = rung
  }

  package var eventType: EventType {
    switch self {
    case .twoDaysLeft, .oneDayLeft: .dueSoon
    case .overdue: .overdue
    case .escalated: .escalated
    }
  }
}

/// A rung of one clock and the moment at which it is due.
package struct LadderTimer: Sendable, Equatable {
  package let rung: Rung
  /// Which of the request's clocks it belongs to; see `Progress.leg`.
  package let leg: Int
  package let at: Instant

  package init(rung: Rung, leg: Int = 0, at: Instant) {
    self.rung = rung
    self.leg = leg
    self.at = at
  }
}

extension WorkingCalendar {
  /// The moment of one rung: reminders at 00:00 of the working day that is one or two before the last, overdue at the
  /// due moment, escalation when offices open on the working day after the last: it is meant for people, the organ's leader and
  /// the supervisor, and must not coincide with overdue when that day follows at once.
  package func moment(of rung: Rung, deadline: Deadline, region: RegionCode?) -> Instant {
    switch rung {
    case .twoDaysLeft: workingDay(-2, from: deadline.date, region: region).midnight
    case .oneDayLeft: workingDay(-1, from: deadline.date, region: region).midnight
    case .overdue: deadline.at
    case .escalated:
      max(deadline.at, workingDay(1, from: deadline.date, region: region).midnight + officeHours.opensMilliseconds)
    }
  }

  /// The first rung of the ladder after `rung` (or of the whole ladder) whose moment lies after receipt: a request
  /// with one day has no T−2.
  package func next(
    after rung: Rung?, ladder: [Rung], deadline: Deadline, receivedAt: Instant, region: RegionCode?,
    leg: Int = 0
  ) -> LadderTimer? {
    for candidate in ladder where candidate.rawValue > rung?.rawValue ?? 0 {
      let at = moment(of: candidate, deadline: deadline, region: region)
      // A reminder that would have come before receipt is left out. What is overdue from the beginning, because a stated
      // date lies back, is overdue all the same.
      if at > receivedAt || candidate.rawValue >= Rung.overdue.rawValue {
        return LadderTimer(rung: candidate, leg: leg, at: at)
      }
    }
    return nil
  }
}
