package import BrokerDomain
internal import Glibc
internal import Synchronization

/// What time it is for the broker: the wall clock, or in rehearsal mode a clock that starts where it is told and can
/// be moved forward. Never earlier than the newest event: a wall clock that is set back stands still here until it has
/// caught up, because the order of events is the order of their moments.
package final class BrokerClock: Sendable {
  private struct State {
    /// Rehearsed minus real time, in milliseconds.
    var offset: Int64 = 0
    /// The moment of the newest event.
    var floor: Instant
  }

  private let state: Mutex<State>
  private let source: @Sendable () -> Instant
  package let isRehearsal: Bool

  /// - Parameters:
  ///   - floor: the moment of the newest event in the database.
  ///   - source: where the time comes from.
  package init(
    notBefore floor: Instant = Instant(milliseconds: 0),
    source: @escaping @Sendable () -> Instant = { BrokerClock.wall }
  ) {
    state = Mutex(State(floor: floor))
    self.source = source
    isRehearsal = false
  }

  package init(rehearseAt start: Instant) {
    let source: @Sendable () -> Instant = { BrokerClock.wall }
    state = Mutex(State(offset: start.milliseconds - source().milliseconds, floor: start))
    self.source = source
    isRehearsal = true
  }

  /// The real time, also in rehearsal: signatures must be fresh to their receivers.
  package static var wall: Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  package var now: Instant {
    state.withLock { max($0.floor, source() + $0.offset) }
  }

  /// An event has happened: from now on it is not earlier than that.
  func passed(_ moment: Instant) {
    state.withLock { $0.floor = max($0.floor, moment) }
  }

  /// Moves the rehearsed clock forward; it never goes back.
  package func advance(to instant: Instant) {
    guard isRehearsal else { return }
    state.withLock { $0.offset = max($0.offset, instant.milliseconds - source().milliseconds) }
  }
}

/// Microseconds of a clock that only goes forward, for measuring.
package func monotonicMicroseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
