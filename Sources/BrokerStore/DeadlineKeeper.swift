package import BrokerDomain
internal import Synchronization

/// Turns due timers into events. Timers are rows, so a restart needs no special code: the keeper looks for the
/// earliest row, sleeps until then or until somebody arms an earlier one, and fires in groups.
package final class DeadlineKeeper: Sendable {
  /// The first group of many is small, so that what it tells is soon on its way; the largest still delays a submission
  /// by some ten milliseconds only.
  static let groups = 32...512

  private let store: Store
  private let log: @Sendable (String) -> Void
  private let wake: WakeUp
  private let beat = Mutex(monotonicMicroseconds())
  /// Until when it sleeps; while it looks for itself, everything is news to it.
  private let sleepsUntil = Mutex(Instant.distantFuture)

  package init(store: Store, log: @escaping @Sendable (String) -> Void) {
    self.store = store
    self.log = log
    wake = WakeUp()
  }

  /// Called after every commit that armed timers. Nearly all are due later than what it sleeps for, and let it sleep.
  package func armed(_ earliest: Instant) {
    if earliest < sleepsUntil.withLock({ $0 }) { wake.signal() }
  }

  /// Looks at once: the clock was moved.
  package func kick() { wake.signal() }

  /// It has looked at its timers within the last two minutes.
  package var isAlive: Bool {
    monotonicMicroseconds() - beat.withLock { $0 } < 120_000_000
  }

  /// Runs until the task is cancelled.
  package func run() async {
    while !Task.isCancelled {
      beat.withLock { $0 = monotonicMicroseconds() }
      sleepsUntil.withLock { $0 = .distantFuture }
      var wait: Int64 = 30_000
      do {
        let earliest = try await store.earliestTimer()
        let now = store.clock.now
        if let earliest, earliest <= now {
          try await fireAllDue()
          continue
        }
        if let earliest { wait = min(wait, max(1, earliest.milliseconds - now.milliseconds)) }
        sleepsUntil.withLock { $0 = now + wait }
      } catch {
        if Task.isCancelled { return }
        // A full disk or a lock held elsewhere passes; the rows are still there.
        log("deadline keeper: \(error); trying again in 1 s")
        wait = 1000
      }
      await wake.wait(milliseconds: wait)
    }
  }

  /// Fires everything that is due now, in groups. Returns how many events were recorded.
  @discardableResult
  package func fireAllDue() async throws(StoreError) -> Int {
    let storm = store.storm
    defer { storm.end() }
    return try await store.group.submit((fired: 0, limit: Self.groups.lowerBound)) { context, before in
      let (fired, isMoreDue) = try context.fireDueTimers(limit: before.limit)
      guard isMoreDue else { return .done(before.fired + fired) }
      storm.begin()
      return .rest((before.fired + fired, min(before.limit * 2, Self.groups.upperBound)))
    }
  }

  /// Rehearsal: moves the clock to each due moment in turn, so that every event carries the moment at which it would
  /// have happened, and then to `instant`. Returns how many events were recorded.
  package func rehearse(to instant: Instant) async throws(StoreError) -> Int {
    let before = try await store.newestEvent()
    while let next = try await store.earliestTimer(), next <= instant {
      store.clock.advance(to: next)
      try await fireAllDue()
    }
    store.clock.advance(to: instant)
    try await store.write { context in try context.rememberRehearsal() }
    kick()
    // Counted from the log: the keeper's own loop fires beside us.
    return try await store.rungs(after: before)
  }
}

/// A sleeping task that can be woken, and that remembers a wake-up which came while it was awake.
package final class WakeUp: Sendable {
  private struct State {
    var signalled = false
    var generation = 0
    var sleeper: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  package init() {}

  package func signal() {
    let sleeper = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard let sleeper = state.sleeper else {
        state.signalled = true
        return nil
      }
      state.sleeper = nil
      state.generation += 1
      return sleeper
    }
    sleeper?.resume()
  }

  /// Returns at the signal, after the time, or when the task is cancelled.
  package func wait(milliseconds: Int64) async {
    let generation = state.withLock { $0.generation }
    let timer = Task {
      // Cancelled means that the wait is over: to expire now would be a signal to the next one.
      guard (try? await Task.sleep(for: .milliseconds(milliseconds))) != nil else { return }
      self.expire(generation)
    }
    defer { timer.cancel() }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now = state.withLock { state -> Bool in
          if state.signalled || Task.isCancelled {
            state.signalled = false
            state.generation += 1
            return true
          }
          state.sleeper = continuation
          return false
        }
        if now { continuation.resume() }
      }
    } onCancel: {
      expire(generation)
    }
  }

  private func expire(_ generation: Int) {
    let sleeper = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.generation == generation else { return nil }
      state.generation += 1
      defer { state.sleeper = nil }
      if state.sleeper == nil { state.signalled = true }
      return state.sleeper
    }
    sleeper?.resume()
  }
}
