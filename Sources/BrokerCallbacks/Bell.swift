internal import Glibc

/// Wakes the pump. By the clock that only goes forward: a semaphore's timeout is a moment of the wall clock on Linux, and
/// one that is set back by an hour would let the pump sleep for an hour.
///
/// Unchecked: the pointers are made once, and what they point to is the kernel's business.
final class Bell: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Under the mutex: rung and not yet heard.
  private var rung = false

  init() {
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    defer { pthread_condattr_destroy(&attributes) }
    let made =
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0
      && pthread_cond_init(condition, &attributes) == 0 && pthread_mutex_init(mutex, nil) == 0
    precondition(made, "no condition on the monotonic clock")
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func signal() {
    pthread_mutex_lock(mutex)
    rung = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Returns at the signal, at once when it came before, or after the time.
  func wait(milliseconds: Int64) {
    var end = timespec()
    clock_gettime(CLOCK_MONOTONIC, &end)
    let nanoseconds = end.tv_nsec + Int(milliseconds % 1000) * 1_000_000
    end.tv_sec += Int(milliseconds / 1000) + nanoseconds / 1_000_000_000
    end.tv_nsec = nanoseconds % 1_000_000_000
    pthread_mutex_lock(mutex)
    while !rung, pthread_cond_timedwait(condition, mutex, &end) == 0 {}
    rung = false
    pthread_mutex_unlock(mutex)
  }
}
