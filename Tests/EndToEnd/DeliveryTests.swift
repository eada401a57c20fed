internal import TestSupport
internal import Testing

extension EndToEnd {
  /// What organs and operators do about callbacks: retry, rotate, and where they may go at all.
  @Suite struct Deliveries {
    /// What was registered while http:// was allowed gets nothing once it is not, and nothing is lost by that.
    @Test func plainHTTPIsRefusedAtSendingToo() throws {
      let state = try StateDirectory()
      let sink = try Sink { _ in .status(200) }
      let allowed = try Daemon(state: state)
      let endpoint = try allowed.client(.responder).createEndpoint(
        sink.url, ["events": .array([.string("request.submitted")])])
      #expect(try allowed.terminate() == 0)
      let flags = ["--set", "callbacks.allowHTTP=false"]
      let check = try state.run(["check"] + flags)
      #expect(check.status == 0 && check.stdout.contains("one endpoint has an http:// address"), "\(check.stdout)")
      #expect(!(try state.run(["check"]).stdout.contains("http:// address")))
      let strict = try Daemon(state: state, extraArguments: flags)
      #expect(strict.stderrText.contains("one endpoint has an http:// address"))
      let organ = try strict.client(.responder)
      _ = try strict.client(.requester).submit()
      try eventually("the refusal is on record") {
        try organ.deliveries(to: endpoint, state: "pending").contains {
          $0["lastError"].string?.contains("callbacks.allowHTTP is false") == true
        }
      }
      let test = try organ.call("POST", "/v1/endpoints/\(endpoint.id)/test").json
      #expect(test["delivered"].bool == false && test["error"].string?.contains("callbacks.allowHTTP 为 false") == true)
      #expect(sink.received.isEmpty)
      #expect(try strict.terminate() == 0)
      let again = try Daemon(state: state)
      let delivery = try again.client(.responder).deliveries(to: endpoint, state: "pending").first?["id"].string
      _ = try again.client(.responder).call("POST", "/v1/deliveries/\(try #require(delivery))/retry")
      try eventually("it arrives after all") { sink.received.count == 1 }
    }

    @Test func deadOnesAreVisibleAndCanBeRetried() throws {
      // Neither the breaker nor being switched off after five days: how often each is tried while the clock moves is
      // the machine's affair.
      let config = [
        "callbacks.retry.stepsSeconds": "[1]", "callbacks.disableAfterDays": "0",
        "callbacks.breaker.minimumAttempts": "10000",
      ]
      let state = try StateDirectory(rehearseAt: "2026-03-02T09:00:00+08:00", config: config)
      let daemon = try Daemon(state: state)
      let (requester, organ) = (try daemon.client(.requester), try daemon.client(.responder))
      let sink = try Sink { _ in .status(500) }
      let endpoint = try organ.createEndpoint(
        sink.url, ["events": .array([.string("request.submitted")])])
      let ids = try (0..<3).map { _ in try requester.submit() }
      try eventually("the first attempts are on record") {
        let pending = try organ.deliveries(to: endpoint, state: "pending")
        return pending.count == 3 && pending.allSatisfy { ($0["attempts"].int ?? 0) >= 1 }
      }
      let moved = try daemon.operatorClient().call(
        "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-18T09:00:00+08:00"}"#)
      #expect(moved.status == 200)
      try eventually("given up after 15 days") {
        try organ.deliveries(to: endpoint, state: "dead").count == 3
      }
      let dead = Array(try organ.deliveries(to: endpoint, state: "dead").reversed())
      #expect(dead.map { $0["request"].string } == ids)
      #expect(dead.allSatisfy { $0["lastError"].string == "HTTP 500" && ($0["attempts"].int ?? 0) >= 2 })
      #expect(try organ.deliveries(to: endpoint, state: "pending").isEmpty)
      let tried = sink.receivedCount
      pause(milliseconds: 1_500)
      #expect(sink.receivedCount == tried, "dead is dead")

      sink.behaviour = { _ in .status(200) }
      let path = "/v1/deliveries/\(dead[0]["id"].string ?? "")/retry"
      #expect(try daemon.client(.stranger).call("POST", path).status == 404)
      let retried = try organ.call("POST", path)
      #expect(retried.status == 202 && retried.json["state"].string == "pending", "\(retried.text)")
      try #require(sink.wait(for: tried + 1, timeout: 5))
      #expect(sink.received[tried].request == ids[0])
      // First attempts of different requests arrive in any order.
      #expect(sink.received[tried].webhookID == sink.received.first { $0.request == ids[0] }?.webhookID)

      // The command line reaches the running daemon as well.
      let listed = try state.run(["outbox", "list", "--state", "dead", "--json"]).json
      #expect(Set((listed.array ?? []).compactMap { $0["request"].string }) == Set(ids.dropFirst()))
      let one = try state.run(["outbox", "retry", try #require(dead[1]["id"].string)])
      #expect(one.status == 0, "\(one.stderr)")
      try #require(sink.wait(for: tried + 2, timeout: 10), "outbox retry has not reached the daemon")
      #expect(sink.received[tried + 1].request == ids[1])
      #expect(try state.run(["outbox", "retry", "--all", "--endpoint", endpoint.id]).status == 0)
      try #require(sink.wait(for: tried + 3, timeout: 10))
      try eventually("all delivered") {
        try organ.deliveries(to: endpoint, state: "delivered").count == 3
      }
      #expect(sink.receivedCount == tried + 3)
    }

    @Test func bothSecretsSignForADayAfterRotation() throws {
      let state = try StateDirectory(rehearseAt: "2026-03-02T09:00:00+08:00")
      let daemon = try Daemon(state: state)
      let (requester, organ) = (try daemon.client(.requester), try daemon.client(.responder))
      let sink = try Sink()
      let old = try organ.createEndpoint(sink.url)
      _ = try requester.submit()
      try #require(sink.wait(for: 1))
      #expect(Receiver.signatures(sink.received[0]).count == 1)
      let reply = try organ.call("POST", old.path + "/rotate").json
      let secret = try #require(reply["secret"].string)
      #expect(secret != old.secret)
      #expect(reply["oldSecretValidUntil"].string?.hasPrefix("2026-03-03T09:00") == true)
      _ = try requester.submit()
      try #require(sink.wait(for: 2))
      let both = sink.received[1]
      #expect(
        Receiver.signatures(both) == [
          try Receiver.expected(both, secret: secret), try Receiver.expected(both, secret: old.secret),
        ])
      try Receiver.verify(both, secret: secret)
      try Receiver.verify(both, secret: old.secret)
      _ = try daemon.operatorClient().call(
        "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-03T10:00:00+08:00"}"#)
      let id = try requester.submit()
      try #require(sink.wait(timeout: 5) { $0.contains { $0.request == id } })
      let alone = try #require(sink.received.last { $0.request == id })
      #expect(Receiver.signatures(alone) == [try Receiver.expected(alone, secret: secret)])
    }

    @Test(arguments: [
      "http://169.254.169.254/latest/meta-data/", "http://2852039166/", "http://0xA9FEA9FE/",
      "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/", "http://10.0.0.1/", "ftp://127.0.0.1/",
      "http://user:secret@127.0.0.1/",
    ])
    func forbiddenAddressesAreRefusedAtCreation(url: String) throws {
      let daemon = try Daemon(state: try StateDirectory())
      let organ = try daemon.client(.responder)
      let reply = try organ.call("POST", "/v1/endpoints", json: #"{"url": "\#(url)"}"#)
      #expect(reply.status == 422 && reply.json["errors"][0]["pointer"].string == "/url", "\(reply.text)")
      let sink = try Sink()
      let endpoint = try organ.createEndpoint(sink.url)
      #expect(try organ.call("PATCH", endpoint.path, json: #"{"url": "\#(url)"}"#).status == 422)
      #expect(try organ.call("GET", endpoint.path).json["url"].string == sink.url)
    }

    /// The address is judged again at every connection: what a name resolves to may have changed.
    @Test func nothingIsSentToANameThatResolvesToAForbiddenAddress() throws {
      let state = try StateDirectory(config: ["callbacks.retry.stepsSeconds": "[1]"])
      let sink = try Sink()
      var daemon = try Daemon(state: state)
      let endpoint = try daemon.client(.responder).createEndpoint("http://localhost:\(sink.port)/")
      #expect(try daemon.terminate() == 0)
      daemon = try Daemon(state: state, extraArguments: ["--set", "callbacks.allowedNetworks=[]"])
      let organ = try daemon.client(.responder)
      let again = try organ.call(
        "POST", "/v1/endpoints", json: #"{"url": "http://localhost:\#(sink.port)/"}"#)
      #expect(again.status == 422)
      _ = try daemon.client(.requester).submit()
      try eventually("two attempts are on record") {
        try (organ.deliveries(to: endpoint)[0]["attempts"].int ?? 0) >= 2
      }
      let delivery = try organ.deliveries(to: endpoint)[0]
      #expect(delivery["lastError"].string?.contains("is not allowed") == true, "\(delivery)")
      #expect(delivery["state"].string == "pending")
      let test = try organ.call("POST", endpoint.path + "/test").json
      #expect(test["delivered"].bool == false && test["error"].string?.contains("not allowed") == true)
      #expect(sink.connectionCount == 0)
    }
  }
}
