/// When a callback that failed is tried again.
package struct RetrySchedule: Sendable, Equatable {
  /// Seconds to wait before the second, third … attempt; the last one repeats.
  package let stepsSeconds: [Int]
  /// After this much time since the event the delivery is dead. 15 days outlast a 9-day Spring Festival.
  package let giveUpAfterSeconds: Int
  /// 0.2 spreads each wait over ±20 %, so that a recovered receiver is not met by everybody at once.
  package let jitter: Double

  package init(stepsSeconds: [Int], giveUpAfterSeconds: Int, jitter: Double) {
    self.stepsSeconds = stepsSeconds
    self.giveUpAfterSeconds = giveUpAfterSeconds
    self.jitter = jitter
  }

  package static let standard = RetrySchedule(
    stepsSeconds: [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400],
    giveUpAfterSeconds: 15 * 86_400, jitter: 0.2)

  /// The next attempt after `attempts` failed ones, or nil when it is to be given up: where the step leads past the end, the
  /// last one is made at the end.
  /// - Parameters:
  ///   - retryAfterSeconds: what the receiver asked for; honoured up to twice the step.
  ///   - random: in -1...1.
  package func next(
    attempts: Int, createdAt: Instant, now: Instant, retryAfterSeconds: Int64?, random: Double
  ) -> Instant? {
    let step = stepsSeconds[min(max(attempts, 1), stepsSeconds.count) - 1]
    var wait = Double(step) * (1 + jitter * random)
    if let retryAfterSeconds {
      wait = max(wait, Double(min(Int64(step) * 2, max(0, retryAfterSeconds))))
    }
    let at = now + Int64(wait * 1000)
    let end = createdAt + Int64(giveUpAfterSeconds) * 1000
    if at <= end { return at }
    return now < end ? end : nil
  }
}
