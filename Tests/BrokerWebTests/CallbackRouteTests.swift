internal import TestSupport
internal import Testing

/// What organs do about their endpoints and deliveries.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct CallbackRouteTests {
  /// A daemon of its own, whose callbacks end after two seconds.
  private static let daemon = Result {
    try Daemon(
      state: StateDirectory(
        rehearseAt: House.start,
        config: ["callbacks.totalTimeoutSeconds": "2", "callbacks.retry.stepsSeconds": "[3600]"]))
  }

  /// Three endpoints where nobody listens, and four events for each.
  private func owed() throws -> Client {
    let daemon = try Self.daemon.get()
    let client = try daemon.client(.responder)
    if try client.get("/v1/endpoints")["items"].array?.isEmpty == true {
      let absent = try Sink()
      for _ in 0..<3 { try daemon.register(absent.url, for: .responder) }
      absent.close()
      for _ in 0..<4 { try daemon.submit() }
    }
    return client
  }

  /// Each old secret signs for its whole day; the fifth has no room beside four.
  @Test func rotationsWaitForTheirDay() throws {
    let daemon = try Self.daemon.get()
    let client = try daemon.client(.requester)
    let sink = try Sink()
    let path = "/v1/endpoints/\(try daemon.register(sink.url, events: "request.answered", for: .requester))"
    for _ in 0..<4 { try client.done("POST", path + "/rotate") }
    let refused = try client.call("POST", path + "/rotate")
    expectProblem(refused, 409, "too-many-secrets")
    #expect(refused.json["detail"].string?.contains("起可再次更换") == true, "\(refused.text)")
    try client.done("POST", path + "/test")
    let signatures = sink.received.last?.header("webhook-signature")?.split(separator: " ")
    #expect(signatures?.count == 5)
  }

  /// The row of one endpoint is damaged: its organ sees what to do, and does it.
  @Test func aSecretThatIsLostIsRotated() throws {
    let daemon = try Self.daemon.get()
    let client = try daemon.client(.stranger)
    let sink = try Sink()
    let ids = try (0..<2).map { _ in try daemon.register(sink.url, events: "request.answered", for: .stranger) }
    let sql = "UPDATE endpoint SET secret = zeroblob(60) WHERE url = '\(sink.url)'"
    let planted = try runTool(
      ["-cmd", ".timeout 5000", daemon.state.path + "/xiecha.sqlite", sql], binary: "/usr/bin/sqlite3")
    try #require(planted.status == 0, "\(planted.stderr)")
    let items = try client.get("/v1/endpoints")["items"].array ?? []
    #expect(items.compactMap { $0["id"].string } == ids)
    #expect(items.allSatisfy { $0["enabled"].bool == true && $0["disabledReason"].string?.contains("请更换密钥") == true })
    let path = "/v1/endpoints/" + ids[0]
    let tried = try client.done("POST", path + "/test").json
    #expect(tried["delivered"].bool == false && tried["error"].string?.contains("rotate it") == true)
    let rotated = try client.done("POST", path + "/rotate").json
    #expect(rotated["secret"].string?.hasPrefix("whsec_") == true && rotated["disabledReason"].isNull)
    #expect(try client.done("POST", path + "/test").json["delivered"].bool == true)
    try client.done("DELETE", "/v1/endpoints/" + ids[1], 204)
    #expect(try client.get("/v1/endpoints")["items"].array?.count == 1)
  }

  @Test(arguments: [["*", "*"], ["request.answered", "request.overdue", "request.answered"]])
  func oneEventIsNamedOnce(events: [String]) throws {
    let body = "{\"url\": \"http://127.0.0.1:1/\", \"events\": \(events)}"
    let reply = try Self.daemon.get().client(.requester).call("POST", "/v1/endpoints", json: body)
    expectProblem(reply, 422, "invalid-body")
    #expect(pointers(reply) == ["/events/\(events.count - 1)"])
  }

  @Test(arguments: [1, 2, 5, 12, 500]) func pagesOfDeliveriesHoldNoMoreThanTheLimit(limit: Int) throws {
    let client = try owed()
    var (path, seen) = ("/v1/deliveries?limit=\(limit)", [String]())
    while true {
      let reply = try client.done("GET", path)
      let items = reply.json["items"].array ?? []
      #expect(!items.isEmpty && items.count <= limit)
      seen += items.compactMap { $0["id"].string }
      guard let next = reply.json["next"].string, seen.count < 20 else { break }
      #expect(reply.headers["link"] == "</v1/deliveries?limit=\(limit)&cursor=\(next)>; rel=\"next\"")
      path = "/v1/deliveries?limit=\(limit)&cursor=\(next)"
    }
    #expect(seen.count == 12 && Set(seen).count == 12)
    let all = try Self.daemon.get().operatorClient().get("/v1/deliveries?limit=500")
    #expect((all["items"].array ?? []).compactMap { $0["id"].string } == seen)
    #expect(try Self.daemon.get().client(.stranger).get("/v1/deliveries")["items"].array?.isEmpty == true)
  }

  @Test(arguments: ["x", "1", "1-", "1-2-3"]) func otherCursorsAreRefused(cursor: String) throws {
    expectProblem(try owed().call("GET", "/v1/deliveries?cursor=\(cursor)"), 400, "invalid-parameter", cursor)
  }

  @Test func retryIsDoneOnceForEachKey() throws {
    let client = try owed()
    let id = try #require(try client.ids("/v1/deliveries").first)
    let path = "/v1/deliveries/\(id)/retry"
    let key = ["Idempotency-Key": "retry-\(id)"]
    let first = try client.done("POST", path, headers: key, 202)
    #expect(first.json["id"].string == id && first.json["state"].string == "pending")
    #expect(first.headers["idempotency-replayed"] == nil)
    let again = try client.done("POST", path, headers: key, 202)
    #expect(again.headers["idempotency-replayed"] == "true" && again.body == first.body)
    expectProblem(try client.call("POST", path, json: "{}", headers: key), 422, "idempotency-conflict")
    expectProblem(try Self.daemon.get().client(.stranger).call("POST", path), 404, "not-found")
    try Self.daemon.get().operatorClient().done("POST", path, json: "{}", 202)
  }

  @Test(arguments: ["test", "rotate", "retry"]) func bodiesThatNobodyReadsAreRefused(verb: String) throws {
    let client = try owed()
    let list = verb == "retry" ? "/v1/deliveries" : "/v1/endpoints"
    let path = "\(list)/\(try #require(try client.ids(list).first))/\(verb)"
    for (json, pointer) in [(#"{"force": true}"#, "/force"), (#"{"a/b": 1}"#, "/a~1b"), ("[]", ""), ("1", "")] {
      let reply = try client.call("POST", path, json: json)
      expectProblem(reply, 422, "invalid-body", "\(verb) \(json)")
      #expect(pointers(reply) == [pointer])
    }
    expectProblem(try client.call("POST", path, json: "{"), 400, "invalid-json")
    #expect(try client.get("/v1/endpoints")["items"].array?.allSatisfy { $0["secretRotatedAt"].isNull } == true)
  }

  @Test func replaySaysWhereToGoOn() throws {
    let client = try owed()
    let id = try #require(try client.ids("/v1/endpoints").first)
    let key = ["Idempotency-Key": "replay-\(id)"]
    let path = "/v1/endpoints/\(id)/replay"
    let reply = try client.done("POST", path, json: #"{"after": 0}"#, headers: key, 202)
    #expect(reply.json["queued"].int == 0 && reply.json["next"].isNull, "they are queued already")
    let again = try client.done("POST", path, json: #"{"after": 0}"#, headers: key, 202)
    #expect(again.headers["idempotency-replayed"] == "true" && again.body == reply.body)
  }

  @Test func oneTestAtATime() throws {
    let daemon = try Self.daemon.get()
    let sink = try Sink { _ in .stall(seconds: 30) }
    let id = try daemon.register(sink.url, events: "request.withdrawn", for: .stranger)
    let path = "/v1/endpoints/\(id)/test"
    try onThreads(2) { index in
      let client = try daemon.client(.stranger)
      guard index == 1 else {
        let reply = try client.done("POST", path)
        #expect(reply.json["delivered"].bool == false)
        return
      }
      guard sink.wait(for: 1) else { throw WaitFault("the first test has not arrived") }
      let reply = try client.call("POST", path)
      expectProblem(reply, 429, "rate-limited")
      #expect((reply.headers["retry-after"].flatMap { Int($0) } ?? 0) >= 1)
    }
    sink.behaviour = { _ in .status(200, body: [UInt8](repeating: 120, count: 4000)) }
    let reply = try daemon.client(.stranger).done("POST", path)
    #expect(reply.json["delivered"].bool == true)
    #expect(reply.json["reply"].string == String(repeating: "x", count: 512))
  }
}
