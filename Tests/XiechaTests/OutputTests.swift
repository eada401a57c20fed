internal import Foundation
internal import TestSupport
internal import Testing

/// What a command prints arrives, or the command has failed.
@Suite(.timeLimit(.minutes(5))) struct OutputTests {
  private func run(_ state: StateDirectory, _ words: [String], into target: String) throws -> ToolResult {
    try runTool(
      ["-c", "\"$@\" \(target)", "sh", Binary.path] + words + ["--state-dir", state.path], binary: "/bin/sh")
  }

  @Test(arguments: [
    ["export", "organs"], ["check"], ["verify"], ["key", "list"], ["outbox", "list"], ["check", "--help"],
  ])
  func aDiskThatIsFullIsAFailure(_ words: [String]) throws {
    let result = try run(try StateDirectory(), words, into: ">/dev/full")
    #expect(result.status == 1, "\(result.stderr)")
    for part in ["标准输出", "standard output", "the disk is full"] {
      #expect(result.stderr.contains(part), "\(part) not in: \(result.stderr)")
    }
    #expect(result.stderr.split(separator: "\n").count == 1, "\(result.stderr)")
  }

  /// A key that nobody has seen opens nothing.
  @Test(arguments: [">/dev/full", "| true"]) func aKeyThatGoesNowhereIsRevoked(_ target: String) throws {
    let state = try StateDirectory(example: nil)
    let result = try run(state, ["key", "create", "--operator"], into: target)
    if target == ">/dev/full" { #expect(result.status == 1, "\(result.stderr)") }
    #expect(result.stderr.contains("key 2 went nowhere and is revoked"), "\(result.stderr)")
    let keys = try #require(try state.run(["key", "list", "--json"]).json.array)
    #expect(keys.count == 2 && keys.allSatisfy { $0["revokedAt"].isNull == ($0["id"].int == 1) }, "\(keys)")
  }

  @Test func theLastOperatorsKeyIsNotRevokedSilently() throws {
    let state = try StateDirectory(example: nil)
    #expect(try state.run(["key", "create", "--operator"]).status == 0)
    #expect(!(try state.run(["key", "revoke", "1"]).stderr.contains("key create --operator")))
    let last = try state.run(["key", "revoke", "2"])
    #expect(last.status == 0 && last.stderr.contains("xiecha key create --operator"), "\(last.stderr)")
  }

  @Test func theVersionIsTheInterfaces() throws {
    let result = try runTool(["--version"])
    let text = try String(contentsOfFile: Binary.packageRoot + "/Sources/BrokerWeb/openapi.yaml", encoding: .utf8)
    let version = try #require(text.firstMatch(of: /version: '([0-9.]+)'/)).output.1
    #expect(result.status == 0 && result.stdout == "xiecha \(version)\n", "\(result.stdout)")
  }

  /// The key may be in the environment; a pipe gets no codes for a terminal.
  @Test func topTakesTheKeyOfTheEnvironment() throws {
    let state = try StateDirectory()
    let daemon = try Daemon(state: state)
    let key = state.operatorKey
    try FileManager.default.removeItem(atPath: state.path + "/keys.json")
    let words = ["outbox", "top", "--once", "--json", "--url", "http://127.0.0.1:\(daemon.port)"]
    let without = try state.run(words)
    #expect(without.json["live"].bool == false && without.stdout.contains("XIECHA_KEY"), "\(without.stdout)")
    let with = try state.run(words, environment: ["XIECHA_KEY": key])
    #expect(with.json["live"].bool == true, "\(with.stdout)\(with.stderr)")
    let closed = try state.run(words.dropLast() + ["http://127.0.0.1:1"], environment: ["XIECHA_KEY": key])
    let trouble = closed.json["trouble"].string ?? closed.stderr
    expectBoth(trouble, "the daemon does not answer: GET http://127.0.0.1:1/")
    #expect(trouble.hasPrefix("服务没有应答：GET http://127.0.0.1:1/"), "\(trouble)")
    let piped = try runTool(
      ["-s", "TERM", "3", Binary.path, "outbox", "top", "--state-dir", state.path], binary: "/usr/bin/timeout")
    #expect(!piped.stdout.isEmpty && !piped.stdout.contains("\u{1B}"), "\(piped.stdout)")
  }
}
