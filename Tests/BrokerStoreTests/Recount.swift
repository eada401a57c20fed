import BrokerDomain
import GRDB
import TestSupport

@testable import BrokerStore

/// The figures of a report, counted anew from the log of events and the calendar, by other means than the product's:
/// each request's events are walked through in order, and no tally, no row of a request and no `Progress` is looked at.
struct Recount {
  /// One organ's time with one request.
  struct Turn {
    let organ: Int64
    let procedure: String
    let item: String
    let day: CalendarDate
    var outcome = "open"
    var days: Int?
    var acknowledgedAfter: Int?
    /// When it first said that it has it, in any way, was in time.
    var saidInTime: Bool?
    var declinedLate = false
    var overdue = false
    /// How and when it ended late.
    var lateEnds: [(how: String, on: CalendarDate)] = []
  }

  private let store: Store
  private(set) var turns: [Turn] = []

  init(_ store: Store) throws {
    self.store = store
    let now = store.clock.now
    let rows = try store.pool.read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT e.request, e.type, e.at, e.requester, e.responder, e.data, r.procedure, coalesce(r.item, '') AS item
          FROM event e JOIN request r ON r.key = e.request ORDER BY e.request, e.seq
          """)
    }
    var at = 0
    while at < rows.count {
      let request: Int64 = rows[at]["request"]
      var walk: [Row] = []
      while at < rows.count, rows[at]["request"] as Int64 == request {
        walk.append(rows[at])
        at += 1
      }
      try follow(walk, now)
    }
  }

  private mutating func follow(_ events: [Row], _ now: Instant) throws {
    var turn: Turn?
    // Of the organ that asked, while it lies returned with it on a clock that runs on.
    var held: Turn?
    // Of the present clock: from when it counts, and its last day as the events tell it.
    var (start, due): (CalendarDate, CalendarDate?) = (CalendarDate(dayNumber: 0), nil)
    // Where receipt is all that is owed, what was acknowledged met its clock.
    var met: CalendarDate?
    var (isPaused, isDone) = (false, false)
    var askedOn: CalendarDate?
    for event in events {
      let type: String = event["type"]
      let on = Instant(milliseconds: event["at"]).date
      let data = try JSON.parse(Array((event["data"] as String).utf8))
      let dueBefore = due
      if let date = data["dueDate"]?.stringValue,
        ["submitted", "supplied", "extended", "transferred", "deadline-changed"]
          .contains(type.replacing("request.", with: ""))
      {
        due = CalendarDate(date)
      }
      let region = turn.flatMap { store.reference.organ(number: $0.organ)?.region }
      let isFiling = (event["procedure"] as String) == Self.filing
      if ["acknowledged", "supplement-asked", "answered", "declined", "returned"].contains(
        type.replacing("request.", with: "")), let current = turn, current.saidInTime == nil,
        let days = Self.acknowledgeDays(current.procedure)
      {
        turn?.saidInTime = on <= last(days, after: current.day, region)
      }
      let late = due.map { !isFiling && (met ?? on) > $0 } ?? false
      func lateEnd(_ how: String, _ moment: CalendarDate) {
        guard !isFiling, let dueBefore, moment > dueBefore else { return }
        turn?.lateEnds.append((how, on))
      }
      // On a clock that is kept, who received it after the last day is late with nothing by passing it on.
      let hadIt = turn?.procedure != Self.clockKept || turn.flatMap { t in dueBefore.map { t.day <= $0 } } == true
      // Of the organ with which it lay returned.
      func letGo(_ turn: Turn) {
        guard let dueBefore, on > dueBefore else { return }
        var gone = turn
        gone.outcome = "let go"
        gone.lateEnds = [("let-go", on)]
        turns.append(gone)
      }
      switch type {
      // A ruling that it stays where it is: nobody's turn ends.
      case "request.transferred" where data["kept"] == .bool(true): break
      case "request.submitted", "request.transferred":
        if type == "request.transferred", turn?.outcome == "open" {
          turn?.outcome = "transferred"
          if met == nil, hadIt { lateEnd("transferred", on) }
        }
        if let turn { turns.append(turn) }
        if let held, let dueBefore, held.day <= dueBefore { letGo(held) }
        held = nil
        turn = Turn(organ: event["responder"], procedure: event["procedure"], item: event["item"], day: on)
        if type == "request.submitted" || turn?.procedure != Self.clockKept { start = on }
        (met, isPaused, isDone, askedOn) = (nil, false, false, nil)
        // Sent late is its own count, of the organ that sent it, besides the turn of the one that has it now.
        if isFiling, let due, on > due {
          turns.append(
            Turn(
              organ: event["requester"], procedure: event["procedure"], item: event["item"], day: on,
              outcome: "sent late"))
        }
      case "request.acknowledged":
        let received = turn?.day ?? on
        turn?.acknowledgedAfter = working(received, on, region)
        if turn?.procedure == Self.receiptOnly {
          met = on
          lateEnd("receipt", on)
        }
      case "request.supplement-asked": (isPaused, askedOn) = (true, on)
      case "request.supplied": (start, met, isPaused, askedOn) = (on, nil, false, nil)
      case "request.answered":
        turn?.outcome = late ? "late" : "on time"
        turn?.days = working(start, met ?? on, region)
        lateEnd(met == nil ? "answered" : "receipt-replied", met ?? on)
      case "request.declined":
        turn?.outcome = "declined " + (data["reasonCode"]?.stringValue ?? "?")
        turn?.declinedLate = late
        lateEnd(met == nil ? "declined" : "receipt-replied", met ?? on)
      case "request.returned":
        turn?.outcome = "returned"
        if met == nil, hadIt { lateEnd("returned", on) }
        if turn?.procedure == Self.clockKept {
          held = Turn(organ: event["requester"], procedure: event["procedure"], item: event["item"], day: on)
        }
      case "request.withdrawn", "request.closed":
        if let held, let dueBefore, held.day <= dueBefore { letGo(held) }
        held = nil
        if type == "request.withdrawn", turn?.outcome == "open" {
          turn?.outcome = "withdrawn"
          if met == nil { lateEnd("withdrawn", askedOn ?? on) }
        }
      default: break
      }
      isDone = isDone || turn?.outcome != "open"
    }
    if !isDone, !isPaused, met == nil, turn?.procedure != Self.filing, let due { turn?.overdue = now.date > due }
    if let turn { turns.append(turn) }
    if var held {
      if let due { held.overdue = now.date > due }
      turns.append(held)
    }
  }

  /// A procedure in which receipt is all that is owed.
  static let receiptOnly = "handover"
  /// One whose clock a transfer leaves as it is, and a return too.
  static let clockKept = "kept"

  /// A procedure whose clock binds the organ that sends.
  static let filing = "filing"

  /// Within how many working days receipt is to be acknowledged.
  static func acknowledgeDays(_ procedure: String) -> Int? {
    switch procedure {
    case "sealed": nil
    case clockKept: 2
    default: 1
    }
  }

  private func last(_ days: Int, after from: CalendarDate, _ region: RegionCode?) -> CalendarDate {
    var day = from
    while working(from, day, region) < days { day = day + 1 }
    return day
  }

  private func working(_ from: CalendarDate, _ to: CalendarDate, _ region: RegionCode?) -> Int {
    var (day, count) = (from, 0)
    while day < to {
      day = day + 1
      if store.reference.calendar.verdict(day, region: region).counts { count += 1 }
    }
    return count
  }

  /// In words, for comparing; nil of nothing. What was let go of is among no figures.
  static func text(_ all: [Turn]) -> String? {
    let turns = all.filter { $0.outcome != "let go" }
    guard !turns.isEmpty else { return nil }
    func count(_ outcome: String) -> Int { turns.count { $0.outcome == outcome } }
    let reasons = Set(turns.map(\.outcome).filter { $0.hasPrefix("declined ") }).sorted()
    return """
      received \(turns.count - count("sent late")) sent late \(count("sent late")) on time \(count("on time")) late \(count("late")) \
      \(reasons.map { "\($0) \(count($0))" }.joined(separator: " ")) declined late \(turns.count { $0.declinedLate }) \
      returned \(count("returned")) transferred \(count("transferred")) withdrawn \(count("withdrawn")) \
      open \(count("open")) overdue \(turns.count { $0.overdue }) days \(spread(turns.compactMap(\.days))) \
      acknowledged \(spread(turns.compactMap(\.acknowledgedAfter))) in time \(turns.count { $0.saidInTime == true }) \
      not in time \(turns.count { $0.saidInTime == false })
      """
  }

  /// Count, median and nearest-rank 90th percentile, by sorting.
  private static func spread(_ days: [Int]) -> String {
    guard !days.isEmpty else { return "0" }
    let sorted = days.sorted()
    let n = sorted.count
    let median = n % 2 == 1 ? Double(sorted[n / 2]) : Double(sorted[n / 2 - 1] + sorted[n / 2]) / 2
    let p90 = sorted[Int((0.9 * Double(n)).rounded(.up)) - 1]
    return "\(n) median \(median) p90 \(p90)"
  }
}

extension Figures {
  /// The same words as a recount's.
  var text: String {
    let reasons = declined.keys.sorted().map { "declined \($0) \(declined[$0] ?? 0)" }.joined(separator: " ")
    func spread(_ days: DayHistogram) -> String {
      guard let median = days.twiceMedian, let p90 = days.p90 else { return "0" }
      return "\(days.total) median \(Double(median) / 2) p90 \(p90)"
    }
    return """
      received \(received) sent late \(sentLate) on time \(onTime.total) late \(late.total) \
      \(reasons) declined late \(declinedLate) \
      returned \(returned) transferred \(transferred) withdrawn \(withdrawn) \
      open \(open) overdue \(overdue) days \(spread(days)) \
      acknowledged \(spread(acknowledged)) in time \(acknowledgedOnTime) not in time \(acknowledgedLate)
      """
  }
}
