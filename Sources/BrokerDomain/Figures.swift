/// How many took how many working days: exact, because a day is a whole number and few are many.
package struct DayHistogram: Sendable, Equatable {
  /// At index n, how many took n working days; the last is never 0.
  package private(set) var counts: [Int] = []

  package init() {}

  package var total: Int { counts.reduce(0, +) }

  package mutating func add(days: Int, count: Int = 1) {
    guard count != 0 else { return }
    let days = max(0, days)
    if days >= counts.count { counts += Array(repeating: 0, count: days + 1 - counts.count) }
    counts[days] += count
  }

  package mutating func add(_ other: DayHistogram) {
    for (days, count) in other.counts.enumerated() { add(days: days, count: count) }
  }

  /// The value at a position when all are put in order; positions count from 1.
  private func value(at position: Int) -> Int {
    var passed = 0
    for (days, count) in counts.enumerated() {
      passed += count
      if passed >= position { return days }
    }
    return max(0, counts.count - 1)
  }

  /// Twice the median, because the mean of the two in the middle may be a half; nil of nothing.
  package var twiceMedian: Int? {
    let n = total
    return n == 0 ? nil : value(at: (n + 1) / 2) + value(at: n / 2 + 1)
  }

  /// The median as text: `3` or `3.5`.
  package var median: String? { twiceMedian.map { String($0 / 2) + ($0 % 2 == 1 ? ".5" : "") } }

  /// The nearest rank: the smallest number of days within which nine of ten were done; nil of nothing.
  package var p90: Int? {
    let n = total
    return n == 0 ? nil : value(at: (9 * n + 9) / 10)
  }
}

/// What became of the requests that organs received: the figures of every report.
///
/// The unit is a **turn** of an organ: from the moment at which an organ received a request until it answered,
/// declined or returned it, or the request was transferred away or withdrawn. A request that was transferred is received
/// anew by the organ that it went to, on that day; whoever had it at the end is charged with its answer. A supplement
/// opens no new turn: the request was received once, and the days of its answer are those of the clock that started anew.
///
/// What was returned counts as returned whatever becomes of it. Where the clock runs on meanwhile (a complaint), the organ
/// that asked owes something again: for as long as the request lies with it, and no longer, it is a turn of that organ too,
/// received on the day of the return, open and, when it is late, overdue.
///
/// Every turn is in exactly one of `onTime`, `late`, `declined`, `returned`, `transferred`, `withdrawn` and `open`.
package struct Figures: Sendable, Equatable {
  /// Working days of the clock until the answer, of answers before and after the due moment.
  package var onTime = DayHistogram()
  package var late = DayHistogram()
  /// By reason code.
  package var declined: [String: Int] = [:]
  /// Of those declined: after the due moment.
  package var declinedLate = 0
  package var returned = 0
  package var transferred = 0
  package var withdrawn = 0
  /// Neither replied to nor taken away when the report is made.
  package var open = 0
  /// Of those open: past the due moment, with the clock running.
  package var overdue = 0
  /// Working days from receipt until receipt was acknowledged, of the turns in which it was, whatever came of them.
  package var acknowledged = DayHistogram()
  /// Of the turns in which receipt is to be acknowledged within the procedure's `acknowledgeDays`, and in which the organ
  /// did so or replied at once: within them, and later. One that never said a word is in neither.
  package var acknowledgedOnTime = 0
  package var acknowledgedLate = 0
  /// Requests that the organ itself sent after the moment by which a clause obliged it to: no turn of its own, and none of
  /// `received`.
  package var sentLate = 0

  package init() {}

  package var declinedTotal: Int { declined.values.reduce(0, +) }
  package var answered: Int { onTime.total + late.total }
  package var received: Int { answered + declinedTotal + returned + transferred + withdrawn + open }

  /// Of answers, before and after the due moment.
  package var days: DayHistogram {
    var days = onTime
    days.add(late)
    return days
  }

  package mutating func add(_ measure: Measure, days: Int, count: Int) {
    switch measure {
    case .onTime: onTime.add(days: days, count: count)
    case .late: late.add(days: days, count: count)
    case .declined(let reason):
      declined[reason, default: 0] += count
      if days > 0 { declinedLate += count }
    case .returned: returned += count
    case .transferred: transferred += count
    case .withdrawn: withdrawn += count
    case .acknowledged: acknowledged.add(days: days, count: count)
    case .acknowledgedOnTime: acknowledgedOnTime += count
    case .acknowledgedLate: acknowledgedLate += count
    case .sentLate: sentLate += count
    }
  }
}

/// One thing that a tally counts. `days` of it are working days, or for `declined` 1 when it was late and 0 when not.
package enum Measure: Sendable, Hashable {
  case onTime, late
  case declined(reason: String)
  case returned, transferred, withdrawn, acknowledged, acknowledgedOnTime, acknowledgedLate, sentLate

  /// As rows name it.
  package var name: String {
    switch self {
    case .onTime: "on-time"
    case .late: "late"
    case .declined(let reason): "declined:" + reason
    case .returned: "returned"
    case .transferred: "transferred"
    case .withdrawn: "withdrawn"
    case .acknowledged: "acknowledged"
    case .acknowledgedOnTime: "acknowledged-on-time"
    case .acknowledgedLate: "acknowledged-late"
    case .sentLate: "sent-late"
    }
  }

  package init?(name: String) {
    switch name {
    case "on-time": self = .onTime
    case "late": self = .late
    case "returned": self = .returned
    case "transferred": self = .transferred
    case "withdrawn": self = .withdrawn
    case "acknowledged": self = .acknowledged
    case "acknowledged-on-time": self = .acknowledgedOnTime
    case "acknowledged-late": self = .acknowledgedLate
    case "sent-late": self = .sentLate
    default:
      guard name.hasPrefix("declined:") else { return nil }
      self = .declined(reason: String(name.dropFirst("declined:".count)))
    }
  }
}
