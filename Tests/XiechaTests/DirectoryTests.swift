internal import Foundation
internal import TestSupport
internal import Testing

/// The state directory: made once, owned by one daemon, never made up when it is gone.
@Suite(.timeLimit(.minutes(5))) struct DirectoryTests {
  @Test func initMakesEverythingOnceAndForItsOwnerOnly() throws {
    let state = try StateDirectory()
    func mode(_ path: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    #expect(try mode(state.path + "/keys.json") == 0o600)
    #expect(try mode(state.path + "/xiecha.sqlite") == 0o600)
    #expect(try mode(state.path + "/data.key") == 0o600)
    #expect(state.organKeys.count == Qidong.allCases.count)
    #expect(Set(state.organKeys.keys) == Set(Qidong.allCases.map(\.code)))
    #expect(Set(state.organKeys.values).count == Qidong.allCases.count)
    let keys = try Data(contentsOf: URL(fileURLWithPath: state.path + "/keys.json"))
    let again = try state.run(["init", "--example", "qidong"])
    #expect(again.status == 1 && again.stderr.contains("exists already; nothing was changed"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: state.path + "/keys.json")) == keys)
    // Only hashes are kept: the keys themselves are in no file but that one.
    let database = try Data(contentsOf: URL(fileURLWithPath: state.path + "/xiecha.sqlite"))
    #expect(database.range(of: Data(state.operatorKey.utf8)) == nil)
  }

  @Test func oneDaemonPerDirectory() throws {
    let state = try StateDirectory()
    let first = try Daemon(state: state)
    let second = try state.run(["serve", "--listen", "127.0.0.1:0"], timeout: 20)
    #expect(second.status == 1, "\(second.stderr)")
    #expect(second.stderr.contains("pid \(first.pid)"), "\(second.stderr)")
    #expect(try first.client(.requester).call("POST", "/v1/requests", json: marriageRequest()).status == 201)
    // The lock dies with its holder, however it dies.
    first.kill9()
    let third = try Daemon(state: state)
    #expect(try third.client(.requester).call("GET", "/v1/requests").json["items"].array?.count == 1)
    #expect(try third.terminate() == 0)
  }

  @Test(arguments: ["serve", "check", "verify", "key", "outbox", "backup"])
  func missingDatabaseIsNamedAndNotMade(_ command: String) throws {
    let state = try StateDirectory(example: nil)
    let database = state.path + "/xiecha.sqlite"
    for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: database + suffix) }
    let more = ["key": ["list"], "outbox": ["list"], "backup": [state.path + "/copy"]][command] ?? []
    let result = try state.run([command] + more, timeout: 20)
    #expect(result.status == 2 && result.stderr.contains("\(database) does not exist"), "\(result.stderr)")
    #expect(result.stderr.contains("restore a backup"))
    #expect(!FileManager.default.fileExists(atPath: database))
  }

  enum Damage: String, CaseIterable { case truncated, foreign, overwritten, emptied, writeVersion, readVersion }

  @Test(arguments: Damage.allCases) func damagedDatabaseIsNamedAndLeftAlone(_ damage: Damage) throws {
    let state = try StateDirectory(example: nil)
    let url = URL(fileURLWithPath: state.path + "/xiecha.sqlite")
    var bytes = try Data(contentsOf: url)
    switch damage {
    case .truncated: bytes = bytes.prefix(4_096)
    case .foreign: bytes = Data("这不是数据库\n".utf8)
    case .overwritten:
      bytes.replaceSubrange(8_192..<bytes.count, with: Data(repeating: 0xA5, count: bytes.count - 8_192))
    case .emptied: bytes = Data()
    case .writeVersion: bytes[18] = 0x5A
    case .readVersion: bytes[19] = 0
    }
    try bytes.write(to: url)
    for command in [["serve", "--listen", "127.0.0.1:0"], ["check"]] {
      let result = try state.run(command, timeout: 20)
      #expect(result.status == 1, "\(result.stdout)\(result.stderr)")
      #expect(result.stderr.contains("\(url.path) is damaged"), "\(result.stderr)")
      #expect(try Data(contentsOf: url) == bytes, "evidence was overwritten")
    }
  }

  /// Missing, open to others, short: by `check`, before a start fails on it.
  @Test func dataKeyIsCheckedAndRenewedOnlyWhenLost() throws {
    let state = try StateDirectory()
    let (file, key) = (state.path + "/data.key", state.path + "/data.key.copy")
    try FileManager.default.copyItem(atPath: file, toPath: key)
    let daemon = try Daemon(state: state)
    let again = ["Idempotency-Key": "endpoint-1"]
    func make(_ daemon: Daemon) throws -> Reply {
      try daemon.client(.responder).call(
        "POST", "/v1/endpoints", json: #"{"url": "http://127.0.0.1:9/"}"#, headers: again)
    }
    let made = try make(daemon)
    #expect(made.status == 201 && made.json["secret"].string != nil)
    #expect(try make(daemon).json["secret"] == made.json["secret"], "who asks once more is told once more")
    let held = try state.run(["key", "renew-data"])
    #expect(held.status == 1 && held.stderr.contains("another daemon"), "\(held.stderr)")
    #expect(try daemon.terminate() == 0)
    #expect(try state.run(["check"]).stdout.contains("data key     ok"))
    #expect(try state.run(["key", "renew-data"]).status == 2, "there is one")
    func expectRefusal(_ words: String) throws {
      for command in [["check"], ["serve", "--listen", "127.0.0.1:0"]] {
        let result = try state.run(command, timeout: 20)
        #expect(result.status == 2 && result.stderr.contains(words), "\(command): \(result.stderr)")
      }
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
    try expectRefusal("is open to others (mode 644)")
    try FileManager.default.removeItem(atPath: file)
    try expectRefusal("data.key is missing, and 1 endpoint cannot do without it")
    #expect(!FileManager.default.fileExists(atPath: file))
    #expect(try state.run(["backup", state.path + "/copy.sqlite"]).status == 0)
    let renewed = try state.run(["key", "renew-data"])
    #expect(renewed.status == 0 && renewed.stdout.contains("endpoints switched off: 1"), "\(renewed.stderr)")
    let second = try Daemon(state: state)
    let id = made.json["id"].string ?? "?"
    let client = try second.client(.responder)
    #expect(try client.call("GET", "/v1/endpoints/\(id)").json["enabled"].bool == false)
    let repeated = try make(second)
    #expect(repeated.status == 201 && repeated.json["secret"].isNull, "nobody knows it: \(repeated.text)")
    #expect(
      try second.client().call("GET", "/metrics").text.contains(#"xiecha_endpoints_disabled{cause="secret-lost"} 1"#))
    for body in [#"{"enabled": true}"#, #"{"enabled": false}"#, #"{"enabled": true}"#] {
      let reply = try client.call("PATCH", "/v1/endpoints/\(id)", json: body)
      #expect(reply.status == (body.contains("true") ? 409 : 200), "\(reply.text)")
    }
    let tested = try client.call("POST", "/v1/endpoints/\(id)/test")
    #expect(tested.status == 409 && tested.json["code"].string == "secret-lost", "\(tested.text)")
    let rotated = try client.call("POST", "/v1/endpoints/\(id)/rotate").json
    let turned = rotated["secret"].string
    #expect(turned?.hasPrefix("whsec_") == true && turned != made.json["secret"].string)
    #expect(rotated["oldSecretValidUntil"] == rotated["secretRotatedAt"], "nobody has the one before: \(rotated)")
    let on = try client.call("PATCH", "/v1/endpoints/\(id)", json: #"{"enabled": true}"#).json
    #expect(on["enabled"].bool == true && on["disabledReason"].isNull)
  }

  /// The database is gone; its keys are not to go as well.
  @Test func keysOfAnEarlierDatabaseAreKept() throws {
    let state = try StateDirectory()
    let keys = try Data(contentsOf: URL(fileURLWithPath: state.path + "/keys.json"))
    try FileManager.default.removeItem(atPath: state.path + "/xiecha.sqlite")
    let again = try state.run(["init"])
    #expect(again.status == 1 && again.stderr.contains("holds the keys of an earlier database"), "\(again.stderr)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: state.path + "/keys.json")) == keys)
    #expect(!FileManager.default.fileExists(atPath: state.path + "/xiecha.sqlite"))
    try FileManager.default.removeItem(atPath: state.path + "/keys.json")
    #expect(try state.run(["init"]).status == 0)
  }

  /// Whoever starts it without standard error has no log, and a database as before.
  @Test func closedStandardFilesHarmNothing() throws {
    let state = try StateDirectory()
    let copy = state.path + "/copy.sqlite"
    let ended = try runTool(
      ["-c", "\"$0\" backup --state-dir \"$1\" \"$2\" <&- >&- 2>&-", Binary.path, state.path, copy], binary: "/bin/sh")
    #expect(ended.status == 0, "\(ended)")
    let wrong = try runTool(
      ["-c", "\"$0\" backup --state-dir \"$1\" \"$2\" <&- >&- 2>&-", Binary.path, state.path, copy], binary: "/bin/sh")
    #expect(wrong.status == 2, "it is there already: \(wrong)")
    #expect(try state.run(["verify"]).status == 0)
  }

  /// As a version put them in that did not look.
  @Test func checkNamesSuperiorsThatAreNone() throws {
    let state = try StateDirectory()
    let (own, unknown) = (Qidong.requester.code, Qidong.responder.code)
    let (one, other) = (Qidong.supervisor.code, Qidong.stranger.code)
    for (organ, superior) in [(own, own), (unknown, "11320681MB0000001R"), (one, other), (other, one)] {
      let done = try runTool(
        [state.path + "/xiecha.sqlite", "UPDATE organ SET superior = '\(superior)' WHERE code = '\(organ)'"],
        binary: "/usr/bin/sqlite3")
      #expect(done.status == 0, "\(done.stderr)")
    }
    let check = try state.run(["check"])
    #expect(check.status == 0, "\(check.stderr)")
    let words = [
      "\(own) is its own superior", "\(unknown) has a superior that is not in the directory: 11320681MB0000001R",
      "\(one) is in a circle of superiors: its own is \(other)",
      "\(other) is in a circle of superiors: its own is \(one)",
    ]
    for part in words { #expect(check.stdout.contains(part), "\(check.stdout)") }
    #expect(check.stdout.split(separator: "\n").count { $0.contains("superior") } == 4, "\(check.stdout)")
  }

  @Test func checkReportsAndWarns() throws {
    let full = try StateDirectory().run(["check"])
    #expect(full.status == 0)
    for part in ["verification", "organs         18", "items          50", "list       31", "2026"] {
      #expect(full.stdout.contains(part), "\(part) not in \(full.stdout)")
    }
    #expect(!full.stdout.contains("no organ has the role supervisor"))
    let empty = try StateDirectory(example: nil).run(["check"])
    #expect(empty.status == 0 && empty.stdout.contains("no organ has the role supervisor"))
    #expect(empty.stdout.contains("passed with"))
    let bare = try StateDirectory()
    #expect(!(try bare.run(["check"]).stdout.contains("there is no procedure verification")))
    try FileManager.default.removeItem(atPath: bare.path + "/procedures/verification.yaml")
    let check = try bare.run(["check"])
    #expect(check.status == 0 && check.stdout.contains("there is no procedure verification"), "\(check.stdout)")
  }
}
