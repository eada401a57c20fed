internal import Foundation
internal import TestSupport
internal import Testing

/// A disk that a test can fill and empty while the daemon runs on it.
///
/// Where the test may mount, the state directory lies on a small tmpfs, and a file of ballast fills
/// it. Where it may not, the kernel is told that the daemon's files may not grow (RLIMIT_FSIZE),
/// which to the daemon is the same: a write that fails.
///
/// Unchecked: `serve` comes before any other thread knows of it.
final class SmallDisk: @unchecked Sendable {
  enum Kind { case mount, limit }

  let kind: Kind
  private let state: StateDirectory
  private var daemon: Daemon?
  private var ballast: String { state.path + "/ballast" }

  init(under state: StateDirectory) throws {
    self.state = state
    let copy = state.path + ".copy"
    try FileManager.default.copyItem(atPath: state.path, toPath: copy)
    defer { try? FileManager.default.removeItem(atPath: copy) }
    let mounted = try? runTool(
      ["-t", "tmpfs", "-o", "size=12m,mode=0700", "xiecha-test", state.path],
      binary: "/usr/bin/mount")
    kind = mounted?.status == 0 ? .mount : .limit
    if kind == .mount {
      for name in try FileManager.default.contentsOfDirectory(atPath: copy) {
        try FileManager.default.copyItem(atPath: "\(copy)/\(name)", toPath: "\(state.path)/\(name)")
      }
    }
  }

  deinit {
    daemon?.kill9()
    if kind == .mount { _ = try? runTool(["-l", state.path], binary: "/usr/bin/umount") }
  }

  /// Starts the daemon so that the disk can be filled under it.
  func serve() throws -> Daemon {
    guard kind == .limit else {
      let daemon = try Daemon(state: state)
      self.daemon = daemon
      return daemon
    }
    // A write beyond the limit raises a signal that would end the daemon; a full disk raises none.
    let wrapper = state.path + "/serve.sh"
    try "#!/bin/sh\ntrap '' XFSZ\nexec \"$REAL\" \"$@\"\n".write(
      toFile: wrapper, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: wrapper)
    let daemon = try Daemon(state: state, environment: ["REAL": Binary.path], binary: wrapper)
    self.daemon = daemon
    return daemon
  }

  /// Takes the last byte.
  func fill() throws {
    if kind == .limit { return try limit("8192") }
    let descriptor = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    for size in [65_536, 4_096, 1] {
      let chunk = [UInt8](repeating: 0x2A, count: size)
      while write(descriptor, chunk, size) > 0 {}
    }
  }

  /// Gives the space back.
  func empty() throws {
    if kind == .limit { return try limit("unlimited") }
    try FileManager.default.removeItem(atPath: ballast)
  }

  private func limit(_ bytes: String) throws {
    let result = try runTool(
      ["--pid", "\(try #require(daemon).pid)", "--fsize=\(bytes):"], binary: "/usr/bin/prlimit")
    try #require(result.status == 0, "\(result.stderr)")
  }
}
