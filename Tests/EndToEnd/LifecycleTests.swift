internal import TestSupport
internal import Testing

extension EndToEnd {
  /// One request's way from the question to the reply, seen by both parties.
  @Suite struct Lifecycle {
    let state: StateDirectory
    let daemon: Daemon
    let requester: Client
    let responder: Client

    init() throws {
      state = try StateDirectory()
      daemon = try Daemon(state: state)
      requester = try daemon.client(.requester)
      responder = try daemon.client(.responder)
    }

    @Test func answerReachesBothPartiesSignedAndInOrder() throws {
      let (theirs, ours) = (try Sink(), try Sink())
      let thin = try requester.createEndpoint(theirs.url + "/thin")
      let full = try responder.createEndpoint(ours.url, ["body": .string("full")])
      let person = Person()
      let id = try requester.submit(marriageRequest(subject: person))
      let acknowledged = try responder.move(id, "acknowledge", #"{"officer": "赵六"}"#)
      #expect(acknowledged.status == 200 && acknowledged.headers["etag"] == "\"2\"")
      let answered = try responder.move(id, "answer", answerBody(result: "no-record"))
      #expect(answered.json["state"].string == "answered", "\(answered.text)")
      #expect(answered.json["answer"]["findings"][0]["result"].string == "no-record")
      #expect(answered.json["due"]["status"].string == "met")

      let types = ["request.submitted", "request.acknowledged", "request.answered"]
      let timeline = try requester.timeline(id)
      #expect(timeline.map { $0["type"].string } == types)
      for (sink, endpoint) in [(theirs, thin), (ours, full)] {
        try #require(sink.wait(for: 3))
        let pushes = sink.received
        #expect(pushes.map(\.type) == types)
        #expect(pushes.map(\.request) == [id, id, id])
        #expect(pushes.map { $0.json["data"]["version"].int } == [1, 2, 3])
        #expect(pushes.map(\.webhookID) == timeline.compactMap { $0["id"].string })
        #expect(pushes.map(\.seq) == timeline.compactMap { $0["seq"].int })
        for push in pushes { try Receiver.verify(push, secret: endpoint.secret) }
        #expect(sink.faults == [])
        // Whoever sees the wire or the receiver's log must not learn whom it is about.
        #expect(!pushes.contains { $0.text.contains(person.idNumber) })
      }
      #expect(theirs.received.allSatisfy { $0.path == "/thin" && !$0.text.contains(person.name) })
      #expect(ours.received.allSatisfy { $0.json["data"]["subject"]["name"].string == person.name })
      try eventually("both endpoints show three deliveries") {
        try requester.deliveries(to: thin, state: "delivered").count == 3
          && responder.deliveries(to: full, state: "delivered").count == 3
      }
      let shown = try requester.call("GET", thin.path).json
      #expect(shown["pending"].int == 0 && shown["secret"].isMissing)
      #expect(shown["lastDeliveredAt"].string != nil)
    }

    @Test func declineNeedsReasons() throws {
      let id = try requester.submit()
      let bare = try responder.move(id, "decline", #"{"reasonCode": "too-busy"}"#)
      #expect(bare.status == 422 && bare.headers["content-type"] == "application/problem+json")
      let pointers = Set((bare.json["errors"].array ?? []).compactMap { $0["pointer"].string })
      #expect(pointers.isSuperset(of: ["/reason", "/signatory"]), "\(bare.text)")
      let invented = try responder.move(id, "decline", declineBody(reasonCode: "too-busy"))
      #expect(invented.status == 422 && invented.text.contains("/reasonCode"))
      #expect(try requester.request(id)["version"].int == 1)

      let declined = try responder.move(id, "decline", declineBody(competentOrgan: .stranger))
      #expect(declined.json["state"].string == "declined", "\(declined.text)")
      let seen = try requester.request(id)
      #expect(seen["decline"]["reasonCode"].string == "not-competent")
      #expect(seen["decline"]["reason"].string?.isEmpty == false)
      #expect(seen["decline"]["competentOrgan"].string == Qidong.stranger.code)
      let late = try responder.move(id, "answer", answerBody())
      #expect(late.status == 409 && late.json.code == "illegal-transition")
      #expect(late.json["state"].string == "declined" && late.json["allowed"] == .array([]))
    }

    @Test func onlyTheRequesterWithdrawsAndOnlyPartiesSee() throws {
      let id = try requester.submit()
      let notMine = try responder.move(id, "withdraw", #"{"reason": "承诺退出"}"#)
      #expect(notMine.status == 403 && notMine.json.code == "forbidden")
      let withdrawn = try requester.move(id, "withdraw", #"{"reason": "申请人退出承诺"}"#)
      #expect(withdrawn.json["state"].string == "withdrawn", "\(withdrawn.text)")
      #expect(withdrawn.json["withdrawal"]["reason"].string == "申请人退出承诺")
      let stranger = try daemon.client(.stranger)
      #expect(try stranger.call("GET", "/v1/requests/\(id)").status == 404)
      #expect(try stranger.move(id, "withdraw", #"{"reason": "x"}"#).status == 404)
      #expect(try daemon.client(.supervisor).request(id)["state"].string == "withdrawn")
      #expect(try daemon.operatorClient().call("GET", "/v1/requests/\(id)").status == 403)
      #expect(try daemon.client().call("GET", "/v1/requests/\(id)").status == 401)
    }

    @Test func versionsGuardReadersAndWriters() throws {
      let created = try requester.call("POST", "/v1/requests", json: marriageRequest())
      let path = try #require(created.headers["location"])
      let id = try #require(created.json["id"].string)
      #expect(path == "/v1/requests/\(id)" && created.headers["etag"] == "\"1\"")
      let same = try requester.call("GET", path, headers: ["If-None-Match": "\"1\""])
      #expect(same.status == 304 && same.body.isEmpty && same.headers["etag"] == "\"1\"")
      let stale = try responder.move(id, "acknowledge", headers: ["If-Match": "\"7\""])
      #expect(stale.status == 412 && stale.json.code == "precondition-failed")
      let fresh = try responder.move(id, "acknowledge", headers: ["If-Match": "\"1\""])
      #expect(fresh.status == 200 && fresh.json["version"].int == 2)
      let changed = try requester.call("GET", path, headers: ["If-None-Match": "\"1\""])
      #expect(changed.status == 200 && changed.headers["etag"] == "\"2\"")
      let again = try responder.move(id, "acknowledge")
      #expect(again.status == 409 && again.json["state"].string == "acknowledged")
      #expect(
        again.json["allowed"].array?.compactMap(\.string).sorted() == [
          "answer", "ask", "decline", "extend", "return",
        ])
    }

    @Test func idNumberIsMaskedUntilAPartyAsksAndThatIsRecorded() throws {
      let person = Person()
      let id = try requester.submit(marriageRequest(subject: person))
      let masked = try responder.request(id)["subject"]["idNumber"].string
      #expect(masked == person.idNumber.prefix(6) + "********" + person.idNumber.suffix(4))
      #expect(try Disclosures.of(state) == 0)
      let reply = try responder.call("GET", "/v1/requests/\(id)?reveal=subject")
      #expect(reply.json["subject"]["idNumber"].string == person.idNumber)
      #expect(reply.headers["cache-control"] == "no-store")
      #expect(try Disclosures.of(state) == 1)
      let supervisor = try daemon.client(.supervisor)
      #expect(try supervisor.call("GET", "/v1/requests/\(id)?reveal=subject").status == 403)
      #expect(try daemon.client(.stranger).call("GET", "/v1/requests/\(id)?reveal=subject").status == 404)
      #expect(try Disclosures.of(state) == 1)
      #expect(!daemon.stderrText.contains(person.idNumber))
    }
  }
}

/// How many reads of unmasked subjects are on record. There is no API for them yet, so the file is
/// asked, with SQLite's own shell.
private enum Disclosures {
  static func of(_ state: StateDirectory) throws -> Int {
    let result = try runTool(
      ["-readonly", state.path + "/xiecha.sqlite", "SELECT count(*) FROM disclosure"],
      binary: "/usr/bin/sqlite3")
    return try #require(Int(result.stdout.filter(\.isNumber)), "\(result.stderr)")
  }
}
