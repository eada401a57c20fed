internal import Foundation
internal import TestSupport
internal import Testing

/// What monitoring reads agrees with what was done.
@Suite(.timeLimit(.minutes(5)))
struct MetricsTests {
  private static func page(_ daemon: Daemon) throws -> PrometheusText {
    let reply = try daemon.client().done("GET", "/metrics")
    #expect(reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
    return try PrometheusText(reply.text)
  }

  @Test func pageOfANewDaemonIsWhole() throws {
    let page = try Self.page(House.daemon)
    let types = [
      "xiecha_requests": "gauge", "xiecha_requests_overdue": "gauge", "xiecha_deliveries_total": "counter",
      "xiecha_queue_depth": "gauge", "xiecha_endpoints": "gauge", "xiecha_endpoints_disabled": "gauge",
      "xiecha_commit_batch_size": "histogram", "xiecha_http_requests_total": "counter",
      "xiecha_http_request_seconds": "histogram", "xiecha_delivery_seconds": "histogram",
      "xiecha_database_writable": "gauge", "xiecha_database_damaged": "gauge",
      "xiecha_database_unreadable_rows": "gauge",
      "xiecha_calendar_next_year_known": "gauge", "xiecha_calendar_missing_year": "gauge",
      "xiecha_clock_ahead_seconds": "gauge", "xiecha_clock_steps_total": "counter",
    ]
    #expect(Dictionary(uniqueKeysWithValues: page.families.map { ($0.name, $0.type) }) == types)
    for direction in ["forward", "back"] {
      #expect(page["xiecha_clock_steps_total", ["direction": direction]] == 0, "\(direction)")
    }
  }

  @Test func numbersAgreeWithWhatWasDone() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let sink = try Sink { push in push.path == "/gone" ? .status(410) : .status(204) }
    let (requester, responder) = (try daemon.client(Qidong.requester), try daemon.client(Qidong.responder))
    var paths: [String] = []
    for _ in 0..<4 { paths.append(try daemon.open()) }
    try responder.done("POST", paths[0] + "/acknowledge")
    try responder.done("POST", paths[1] + "/answer", json: answerBody())
    expectProblem(try requester.call("POST", "/v1/requests", json: "{}"), 422, "invalid-body")
    expectProblem(try daemon.client().call("GET", "/v1/requests"), 401, "unauthenticated")
    try daemon.register(sink.url + "/in", for: .requester)
    try daemon.register(sink.url + "/gone", for: .responder)
    try requester.done("POST", paths[2] + "/withdraw", json: #"{"reason": "退出"}"#)
    #expect(sink.wait(for: 2))
    try eventually("both attempts are counted") {
      let page = try Self.page(daemon)
      return page["xiecha_deliveries_total", ["outcome": "delivered"]] == 1
        && page["xiecha_deliveries_total", ["outcome": "dead"]] == 1
        // The depth of the outbox is looked at once a second.
        && page["xiecha_queue_depth", ["queue": "outbox"]] == 0
    }
    let page = try Self.page(daemon)
    for (state, count) in [("submitted", 1.0), ("acknowledged", 1), ("answered", 1), ("withdrawn", 1)] {
      #expect(page["xiecha_requests", ["procedure": "verification", "state": state]] == count, "\(state)")
    }
    #expect(page["xiecha_requests_overdue", ["procedure": "verification"]] ?? 0 == 0)
    #expect(page["xiecha_deliveries_total", ["outcome": "retried"]] == 0)
    #expect(page["xiecha_delivery_seconds_count"] == 2)
    for queue in ["commit", "outbox", "outbox_held", "outbox_oldest_seconds", "in_flight", "long_polls"] {
      #expect(page["xiecha_queue_depth", ["queue": queue]] == 0, "\(queue)")
    }
    let routes: [(route: String, status: String, count: Double)] = [
      ("POST /v1/requests", "201", 4), ("POST /v1/requests", "422", 1), ("GET /v1/requests", "401", 1),
      ("POST /v1/requests/{id}/acknowledge", "200", 1), ("POST /v1/requests/{id}/answer", "200", 1),
      ("POST /v1/requests/{id}/withdraw", "200", 1), ("POST /v1/endpoints", "201", 2),
    ]
    for row in routes {
      #expect(
        page["xiecha_http_requests_total", ["route": row.route, "status": row.status]] == row.count, "\(row)")
    }
    #expect(page["xiecha_http_request_seconds_count", ["route": "POST /v1/requests"]] == 5)
    // Four submissions, three moves, two endpoints, two results, and probes.
    #expect(page["xiecha_commit_batch_size_sum"] ?? 0 >= 11)
    #expect(page["xiecha_commit_batch_size_count"] ?? 0 >= 1)
    #expect(page["xiecha_database_writable"] == 1)
    #expect(page["xiecha_calendar_next_year_known"] == 0)
  }

  /// Nobody needs a key for these, so nobody may make the disk busy with them.
  @Test func manyWhoAskPayOneProbe() throws {
    let daemon = try Daemon(state: StateDirectory())
    func commits() throws -> Double { try #require(try Self.page(daemon)["xiecha_commit_batch_size_count"]) }
    let before = try commits()
    try onThreads(10) { _ in
      let client = daemon.client()
      for _ in 0..<5 {
        let reply = try client.call("GET", "/readyz")
        #expect(reply.status == 200 && reply.json["database"]["damaged"] == .null, "\(reply.text)")
      }
    }
    // One for each second that it took at most.
    let after = try commits()
    #expect(after - before <= 3)
  }

  @Test func overdueRisesAndFalls() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: "2025-03-03T10:00:00+08:00"))
    let paths = try (0..<2).map { _ in try daemon.open() }
    #expect(try Self.page(daemon)["xiecha_calendar_next_year_known"] == 1)
    try daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2025-03-20T10:00:00+08:00"}"#)
    #expect(try Self.page(daemon)["xiecha_requests_overdue", ["procedure": "verification"]] == 2)
    try daemon.client(Qidong.responder).done("POST", paths[0] + "/answer", json: answerBody())
    #expect(try Self.page(daemon)["xiecha_requests_overdue", ["procedure": "verification"]] == 1)
  }

  @Test func longPollsAreCounted() throws {
    let daemon = try House.daemon
    let path = try daemon.open(marriageRequest(to: .市财政局), by: .stranger)
    let key = try daemon.state.key(of: Qidong.stranger)
    // A thread of its own: those of the queues may all be busy with other tests.
    Thread.detachNewThread {
      _ = try? daemon.client(key: key).call("GET", path + "?wait=10", headers: ["If-None-Match": #""1""#])
    }
    try eventually("a poll waits") {
      try Self.page(daemon)["xiecha_queue_depth", ["queue": "long_polls"]] ?? 0 >= 1
    }
    try daemon.client(Qidong.stranger).done("POST", path + "/withdraw", json: #"{"reason": "退出"}"#)
  }

  @Test func alertsNameWhatExists() throws {
    let page = try Self.page(House.daemon)
    let file = Binary.packageRoot + "/deploy/prometheus/alerts.yml"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    var named: Set<String> = []
    for match in text.matches(of: /\b(xiecha_[a-z_]+)(?:\{([^}]*)\})?/) {
      let series = String(match.1)
      named.insert(series)
      let base = ["_bucket", "_sum", "_count"].reduce(series) { name, suffix in
        page.type(of: name) == nil && name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
      }
      #expect(page.type(of: base) != nil, "alerts.yml: \(series)")
      for label in (match.2.map(String.init) ?? "").matches(of: /(queue|outcome|state)="([^"]+)"/) {
        let known =
          label.1 == "state"
          ? ["submitted"]
          : page.samples.keys.filter { $0.name == series }.compactMap { $0.labels[String(label.1)] }
        #expect(known.contains(String(label.2)), "alerts.yml: \(series) \(label.0)")
      }
    }
    #expect(named.count >= 5)
  }
}
