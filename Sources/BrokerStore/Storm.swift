internal import Synchronization

/// Many deadlines fall due at the same moment: a whole city's at midnight. Recording who is late comes before telling
/// it, so the callbacks hold back for a moment, and the writer is not asked to settle them meanwhile. Only for a moment:
/// after a daemon was away for weeks, recording may take a minute, and nobody's results wait so long.
package final class Storm: Sendable {
  private static let longestMicroseconds: Int64 = 250_000

  /// Monotonic microseconds at which the present one began; 0 when there is none.
  private let since = Atomic<Int64>(0)

  func begin() {
    _ = since.compareExchange(expected: 0, desired: monotonicMicroseconds(), ordering: .relaxed)
  }

  func end() { since.store(0, ordering: .relaxed) }

  /// Callbacks hold back.
  package var holdsBack: Bool {
    let since = since.load(ordering: .relaxed)
    return since != 0 && monotonicMicroseconds() - since < Self.longestMicroseconds
  }
}
