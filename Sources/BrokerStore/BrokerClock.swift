package import BrokerDomain
internal import Glibc
internal import Synchronization

/// What time it is for the broker: the wall clock, or in rehearsal mode a clock that starts where it is told and can
/// be moved forward. It never goes back, because the order of events is the order of their moments: where the wall clock
/// is set back, this one goes on at half its pace until the wall has caught up. Were it to stand still, so would every
/// retry and every pause that is counted by it, for as long as the clock was set back.
package final class BrokerClock: Sendable {
  private struct State {
    /// Rehearsed minus real time, in milliseconds.
    var offset: Int64 = 0
    /// The latest moment that was told.
    var floor: Instant
    /// Both clocks at the last look for steps, and the steps since the start.
    var looked: (wall: Instant, steady: Int64)?
    var steps = ClockSteps()
    /// While the wall clock is behind: what was told when that was found out, and when by the steady clock.
    var slow: (from: Instant, since: Int64)?

    /// Half of the time that has passed since the wall clock was found to be behind.
    mutating func slowed(_ clock: Int64) -> Instant {
      let slow = self.slow ?? (floor, clock)
      self.slow = slow
      floor = max(floor, slow.from + (clock - slow.since) / 2000)
      return floor
    }
  }

  private let state: Mutex<State>
  private let source: @Sendable () -> Instant
  private let steady: @Sendable () -> Int64
  package let isRehearsal: Bool

  /// - Parameters:
  ///   - floor: the newest moment in the database.
  ///   - source: where the time comes from.
  ///   - steady: microseconds of a clock that only goes forward.
  package init(
    notBefore floor: Instant = Instant(milliseconds: 0),
    source: @escaping @Sendable () -> Instant = { BrokerClock.wall },
    steady: @escaping @Sendable () -> Int64 = { BrokerClock.steady }
  ) {
    state = Mutex(State(floor: floor))
    self.source = source
    self.steady = steady
    isRehearsal = false
  }

  package init(rehearseAt start: Instant) {
    let source: @Sendable () -> Instant = { BrokerClock.wall }
    state = Mutex(State(offset: start.milliseconds - source().milliseconds, floor: start))
    self.source = source
    steady = { BrokerClock.steady }
    isRehearsal = true
  }

  /// The real time, also in rehearsal: signatures must be fresh to their receivers.
  package static var wall: Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  /// Microseconds of a clock that nobody sets and that goes on while the machine is suspended (CLOCK_BOOTTIME).
  private static var steady: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  package var now: Instant {
    state.withLock { state in
      let told = source() + state.offset
      guard told >= state.floor else { return state.slowed(steady()) }
      (state.floor, state.slow) = (told, nil)
      return told
    }
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

/// How often the wall clock was set since the start, by more than ``BrokerClock/leastStep``.
package struct ClockSteps: Sendable, Equatable {
  package var forward = 0
  package var back = 0
}

extension BrokerClock {
  /// Milliseconds below which a wall clock is adjusted rather than set: nobody's deadline depends on them.
  package static let leastStep: Int64 = 10_000

  package var steps: ClockSteps { state.withLock { $0.steps } }

  /// Milliseconds by which this clock is ahead of the wall clock, which was set back; 0 in rehearsal.
  package var ahead: Int64 { isRehearsal ? 0 : max(0, now.milliseconds - source().milliseconds) }

  /// To be asked every second or so.
  /// - Returns: milliseconds by which the wall clock was set since the last time, negative for back; nil when it was not.
  package func step() -> Int64? {
    state.withLock { state in
      let seen = (wall: source(), steady: steady())
      defer { state.looked = seen }
      guard !isRehearsal, let before = state.looked else { return nil }
      let step = (seen.wall.milliseconds - before.wall.milliseconds) - (seen.steady - before.steady) / 1000
      guard abs(step) > Self.leastStep else { return nil }
      if step > 0 { state.steps.forward += 1 } else { state.steps.back += 1 }
      return step
    }
  }
}

/// Microseconds of a clock that only goes forward, for measuring.
package func monotonicMicroseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
