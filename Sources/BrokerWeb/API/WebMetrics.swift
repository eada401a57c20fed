internal import BrokerStore
internal import Synchronization

/// Counts and times of the HTTP face, by route and status.
final class WebMetrics: Sendable {
  private struct Key: Hashable {
    let route: String
    let status: Int
  }

  private struct State {
    var counts: [Key: Int] = [:]
    var latencies: [String: LatencyHistogram] = [:]
  }

  private let state = Mutex(State())

  func record(route: String, status: Int, microseconds: Int64) {
    let histogram = state.withLock { state in
      state.counts[Key(route: route, status: status), default: 0] += 1
      if let known = state.latencies[route] { return known }
      let new = LatencyHistogram()
      state.latencies[route] = new
      return new
    }
    histogram.record(microseconds: microseconds)
  }

  var latencies: [(route: String, snapshot: LatencyHistogram.Snapshot)] {
    state.withLock { $0.latencies }.sorted { $0.key < $1.key }.map { ($0.key, $0.value.snapshot) }
  }

  var requests: [(route: String, status: Int, count: Int)] {
    state.withLock { state in
      state.counts.map { ($0.key.route, $0.key.status, $0.value) }.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
    }
  }
}
