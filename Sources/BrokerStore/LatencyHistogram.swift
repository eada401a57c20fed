internal import Synchronization

/// Times in the buckets that Prometheus wants: from half a millisecond to ten seconds.
package final class LatencyHistogram: Sendable {
  package static let boundsMicroseconds: [Int64] = [
    500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 10_000_000,
  ]

  package struct Snapshot: Sendable {
    /// One more than the bounds; the last holds what is slower than all of them.
    package var buckets = [Int](repeating: 0, count: boundsMicroseconds.count + 1)
    package var sumMicroseconds: Int64 = 0
    package var count: Int { buckets.reduce(0, +) }
  }

  private let state = Mutex(Snapshot())

  package init() {}

  package func record(microseconds: Int64) {
    state.withLock { state in
      var index = 0
      while index < Self.boundsMicroseconds.count, microseconds > Self.boundsMicroseconds[index] { index += 1 }
      state.buckets[index] += 1
      state.sumMicroseconds += microseconds
    }
  }

  package var snapshot: Snapshot { state.withLock { $0 } }
}
