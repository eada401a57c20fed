internal import BrokerDomain

/// When an endpoint is left alone. Every one is a key of the configuration.
package struct BreakerOptions: Sendable, Equatable {
  /// The window over which failures are counted, and how many attempts it must hold before they mean anything.
  package var windowSeconds = 60
  package var minimumAttempts = 10
  package var failurePercent = 50
  /// From opening to the first probe; doubled by each probe that fails, up to the longest.
  package var pauseSeconds = 5
  package var longestPauseSeconds = 300

  package init() {}
}

/// Keeps a flood away from a receiver that is down. Closed, every attempt goes out and is counted; when enough of them
/// have failed it opens, and nothing goes out but one probe after each pause. A probe that arrives closes it.
///
/// A few messages never open it: each is then tried by its own schedule, and a breaker would only hide that. Only after a
/// restart it begins open where the endpoint is known to fail.
struct Breaker: Sendable {
  enum State: Sendable, Equatable {
    case closed
    case open(until: Instant)
    /// The probe is on the wire.
    case halfOpen
  }

  enum Change: Equatable { case none, opened, reopened, closed }

  /// A pause is spread by so much, so that endpoints of one host that fell together do not all knock together.
  private static let jitter = 0.2

  private let options: BreakerOptions
  private var window: CountWindow
  private(set) var state = State.closed
  /// Since when it is closed or not closed; nil when it has been closed since the start.
  private(set) var since: Instant?
  /// When it was opened, or opened again by a probe that failed.
  private(set) var pausedAt: Instant?
  /// Probes that have failed since it opened.
  private var failedProbes = 0

  /// - Parameter failingAt: now, for an endpoint that is known to fail: it begins with a probe, so that a daemon that is
  ///   started anew does not try its whole queue to find out what was known.
  init(options: BreakerOptions, failingAt: Instant? = nil) {
    self.options = options
    window = CountWindow(milliseconds: Int64(options.windowSeconds) * 1000)
    guard let failingAt else { return }
    state = .open(until: failingAt)
    (since, pausedAt) = (failingAt, failingAt)
  }

  /// What came of an attempt.
  /// - Parameters:
  ///   - retryAfterSeconds: what the receiver asked for; honoured up to the longest pause.
  ///   - random: in -1...1, drawn from the system only by a breaker that opens: few attempts do that.
  mutating func hear(
    failed: Bool, retryAfterSeconds: Int64?, now: Instant, random: @autoclosure () -> Double
  ) -> Change {
    switch state {
    case .closed:
      window.count(failed: failed, at: now)
      guard failed else { return .none }
      let (attempts, failures) = window.counts(at: now)
      guard attempts >= options.minimumAttempts, failures * 100 >= attempts * options.failurePercent else {
        return .none
      }
      since = now
      failedProbes = 0
      pause(retryAfterSeconds, now, random())
      return .opened
    case .open:
      // Sent before it opened: old news.
      return .none
    case .halfOpen:
      guard failed else {
        state = .closed
        (since, pausedAt) = (now, nil)
        window.forget()
        return .closed
      }
      failedProbes += 1
      pause(retryAfterSeconds, now, random())
      return .reopened
    }
  }

  /// Somebody asked for an attempt now, or the address was set right.
  mutating func probeNow(_ now: Instant) {
    if case .open = state { state = .open(until: now) }
  }

  /// Whether the head of the queue may go out as a probe. A clock that was set back does not prolong the pause.
  func mayProbe(_ now: Instant) -> Bool {
    guard case .open(let until) = state else { return false }
    return now >= until || pausedAt.map { now < $0 } ?? true
  }

  mutating func probeSent() { state = .halfOpen }

  /// It never left: the next may go at once.
  mutating func probeCameBack(_ now: Instant) {
    if state == .halfOpen { state = .open(until: now) }
  }

  func counts(at now: Instant) -> (attempts: Int, failures: Int) { window.counts(at: now) }

  private mutating func pause(_ retryAfterSeconds: Int64?, _ now: Instant, _ random: Double) {
    let longest = Double(options.longestPauseSeconds)
    let doubled = Double(options.pauseSeconds) * Double(1 << min(failedProbes, 20))
    let wanted = max(min(doubled, longest) * (1 + Self.jitter * random), Double(max(0, retryAfterSeconds ?? 0)))
    pausedAt = now
    state = .open(until: now + Int64(min(wanted, longest * (1 + Self.jitter)) * 1000))
  }
}

/// Attempts and failures of the last so many milliseconds, to a tenth of them.
struct CountWindow: Sendable {
  private struct Slice {
    var number: Int64 = -1
    var attempts = 0
    var failures = 0
  }

  private static let slices: Int64 = 10

  private let sliceMilliseconds: Int64
  private var slices = [Slice](repeating: Slice(), count: Int(Self.slices))

  init(milliseconds: Int64) { sliceMilliseconds = max(1, milliseconds / Self.slices) }

  mutating func count(failed: Bool, at now: Instant) {
    let number = now.milliseconds / sliceMilliseconds
    let index = Int(number % Self.slices)
    if slices[index].number != number { slices[index] = Slice(number: number) }
    slices[index].attempts += 1
    if failed { slices[index].failures += 1 }
  }

  func counts(at now: Instant) -> (attempts: Int, failures: Int) {
    let number = now.milliseconds / sliceMilliseconds
    return slices.reduce((0, 0)) { sum, slice in
      // Neither what is too old nor what a clock that was set back has left in the future.
      guard slice.number <= number, slice.number > number - Self.slices else { return sum }
      return (sum.0 + slice.attempts, sum.1 + slice.failures)
    }
  }

  mutating func forget() { slices = slices.map { _ in Slice() } }
}
