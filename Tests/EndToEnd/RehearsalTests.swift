internal import TestSupport
internal import Testing

extension EndToEnd {
  /// Days that pass in a moment: the drill over the Spring Festival of 2026.
  ///
  /// Received on Friday 13 February at 17:45, five working days. By the notice: Saturday 14 is
  /// worked (day 1); 15 to 23 are off; 24, 25, 26 and 27 are days 2 to 5. So the last day is Friday
  /// 27 February, and it runs to 28 February 00:00. Saturday 28 is worked as well.
  @Suite struct Rehearsal {
    static let received = "2026-02-13T17:45:00+08:00"
    static let ladder = [
      // Two working days before the 27th, and one.
      ("T-2", "request.due-soon", "2026-02-25T00:00:00+08:00"),
      ("T-1", "request.due-soon", "2026-02-26T00:00:00+08:00"),
      ("T", "request.overdue", "2026-02-28T00:00:00+08:00"),
      // The next working day is the make-up Saturday; people are told when offices open.
      ("T+1", "request.escalated", "2026-02-28T09:00:00+08:00"),
    ]

    private func advance(_ daemon: Daemon, _ to: String) throws -> Int {
      let reply = try daemon.operatorClient().call(
        "POST", "/v1/rehearsal/advance", json: #"{"to": "\#(to)"}"#)
      try #require(reply.status == 200, "\(reply.text)")
      return try #require(reply.json["recorded"].int)
    }

    /// At the moment itself or within the same minute: the rehearsed clock runs on while it is set.
    private static func isAt(_ value: JSONBody, _ moment: String) -> Bool {
      value.string?.hasPrefix(moment.prefix(17)) == true
    }

    private func rungs(_ client: Client, _ id: String) throws -> [JSONBody] {
      try client.timeline(id).filter { !$0["data"]["rung"].isMissing }
    }

    @Test func ladderOverSpringFestivalSurvivesKills() throws {
      let state = try StateDirectory(rehearseAt: Self.received)
      var daemon = try Daemon(state: state)
      #expect(daemon.waitForLog("REHEARSAL"))
      let (theirs, supervisors) = (try Sink(), try Sink())
      _ = try daemon.client(.responder).createEndpoint(theirs.url)
      _ = try daemon.client(.supervisor).createEndpoint(supervisors.url)
      let id = try daemon.client(.requester).submit()
      let due = try daemon.client(.requester).request(id)["due"]
      #expect(due["date"].string == "2026-02-27" && due["at"].string == "2026-02-28T00:00:00+08:00")
      #expect(due["workingDays"].int == 5 && due["remaining"].int == 5)
      #expect(due["status"].string == "running" && due["provisional"].bool == false)

      // Just before each rung, at it, and after a kill a little later.
      let before = [
        "2026-02-24T23:59:59+08:00", "2026-02-25T23:59:59+08:00", "2026-02-27T23:59:59+08:00",
        "2026-02-28T08:59:59+08:00",
      ]
      let after = [
        "2026-02-25T10:00:00+08:00", "2026-02-26T10:00:00+08:00", "2026-02-28T00:30:00+08:00",
        "2026-03-02T00:00:00+08:00",
      ]
      for (index, (rung, type, at)) in Self.ladder.enumerated() {
        #expect(try advance(daemon, before[index]) == 0)
        #expect(try advance(daemon, at) == 1, "\(rung)")
        daemon.kill9()
        daemon = try Daemon(state: state)
        #expect(try advance(daemon, after[index]) == 0, "a restart repeats no rung")
        let seen = try rungs(daemon.client(.responder), id)
        try #require(seen.count == index + 1)
        let last = seen[index]
        #expect(last["type"].string == type && Self.isAt(last["at"], at), "\(last)")
        #expect(last["data"]["rung"].string == rung && last["data"]["scheduledAt"].string == at)
        #expect(last["actor"]["kind"].string == "clock" && last["data"]["dueDate"].string == "2026-02-27")
      }
      #expect(try daemon.client(.requester).items("/v1/requests?overdue=true").count == 1)
      try expectEscalationReached(daemon, id, theirs: theirs, supervisors: supervisors)
      try answerLate(daemon, id)
      try state.expectVerified()
    }

    private func expectEscalationReached(
      _ daemon: Daemon, _ id: String, theirs: Sink, supervisors: Sink
    ) throws {
      // The supervisor hears of the escalation and of nothing else.
      let feed = try daemon.client(.supervisor).items("/v1/events?after=0")
      #expect(feed.map { $0["type"].string } == ["request.escalated"])
      #expect(feed[0]["request"].string == id)
      try #require(
        supervisors.wait(for: 1)
          && theirs.wait(timeout: 10) { pushes in
            Set(pushes.map(\.webhookID)).count == 5
          })
      #expect(Set(supervisors.received.map(\.type)) == ["request.escalated"])
      #expect(supervisors.received[0].webhookID == feed[0]["id"].string)
      #expect(Self.isAt(supervisors.received[0].json["timestamp"], Self.ladder[3].2))
      var types: [String] = []
      var seen: Set<String> = []
      for push in theirs.received where seen.insert(push.webhookID).inserted { types.append(push.type) }
      #expect(types == ["request.submitted"] + Self.ladder.map(\.1))
    }

    private func answerLate(_ daemon: Daemon, _ id: String) throws {
      let late = try daemon.client(.responder).move(id, "answer", answerBody())
      #expect(late.status == 200 && late.json["answer"]["late"].bool == true, "\(late.text)")
      #expect(late.json["due"]["status"].string == "missed")
      let event = try daemon.client(.requester).timeline(id).last
      #expect(event?["data"]["late"].bool == true)
      #expect(try daemon.client(.requester).items("/v1/requests?overdue=true").isEmpty)
    }

    @Test func fiveWorkingDaysPassInOneCall() throws {
      let state = try StateDirectory(rehearseAt: Self.received)
      let daemon = try Daemon(state: state)
      let (requester, responder) = (try daemon.client(.requester), try daemon.client(.responder))
      let ids = try (0..<3).map { _ in try requester.submit() }
      // One is answered in time and must stay silent.
      #expect(try responder.move(ids[2], "answer", answerBody()).json["due"]["status"].string == "met")
      let started = ContinuousClock.now
      #expect(try advance(daemon, "2026-03-15T12:00:00+08:00") == 8)
      #expect(seconds(since: started) < 5)
      for id in ids.prefix(2) {
        let seen = try rungs(requester, id)
        #expect(seen.map { $0["data"]["rung"].string } == Self.ladder.map(\.0))
        #expect(seen.map { $0["type"].string } == Self.ladder.map(\.1))
        #expect(seen.map { $0["data"]["scheduledAt"].string } == Self.ladder.map(\.2))
        #expect(zip(seen, Self.ladder).allSatisfy { Self.isAt($0["at"], $1.2) }, "\(seen)")
      }
      #expect(try rungs(requester, ids[2]).isEmpty)
      let sum = try requester.call("GET", "/v1/requests/\(ids[0])/deadline").json
      let counted = (sum["explanation"].array ?? []).filter { $0["counted"].bool == true }
      #expect(
        counted.compactMap { $0["date"].string } == [
          "2026-02-14", "2026-02-24", "2026-02-25", "2026-02-26", "2026-02-27",
        ])
      let back = try daemon.operatorClient().call(
        "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-01T00:00:00+08:00"}"#)
      #expect(back.status == 422 && back.text.contains("/to"))
    }

    @Test func onlyTheOperatorAndOnlyInRehearsal() throws {
      let path = "/v1/rehearsal/advance"
      let json = #"{"to": "2036-01-01T00:00:00+08:00"}"#
      let drill = try Daemon(state: try StateDirectory(rehearseAt: Self.received))
      #expect(try drill.client(.requester).call("POST", path, json: json).status == 403)
      #expect(try drill.client(.supervisor).call("POST", path, json: json).status == 403)
      #expect(try drill.client().call("POST", path, json: json).status == 401)
      #expect(try drill.client().call("GET", "/readyz").json["rehearsal"].bool == true)

      // Started again with the same words it goes on where it was, and says so.
      #expect(try drill.operatorClient().call("POST", path, json: json).status == 200)
      #expect(try drill.terminate() == 0)
      let again = try Daemon(state: drill.state, extraArguments: ["--rehearse-at", Self.received])
      #expect(again.stderrText.contains("演练时钟只能向前：数据库已到 2036-01-01T"))
      #expect(again.stderrText.contains("--rehearse-at \(Self.received) is not used"))

      let state = try StateDirectory()
      let real = try Daemon(state: state)
      #expect(try real.operatorClient().call("POST", path, json: json).status == 404)
      #expect(try real.client(.requester).call("POST", path, json: json).status == 403)
      #expect(try real.terminate() == 0)
      #expect(!real.stderrText.contains("REHEARSAL"))
      let wrong = try state.run(["serve", "--listen", "127.0.0.1:0", "--rehearse-at", Self.received])
      #expect(wrong.status == 2 && wrong.stderr.contains("xiecha init --rehearse-at"))
      let nonsense = try state.run(["serve", "--listen", "127.0.0.1:0", "--rehearse-at", "tomorrow"])
      #expect(nonsense.status == 2 && nonsense.stderr.contains("RFC 3339"))
    }
  }
}
