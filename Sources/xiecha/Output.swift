@preconcurrency internal import Glibc

/// Standard output. What was printed has arrived once this returns; a disk that is full or a reader that is gone is a
/// failure of the command, which nobody would notice otherwise.
enum Output {
  private static let name = "标准输出 / standard output"

  static func flush() throws(Failure) {
    let ended = fflush(stdout)
    let number = errno
    guard ended != 0 || ferror(stdout) != 0 else { return }
    throw FileFault.failure(name, ended != 0 ? number : EIO)
  }

  static func write(_ bytes: [UInt8]) throws(Failure) {
    guard fwrite(bytes, 1, bytes.count, stdout) == bytes.count else { throw FileFault.failure(name, errno) }
    try flush()
  }
}
