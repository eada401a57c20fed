internal import Foundation
internal import TestSupport
internal import Testing

/// `init` makes all or nothing.
@Suite(.timeLimit(.minutes(5))) struct InitTests {
  private func names(_ path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0 != "xiecha.sqlite-wal" }.sorted()
  }

  /// Files may not grow beyond some blocks, which to the program is a disk that is full.
  private func initOnFullDisk(_ path: String, blocks: Int) throws -> ToolResult {
    try runTool(
      [
        "-c", "trap '' XFSZ; ulimit -f \(blocks); exec \"$0\" init --example qidong --state-dir \"$1\"", Binary.path,
        path,
      ],
      binary: "/bin/sh")
  }

  @Test(arguments: [1, 8, 200, 400]) func aFullDiskLeavesNothing(_ blocks: Int) throws {
    let path = NSTemporaryDirectory() + "xiecha-init-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let result = try initOnFullDisk(path, blocks: blocks)
    #expect(result.status == 1 && !result.stderr.isEmpty, "\(result.stdout)\(result.stderr)")
    #expect(!FileManager.default.fileExists(atPath: path), "\(names(path))")
    // What was there before is still there, and a second try begins anew.
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try "listen: 127.0.0.1:8421\n".write(toFile: path + "/xiecha.yaml", atomically: false, encoding: .utf8)
    #expect(try initOnFullDisk(path, blocks: blocks).status == 1)
    #expect(names(path) == ["xiecha.yaml"])
    let again = try runTool(["init", "--example", "qidong", "--state-dir", path])
    #expect(again.status == 0, "\(again.stderr)")
    #expect(names(path) == ["data.key", "keys.json", "procedures", "xiecha.sqlite", "xiecha.yaml"])
    #expect(try String(contentsOfFile: path + "/xiecha.yaml", encoding: .utf8) == "listen: 127.0.0.1:8421\n")
    let check = try runTool(["check", "--state-dir", path])
    #expect(check.status == 0 && check.stdout.contains("organs         18"), "\(check.stdout)\(check.stderr)")
  }

  @Test func anInitThatWasCutShortIsMadeAnew() throws {
    let state = try StateDirectory(example: nil)
    let rest = state.path + "/init.partial"
    try FileManager.default.createDirectory(atPath: rest, withIntermediateDirectories: false)
    for name in ["xiecha.sqlite", "data.key"] {
      try FileManager.default.moveItem(atPath: state.path + "/" + name, toPath: rest + "/" + name)
    }
    #expect(try state.run(["check"]).status == 2)
    #expect(try state.run(["init"]).status == 0)
    #expect(!names(state.path).contains("init.partial"))
  }

  /// It would be brought into the new database.
  @Test func theLogOfADatabaseThatIsGoneIsNotTakenUp() throws {
    let path = NSTemporaryDirectory() + "xiecha-init-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try "pages".write(toFile: path + "/xiecha.sqlite-wal", atomically: false, encoding: .utf8)
    let result = try runTool(["init", "--state-dir", path])
    #expect(result.status == 1 && result.stderr.contains("xiecha.sqlite-wal"), "\(result.stderr)")
    #expect(names(path) == [] && FileManager.default.fileExists(atPath: path + "/xiecha.sqlite-wal"))
  }

  /// What it names belongs to somebody else. Links to files in a directory of its own are read, and stay.
  @Test func aLinkedDirectoryOfProceduresIsRefused() throws {
    let path = NSTemporaryDirectory() + "xiecha-init-\(UUID().uuidString)"
    let elsewhere = path + "-elsewhere"
    defer { for one in [path, elsewhere] { try? FileManager.default.removeItem(atPath: one) } }
    for one in [path, elsewhere] {
      try FileManager.default.createDirectory(atPath: one, withIntermediateDirectories: false)
    }
    let file = elsewhere + "/verification.yaml"
    try FileManager.default.copyItem(
      atPath: Binary.packageRoot + "/config/procedures/verification.yaml", toPath: file)
    let link = path + "/procedures"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: elsewhere)
    let refused = try runTool(["init", "--state-dir", path])
    #expect(refused.status == 1 && refused.stderr.contains("\(link) is a symbolic link"), "\(refused.stderr)")
    #expect(names(elsewhere) == ["verification.yaml"] && names(path) == ["procedures"])
    try FileManager.default.removeItem(atPath: link)
    try FileManager.default.createDirectory(atPath: link, withIntermediateDirectories: false)
    let one = link + "/verification.yaml"
    try FileManager.default.createSymbolicLink(
      atPath: one,
      withDestinationPath: "../../" + URL(fileURLWithPath: elsewhere).lastPathComponent + "/verification.yaml")
    let made = try runTool(["init", "--state-dir", path])
    #expect(made.status == 0 && names(link).count > 10, "\(made.stderr)")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: one).hasPrefix("../../"))
    #expect(names(elsewhere) == ["verification.yaml"])
  }

  /// The file that it names may come later; a file of ours in its place would never be it.
  @Test(arguments: ["xiecha.yaml", "procedures/verification.yaml"])
  func aLinkToNothingIsRefused(_ name: String) throws {
    let path = NSTemporaryDirectory() + "xiecha-init-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createDirectory(atPath: path + "/procedures", withIntermediateDirectories: true)
    let link = path + "/" + name
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/nowhere/to/be/found")
    let refused = try runTool(["init", "--state-dir", path])
    #expect(refused.status == 1 && refused.stderr.contains("to /nowhere/to/be/found"), "\(refused.stderr)")
    #expect(names(path) == ["procedures"] || names(path).sorted() == ["procedures", "xiecha.yaml"])
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "/nowhere/to/be/found")
  }

  private static let canTrace =
    (try? runTool(["-o", "/dev/null", "/bin/true"], binary: "/usr/bin/strace"))?.status == 0

  /// Every file before it has its name, all names before the database's, and that before it is said to be made.
  @Test(.enabled(if: canTrace)) func whatIsMadeIsOnDisk() throws {
    let parent = NSTemporaryDirectory() + "xiecha-init-\(UUID().uuidString)"
    let (path, log) = (parent + "/below/state", parent + ".log")
    defer { for one in [parent, log] { try? FileManager.default.removeItem(atPath: one) } }
    let result = try runTool(
      [
        "-f", "-y", "-s", "256", "-e", "trace=fsync,rename,renameat,renameat2", "-o", log, Binary.path, "init",
        "--state-dir", path,
      ], binary: "/usr/bin/strace")
    #expect(result.status == 0, "\(result.stderr)")
    let calls = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
    func synced(_ name: String, from: Int, to: Int) -> Bool {
      calls[from..<to].contains { $0.contains("fsync(") && $0.contains("<\(name)>") }
    }
    func renamed(_ name: String) throws -> Int {
      try #require(calls.firstIndex { $0.contains("rename") && $0.contains("\"\(path + name)\"") }, "\(name)")
    }
    let database = try renamed("/xiecha.sqlite")
    let procedure = "/procedures/verification.yaml"
    for name in ["/xiecha.yaml", "/data.key", "/keys.json", procedure] {
      let at = try renamed(name)
      #expect(at < database && synced(path + "/init.partial" + name, from: 0, to: at), "\(name)")
    }
    #expect(synced(path + "/procedures", from: try renamed(procedure), to: database))
    #expect(synced(path, from: try renamed("/keys.json"), to: database))
    for name in [path, parent + "/below", parent] { #expect(synced(name, from: database, to: calls.count), "\(name)") }
  }

  @Test func whatIsMissingIsSaidWithTheFix() throws {
    let state = try StateDirectory(example: nil)
    let bare = try state.run(["check"])
    #expect(bare.status == 0 && bare.stdout.contains("xiecha import organs FILE"), "\(bare.stdout)")
    for id in try #require(try state.run(["key", "list", "--json"]).json.array).compactMap({ $0["id"].int }) {
      #expect(try state.run(["key", "revoke", "\(id)"]).status == 0)
    }
    _ = try runTool([state.path + "/xiecha.sqlite", "DELETE FROM calendar_day"], binary: "/usr/bin/sqlite3")
    let none = try state.run(["check"])
    for part in ["xiecha key create --operator", "xiecha import calendar FILE"] {
      #expect(none.stdout.contains(part), "\(part) not in \(none.stdout)")
    }
  }
}
