internal import BrokerDomain
internal import BrokerStore
internal import Synchronization

/// What came back from the wire for an endpoint.
struct Arrival: Sendable {
  let endpoint: Int64
  /// In which it went: it says nothing of an address that the endpoint has been given since.
  let line: Int64
  let answer: Pace.Answer
  let microseconds: Int64
  let retryAfterSeconds: Int64?

  init(endpoint: Int64, line: Int64, _ report: PushReport) {
    (self.endpoint, self.line) = (endpoint, line)
    answer = Pace.Answer(report)
    microseconds = report.timings.totalUS
    retryAfterSeconds = report.retryAfterSeconds
  }

  var failed: Bool { answer == .refusal || answer == .silence }
}

/// One endpoint's breaker and traffic: the pump tells it what happens, whoever shows it looks. In memory only: after a
/// restart the breaker of an endpoint that is known to fail is open and sends a probe, and all others are closed.
final class Health: Sendable {
  private struct State {
    var breaker: Breaker
    var traffic = Traffic()
  }

  private let state: Mutex<State>

  /// - Parameter failingAt: now, for an endpoint that is known to fail.
  init(_ options: BreakerOptions, failingAt: Instant? = nil) {
    state = Mutex(State(breaker: Breaker(options: options, failingAt: failingAt)))
  }

  var breaker: Breaker.State { state.withLock { $0.breaker.state } }

  /// - Returns: what that did to the breaker.
  func hear(_ arrival: Arrival, now: Instant) -> Breaker.Change {
    let clock = monotonicMicroseconds()
    return state.withLock { state in
      state.traffic.count(failed: arrival.failed, microseconds: arrival.microseconds, clock: clock)
      return state.breaker.hear(
        failed: arrival.failed, retryAfterSeconds: arrival.retryAfterSeconds, now: now, random: .random(in: -1...1))
    }
  }

  func mayProbe(_ now: Instant) -> Bool { state.withLock { $0.breaker.mayProbe(now) } }
  func probeSent() { state.withLock { $0.breaker.probeSent() } }
  func probeCameBack(_ now: Instant) { state.withLock { $0.breaker.probeCameBack(now) } }

  /// - Parameter asked: when somebody asked; what was asked for before the last probe has had its answer.
  func probeNow(asked: Instant, now: Instant) {
    state.withLock { state in
      if let paused = state.breaker.pausedAt, asked > paused { state.breaker.probeNow(now) }
    }
  }

  func snapshot(now: Instant) -> EndpointHealth {
    let clock = monotonicMicroseconds()
    return state.withLock { state in
      var health = EndpointHealth()
      switch state.breaker.state {
      case .closed: health.breaker = .closed
      case .open(let until): (health.breaker, health.nextProbeAt) = (.open, until)
      case .halfOpen: health.breaker = .halfOpen
      }
      health.since = state.breaker.since
      (health.windowAttempts, health.windowFailures) = state.breaker.counts(at: now)
      (health.recentAttempts, health.recentFailures) = state.traffic.counts(clock: clock)
      health.p50Microseconds = state.traffic.percentile(50, clock: clock)
      health.p99Microseconds = state.traffic.percentile(99, clock: clock)
      return health
    }
  }
}
