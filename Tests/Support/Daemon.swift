internal import Glibc

/// A running `xiecha serve`. Killed and reaped when released; keeps its state directory alive.
package final class Daemon: Sendable {
  package let port: Int
  package let state: StateDirectory
  private let child: ChildProcess

  /// Starts the daemon on a free port and returns once it says that it listens.
  /// - Parameters:
  ///   - environment: added to this process's.
  ///   - timeout: seconds until it must listen.
  ///   - binary: another program than `Binary.path`.
  /// - Throws: `ToolFault` with the daemon's log when it ends or is silent instead.
  package init(
    state: StateDirectory, extraArguments: [String] = [], environment: [String: String] = [:],
    timeout: Double = 30, binary: String? = nil
  ) throws {
    let arguments = ["serve", "--state-dir", state.path, "--listen", "127.0.0.1:0"]
    let child = try Binary.start(
      arguments + extraArguments, environment: environment, stdin: "", binary: binary)
    enum Outcome {
      case listening(Int)
      case ended(Int32)
    }
    let outcome: Outcome? = child.state.wait(Deadline(in: timeout)) { state in
      if let port = Daemon.announcedPort(state.stderr) { return .listening(port) }
      // A program that ended may have said it just before: judge when its output has ended too.
      if let code = state.exit, state.outputEnded { return .ended(code) }
      return nil
    }
    guard case .listening(let port) = outcome else {
      child.kill9()
      var fate = "did not listen within \(timeout) s"
      if case .ended(let code) = outcome { fate = "ended with \(code) before it listened" }
      throw ToolFault("xiecha serve \(fate); its log:\n\(child.stderrText)\(child.stdoutText)")
    }
    self.port = port
    self.state = state
    self.child = child
  }

  /// The daemon must be gone before its directory is removed.
  deinit { child.kill9() }

  package var pid: Int32 { child.pid }
  package var isRunning: Bool { child.state.withLock { $0.exit == nil } }

  /// Everything it has logged so far.
  package var stderrText: String { child.stderrText }

  /// A client of its own connection. Without a key it sends no `Authorization`.
  package func client(key: String? = nil) -> Client { Client(port: port, key: key) }

  /// A client with the key of an organ.
  package func client(_ organ: Qidong) throws -> Client {
    Client(port: port, key: try state.key(of: organ))
  }

  package func operatorClient() -> Client { Client(port: port, key: state.operatorKey) }

  /// SIGKILL, and waits until it is gone: no farewell, no flush, as in a power cut.
  package func kill9() {
    let code = child.kill9()
    precondition(code != nil, "process \(child.pid) survived SIGKILL for 10 s")
  }

  /// SIGTERM, and waits for its end.
  /// - Returns: the exit code, or 128 + the signal that ended it.
  /// - Throws: `ToolFault` with its log when it runs on after `timeout` seconds; killed then.
  @discardableResult
  package func terminate(timeout: Double = 30) throws -> Int32 {
    child.signal(SIGTERM)
    if let code = waitForExit(timeout: timeout) { return code }
    kill9()
    throw ToolFault("still running \(timeout) s after SIGTERM; its log:\n\(stderrText)")
  }

  /// Sends any signal, such as SIGHUP or SIGSTOP.
  package func signal(_ number: Int32) { child.signal(number) }

  /// - Returns: the exit code, or nil when it still runs after `timeout` seconds. `stderrText` is
  ///   complete afterwards.
  package func waitForExit(timeout: Double) -> Int32? {
    guard let code = child.waitForExit(Deadline(in: timeout)) else { return nil }
    child.waitForOutput(Deadline(in: 2))
    return code
  }

  /// Waits until a line of the log holds `text`.
  package func waitForLog(_ text: String, timeout: Double = 10) -> Bool {
    let found: Void? = child.state.wait(Deadline(in: timeout)) { state in
      String(decoding: state.stderr, as: UTF8.self).contains(text) ? () : nil
    }
    return found != nil
  }

  /// The port in the line `listening on http://127.0.0.1:PORT` (or `https`), once that line is complete.
  static func announcedPort(_ log: [UInt8]) -> Int? {
    let prefixes = ["listening on http://127.0.0.1:", "listening on https://127.0.0.1:"]
    let lines = String(decoding: log, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
    // What follows the last newline may still grow.
    for line in lines.dropLast() {
      for prefix in prefixes where line.hasPrefix(prefix) {
        if let port = Int(line.dropFirst(prefix.count)) { return port }
      }
    }
    return nil
  }
}
