internal import Foundation
internal import Synchronization

/// A child process with a pipe to its standard input and one from its output or its errors. A worker ends when its
/// input closes, so that none outlives us.
final class Child {
  enum Channel: Int32 { case output = 1, errors = 2 }

  let pid: pid_t
  private let input: Int32
  private let from: Int32
  private var pending: [UInt8] = []
  private var ended = false
  private static let alive = Mutex<Set<pid_t>>([])

  /// For the moment at which this program is interrupted: a worker sees its input close, a daemon does not care.
  static func killAll() {
    for pid in alive.withLock({ $0 }) { kill(pid, SIGKILL) }
  }

  static var ownProgram: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }

  init(_ program: String, _ arguments: [String], reading channel: Channel = .output) throws {
    var (toChild, fromChild): ([Int32], [Int32]) = ([0, 0], [0, 0])
    guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else {
      throw BenchError("pipe: \(String(cString: strerror(errno)))")
    }
    // Another child must not inherit these, or closing our end would end nobody.
    for fd in toChild + fromChild { _ = fcntl(fd, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], channel.rawValue)
    var argv = ([program] + arguments).map { strdup($0) }
    argv.append(nil)
    defer { for text in argv { free(text) } }
    var child = pid_t()
    let code = posix_spawn(&child, program, &actions, nil, argv, environ)
    close(toChild[0])
    close(fromChild[1])
    guard code == 0 else {
      close(toChild[1])
      close(fromChild[0])
      throw BenchError("\(program): \(String(cString: strerror(code)))")
    }
    pid = child
    Self.alive.withLock { _ = $0.insert(child) }
    input = toChild[1]
    from = fromChild[0]
  }

  /// The next line, or nil at the end.
  func line() -> String? {
    while true {
      if let end = pending.firstIndex(of: 10) {
        let line = String(decoding: pending[..<end], as: UTF8.self)
        pending.removeSubrange(...end)
        return line
      }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = read(from, &buffer, buffer.count)
      if count <= 0 { return nil }
      pending.append(contentsOf: buffer[..<count])
    }
  }

  /// A byte for its input: what it means is the worker's own affair.
  func nudge() {
    var byte = UInt8(ascii: ".")
    write(input, &byte, 1)
  }

  /// Ends it (a worker by closing its input, another program by a signal) and waits.
  /// - Returns: its CPU seconds and whether it ended well.
  @discardableResult
  func end(signal: Int32? = nil) -> (cpuSeconds: Double, ok: Bool) {
    guard !ended else { return (0, false) }
    ended = true
    close(input)
    if let signal { kill(pid, signal) }
    while line() != nil {}
    close(from)
    var status: Int32 = 0
    var usage = rusage()
    wait4(pid, &status, 0, &usage)
    Self.alive.withLock { _ = $0.remove(pid) }
    return (usage.cpuSeconds, status == 0)
  }

  deinit { end(signal: SIGTERM) }
}
