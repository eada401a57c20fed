internal import Glibc

/// The writer's way to the processor while it commits.
///
/// Under the policy `batch`, which the service has, nobody who is woken interrupts anybody. That is right for those who
/// serve connections, and wrong for the one thread that all of them wait for: when the disk has answered it, it would
/// stand in line behind them. So it is an ordinary thread from BEGIN to COMMIT (sched(7): that needs no privilege), and no
/// longer: a thread that it starts meanwhile would stay one. Under any other policy nothing is done.
enum WriterTurn {
  /// SCHED_BATCH of sched(7), which glibc's header shows to GNU sources only.
  static let batch: Int32 = 3

  /// - Parameter commit: starts no thread.
  static func taking(_ commit: () throws -> Void) rethrows {
    // Refused, it only waits longer.
    guard sched_getscheduler(0) == batch, set(SCHED_OTHER) else { return try commit() }
    defer { _ = set(batch) }
    try commit()
  }

  private static func set(_ policy: Int32) -> Bool {
    var parameters = sched_param()
    return sched_setscheduler(0, policy, &parameters) == 0
  }
}
