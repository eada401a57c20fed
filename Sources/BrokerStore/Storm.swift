internal import Synchronization

/// Many deadlines fall due at the same moment: a whole city's at midnight. Recording who is late comes before recording
/// that it was told, so the results of callbacks are held back, and with them all callbacks but the first of each
/// endpoint. Only for a moment: after a daemon was away for weeks, recording may take a minute, and nobody waits so long.
package final class Storm: Sendable {
  private static let longestMicroseconds: Int64 = 500_000

  /// Monotonic microseconds at which the present one began; 0 when there is none.
  private let since = Atomic<Int64>(0)

  func begin() {
    _ = since.compareExchange(expected: 0, desired: monotonicMicroseconds(), ordering: .relaxed)
  }

  func end() { since.store(0, ordering: .relaxed) }

  /// Results of callbacks are not recorded yet.
  package var holdsBack: Bool {
    let since = since.load(ordering: .relaxed)
    return since != 0 && monotonicMicroseconds() - since < Self.longestMicroseconds
  }
}
