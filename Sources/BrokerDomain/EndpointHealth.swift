/// How an endpoint fares, as far as the running daemon has seen: nothing of it outlives a restart but `failingSince`.
package struct EndpointHealth: Sendable, Equatable {
  package enum Breaker: String, Sendable, CaseIterable {
    /// Messages go out.
    case closed
    /// They wait; the next one to go is a probe.
    case open
    /// The probe is on the wire.
    case halfOpen = "half-open"
  }

  package var breaker = Breaker.closed
  /// Since when; nil when it has been closed since the start.
  package var since: Instant?
  /// Open: when the head of the queue goes out as a probe, if anything is due then.
  package var nextProbeAt: Instant?
  /// Attempts within the breaker's window, and how many of them failed.
  package var windowAttempts = 0
  package var windowFailures = 0
  package var inFlight = 0
  /// Attempts within the last five minutes, how many of them failed, and how long they took.
  package var recentAttempts = 0
  package var recentFailures = 0
  package var p50Microseconds: Int64?
  package var p99Microseconds: Int64?
  /// The first failed attempt after which none succeeded.
  package var failingSince: Instant?

  package init() {}

  /// Hundredths; nil without attempts.
  package var failurePercent: Int? { windowAttempts == 0 ? nil : windowFailures * 100 / windowAttempts }
  package var successPercent: Int? {
    recentAttempts == 0 ? nil : (recentAttempts - recentFailures) * 100 / recentAttempts
  }
}
