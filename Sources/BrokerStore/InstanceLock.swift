internal import BrokerDomain
internal import Glibc

/// One daemon per database: an advisory lock on a file beside it, which the kernel drops when its holder dies, however
/// it dies. The file says who holds it.
package final class InstanceLock: Sendable {
  private let descriptor: Int32

  package init(directory: String) throws(StoreError) {
    let path = directory + "/xiecha.lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .storage("\(path): \(String(cString: strerror(errno)))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
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

  /// Whether a daemon holds the lock of a directory right now.
  package static func isHeld(directory: String) -> Bool {
    let descriptor = open(directory + "/xiecha.lock", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else { return true }
    flock(descriptor, LOCK_UN)
    return false
  }

  private static func read(_ descriptor: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 200)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).trimmingSpaces()
    return text.isEmpty ? "another process" : text
  }
}
