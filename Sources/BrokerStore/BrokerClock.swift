package import BrokerDomain
internal import Glibc
internal import Synchronization

/// What time it is for the broker: the wall clock, or in rehearsal mode a clock that starts where it is told and can
/// be moved forward.
package final class BrokerClock: Sendable {
  private struct Rehearsal {
    /// Rehearsed minus real time, in milliseconds.
    var offset: Int64
  }

  private let rehearsal: Mutex<Rehearsal?>
  package let isRehearsal: Bool

  package init() {
    rehearsal = Mutex(nil)
    isRehearsal = false
  }

  package init(rehearseAt start: Instant) {
    rehearsal = Mutex(Rehearsal(offset: start.milliseconds - Self.wall.milliseconds))
    isRehearsal = true
  }

  /// The real time, also in rehearsal: signatures must be fresh to their receivers.
  package static var wall: Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  package var now: Instant {
    rehearsal.withLock { Self.wall + ($0?.offset ?? 0) }
  }

  /// Moves the rehearsed clock forward; it never goes back.
  package func advance(to instant: Instant) {
    rehearsal.withLock { state in
      guard let offset = state?.offset else { return }
      state?.offset = max(offset, instant.milliseconds - Self.wall.milliseconds)
    }
  }
}

/// Microseconds of a clock that only goes forward, for measuring.
package func monotonicMicroseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
