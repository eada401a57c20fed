internal import TestSupport
internal import Testing

/// Keys come and go under a running daemon.
@Suite(.timeLimit(.minutes(5))) struct KeyTests {
  @Test func newKeysWorkAndRevokedOnesDoNotAtOnce() throws {
    let state = try StateDirectory()
    let daemon = try Daemon(state: state)
    func status(_ key: String, _ path: String = "/v1/requests") throws -> Int {
      try daemon.client(key: key).call("GET", path).status
    }
    let created = try state.run(["key", "create", "--organ", Qidong.stranger.code, "--json"])
    let (id, key) = (try #require(created.json["id"].int), try #require(created.json["key"].string))
    #expect(created.status == 0 && created.json["organ"].string == Qidong.stranger.code)
    #expect(try status(key) == 200)
    // In plain words the key alone goes to standard output, so that a script can take it.
    let plain = try state.run(["key", "create", "--operator"])
    let other = plain.stdout.trimmingSuffix { $0 == "\n" }
    #expect(other.hasPrefix("xck_") && !other.contains(" ") && plain.stderr.contains("shown this once"))
    #expect(try status(String(other), "/v1/deliveries") == 200)
    #expect(try status(String(other)) == 403)

    let listed = try #require(try state.run(["key", "list", "--json"]).json.array)
    #expect(listed.count == Qidong.allCases.count + 3)
    let mine = try #require(listed.first { $0["id"].int == id })
    #expect(mine["organ"].string == Qidong.stranger.code && mine["revokedAt"].isNull)
    #expect(!(try state.run(["key", "list"]).stdout.contains("xck_")))

    let revoked = try state.run(["key", "revoke", "\(id)"])
    #expect(revoked.status == 0, "\(revoked.stderr)")
    #expect(try status(key) == 401)
    #expect(try status(state.key(of: Qidong.stranger)) == 200, "the organ's other key goes on")
    #expect(try state.run(["key", "list"]).stdout.contains("revoked 已吊销"))
    #expect(try state.run(["key", "revoke", "\(id)"]).status == 1)
    #expect(try state.run(["key", "revoke", "4711"]).status == 1)
    #expect(try state.run(["key", "create", "--organ", "11320681MB0000001R"]).status == 2)
  }

  @Test func keysAreTakenUpWithoutADaemonToo() throws {
    let state = try StateDirectory()
    let key = try #require(
      try state.run(["key", "create", "--organ", Qidong.responder.code, "--json"]).json["key"].string)
    let daemon = try Daemon(state: state)
    #expect(try daemon.client(key: key).call("GET", "/v1/requests").status == 200)
  }
}

extension String {
  fileprivate func trimmingSuffix(while drop: (Character) -> Bool) -> Substring {
    self[..<(lastIndex { !drop($0) }.map { index(after: $0) } ?? startIndex)]
  }
}
