internal import BrokerStore

/// How fast the queue of an endpoint that has recovered goes out. Months of messages in one second would be what brings
/// it down again: it begins with so many a second, doubled every second, and after some seconds only the receiver's own
/// pace counts.
struct Ramp: Sendable {
  private let start: Int64
  private let perSecond: Int
  private let seconds: Int
  private var sent = 0

  /// - Parameter start: monotonic microseconds.
  init(start: Int64, perSecond: Int, seconds: Int) {
    self.start = start
    self.perSecond = max(1, perSecond)
    self.seconds = min(seconds, Self.longest)
  }

  /// From now on.
  init(_ options: CallbackOptions) {
    self.init(
      start: monotonicMicroseconds(), perSecond: options.recoveryPerSecond, seconds: options.recoverySeconds)
  }

  /// Doubled more often it would be a number that no endpoint can take.
  private static let longest = 20

  func isOver(_ clock: Int64) -> Bool { clock - start >= Int64(seconds) * 1_000_000 }

  /// How many may go out now.
  func allowed(_ clock: Int64) -> Int {
    if isOver(clock) { return .max }
    let elapsed = max(0, clock - start)
    let whole = Int(elapsed / 1_000_000)
    let rate = perSecond << whole
    let total = rate - perSecond + rate * Int(elapsed % 1_000_000) / 1_000_000
    return max(0, 1 + total - sent)
  }

  mutating func send(_ count: Int) { sent += count }

  /// Until the next may go out, at least one.
  func waitMilliseconds(_ clock: Int64) -> Int64 {
    let rate = perSecond << Int(min(Int64(seconds), max(0, clock - start) / 1_000_000))
    return Int64(max(1, 1000 / rate))
  }
}
