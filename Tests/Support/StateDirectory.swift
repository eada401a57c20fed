internal import Foundation

/// A state directory made by `xiecha init`, removed by `close()`, when released, and at the latest
/// when the test program exits.
package final class StateDirectory: Sendable {
  package let path: String
  /// The operator's key.
  package let operatorKey: String
  /// Organ code → key.
  package let organKeys: [String: String]
  private let binary: String?

  private static let living = Monitor<Set<String>>([])
  private static let removeAtExit: Void = {
    atexit {
      for path in StateDirectory.living.withLock({ $0 }) {
        try? FileManager.default.removeItem(atPath: path)
      }
    }
  }()

  /// - Parameters:
  ///   - rehearseAt: makes a rehearsal directory whose clock starts at this instant (RFC 3339).
  ///   - edits: dotted configuration key → YAML value, as in `["limits.body": "1024"]`.
  ///   - binary: another program than `Binary.path`.
  package init(
    example: String? = "qidong", rehearseAt: String? = nil, config edits: [String: String] = [:],
    binary: String? = nil
  ) throws {
    var template = Array("\(temporaryDirectory)/xiecha.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw ToolFault("mkdtemp: \(Socket.describe(errno))")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    _ = StateDirectory.removeAtExit
    _ = StateDirectory.living.withLock { [path] in $0.insert(path) }
    self.binary = binary
    do {
      var arguments = ["init", "--state-dir", path]
      if let example { arguments += ["--example", example] }
      if let rehearseAt { arguments += ["--rehearse-at", rehearseAt] }
      let result = try runTool(arguments, binary: binary)
      guard result.status == 0 else {
        throw ToolFault("xiecha init: exit \(result.status)\n\(result.stdout)\(result.stderr)")
      }
      let keys = JSONBody(
        parsing: Array(try Data(contentsOf: StateDirectory.url(path, "keys.json"))))
      guard let operatorKey = keys["operator"].string, let organs = keys["organs"].object else {
        throw ToolFault("keys.json of \(path) does not hold operator and organs")
      }
      self.operatorKey = operatorKey
      organKeys = organs.compactMapValues { $0.string }
      for (key, value) in edits.sorted(by: { $0.key < $1.key }) {
        try StateDirectory.edit(StateDirectory.url(path, "xiecha.yaml"), key: key, value: value)
      }
    } catch {
      // Fully initialised or not, the directory must not outlive a failed start.
      StateDirectory.remove(path)
      throw error
    }
  }

  deinit { close() }

  /// Removes the directory. Idempotent; stop the daemon first.
  package func close() { StateDirectory.remove(path) }

  private static func remove(_ path: String) {
    guard living.withLock({ $0.remove(path) }) != nil else { return }
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The key of an organ.
  /// - Throws: `ToolFault` when `keys.json` has none for it.
  package func key(of organ: String) throws -> String {
    guard let key = organKeys[organ] else { throw ToolFault("keys.json has no key for \(organ)") }
    return key
  }

  package func key(of organ: Qidong) throws -> String { try key(of: organ.code) }

  /// Sets one configuration key in `xiecha.yaml`.
  package func setConfig(_ key: String, to value: String) throws {
    try StateDirectory.edit(StateDirectory.url(path, "xiecha.yaml"), key: key, value: value)
  }

  /// Runs a command on this directory: `--state-dir` is added.
  @discardableResult
  package func run(
    _ arguments: [String], environment: [String: String] = [:], stdin: String = "",
    timeout: Double = 60
  ) throws -> ToolResult {
    try runTool(
      arguments + ["--state-dir", path], environment: environment, stdin: stdin, timeout: timeout,
      binary: binary)
  }

  private static func url(_ path: String, _ name: String) -> URL {
    URL(fileURLWithPath: path).appendingPathComponent(name)
  }

  private static func edit(_ file: URL, key: String, value: String) throws {
    let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    let edited = try ConfigEdit.set(key, to: value, in: text)
    try Data(edited.utf8).write(to: file)
  }
}
