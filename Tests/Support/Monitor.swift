internal import Glibc

/// A value behind a lock, and a condition to wait for it to change.
///
/// `Synchronization.Mutex` has no condition variable, and Foundation's `NSCondition` waits on the
/// wall clock; this one waits on the monotonic clock. It also serves where a mutex would do, because
/// ThreadSanitizer follows pthread locks but not the mutex. Unchecked: the lock guards every access.
final class Monitor<State>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var state: State

  init(_ state: State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Reads or changes the state without waking anybody.
  func withLock<T, E: Error>(_ body: (inout State) throws(E) -> T) throws(E) -> T {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Changes the state, then wakes every waiter to look again.
  func change<T>(_ body: (inout State) -> T) -> T {
    withLock { state in
      defer { pthread_cond_broadcast(condition) }
      return body(&state)
    }
  }

  /// Wakes every waiter without a change of its own.
  func wakeAll() { pthread_cond_broadcast(condition) }

  /// Waits until `found` gives a value, looking again after each wake; nil once the deadline passed.
  /// `found` runs under the lock and must not call back into this monitor.
  func wait<T>(_ deadline: Deadline, for found: (inout State) -> T?) -> T? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    var limit = deadline.timespec
    while true {
      if let value = found(&state) { return value }
      if pthread_cond_timedwait(condition, mutex, &limit) == ETIMEDOUT { return found(&state) }
    }
  }
}
