internal import Glibc

/// A program that was started and what it has said so far. Killed and reaped when released.
///
/// Two threads follow it: one gathers its output, one waits for its end. They share `state`, so
/// that "the line appeared or the program died" is one wait.
///
/// What is still alive when the test program exits is killed then: a daemon in a global is never
/// released.
final class ChildProcess: Sendable {
  struct State {
    var stdout: [UInt8] = []
    var stderr: [UInt8] = []
    var outputEnded = false
    /// The exit code, or 128 + the signal that ended it, as shells have it.
    var exit: Int32?
  }

  /// Output beyond this is read and dropped, so that the program never blocks on a full pipe.
  static let outputLimit = 64 * 1_024 * 1_024

  /// `posix_spawn_file_actions_addclosefrom_np`, which glibc has since 2.34 but Swift's Glibc does
  /// not show. Close-on-exec covers what the test support opens; this also covers what the test
  /// runner itself inherited or other code opened.
  private static let closeFrom: CloseFrom? = unsafeBitCast(
    dlsym(nil, "posix_spawn_file_actions_addclosefrom_np"), to: CloseFrom?.self)
  private typealias CloseFrom =
    @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32

  private static let living = Monitor<Set<pid_t>>([])
  private static let killAtExit: Void = {
    atexit { ChildProcess.living.withLock { for pid in $0 { kill(pid, SIGKILL) } } }
  }()

  let pid: pid_t
  let state = Monitor(State())

  /// - Parameter environment: the whole environment of the program.
  init(_ executable: String, _ arguments: [String], environment: [String: String], stdin: [UInt8])
    throws
  {
    _ = ChildProcess.killAtExit
    let input = try ChildProcess.file(holding: stdin)
    defer { close(input) }
    let (out, err) = (Pipe(), Pipe())
    let spawned = ChildProcess.spawn(
      executable, arguments, environment, descriptors: [input, out.writeEnd, err.writeEnd])
    close(out.writeEnd)
    close(err.writeEnd)
    guard spawned.status == 0 else {
      close(out.readEnd)
      close(err.readEnd)
      throw ToolFault("cannot start \(executable): \(Socket.describe(spawned.status))")
    }
    // Only now: without a process there must be no `deinit` that signals number 0, which is us all.
    precondition(spawned.pid > 0)
    pid = spawned.pid
    let (pid, state) = (pid, state)
    let followed =
      startThread { ChildProcess.gather(out.readEnd, err.readEnd, into: state) }
      && startThread { ChildProcess.reap(pid, into: state) }
    precondition(followed, "no threads to follow \(executable)")
  }

  deinit { kill9() }

  /// Returns once it is gone and reaped, or after 10 s.
  @discardableResult
  func kill9() -> Int32? {
    signal(SIGKILL)
    return waitForExit(Deadline(in: 10))
  }

  /// Sends a signal unless the program has been reaped: its number may be somebody else's by then.
  func signal(_ number: Int32) {
    state.withLock { state in
      if state.exit == nil { kill(pid, number) }
    }
  }

  func waitForExit(_ deadline: Deadline) -> Int32? { state.wait(deadline) { $0.exit } }

  /// Waits until both output pipes are at their end: nothing more will be said.
  func waitForOutput(_ deadline: Deadline) {
    let _: Void? = state.wait(deadline) { $0.outputEnded ? () : nil }
  }

  var stderrText: String { String(decoding: state.withLock { $0.stderr }, as: UTF8.self) }
  var stdoutText: String { String(decoding: state.withLock { $0.stdout }, as: UTF8.self) }

  private static func gather(_ stdout: Int32, _ stderr: Int32, into state: Monitor<State>) {
    var entries = [stdout, stderr].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    var chunk = [UInt8](repeating: 0, count: 65_536)
    // A negative descriptor is one that has ended; poll passes over it.
    while entries.contains(where: { $0.fd >= 0 }) {
      if poll(&entries, 2, -1) < 0 { continue }
      for index in 0..<2 where entries[index].fd >= 0 && entries[index].revents != 0 {
        let count = read(entries[index].fd, &chunk, chunk.count)
        if count > 0 {
          state.change { state in
            let path = index == 0 ? \State.stdout : \State.stderr
            if state[keyPath: path].count < outputLimit {
              state[keyPath: path].append(contentsOf: chunk[..<count])
            }
          }
        } else if count == 0 || errno != EINTR {
          close(entries[index].fd)
          entries[index].fd = -1
        }
      }
    }
    state.change { $0.outputEnded = true }
  }

  private static func reap(_ pid: pid_t, into state: Monitor<State>) {
    // First wait without reaping: until the lock is held the number must stay taken.
    var info = siginfo_t()
    while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
    state.change { state in
      _ = living.withLock { $0.remove(pid) }
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
      let signal = status & 0x7F
      state.exit = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
  }

  /// Standard input is a file without a name, not a pipe: it needs no thread to write it, and a
  /// program that does not read it cannot raise SIGPIPE here.
  private static func file(holding bytes: [UInt8]) throws -> Int32 {
    if bytes.isEmpty { return open("/dev/null", O_RDONLY | O_CLOEXEC) }
    var template = Array("\(temporaryDirectory)/stdin.XXXXXX".utf8CString)
    let descriptor = spawnLock.withLock { _ in
      let descriptor = mkstemp(&template)
      if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
      return descriptor
    }
    guard descriptor >= 0 else { throw ToolFault("mkstemp: \(Socket.describe(errno))") }
    unlink(&template)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        write(descriptor, raw.baseAddress! + written, raw.count - written)
      }
      if count < 0 && errno != EINTR {
        close(descriptor)
        throw ToolFault("standard input: \(Socket.describe(errno))")
      }
      written += max(count, 0)
    }
    lseek(descriptor, 0, SEEK_SET)
    return descriptor
  }

  private static func spawn(
    _ executable: String, _ arguments: [String], _ environment: [String: String],
    descriptors: [Int32]
  ) -> (pid: pid_t, status: Int32) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (target, source) in descriptors.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
    }
    _ = closeFrom?(&actions, 3)
    // A test runner may ignore or block signals; the program must start with none of that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
    var settings: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") }
    defer { for pointer in words + settings { free(pointer) } }
    words.append(nil)
    settings.append(nil)
    var pid: pid_t = 0
    let status = spawnLock.withLock { _ in
      let status = posix_spawn(&pid, executable, &actions, &attributes, words, settings)
      if status == 0 { _ = living.withLock { $0.insert(pid) } }
      return status
    }
    return (pid, status)
  }
}
