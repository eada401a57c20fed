internal import Foundation
internal import TestSupport
internal import Testing

/// What goes wrong on the command line is said in one line: what it is, and what to do; in Chinese and English.
@Suite(.timeLimit(.minutes(5))) struct CommandFaultTests {
  /// Both languages, no dump, the exit status.
  private func expectFault(
    _ result: ToolResult, _ status: Int32, _ parts: [String], _ place: SourceLocation = #_sourceLocation
  ) {
    #expect(result.status == status, "\(result.stderr)", sourceLocation: place)
    for part in parts + [" / "] {
      #expect(result.stderr.contains(part), "\(part) not in: \(result.stderr)", sourceLocation: place)
    }
    let isChinese = result.stderr.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
    #expect(isChinese, "\(result.stderr)", sourceLocation: place)
    // What the daemon warns of besides is a line of its log.
    let lines = result.stderr.split(separator: "\n").filter { !$0.contains(" warning xiecha: ") }
    #expect(lines.count == 1, "\(result.stderr)", sourceLocation: place)
    for dump in ["NSCocoaErrorDomain", "Error Domain", "UserInfo", "SQLite error"] {
      #expect(!result.stderr.contains(dump), "\(result.stderr)", sourceLocation: place)
    }
  }

  @Test func anAddressThatCannotBeListenedOnIsNamed() throws {
    let daemon = try Daemon(state: StateDirectory(example: nil))
    let state = try StateDirectory(example: nil)
    let taken = "127.0.0.1:\(daemon.port)"
    expectFault(
      try state.run(["serve", "--listen", taken], timeout: 20), 1, [taken, "端口已被占用", "the port is in use", "--listen"])
    expectFault(
      try state.run(["serve", "--listen", "192.0.2.1:8421"], timeout: 20), 1,
      ["192.0.2.1:8421", "does not have that address"])
    expectFault(
      try state.run(["serve", "--listen", "no-such-host.invalid:8421"], timeout: 60), 1,
      ["no-such-host.invalid:8421", "no address for this host name"])
  }

  /// Reading the database whole goes on while the port is tried; that it is broken off then is nobody's concern.
  @Test func aStartThatFailsSaysNothingElse() throws {
    let daemon = try Daemon(state: StateDirectory(example: nil))
    let state = try StateDirectory()
    for _ in 0..<5 {
      let result = try state.run(["serve", "--listen", "127.0.0.1:\(daemon.port)"], timeout: 20)
      #expect(result.status == 1 && !result.stderr.contains("interrupted"), "\(result.stderr)")
    }
  }

  @Test func aBackupThatCannotBeWrittenNamesItsPath() throws {
    let state = try StateDirectory(example: nil)
    let file = state.path + "/xiecha.yaml"
    for (path, words) in [
      (state.path + "/nodir/bk", "its directory does not exist"), (file + "/bk", "a file stands where a directory"),
    ] {
      expectFault(try state.run(["backup", path]), 1, [path, words])
      expectFault(try state.run(["export", "organs", path]), 1, [path, words])
    }
  }

  /// No file may grow beyond 50 KiB, which to the program is a disk that is full.
  @Test func aBackupOntoAFullDiskLeavesNothing() throws {
    let state = try StateDirectory()
    let copy = state.path + "/backup/copy.sqlite"
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$0\" backup \"$1\" --state-dir \"$2\""
    let result = try runTool(["-c", script, Binary.path, copy, state.path], binary: "/bin/sh")
    #expect(result.status == 1 && result.stderr.contains("\(copy): "), "\(result.stderr)")
    #expect(!result.stderr.contains("not an error"), "\(result.stderr)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: state.path + "/backup") == [])
  }

  @Test func initOnAFileNamesIt() throws {
    let state = try StateDirectory(example: nil)
    let file = state.path + "/taken"
    try "x".write(toFile: file, atomically: false, encoding: .utf8)
    for path in [file, file + "/state"] {
      let result = try runTool(["init", "--state-dir", path])
      expectFault(result, 1, [file, "a file stands where a directory is needed"])
    }
    // Nothing can be made there, whoever runs it.
    let nowhere = try runTool(["init", "--state-dir", "/proc/xiecha/state"])
    expectFault(nowhere, 1, ["/proc/xiecha"])
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "x")
  }

  @Test func aDoubledKeyIsNamedWithItsLine() throws {
    let state = try StateDirectory(example: nil)
    let file = state.path + "/xiecha.yaml"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try (text + "language: en\n").write(toFile: file, atomically: false, encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let line = try #require(lines.firstIndex { $0.hasPrefix("language:") }) + 1
    for command in [["check"], ["serve", "--listen", "127.0.0.1:0"]] {
      expectFault(try state.run(command), 2, ["\(file):\(line): ", "a key stands twice: language; leave one of them"])
    }
  }

  @Test func checkNamesTheFileThatItRead() throws {
    let state = try StateDirectory(example: nil)
    let other = state.path + "/other.yaml"
    try FileManager.default.copyItem(atPath: state.path + "/xiecha.yaml", toPath: other)
    let result = try state.run(["check", "--config", other])
    #expect(result.status == 0 && result.stdout.contains("ok  \(other), "), "\(result.stdout)")
    #expect(!result.stdout.contains("xiecha.yaml"))
  }

  @Test(arguments: [
    (["import", "oragns", "x.csv"], "xiecha import "), (["import", "organs", "x.csv", "--json"], "xiecha import "),
    (["export", "oragns"], "xiecha export "), (["outbox", "list", "--state", "lost"], "xiecha outbox list "),
    (["outbox", "retry"], "xiecha outbox retry "), (["outbox", "trace", "x"], "xiecha outbox trace "),
    (["key", "create"], "xiecha key create "), (["key", "create", "--organ", "123"], "xiecha key create "),
    (["workdays", "--from", "soon", "--days", "5"], "xiecha workdays "),
    (["init", "--example", "atlantis"], "xiecha init "), (["init", "--rehearse-at", "soon"], "xiecha init "),
  ]) func aCommandsOwnFaultsShowItsUsage(_ words: [String], _ usage: String) throws {
    let state = try StateDirectory(example: nil)
    let result = try words[0] == "workdays" ? runTool(words) : state.run(words)
    #expect(result.status == 2 && result.stderr.hasPrefix("Error: "), "\(result.stderr)")
    let fault = result.stderr.split(separator: "\n").first ?? ""
    #expect(fault.contains(" / "), "in both languages: \(fault)")
    #expect(result.stderr.contains("Usage: \(usage)"), "\(result.stderr)")
  }
}
