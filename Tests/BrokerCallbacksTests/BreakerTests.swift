import BrokerDomain
import BrokerStore
import Testing

@testable import BrokerCallbacks

/// The breaker, what it lets out after it has closed, and what is counted of an endpoint: pure values, no clock.
@Suite struct BreakerTests {
  /// Seconds after the start, and what happens then.
  enum Step: Sendable, CustomTestStringConvertible {
    case failed(Double, Int)
    case succeeded(Double, Int)
    /// The probe goes out if it may.
    case probe(Double)
    case retryAfter(Double, Int64)
    case asked(Double)

    var testDescription: String { "\(self)" }
  }

  private static func at(_ seconds: Double) -> Instant { Instant(milliseconds: 1_000_000 + Int64(seconds * 1000)) }

  /// Runs the steps and tells the state: `closed`, `open 5` (until so many seconds after the start) or `half-open`.
  private static func run(_ steps: [Step]) -> String {
    var breaker = Breaker(options: BreakerOptions())
    for step in steps {
      switch step {
      case .failed(let seconds, let count):
        for _ in 0..<count { _ = breaker.hear(failed: true, retryAfterSeconds: nil, now: at(seconds), random: 0) }
      case .succeeded(let seconds, let count):
        for _ in 0..<count { _ = breaker.hear(failed: false, retryAfterSeconds: nil, now: at(seconds), random: 0) }
      case .probe(let seconds): if breaker.mayProbe(at(seconds)) { breaker.probeSent() }
      case .retryAfter(let seconds, let wanted):
        _ = breaker.hear(failed: true, retryAfterSeconds: wanted, now: at(seconds), random: 0)
      case .asked(let seconds): breaker.probeNow(at(seconds))
      }
    }
    switch breaker.state {
    case .closed: return "closed"
    case .halfOpen: return "half-open"
    case .open(let until): return "open \((until.milliseconds - 1_000_000) / 1000)"
    }
  }

  @Test(
    arguments: [
      // A few messages, however often they fail, are left to their own schedule.
      ([.failed(0, 9)], "closed"), ([.failed(0, 10)], "open 5"),
      // Nine now and one when the window has gone on.
      ([.failed(0, 9), .failed(61, 1)], "closed"), ([.failed(0, 9), .failed(50, 1)], "open 55"),
      // Half of them must fail.
      ([.succeeded(0, 11), .failed(1, 10)], "closed"), ([.succeeded(0, 10), .failed(1, 10)], "open 6"),
      // Open, nothing counts that was sent before; a probe goes out when the pause is over.
      ([.failed(0, 10), .failed(1, 50)], "open 5"), ([.failed(0, 10), .succeeded(1, 50)], "open 5"),
      ([.failed(0, 10), .probe(4.9)], "open 5"), ([.failed(0, 10), .probe(5)], "half-open"),
      ([.failed(0, 10), .asked(1), .probe(1)], "half-open"),
      // Each probe that fails doubles the pause: 5, 10, 20 s … at most 5 min.
      ([.failed(0, 10), .probe(5), .failed(6, 1)], "open 16"),
      ([.failed(0, 10), .probe(5), .failed(6, 1), .probe(16), .failed(20, 1)], "open 40"),
      (
        [.failed(0, 10)] + (1...12).flatMap { [.probe(Double($0) * 1000), .failed(Double($0) * 1000, 1)] }, "open 12300"
      ),
      // One that arrives closes it, and it takes ten more to open it.
      ([.failed(0, 10), .probe(5), .succeeded(6, 1)], "closed"),
      ([.failed(0, 10), .probe(5), .succeeded(6, 1), .failed(7, 9)], "closed"),
      ([.failed(0, 10), .probe(5), .succeeded(6, 1), .failed(7, 10)], "open 12"),
      // Retry-After lengthens the pause up to the longest, and never shortens it.
      ([.failed(0, 9), .retryAfter(0, 30)], "open 30"), ([.failed(0, 9), .retryAfter(0, 1)], "open 5"),
      ([.failed(0, 9), .retryAfter(0, 86_400)], "open 360"),
    ] as [([Step], String)])
  func states(steps: [Step], state: String) {
    #expect(Self.run(steps) == state)
  }

  /// Of an endpoint that is known to fail: nothing but a probe, at once, and what comes of it counts as of any other.
  @Test(arguments: [true, false]) func oneThatIsKnownToFailBeginsWithAProbe(_ fails: Bool) {
    let now = Instant(milliseconds: 1_000_000)
    var breaker = Breaker(options: BreakerOptions(), failingAt: now)
    #expect(breaker.state == .open(until: now) && breaker.since == now && breaker.mayProbe(now))
    breaker.probeSent()
    #expect(breaker.state == .halfOpen && !breaker.mayProbe(now))
    let change = breaker.hear(failed: fails, retryAfterSeconds: nil, now: now, random: 0)
    #expect(change == (fails ? .reopened : .closed) && breaker.state == (fails ? .open(until: now + 10_000) : .closed))
  }

  /// A clock that is set back by a day must not leave an endpoint alone for a day.
  @Test func aClockSetBackProlongsNoPause() {
    var breaker = Breaker(options: BreakerOptions())
    for _ in 0..<10 { _ = breaker.hear(failed: true, retryAfterSeconds: nil, now: Self.at(90_000), random: 0) }
    #expect(!breaker.mayProbe(Self.at(90_001)) && breaker.mayProbe(Self.at(0)))
  }

  @Test(arguments: [-1.0, 0, 1]) func pausesAreSpread(random: Double) {
    var breaker = Breaker(options: BreakerOptions())
    for _ in 0..<10 { _ = breaker.hear(failed: true, retryAfterSeconds: nil, now: Self.at(0), random: random) }
    #expect(breaker.state == .open(until: Self.at(5 + random)))
  }

  /// Sends all that it may every millisecond, and counts what went out by the end of each second.
  @Test func rampDoublesEverySecondAndEnds() {
    var ramp = Ramp(start: 0, perSecond: 50, seconds: 4)
    var (sent, bySecond) = (0, [Int]())
    for millisecond in 0..<4000 {
      let count = ramp.allowed(Int64(millisecond) * 1000)
      ramp.send(count)
      sent += count
      if millisecond % 1000 == 999 { bySecond.append(sent) }
    }
    #expect(bySecond == [50, 150, 350, 750])
    #expect(ramp.isOver(4_000_000) && ramp.allowed(4_000_000) == .max)
    #expect(Ramp(start: 0, perSecond: 50, seconds: 4).allowed(0) == 1, "the first goes at once")
    #expect(Ramp(start: 0, perSecond: 10_000, seconds: 1000).isOver(20_000_000), "no rate overflows")
  }

  @Test func trafficTellsTheLastMinutes() {
    var traffic = Traffic()
    #expect(traffic.percentile(50, clock: 0) == nil && traffic.counts(clock: 0) == (0, 0))
    for index in 0..<100 {
      traffic.count(failed: index < 3, microseconds: index < 98 ? 1000 : 15_000_000, clock: 1_000_000)
    }
    #expect(traffic.counts(clock: 60_000_000) == (100, 3))
    let (half, most) = (traffic.percentile(50, clock: 0) ?? 0, traffic.percentile(99, clock: 0) ?? 0)
    #expect((900...1100).contains(half) && (13_500_000...16_500_000).contains(most), "\(half) \(most)")
    #expect(traffic.counts(clock: 400_000_000) == (0, 0), "five minutes later nothing is recent")
    traffic.count(failed: true, microseconds: .max, clock: 400_000_000)
    traffic.count(failed: true, microseconds: -1, clock: 400_000_000)
    #expect(traffic.counts(clock: 400_000_000) == (2, 2))
  }
}

/// Days of failure, and what of them is written down.
@Suite struct FailingBookTests {
  /// The first eight days of October 2026 are off; the days are counted from Monday 2 March.
  private static let calendar = WorkingCalendar(
    national: (1...8).map {
      AnnouncedDay(
        date: CalendarDate("2026-10-0\($0)") ?? CalendarDate(dayNumber: 0), kind: .off, festival: "国庆节", notice: "test")
    })

  private static func day(_ days: Double) -> Instant {
    (Instant(rfc3339: "2026-03-02T08:00:00+08:00") ?? .distantFuture) + Int64(days * 86_400_000)
  }

  /// A single message that is tried by the standard schedule is off on the first attempt after five working days.
  @Test func fiveDaysOfNothingElse() {
    var book = FailingBook(disableAfterDays: 5)
    var marks: [EndpointMark] = []
    let schedule: [Double] = [
      0, 5, 305, 2105, 9305, 27_305, 63_305, 113_705, 185_705, 272_105, 358_505, 444_905, 531_305, 617_705,
    ]
    for seconds in schedule {
      if let mark = book.failed(7, now: Self.day(seconds / 86_400), Self.calendar) { marks.append(mark) }
    }
    let since = Self.day(0)
    #expect(
      marks == [
        .failing(since: since, days: 1), .failing(since: since, days: 2), .failing(since: since, days: 3),
        .failing(since: since, days: 4), .failing(since: since, days: 5), .off(.failing(since: since, days: 5)),
      ])
    #expect(book.since(7) == nil && book.since(8) == nil)
  }

  /// Off over a festival, and for three working days beside it: it is still on. After the fifth it is not.
  @Test func aFestivalSwitchesNobodyOff() {
    var book = FailingBook(disableAfterDays: 5)
    func tried(_ date: String) -> EndpointMark? {
      book.failed(7, now: Instant(rfc3339: "\(date)T18:00:00+08:00") ?? .distantFuture, Self.calendar)
    }
    for day in 29...30 { #expect(tried("2026-09-\(day)")?.isOff != true) }
    for day in 1...9 { #expect(tried("2026-10-0\(day)")?.isOff != true) }
    for day in 10...13 { #expect(tried("2026-10-\(day)")?.isOff != true) }
    #expect(tried("2026-10-14")?.isOff == true)
  }

  @Test func oneSuccessBeginsAnew() {
    var book = FailingBook(disableAfterDays: 5)
    for day in 0..<5 { _ = book.failed(7, now: Self.day(Double(day)), Self.calendar) }
    #expect(book.succeeded(7) == .recovered && book.succeeded(7) == nil)
    #expect(book.failed(7, now: Self.day(6), Self.calendar) == nil && book.since(7) == Self.day(6))
  }

  /// Up and down all day: nothing is written.
  @Test func flappingCostsNoWrites() {
    var book = FailingBook(disableAfterDays: 5)
    for index in 0..<1000 {
      let now = Self.day(Double(index) / 100)
      #expect(book.failed(7, now: now, Self.calendar) == nil && book.failed(7, now: now + 60_000, Self.calendar) == nil)
      #expect(book.succeeded(7) == nil)
    }
  }

  /// As many as open a breaker are written down at once, and taken back with the first that arrives.
  @Test func whatOpensABreakerIsWritten() {
    var book = FailingBook(disableAfterDays: 5, writtenAfterFailures: 10)
    var marks: [EndpointMark?] = []
    for second in 0..<30 { marks.append(book.failed(7, now: Self.day(0) + Int64(second) * 1000, Self.calendar)) }
    #expect(marks[9] == .failing(since: Self.day(0), days: 1) && marks.count { $0 != nil } == 1)
    #expect(book.succeeded(7) == .recovered && book.succeeded(7) == nil)
  }

  /// The clock is moved, or the daemon was off for a fortnight: two days of failure are not five.
  @Test func aJumpIsNoFailure() {
    var book = FailingBook(disableAfterDays: 5)
    _ = book.failed(7, now: Self.day(0), Self.calendar)
    #expect(book.failed(7, now: Self.day(16), Self.calendar) == .failing(since: Self.day(0), days: 2))
    #expect(book.failed(7, now: Self.day(16.1), Self.calendar) == nil)
  }

  @Test func whatWasWrittenIsKnownAfterARestart() {
    var book = FailingBook(
      disableAfterDays: 5, [FailingEndpoint(key: 7, since: Self.day(0), days: 4)])
    #expect(book.failed(7, now: Self.day(7), Self.calendar) == .off(.failing(since: Self.day(0), days: 5)))
    // Two restarts on one day count it once.
    for _ in 0..<3 {
      var again = FailingBook(
        disableAfterDays: 5, [FailingEndpoint(key: 7, since: Self.day(0), days: 1)], today: Self.day(0.2).date)
      #expect(again.failed(7, now: Self.day(0.3), Self.calendar) == nil)
    }
    var other = FailingBook(disableAfterDays: 5, [FailingEndpoint(key: 7, since: Self.day(0), days: 4)])
    #expect(other.succeeded(7) == .recovered)
    var never = FailingBook(disableAfterDays: 0, [FailingEndpoint(key: 7, since: Self.day(0), days: 4)])
    #expect(never.failed(7, now: Self.day(50), Self.calendar) == .failing(since: Self.day(0), days: 5))
  }
}

extension EndpointMark {
  fileprivate var isOff: Bool {
    guard case .off = self else { return false }
    return true
  }
}
