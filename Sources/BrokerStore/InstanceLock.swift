internal import BrokerDomain
internal import Glibc

/// One daemon per database: an advisory lock on a file beside it, which the kernel drops when its holder dies, however
/// it dies. The file says who holds it.
package final class InstanceLock: Sendable {
  private let descriptor: Int32

  package init(directory: String) throws(StoreError) {
    let path = directory + "/xiecha.lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let words = String(cString: strerror(errno))
      if let denial = StateFile.denial(path, in: directory) { throw .wrongMode("\(path): \(denial.zh) / \(denial.en)") }
      throw .storage("\(path): \(words)")
    }
    StateFile.give(descriptor, toOwnerOf: directory)
    var wanted = Self.whole
    guard fcntl(descriptor, Self.setLock, &wanted) == 0 else {
      let holder = Self.read(descriptor)
      close(descriptor)
      throw .held(by: holder)
    }
    self.descriptor = descriptor
    let text = "pid \(getpid()), since \(BrokerClock.wall.rfc3339)\n"
    ftruncate(descriptor, 0)
    _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
  }

  deinit { close(descriptor) }

  /// Of an open file description, which goes with the descriptor rather than with the process: a second daemon in the
  /// same process is refused as well, and closing another descriptor of the file lets nothing go. The C library names
  /// these two only under `_GNU_SOURCE` (fcntl.h, Linux 3.15).
  private static let getLock: Int32 = 36
  private static let setLock: Int32 = 37

  /// Exclusive, over the whole file.
  private static var whole: flock {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    return lock
  }

  /// Whether a daemon holds the lock of a directory right now. Looks without taking it: a daemon that starts at this
  /// moment must not find it taken.
  package static func isHeld(directory: String) -> Bool {
    let descriptor = open(directory + "/xiecha.lock", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var found = whole
    guard fcntl(descriptor, getLock, &found) == 0 else { return false }
    return found.l_type != Int16(F_UNLCK)
  }

  private static func read(_ descriptor: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 200)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).trimmingSpaces()
    return text.isEmpty ? "another process" : text
  }
}
