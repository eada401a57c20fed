internal import Foundation
internal import TestSupport
internal import Testing

/// Commands of root in the service's directory, and files that the service may not use.
@Suite(.timeLimit(.minutes(5)), .enabled(if: geteuid() == 0, "only root can give files away"))
struct StateFileTests {
  private static let service: uid_t = 65534
  let state: StateDirectory

  init() throws {
    state = try StateDirectory(example: nil)
    for name in [""] + (FileManager.default.subpaths(atPath: state.path) ?? []).map({ "/" + $0 }) {
      try #require(chown(state.path + name, Self.service, Self.service) == 0)
    }
  }

  private func owner(_ name: String) throws -> uid_t? {
    try FileManager.default.attributesOfItem(atPath: state.path + "/" + name)[.ownerAccountID] as? uid_t
  }

  /// As the service's user, who must be able to reach the directory and the program.
  private func asService(_ words: [String]) throws -> ToolResult {
    let user = "\(Self.service)"
    return try runTool(
      ["--reuid", user, "--regid", user, "--clear-groups", Binary.path] + words + ["--state-dir", state.path],
      timeout: 20, binary: "/usr/bin/setpriv")
  }

  @Test func whatRootMakesIsTheServices() throws {
    try FileManager.default.removeItem(atPath: state.path + "/data.key")
    #expect(try state.run(["key", "renew-data"]).status == 0)
    #expect(try state.run(["backup", state.path + "/backup/a.sqlite"]).status == 0)
    #expect(try state.run(["export", "organs", state.path + "/organs.csv"]).status == 0)
    #expect(try state.run(["export", "organs", state.path + ".csv"]).status == 0)
    defer { try? FileManager.default.removeItem(atPath: state.path + ".csv") }
    #expect(try owner("../\(URL(fileURLWithPath: state.path).lastPathComponent).csv") == 0, "elsewhere it stays root's")
    for name in ["data.key", "xiecha.lock", "backup", "backup/a.sqlite", "organs.csv"] {
      #expect(try owner(name) == Self.service, "\(name)")
    }
    for name in FileManager.default.subpaths(atPath: state.path) ?? [] {
      try? FileManager.default.removeItem(atPath: state.path + "/" + name)
    }
    #expect(try state.run(["init"]).status == 0)
    for name in FileManager.default.subpaths(atPath: state.path) ?? [] {
      #expect(try owner(name) == Self.service, "\(name)")
    }
    #expect(try asService(["check"]).status == 0)
  }

  @Test(arguments: [
    ("xiecha.sqlite", 0o600, 2), ("data.key", 0o600, 2), ("xiecha.yaml", 0o600, 2),
    ("procedures/verification.yaml", 0o600, 2),
    ("xiecha.sqlite", 0o644, 2),
  ]) func aFileOfRootIsNamedWithTheFix(_ name: String, _ mode: Int, _ status: Int32) throws {
    let file = state.path + "/" + name
    try #require(chown(file, 0, 0) == 0)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    for command in [["check"], ["serve", "--listen", "127.0.0.1:0"]] {
      let result = try asService(command)
      #expect(result.status == status, "\(result.stderr)")
      for part in ["\(file): ", "属主为 root", "it belongs to root", "chown --reference=", " \(file)"] {
        #expect(result.stderr.contains(part), "\(part) not in: \(result.stderr)")
      }
      #expect(!result.stderr.contains("the disk cannot take"), "\(result.stderr)")
    }
    // Root may read it, and is told that the service may not.
    let result = try state.run(["check"])
    #expect((result.stdout + result.stderr).contains("chown --reference="), "\(result.stdout)\(result.stderr)")
  }

  /// What `check` says to root of files that are closed to the service, and the commands that mend them.
  private func closed() throws -> [(line: String, command: String)] {
    let result = try state.run(["check"])
    #expect(result.status == 0, "\(result.stderr)")
    return result.stdout.split(separator: "\n").map(String.init).compactMap { line in
      let parts = line.components(separatedBy: "; run: ")
      return line.contains("may not") && parts.count == 2 ? (line: line, command: parts[1]) : nil
    }
  }

  private func mend(_ command: String) throws {
    #expect(try runTool(["-c", command], binary: "/bin/sh").status == 0, "\(command)")
  }

  @Test(arguments: [
    ("xiecha.yaml", 0o000, "000", "read it; run: chmod u+r "),
    ("procedures", 0o600, "600", "read it; run: chmod u+rx "),
    ("procedures/verification.yaml", 0o044, "044", "read it; run: chmod u+r "),
    ("xiecha.sqlite", 0o400, "400", "read and write it; run: chmod u+rw "),
    ("data.key", 0o000, "000", "read it; run: chmod u+r "), ("", 0o500, "500", "read and write it; run: chmod u+rwx "),
  ]) func aModeThatShutsTheServiceOutIsNamed(_ name: String, _ mode: Int, _ digits: String, _ words: String) throws {
    let file = name.isEmpty ? state.path : state.path + "/" + name
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    let found = try closed()
    // What SQLite made beside the database has its mode.
    #expect(found.count == 1 || name == "xiecha.sqlite", "\(found)")
    let line = found.first?.line ?? ""
    expectBoth(line, words + file)
    #expect(line.contains("\(file): ") && line.contains("，权限 \(digits)，"), "\(line)")
    for (_, command) in found { try mend(command) }
    #expect(try closed().isEmpty)
    #expect(try asService(["check"]).status == 0)
  }

  /// As it is with `DynamicUser=`: a link leads below a directory that is closed to all others.
  @Test func theWayToTheStateDirectoryIsSystemdsMatter() throws {
    let parent = state.path + ".private"
    try FileManager.default.createDirectory(
      atPath: parent, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: parent) }
    try FileManager.default.moveItem(atPath: state.path, toPath: parent + "/xiecha")
    try FileManager.default.createSymbolicLink(atPath: state.path, withDestinationPath: parent + "/xiecha")
    let found = try closed()
    #expect(found.isEmpty, "\(found)")
  }

  /// Wherever they lie, with the directories on the way to them.
  @Test func filesThatTheConfigurationNamesAreLookedAtToo() throws {
    let outside = state.path + ".tls"
    try FileManager.default.createDirectory(
      atPath: outside, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: outside) }
    let (certificate, key) = (outside + "/certificate.pem", outside + "/key.pem")
    try TLSTests.makePair(certificate, key)
    for path in [certificate, key] {
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }
    try state.setConfig("tls.certificate", to: certificate)
    try state.setConfig("tls.privateKey", to: key)
    try state.setConfig("tls.clientAuthorities", to: certificate)
    let found = try closed()
    let commands = found.map { $0.command }
    for path in [certificate, key] {
      #expect(commands.count { $0 == "chown --reference=\(state.path) \(path)" } == 1, "\(found)")
    }
    #expect(commands.contains("chmod a+x \(outside)"), "\(found)")
    #expect(try asService(["check"]).status == 2)
    for command in commands { try mend(command) }
    #expect(try closed().isEmpty)
    #expect(try asService(["check"]).status == 0)
  }
}
