internal import Foundation

/// A program that could not be run, or did not end or start as it should.
package struct ToolFault: Error, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

/// How a command ended.
package struct ToolResult: Sendable {
  /// The exit code, or 128 + the signal that ended it.
  package let status: Int32
  package let stdout: String
  package let stderr: String

  package var json: JSONBody { JSONBody(parsing: Array(stdout.utf8)) }
}

/// Without a slash at the end.
var temporaryDirectory: String {
  let path = NSTemporaryDirectory()
  return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
}

/// The `xiecha` under test.
package enum Binary {
  /// `XIECHA_BIN`, or the one built beside this test program (which may be in a scratch path of its
  /// own, as for coverage), or `.build/debug/xiecha` of the package.
  package static var path: String {
    if let named = ProcessInfo.processInfo.environment["XIECHA_BIN"], !named.isEmpty {
      return named
    }
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let beside = program.deletingLastPathComponent().appendingPathComponent("xiecha").path
    if FileManager.default.isExecutableFile(atPath: beside) { return beside }
    return packageRoot + "/.build/debug/xiecha"
  }

  package static let packageRoot: String = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.path
  }()

  /// This process's environment, less every `XIECHA_…`, which the daemon would take for settings.
  static func environment(adding extra: [String: String]) -> [String: String] {
    var all = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("XIECHA_") }
    all.merge(extra) { _, new in new }
    return all
  }

  static func start(
    _ arguments: [String], environment: [String: String], stdin: String, binary: String?
  ) throws -> ChildProcess {
    let executable = binary ?? path
    guard FileManager.default.isExecutableFile(atPath: executable) else {
      throw ToolFault("no program at \(executable): build xiecha or set XIECHA_BIN")
    }
    return try ChildProcess(
      executable, arguments, environment: self.environment(adding: environment),
      stdin: Array(stdin.utf8))
  }
}

/// Runs `xiecha` with `arguments` to its end.
/// - Parameters:
///   - environment: added to this process's.
///   - binary: another program than `Binary.path`.
/// - Throws: `ToolFault` when it cannot be started or has not ended within `timeout` seconds; it is
///   killed then, and the error holds what it said.
@discardableResult
package func runTool(
  _ arguments: [String], environment: [String: String] = [:], stdin: String = "",
  timeout: Double = 60, binary: String? = nil
) throws -> ToolResult {
  let child = try Binary.start(
    arguments, environment: environment, stdin: stdin, binary: binary)
  guard let status = child.waitForExit(Deadline(in: timeout)) else {
    // It may have children of its own to end.
    child.signal(SIGTERM)
    if child.waitForExit(Deadline(in: 5)) == nil { child.kill9() }
    throw ToolFault(
      "xiecha \(arguments.joined(separator: " ")): not done within \(timeout) s\n"
        + child.stdoutText + child.stderrText)
  }
  // The pipes end with the program, unless it left a child behind that holds them.
  child.waitForOutput(Deadline(in: 2))
  return ToolResult(status: status, stdout: child.stdoutText, stderr: child.stderrText)
}
