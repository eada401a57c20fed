internal import Glibc

/// Held while a process is spawned, and while a descriptor exists that is not yet close-on-exec:
/// Swift's Glibc shows neither `pipe2` nor `accept4`, which set the flag in one step.
///
/// Its value means nothing. It is not `Void`, which would lie at the address of the object itself:
/// ThreadSanitizer takes that for a race.
let spawnLock = Monitor(0)

/// Both ends are close-on-exec. Whoever makes it closes each end once.
struct Pipe: Sendable {
  let readEnd: Int32
  let writeEnd: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    spawnLock.withLock { _ in
      // Without descriptors no test can go on; there is nobody to handle it.
      precondition(pipe(&ends) == 0, "pipe: \(Socket.describe(errno))")
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }
    (readEnd, writeEnd) = (ends[0], ends[1])
  }
}
