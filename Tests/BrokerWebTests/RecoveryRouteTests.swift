internal import BrokerDomain
internal import Glibc
internal import TestSupport
internal import Testing

/// What is on record of callbacks over HTTP and on the command line, and whom to call when one does not get through.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RecoveryRouteTests {
  private static func daemon() throws -> Daemon {
    try Daemon(state: StateDirectory(rehearseAt: House.start, config: ["callbacks.retry.stepsSeconds": "[604800]"]))
  }

  private func wait(_ what: String, _ condition: () throws -> Bool) throws {
    for _ in 0..<400 {
      if try condition() { return }
      usleep(25_000)
    }
    throw WaitFault("not within 10 s: \(what)")
  }

  /// An answer that meets a receiver out of order, then is told, then delivered.
  @Test func fromTheFirstFailureToTheCallAndBack() throws {
    let daemon = try Self.daemon()
    let sink = try Sink { _ in .status(503) }
    let endpoint = try daemon.register(sink.url, events: "request.answered", for: .requester)
    let request = try daemon.open()
    try daemon.client(.responder).done("POST", request + "/answer", json: answerBody())
    let client = try daemon.client(.requester)
    let list = "/v1/deliveries?endpoint=\(endpoint)"
    try wait("the attempt") { try client.get(list)["items"].array?.first?["attempts"].int == 1 }
    let id = try #require(try client.ids(list).first)
    let failed = try client.get("/v1/deliveries/\(id)")
    let first = try #require(failed["history"].array?.first)
    #expect(first["number"].int == 1 && first["status"].int == 503 && first["error"].string == "HTTP 503")
    #expect(first["remoteAddress"].string == "127.0.0.1" && (first["timings"]["totalUs"].int ?? 0) > 0)
    #expect(failed["waitsFor"].isNull && failed["state"].string == "pending")
    try callListed(daemon, request)
    try traced(daemon, id)
    sink.behaviour = { _ in .status(204) }
    try client.done("POST", "/v1/deliveries/\(id)/retry", 202)
    try wait("it is delivered") { try client.get("/v1/deliveries/\(id)")["state"].string == "delivered" }
    let done = try client.get("/v1/deliveries/\(id)")
    #expect((done["history"].array ?? []).map { $0["status"].int } == [503, 204])
    let lines = try daemon.operatorClient().get("/v1/deliveries/call-list")["items"].array
    #expect(lines?.isEmpty == true)
    // 送达, and then read: both are told in the timeline, beside the events.
    let results = { try client.get(request + "/timeline")["results"].array ?? [] }
    #expect(try results().map { $0["type"].string } == ["request.answered"])
    #expect(try results()[0]["delivered"].array?.map { $0["endpoint"].string } == [endpoint])
    #expect(try results()[0]["firstReadAt"].isNull, "the timeline itself is no reading")
    try daemon.client(.responder).done("GET", request)
    #expect(try results()[0]["firstReadAt"].isNull, "the responder's reading is none")
    try client.done("GET", request)
    try wait("it is noted") { try results()[0]["firstReadAt"].string != nil }
  }

  private func callListed(_ daemon: Daemon, _ request: String) throws {
    let path = "/v1/deliveries/call-list"
    let operatorClient = daemon.operatorClient()
    #expect(try operatorClient.get(path)["items"].array?.isEmpty == true)
    try operatorClient.done("POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-06T12:00:00+08:00"}"#)
    let seen = try operatorClient.get(path)["items"].array ?? []
    try #require(seen.count == 1)
    #expect(request.hasSuffix(seen[0]["request"].string ?? "?") && seen[0]["neededBy"].string == "2026-03-09")
    #expect(seen[0]["lastError"].string == "HTTP 503" && seen[0]["contact"].isNull)
    #expect(!"\(seen)".contains("张三") && !"\(seen)".contains("11010519491231002X"))
    let supervised = try daemon.client(.supervisor).get(path)["items"].array ?? []
    #expect(supervised.map { $0["request"].string } == seen.map { $0["request"].string })
    expectProblem(try daemon.client(.requester).call("GET", path), 403, "forbidden")
    let notices = try daemon.client(.requester).get("/v1/inbox")["items"].array ?? []
    let mine = try #require(notices.first { $0["kind"].string == "result-undelivered" })
    #expect(mine["audience"].string == "contact" && mine["dueDate"].string == "2026-03-09")
    #expect(mine["text"]["zh"].string?.isChinese == true)
  }

  private func traced(_ daemon: Daemon, _ id: String) throws {
    let plain = try daemon.state.run(["outbox", "trace", id])
    #expect(plain.status == 0 && plain.stdout.contains("HTTP 503") && plain.stdout.contains("127.0.0.1"), "\(plain)")
    #expect(plain.stdout.contains("next attempt"))
    let json = try daemon.state.run(["outbox", "trace", id, "--json"])
    #expect(json.status == 0 && json.stdout.contains(#""status":503"#), "\(json)")
  }

  @Test func deadOnesOfAnEndpointAreRetriedTogether() throws {
    let daemon = try Self.daemon()
    let sink = try Sink { _ in .status(410) }
    let endpoint = try daemon.register(sink.url, events: "request.submitted", for: .responder)
    try daemon.submit()
    let client = try daemon.client(.responder)
    try wait("it is dead") { try client.ids("/v1/deliveries?state=dead").count == 1 }
    let body = #"{"endpoint": "\#(endpoint)", "state": "dead"}"#
    let key = ["Idempotency-Key": "all-\(endpoint)"]
    let reply = try client.done("POST", "/v1/deliveries/retry", json: body, headers: key, 202)
    #expect(reply.json["queued"].int == 1 && reply.json["more"].bool == false)
    let again = try client.done("POST", "/v1/deliveries/retry", json: body, headers: key, 202)
    #expect(again.headers["idempotency-replayed"] == "true" && again.body == reply.body)
    let id = try #require(try client.ids("/v1/deliveries?endpoint=\(endpoint)").first)
    #expect(try client.get("/v1/deliveries/\(id)")["waitsFor"].string == "endpoint-disabled")
    for (json, at) in [
      ("{}", ["/endpoint", "/state"]), (#"{"endpoint": "x", "state": "dead"}"#, ["/endpoint"]),
      (#"{"endpoint": "\#(endpoint)", "state": "pending"}"#, ["/state"]),
    ] {
      let reply = try client.call("POST", "/v1/deliveries/retry", json: json)
      expectProblem(reply, 422, "invalid-body", json)
      #expect(pointers(reply) == at)
    }
    expectProblem(try daemon.client(.stranger).call("POST", "/v1/deliveries/retry", json: body), 404, "not-found")
    let command = try daemon.state.run(["outbox", "retry", "--all", "--endpoint", endpoint])
    #expect(command.status == 0 && command.stdout.contains("0"), "\(command)")
  }

  /// What became of it stays to be read; there is nowhere to send it.
  @Test func attemptsOutliveTheirEndpoint() throws {
    let daemon = try Self.daemon()
    let sink = try Sink { _ in .status(503) }
    let endpoint = try daemon.register(sink.url, events: "request.submitted", for: .responder)
    try daemon.submit()
    let client = try daemon.client(.responder)
    let list = "/v1/deliveries?endpoint=\(endpoint)"
    try wait("the attempt") { try client.get(list)["items"].array?.first?["attempts"].int == 1 }
    let id = try #require(try client.ids(list).first)
    let listed = try daemon.state.run(["outbox", "list"])
    #expect(listed.stdout.contains(endpoint) && listed.stdout.contains("民政局"), "\(listed)")
    try client.done("DELETE", "/v1/endpoints/\(endpoint)", 204)
    let kept = try client.get("/v1/deliveries/\(id)")
    #expect(kept["state"].string == "dead" && kept["lastError"].string?.contains("endpoint was deleted") == true)
    #expect(kept["history"].array?.map { $0["status"].int } == [503])
    expectProblem(try client.call("POST", "/v1/deliveries/\(id)/retry"), 409, "endpoint-deleted")
    expectProblem(try daemon.client(.stranger).call("POST", "/v1/deliveries/\(id)/retry"), 404, "not-found")
    let command = try daemon.state.run(["outbox", "retry", id])
    #expect(command.status != 0 && command.stderr.contains("its endpoint was deleted"), "\(command)")
    expectProblem(try client.call("POST", "/v1/deliveries/\(endpoint)-999/retry"), 404, "not-found")
  }

  @Test func replaySinceAMoment() throws {
    let daemon = try Self.daemon()
    let sink = try Sink()
    try daemon.submit()
    let client = try daemon.client(.responder)
    let endpoint = try daemon.register(sink.url, for: .responder)
    let path = "/v1/endpoints/\(endpoint)/replay"
    let none = try client.done("POST", path, json: #"{"since": "2026-03-03T00:00:00+08:00"}"#, 202)
    #expect(none.json["queued"].int == 0)
    let all = try client.done("POST", path, json: #"{"since": "2026-03-02T00:00:00+08:00"}"#, 202)
    #expect(all.json["queued"].int == 1)
    for json in [
      "{}", #"{"since": "yesterday"}"#, #"{"since": "2026-03-02T00:00:00+08:00", "after": 0}"#, #"{"after": -1}"#,
    ] {
      expectProblem(try client.call("POST", path, json: json), 422, "invalid-body", json)
    }
  }

  /// The feed and the list are readings of what they show.
  @Test(arguments: ["/v1/events", "/v1/requests?role=requester"]) func everyPollIsAReading(path: String) throws {
    let daemon = try Self.daemon()
    let request = try daemon.open()
    try daemon.client(.responder).done("POST", request + "/answer", json: answerBody())
    let client = try daemon.client(.requester)
    // Whoever asks for the head alone has read nothing.
    for _ in 0..<3 { try client.done("HEAD", path) }
    try client.done("HEAD", request)
    usleep(300_000)
    #expect(try client.get(request + "/timeline")["results"].array?.first?["firstReadAt"].isNull == true)
    try client.done("GET", path)
    try wait("it is noted") {
      try client.get(request + "/timeline")["results"].array?.first?["firstReadAt"].string != nil
    }
  }

  @Test func whatATestShowsIsPrintable() throws {
    let daemon = try Self.daemon()
    let sink = try Sink { _ in .status(200, body: Array("ok\u{1B}[31m\u{7}\n好".utf8)) }
    let id = try daemon.register(sink.url, for: .requester)
    let reply = try daemon.client(.requester).done("POST", "/v1/endpoints/\(id)/test").json
    #expect(reply["reply"].string == "ok\u{FFFD}[31m\u{FFFD}\n好" && reply["certificate"].isNull)
    // A connection of its own each time, so that every step is timed.
    try daemon.client(.requester).done("POST", "/v1/endpoints/\(id)/test")
    #expect(sink.connectionCount == 2)
  }
}
