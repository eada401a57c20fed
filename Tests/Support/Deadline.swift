internal import Glibc

/// A moment on the monotonic clock by which something must have happened, in nanoseconds.
///
/// Every wait of the test support takes one, so that a broken daemon makes a test fail, not hang.
struct Deadline: Sendable {
  let nanoseconds: UInt64

  /// The moment `seconds` from now; values beyond a day are cut to a day.
  init(in seconds: Double) {
    let bounded = min(max(seconds, 0), 86_400)
    nanoseconds = Deadline.now + UInt64(bounded * 1_000_000_000)
  }

  var isPast: Bool { Deadline.now >= nanoseconds }

  var remainingSeconds: Double {
    let now = Deadline.now
    return now >= nanoseconds ? 0 : Double(nanoseconds - now) / 1_000_000_000
  }

  /// For `poll`: whole milliseconds rounded up, so that a wait never ends before its deadline.
  var pollMilliseconds: Int32 { Int32((remainingSeconds * 1_000).rounded(.up)) }

  var timespec: timespec {
    Glibc.timespec(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
  }

  static var now: UInt64 {
    var time = Glibc.timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
