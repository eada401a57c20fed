internal import Foundation
internal import TestSupport
internal import Testing

/// Shell scripts that pose as `xiecha`, one a test.
struct Impostor {
  let path: String

  init(_ script: String) throws {
    path = NSTemporaryDirectory() + "impostor-\(UUID().uuidString)"
    try ("#!/bin/sh\n" + script).write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// Makes a state directory as `init` does, and serves as the last lines say.
  static func daemon(_ serve: String) throws -> Impostor {
    try Impostor(
      """
      if [ "$1" = init ]; then
        printf '{"operator": "op", "organs": {"11320681014260292T": "k1"}}' > "$3/keys.json"
        printf 'listen: x\\ncallbacks:\\n  allowHTTP: true # why\\n' > "$3/xiecha.yaml"
        echo "$@" > "$3/arguments"
        exit 0
      fi
      \(serve)
      """)
  }
}

@Suite(.timeLimit(.minutes(5)))
struct ToolTests {
  @Test func toolResultHoldsEverything() throws {
    let impostor = try Impostor("echo \"$1,$2,$MARK,$XIECHA_BIN\"; cat; echo err >&2; exit 3")
    defer { impostor.remove() }
    let long = String(repeating: "字", count: 200_000)
    let result = try runTool(
      ["a b", ""], environment: ["MARK": "m"], stdin: long, binary: impostor.path)
    #expect(result.status == 3)
    #expect(result.stdout == "a b,,m,\n" + long)
    #expect(result.stderr == "err\n")
  }

  @Test func toolThatHangsIsKilled() throws {
    let impostor = try Impostor("echo $$; exec sleep 600")
    defer { impostor.remove() }
    let error = #expect(throws: ToolFault.self) {
      try runTool([], timeout: 0.5, binary: impostor.path)
    }
    let lines = error?.description.split(separator: "\n") ?? []
    let pid = try #require(lines.last.flatMap { Int32($0) })
    try eventually("the process is gone") { kill(pid, 0) != 0 }
  }

  @Test func whatCannotBeStartedIsAnError() throws {
    #expect(throws: ToolFault.self) { try runTool([], binary: "/nonexistent") }
    // Executable by its mode, but no program: it passes the first look and fails to start.
    let path = NSTemporaryDirectory() + "impostor-\(UUID().uuidString)"
    try "junk".write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: ToolFault.self) { try runTool([], binary: path) }
    #expect(error?.description.contains("cannot start \(path)") == true)
  }

  /// A child that kept a pipe or socket of a parallel test would keep it open for ever.
  @Test func childrenInheritNoDescriptors() throws {
    // 3 is the listing's own.
    let impostor = try Impostor("exec ls /proc/self/fd")
    defer { impostor.remove() }
    let path = impostor.path
    let sink = try Sink()
    let port = sink.port
    try onThreads(6) { thread in
      for _ in 0..<20 {
        if thread < 3 {
          try Client(port: port).call("GET", "/")
        } else {
          let open = try runTool([], binary: path).stdout
          if open != "0\n1\n2\n3\n" {
            throw WaitFault("descriptors in the child: \(open)")
          }
        }
      }
    }
  }
}

@Suite(.timeLimit(.minutes(5)))
struct DaemonTests {
  @Test func startsEditsTerminates() throws {
    let impostor = try Impostor.daemon(
      """
      echo booting >&2
      echo 'not yet: listening on http://127.0.0.1:1' >&2
      echo 'listening on http://127.0.0.1:4321' >&2
      trap 'echo draining >&2; kill $!; exit 7' TERM
      sleep 600 & wait
      """)
    defer { impostor.remove() }
    var directory: StateDirectory? = try StateDirectory(
      rehearseAt: "2026-02-13T17:45:00+08:00",
      config: ["callbacks.allowHTTP": "false", "limits.body.bytes": "9"], binary: impostor.path)
    let path = try #require(directory?.path)
    #expect(directory?.operatorKey == "op")
    #expect(try directory?.key(of: .市民政局) == "k1")
    #expect(throws: ToolFault.self) { try directory?.key(of: .市公安局) }
    let yaml = try String(contentsOfFile: path + "/xiecha.yaml", encoding: .utf8)
    #expect(
      yaml == "listen: x\ncallbacks:\n  allowHTTP: false\nlimits:\n  body:\n    bytes: 9\n")
    let arguments = try String(contentsOfFile: path + "/arguments", encoding: .utf8)
    #expect(
      arguments
        == "init --state-dir \(path) --example qidong --rehearse-at 2026-02-13T17:45:00+08:00\n")
    do {
      let daemon = try Daemon(state: #require(directory), binary: impostor.path)
      #expect(daemon.port == 4_321 && daemon.isRunning)
      #expect(daemon.waitForExit(timeout: 0.1) == nil)
      #expect(try daemon.terminate() == 7)
      #expect(!daemon.isRunning)
      #expect(daemon.waitForLog("draining"))
      #expect(daemon.stderrText.hasPrefix("booting\n"))
    }
    directory = nil
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func failedStartTellsTheLog() throws {
    let impostor = try Impostor.daemon("echo 'xiecha.yaml:3: no such key' >&2; exit 2")
    defer { impostor.remove() }
    let directory = try StateDirectory(binary: impostor.path)
    let error = #expect(throws: ToolFault.self) {
      try Daemon(state: directory, binary: impostor.path)
    }
    #expect(error?.description.contains("ended with 2") == true)
    #expect(error?.description.contains("xiecha.yaml:3: no such key") == true)
    let silent = try Impostor.daemon("echo 'listening on http://127.0.0.1:' >&2; exec sleep 600")
    defer { silent.remove() }
    let late = #expect(throws: ToolFault.self) {
      try Daemon(state: directory, timeout: 0.3, binary: silent.path)
    }
    #expect(late?.description.contains("did not listen within 0.3 s") == true)
  }

  @Test func killedOrForgottenIsGone() throws {
    let impostor = try Impostor.daemon(
      "trap '' TERM; echo 'listening on http://127.0.0.1:4321' >&2; while :; do read x </dev/zero; done"
    )
    defer { impostor.remove() }
    let directory = try StateDirectory(binary: impostor.path)
    let first = try Daemon(state: directory, binary: impostor.path)
    #expect(throws: ToolFault.self) { try first.terminate(timeout: 0.2) }
    #expect(first.waitForExit(timeout: 1) == 128 + SIGKILL)
    var second: Daemon? = try Daemon(state: directory, binary: impostor.path)
    second?.kill9()
    #expect(second?.waitForExit(timeout: 1) == 137)
    second = try Daemon(state: directory, binary: impostor.path)
    let pid = try #require(second?.pid)
    #expect(kill(pid, 0) == 0)
    second = nil
    #expect(kill(pid, 0) != 0)
  }

  @Test func configEditRefusesAParentWithAValue() throws {
    let impostor = try Impostor.daemon("exit 1")
    defer { impostor.remove() }
    let directory = try StateDirectory(binary: impostor.path)
    #expect(throws: ToolFault.self) { try directory.setConfig("listen.port", to: "1") }
  }
}
