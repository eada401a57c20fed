internal import BrokerStore
internal import Synchronization

/// Long polls: who waits for which request or feed. Told by every commit.
final class Waiters: Sendable {
  enum Topic: Hashable, Sendable {
    case request(Int64)
    case feed(organ: Int64)
  }

  private struct State {
    var next = 0
    var bells: [Topic: [Int: WakeUp]] = [:]
    var count = 0
    /// By organ number.
    var held: [Int64: Int] = [:]
    var closed = false
  }

  private let state = Mutex(State())
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  var count: Int { state.withLock { $0.count } }

  func tell(_ notice: CommitNotice) {
    let bells = state.withLock { state -> [WakeUp] in
      guard state.count > 0 else { return [] }
      return notice.changes.flatMap { change in
        Array((state.bells[.request(change.request)] ?? [:]).values)
          + change.organs.flatMap { Array((state.bells[.feed(organ: $0)] ?? [:]).values) }
      }
    }
    for bell in bells { bell.signal() }
  }

  /// Lets everybody go with what there is: the daemon is about to stop.
  func close() {
    let bells = state.withLock { state in
      state.closed = true
      return state.bells.values.flatMap { Array($0.values) }
    }
    for bell in bells { bell.signal() }
  }

  /// Asks `check` until it finds something or the time is over. The bell is hung up before the first look, so that
  /// nothing can happen unnoticed between looking and sleeping. When too many wait already, it looks once. No organ holds
  /// more than half of the places, however many clients it has. A client that hangs up gives its place up.
  func wait<T: Sendable>(
    for topic: Topic, by organ: Int64, seconds: Int64, while presence: Presence, check: () async throws -> T?
  ) async throws -> T? {
    let end = monotonicMicroseconds() + seconds * 1_000_000
    let bell = WakeUp()
    let ticket = enter(topic, organ, bell)
    presence.tell(bell)
    defer {
      presence.tell(nil)
      leave(topic, organ, ticket)
    }
    while true {
      if let found = try await check() { return found }
      let left = (end - monotonicMicroseconds() + 999) / 1000
      if left <= 0 || ticket == nil || Task.isCancelled || presence.isOver || state.withLock({ $0.closed }) {
        return nil
      }
      await bell.wait(milliseconds: left)
    }
  }

  private func enter(_ topic: Topic, _ organ: Int64, _ bell: WakeUp) -> Int? {
    state.withLock { state in
      guard !state.closed, state.count < limit, state.held[organ, default: 0] < max(1, limit / 2) else { return nil }
      state.held[organ, default: 0] += 1
      state.next += 1
      state.count += 1
      state.bells[topic, default: [:]][state.next] = bell
      return state.next
    }
  }

  private func leave(_ topic: Topic, _ organ: Int64, _ ticket: Int?) {
    guard let ticket else { return }
    state.withLock { state in
      let left = state.held[organ, default: 1] - 1
      state.held[organ] = left == 0 ? nil : left
      state.bells[topic]?[ticket] = nil
      if state.bells[topic]?.isEmpty == true { state.bells[topic] = nil }
      state.count -= 1
    }
  }
}
