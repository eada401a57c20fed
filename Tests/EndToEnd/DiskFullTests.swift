internal import TestSupport
internal import Testing

extension EndToEnd {
  /// The disk fills up under a daemon at work, and has space again later.
  @Suite struct DiskFull {
    @Test func writesAreRefusedReadsGoOnAndItRecoversByItself() throws {
      let state = try StateDirectory(config: ["callbacks.retry.stepsSeconds": "[1]"])
      let disk = try SmallDisk(under: state)
      let daemon = try disk.serve()
      // So slow that callbacks are on the wire as the disk fills, and are answered while nothing can be recorded.
      let sink = try Sink { _ in .delay(ms: 30, .status(204)) }
      _ = try daemon.client(.responder).createEndpoint(sink.url)
      let known = try daemon.client(.requester).submit()
      let load = Load(daemon)
      try onThreads(5, within: 120) { index in
        if index > 0 { return try load.run(pauseMS: 1...10) }
        defer { load.stop() }
        try eventually("some work is done") { load.ledger.promises.count > 30 }
        try disk.fill()
        try eventually("the disk is full", within: 30) { load.ledger.refused.count > 20 }
        // The log may still have room inside itself: until nothing is taken any more.
        var last = load.ledger
        try eventually("nothing is taken any more", within: 30) {
          let ledger = load.ledger
          if ledger.promises.count > last.promises.count { last = ledger }
          return ledger.refused.count >= last.refused.count + 40
        }
        try expectReadOnly(daemon, known)
        let (arrived, recorded) = (Set(sink.received.map(\.webhookID)).count, try Self.recorded(daemon))
        #expect(arrived > recorded, "\(recorded) of \(arrived) are recorded: none was under way as the disk filled")
        try disk.empty()
        try eventually("writes are taken again", within: 30) {
          try daemon.client(.requester).call(
            "POST", "/v1/requests", json: marriageRequest(reference: "恢复后")
          ).status == 201
        }
        let before = load.ledger.promises.count
        try eventually("work goes on") { load.ledger.promises.count > before + 20 }
      }
      #expect(daemon.isRunning)
      try eventually("it is ready again", within: 5) { try daemon.client().call("GET", "/readyz").status == 200 }

      let record = try Record(of: try daemon.client(.requester))
      var ledger = load.ledger
      let own = record.requests.filter { $0.key == known || $0.value.reference == "恢复后" }
      #expect(own.count == 2)
      for request in own.values { ledger.unknown.insert(request.reference) }
      record.expectKept(ledger)
      try eventually("every event at the sink", within: 30) {
        pause(milliseconds: 100)
        return Set(sink.received.map(\.webhookID)).count >= record.eventCount
      }
      // What arrived meanwhile was recorded when there was space, so nothing went out twice.
      #expect(record.expectArrived(sink.received) == 0)
      #expect(try daemon.terminate() == 0)
      try state.expectVerified()
      print(
        "disk full (\(disk.kind == .mount ? "tmpfs" : "RLIMIT_FSIZE")): \(ledger.promises.count) × 201 kept, "
          + "\(ledger.refused.count) × 503 left nothing behind")
    }

    /// Deliveries to the responder's one endpoint that the daemon knows to have arrived.
    private static func recorded(_ daemon: Daemon) throws -> Int {
      let organ = try daemon.client(.responder)
      var (count, path): (Int, String?) = (0, "/v1/deliveries?state=delivered&limit=500")
      while let next = path {
        let page = try organ.call("GET", next).json
        count += page["items"].array?.count ?? 0
        path = page["next"].string.map { "/v1/deliveries?state=delivered&limit=500&cursor=\($0)" }
      }
      return count
    }

    private func expectReadOnly(_ daemon: Daemon, _ known: String) throws {
      let (requester, responder) = (try daemon.client(.requester), try daemon.client(.responder))
      for (client, path, json) in [
        (requester, "/v1/requests", marriageRequest()),
        (responder, "/v1/requests/\(known)/acknowledge", "{}"),
      ] {
        let refused = try client.call("POST", path, json: json)
        #expect(refused.status == 503 && refused.json.code == "storage-unavailable", "\(refused.text)")
        #expect(refused.headers["content-type"] == "application/problem+json")
        #expect(Int(refused.headers["retry-after"] ?? "") ?? 0 >= 1)
      }
      #expect(try requester.request(known)["version"].int == 1)
      for path in ["/v1/requests?limit=5", "/v1/events?after=0", "/v1/organs", "/v1/requests/\(known)/deadline"] {
        #expect(try requester.call("GET", path).status == 200, "\(path)")
      }
      let ready = try daemon.client().call("GET", "/readyz")
      #expect(ready.status == 503 && ready.json["database"]["writable"].bool == false, "\(ready.text)")
      #expect(ready.headers["retry-after"] != nil)
      #expect(try daemon.client().call("GET", "/healthz").status == 200)
      let metrics = try daemon.client().call("GET", "/metrics").text
      #expect(metrics.contains("xiecha_database_writable 0"), "\(metrics.prefix(200))")
    }
  }
}
