internal import BrokerStore
internal import Synchronization

/// Calls that showed no valid key (401), by the address from which they came: who tries keys is to be found in the log. A
/// line for each would let anybody fill it, so they are told together.
final class RefusedCalls: Sendable {
  /// Of addresses that are told apart; what comes from more is counted together.
  private static let mostAddresses = 16

  private struct State {
    var counts: [String: Int] = [:]
    var others = 0
  }

  private let state = Mutex(State())

  func note(from address: String) {
    state.withLock { state in
      if state.counts[address] == nil, state.counts.count >= Self.mostAddresses {
        state.others += 1
      } else {
        state.counts[address, default: 0] += 1
      }
    }
  }

  /// What has come since the last time, in one line; nil of none.
  func take() -> String? {
    let taken = state.withLock { state in
      defer { state = State() }
      return state
    }
    guard !taken.counts.isEmpty else { return nil }
    let total = taken.counts.values.reduce(taken.others, +)
    var parts = taken.counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) ×\($0.value)" }
    if taken.others > 0 { parts.append("… ×\(taken.others)") }
    return "近一分钟有\(total)次调用没有有效密钥（401），来自 / calls without a valid key in the last minute: \(total), from "
      + parts.joined(separator: ", ")
  }
}
