internal import TestSupport
internal import Testing

extension EndToEnd {
  /// Receivers as they are in the field, all of them on one daemon at the same time.
  @Suite struct CallbackFaults {
    static let config = [
      "callbacks.connectTimeoutSeconds": "1", "callbacks.totalTimeoutSeconds": "2",
      "callbacks.retry.stepsSeconds": "[1]", "callbacks.retry.jitterPercent": "0",
    ]

    struct Misbehaviour: Sendable {
      let name: String
      let reply: SinkReply
      /// Part of the words in which the delivery tells it; nil when it counts as delivered.
      let words: String?
      var status: Int?
    }

    static let misbehaviours = [
      Misbehaviour(name: "stalls", reply: .stall(seconds: 30), words: "timed out"),
      Misbehaviour(name: "drips its head", reply: .dripHeader(everyMS: 300), words: "timed out"),
      Misbehaviour(name: "resets", reply: .reset, words: "reset"),
      Misbehaviour(name: "closes", reply: .closeWithoutReply, words: "Empty reply"),
      Misbehaviour(name: "talks garbage", reply: .garbage, words: "HTTP/0.9"),
      Misbehaviour(name: "fails", reply: .status(500), words: "HTTP 500", status: 500),
      Misbehaviour(name: "redirects", reply: .redirect(to: ""), words: "redirects", status: 307),
      Misbehaviour(name: "has gone", reply: .status(410), words: "HTTP 410", status: 410),
      // A final 2xx is a promise that it was taken, whatever follows it.
      Misbehaviour(name: "drips its body", reply: .drip(status: 200, everyMS: 100, bytes: 50), words: nil, status: 200),
      Misbehaviour(name: "pours out 10 MB", reply: .huge(status: 200, bytes: 10 << 20), words: nil, status: 200),
      Misbehaviour(name: "promises more", reply: .lieLong, words: nil, status: 200),
      Misbehaviour(name: "promises less", reply: .lieShort, words: nil, status: 200),
      Misbehaviour(name: "says nothing, politely", reply: .status(204), words: nil, status: 204),
    ]

    @Test func everyFaultIsToldAndDelaysNobodyElse() throws {
      let state = try StateDirectory(config: Self.config)
      let daemon = try Daemon(state: state)
      let (requester, organ) = (try daemon.client(.requester), try daemon.client(.responder))
      let (elsewhere, healthy) = (try Sink(), try Sink())
      var sinks: [Sink] = []
      var endpoints: [OwnEndpoint] = []
      for fault in Self.misbehaviours {
        let reply = fault.name == "redirects" ? SinkReply.redirect(to: elsewhere.url) : fault.reply
        sinks.append(try Sink { _ in reply })
        endpoints.append(try organ.createEndpoint(try #require(sinks.last).url))
      }
      // Nobody listens there any more.
      let absent = try Sink()
      let nobody = try organ.createEndpoint(absent.url)
      absent.close()
      _ = try organ.createEndpoint(healthy.url)

      for round in 1...4 {
        let id = try requester.submit()
        let started = ContinuousClock.now
        #expect(healthy.wait(for: round, timeout: 5), "round \(round)")
        #expect(seconds(since: started) < 1, "the healthy one waits for the others in round \(round)")
        #expect(healthy.received.last?.request == id)
        // Let the others get into the middle of their trouble.
        pause(milliseconds: 250)
      }
      try eventually("every fault is told", within: 30) {
        pause(milliseconds: 200)
        return try zip(Self.misbehaviours, endpoints).allSatisfy { fault, endpoint in
          try organ.deliveries(to: endpoint).allSatisfy { Self.isTold($0, fault) }
        }
      }
      for (fault, endpoint) in zip(Self.misbehaviours, endpoints) {
        for delivery in try organ.deliveries(to: endpoint) {
          #expect(Self.isTold(delivery, fault), "\(fault.name): \(delivery)")
        }
      }
      let refused = try #require(try organ.deliveries(to: nobody).first)
      #expect(refused["lastError"].string?.contains("onnect") == true && refused["lastStatus"].isNull)
      #expect(elsewhere.receivedCount == 0, "redirects are not followed")
      // Every delivery of a failing endpoint is tried: order holds within a request, not across.
      let failing = try #require(Self.misbehaviours.firstIndex { $0.name == "fails" })
      #expect(Set(sinks[failing].received.map(\.request)).count == 4)
      #expect(try daemon.operatorClient().items("/v1/deliveries?state=pending&limit=500").count >= 28)
      try goneIsGone(organ, requester, Self.misbehaviours.firstIndex { $0.name == "has gone" }, endpoints, sinks)
      // The last one went to both at once, and either may have had it first.
      #expect(healthy.wait(for: 5, timeout: 5))
      #expect(healthy.receivedCount == 5 && healthy.faults == [])
      #expect(try daemon.terminate() == 0)
      try state.expectVerified()
    }

    private static func isTold(_ delivery: JSONBody, _ fault: Misbehaviour) -> Bool {
      // What came after the one that was answered 410 is kept, untried.
      if fault.status == 410, delivery["attempts"].int == 0 { return delivery["state"].string == "pending" }
      guard delivery["lastStatus"].int == fault.status, (delivery["attempts"].int ?? 0) >= 1 else { return false }
      guard let words = fault.words else { return delivery["state"].string == "delivered" }
      return delivery["state"].string == (fault.status == 410 ? "dead" : "pending")
        && delivery["lastError"].string?.contains(words) == true
    }

    /// 410 switches the endpoint off, visibly, until its organ switches it on again; then it gets what it was owed.
    private func goneIsGone(
      _ organ: Client, _ requester: Client, _ index: Int?, _ endpoints: [OwnEndpoint], _ sinks: [Sink]
    ) throws {
      let (endpoint, sink) = (endpoints[try #require(index)], sinks[try #require(index)])
      let shown = try organ.call("GET", endpoint.path).json
      #expect(shown["enabled"].bool == false)
      #expect(shown["disabledReason"].string?.contains("410") == true)
      let before = sink.receivedCount
      #expect(before < 4, "nothing goes there while it is off")
      sink.behaviour = { _ in .status(200) }
      #expect(try organ.call("PATCH", endpoint.path, json: #"{"enabled": true}"#).status == 200)
      let id = try requester.submit()
      #expect(sink.wait(timeout: 5) { all in Set(all.dropFirst(before).map(\.request)).count == 5 })
      #expect(sink.received.contains { $0.request == id })
      #expect(sink.receivedCount == before + 5, "each of the four that it was owed, and the new one, once")
    }

    @Test func retryAfterIsHonouredUpToTwiceTheStep() throws {
      let daemon = try Daemon(state: try StateDirectory(config: Self.config))
      let organ = try daemon.client(.responder)
      let wishes: [String?] = [nil, "2", "3600"]
      let sinks = try wishes.map { wish in
        try Sink { _ in .status(503, headers: wish.map { [("Retry-After", $0)] } ?? []) }
      }
      for sink in sinks { _ = try organ.createEndpoint(sink.url) }
      _ = try daemon.client(.requester).submit()
      for (sink, wish) in zip(sinks, wishes) {
        try #require(sink.wait(for: 2, timeout: 10), "\(wish ?? "no wish")")
        let gap = Double((sink.received[1].at - sink.received[0].at) / .milliseconds(1)) / 1_000
        #expect(gap > (wish == nil ? 0.9 : 1.9) && gap < 6, "\(wish ?? "no wish"): \(gap) s")
      }
    }
  }
}
