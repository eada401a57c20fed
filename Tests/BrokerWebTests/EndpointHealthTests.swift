internal import TestSupport
internal import Testing

/// What an organ and the operator see of an endpoint that fails: breaker, days, the switch, the notice, the way back.
@Suite(.timeLimit(.minutes(2))) struct EndpointHealthTests {
  private static let config = ["callbacks.totalTimeoutSeconds": "2", "callbacks.breaker.pauseSeconds": "3000"]

  @Test func breakerIsShownToItsOrganAndToTheOperator() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start, config: Self.config))
    let (organ, sink) = (try daemon.client(.responder), try Sink { _ in .status(500) })
    let id = try daemon.register(sink.url + "/secret?token=x", for: .responder)
    #expect(
      try organ.get("/v1/endpoints/\(id)")["breaker"]
        == .object(["state": .string("closed"), "since": .null, "nextProbeAt": .null, "failureRatio": .null]))
    for _ in 0..<30 { _ = try daemon.submit() }
    try eventually("the breaker is open") {
      try organ.get("/v1/endpoints/\(id)")["breaker"]["state"].string == "open"
    }
    let shown = try organ.get("/v1/endpoints/\(id)")
    #expect(!shown["breaker"]["nextProbeAt"].isNull && !shown["breaker"]["since"].isNull, "\(shown)")
    #expect(shown["pending"].int == 30 && shown["failingSince"].string?.hasPrefix("2026-03-02T10:") == true)
    #expect(try organ.get("/v1/endpoints")["items"][0]["breaker"] == shown["breaker"])
    let top = try daemon.operatorClient().get("/v1/outbox/top")
    let row = top["items"][0]
    #expect(top["queued"].int == 30 && row["queued"].int == 30 && row["breaker"]["state"].string == "open")
    #expect(row["origin"].string == sink.url && !"\(top)".contains("token"), "\(row)")
    #expect((row["recentAttempts"].int ?? 0) >= 10 && !row["p99Ms"].isNull)
    let metrics = try daemon.client().done("GET", "/metrics").text
    #expect(metrics.contains("xiecha_endpoints{breaker=\"open\"} 1\n"), "\(metrics)")

    try traced(daemon, organ, id)

    // The command shows the same, from the daemon; and from the database alone when that is gone.
    let url = ["--url", "http://127.0.0.1:\(daemon.port)"]
    let live = try daemon.state.run(["outbox", "top", "--once", "--json"] + url)
    #expect(live.status == 0 && live.json["live"].bool == true, "\(live.stdout)\(live.stderr)")
    #expect(live.json["top"]["items"][0]["endpoint"].string == id)
    let table = try daemon.state.run(["outbox", "top", "--once"] + url).stdout
    #expect(table.contains(id) && table.contains("open") && table.contains("breaker"), "\(table)")
    // Last, for the queue is tried anew after it.
    let rotated = try organ.done("POST", "/v1/endpoints/\(id)/rotate").json
    for figure in ["pending", "lastDeliveredAt", "failingSince", "breaker"] {
      #expect(rotated[figure] == shown[figure], "\(rotated)")
    }
    #expect(try daemon.terminate() == 0)
    let alone = try daemon.state.run(["outbox", "top", "--once", "--json"])
    #expect(alone.json["live"].bool == false && alone.json["trouble"].string?.contains("not running") == true)
    #expect(alone.json["top"]["items"][0]["queued"].int == 30 && alone.json["top"]["items"][0]["breaker"].isNull)
    let words = try daemon.state.run(["outbox", "top", "--once"])
    #expect(words.status == 0 && words.stdout.contains("服务未运行") && words.stdout.contains(id), "\(words.stderr)")
  }

  /// One that was never tried is due, and told as what waits for its endpoint: by the daemon, and by the command, which
  /// knows what the database does.
  private func traced(_ daemon: Daemon, _ organ: Client, _ endpoint: String) throws {
    let untried = try organ.get("/v1/deliveries?endpoint=\(endpoint)&state=pending")["items"].array ?? []
    let id = try #require(untried.first { $0["attempts"].int == 0 }?["id"].string)
    let shown = try organ.get("/v1/deliveries/\(id)")
    #expect(shown["waitsFor"].string == "endpoint-failing", "\(shown)")
    #expect(shown["failingSince"].string?.hasPrefix("2026-03-02T10:") == true, "\(shown)")
    let traced = try daemon.state.run(["outbox", "trace", id, "--json"]).json
    for member in ["waitsFor", "failingSince"] { #expect(traced[member] == shown[member], "\(traced)") }
    let words = try daemon.state.run(["outbox", "trace", id]).stdout
    #expect(words.contains("已到期") && words.contains("failing since 2026-03-02T10:"), "\(words)")
    #expect(!words.contains("next attempt"), "\(words)")
  }

  /// Five working days of nothing but failures, with the daemon started anew among them; then the organ is told, mends
  /// it, and gets what it is owed.
  @Test func daysOfFailureSwitchItOff() throws {
    let state = try StateDirectory(rehearseAt: House.start)
    var daemon = try Daemon(state: state)
    let sink = try Sink { _ in .status(503) }
    let id = try daemon.register(sink.url, for: .responder)
    let request = try #require(try daemon.submit()["id"].string)
    try #require(sink.wait(for: 1))
    for day in [3, 4, 5, 6, 7, 9] {
      let tried = sink.receivedCount
      #expect(try daemon.client(.responder).get("/v1/endpoints/\(id)")["enabled"].bool == true, "on the \(day)th")
      if day == 5 {
        #expect(try daemon.terminate() == 0)
        daemon = try Daemon(state: state)
      }
      try daemon.operatorClient().done(
        "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-0\#(day)T22:00:00+08:00"}"#)
      try eventually("an attempt on the \(day)th") { sink.receivedCount > tried }
    }
    let organ = try daemon.client(.responder)
    try eventually("it is off") { try organ.get("/v1/endpoints/\(id)")["enabled"].bool == false }
    let off = try organ.get("/v1/endpoints/\(id)")
    #expect(
      off["disabledReason"].string?.contains("5 working days") == true && (off["pending"].int ?? 0) >= 1, "\(off)")
    let notices = try organ.get("/v1/inbox?audience=contact")["items"].array ?? []
    let told = notices.filter { $0["kind"].string == "endpoint-disabled" }
    #expect(told.count == 1 && told[0]["endpoint"].string == id && told[0]["cause"].string == "failing", "\(notices)")
    let metrics = try daemon.client().done("GET", "/metrics").text
    #expect(metrics.contains("xiecha_endpoints_disabled{cause=\"failing\"} 1\n"), "\(metrics)")

    sink.behaviour = { _ in .status(204) }
    let tried = sink.receivedCount
    try organ.done("PATCH", "/v1/endpoints/\(id)", json: #"{"enabled": true}"#)
    try daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-10T22:00:00+08:00"}"#)
    try eventually("what it was owed") { sink.received.dropFirst(tried).contains { $0.text.contains(request) } }
    let on = try organ.get("/v1/endpoints/\(id)")
    #expect(on["enabled"].bool == true && on["disabledReason"].isNull)
  }
}
