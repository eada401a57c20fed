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
    for name in ["data.key", "xiecha.lock", "backup", "backup/a.sqlite"] {
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
}
