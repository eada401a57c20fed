internal import BrokerDomain
internal import BrokerStore
internal import BrokerWeb
internal import Foundation
internal import TestSupport
internal import Testing

/// What is too much, too often or in the wrong place is refused by its own status.
@Suite(.timeLimit(.minutes(5)))
struct LimitTests {
  private static let bodyLimit = 262_144

  // MARK: Size and type

  @Test func bodyMayBeAsLongAsTheLimit() throws {
    let client = try House.client(.requester)
    let body = marriageRequest()
    let padded = body + String(repeating: " ", count: Self.bodyLimit - body.utf8.count)
    try client.done("POST", "/v1/requests", json: padded, 201)
    let reply = try client.call("POST", "/v1/requests", json: padded + " ")
    expectProblem(reply, 413, "too-large")
    #expect(reply.json["detail"].string?.contains("262144") == true)
    // The connection or the next one serves on.
    try client.done("GET", "/v1/requests")
  }

  @Test func announcedLengthIsEnough() throws {
    let head = "POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    let connection = try RawConnection(port: try House.daemon.port)
    let key = try House.daemon.state.key(of: Qidong.requester)
    try connection.send("\(head)Authorization: Bearer \(key)\r\nContent-Length: 999999999\r\n\r\n")
    let reply = connection.receive(within: 5, limit: 12).text
    #expect(reply == "HTTP/1.1 413")
  }

  @Test func chunksAreCounted() throws {
    let key = try House.daemon.state.key(of: Qidong.requester)
    let head =
      "POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
      + "Authorization: Bearer \(key)\r\nTransfer-Encoding: chunked\r\n\r\n"
    let body = Array(marriageRequest().utf8)
    for (spaces, status) in [(1000, 201), (Self.bodyLimit, 413)] {
      let connection = try RawConnection(port: try House.daemon.port)
      try connection.send(head)
      var sent = 0
      // The daemon may answer and close before all has been sent.
      while sent < spaces {
        let count = min(16_384, spaces - sent)
        let chunk = String(count, radix: 16) + "\r\n" + String(repeating: " ", count: count) + "\r\n"
        guard (try? connection.send(chunk)) != nil else { break }
        sent += count
      }
      try? connection.send(Array("\(String(body.count, radix: 16))\r\n".utf8) + body + Array("\r\n0\r\n\r\n".utf8))
      let reply = connection.receive(within: 5).text
      #expect(reply.hasPrefix("HTTP/1.1 \(status) "), "\(spaces): \(reply.prefix(200))")
    }
  }

  @Test func bodiesAreJSON() throws {
    let client = try House.client(.requester)
    for type in ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/jsonp", "json"] {
      let reply = try client.call(
        "POST", "/v1/requests", json: marriageRequest(), headers: ["Content-Type": type])
      expectProblem(reply, 415, "unsupported-media-type", type)
    }
    for type in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
      try client.done("POST", "/v1/requests", json: marriageRequest(), headers: ["Content-Type": type], 201)
    }
  }

  /// A body that is compressed is no faulty JSON.
  @Test func bodiesAreNotCompressed() throws {
    let client = try House.client(.requester)
    for coding in ["gzip", "GZIP", "br, gzip"] {
      let reply = try client.call(
        "POST", "/v1/requests", json: marriageRequest(), headers: ["Content-Encoding": coding])
      expectProblem(reply, 415, "unsupported-media-type", coding)
      #expect(reply.json["detail"].string?.contains("Content-Encoding: \(coding)") == true, "\(reply.text)")
    }
    for coding in ["identity", "Identity", ""] {
      try client.done("POST", "/v1/requests", json: marriageRequest(), headers: ["Content-Encoding": coding], 201)
    }
    try client.done("GET", "/v1/organs", headers: ["Content-Encoding": "gzip"])
    // As `curl -d` sends it.
    let form = ["Content-Type": "application/x-www-form-urlencoded"]
    try client.done("POST", "/v1/requests", json: marriageRequest(), headers: form, 201)
  }

  // MARK: Paths and methods

  @Test func otherMethodsAreNamedInAllow() throws {
    let routes = try BareServer.shared.get().routes
    let client = try House.client(.requester)
    let id = "019ca5f2-7c00-7abc-8def-0123456789ab"
    for path in Set(routes.map(\.path)) {
      var known = Set(routes.filter { $0.path == path }.map(\.method))
      if known.contains("GET") { known.insert("HEAD") }
      for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] where !known.contains(method) {
        let reply = try client.call(method, path.replacing("{id}", with: id))
        expectProblem(reply, 405, "method-not-allowed", "\(method) \(path)")
        let allowed = (reply.headers["allow"] ?? "").split(separator: ", ").map(String.init)
        #expect(Set(allowed) == known, "\(method) \(path)")
        #expect(reply.json["detail"].string?.hasSuffix(allowed.joined(separator: ", ")) == true, "\(reply.text)")
      }
    }
  }

  @Test func unknownPathsAreNotFound() throws {
    for client in [try House.client(.requester), try House.daemon.client()] {
      for path in [
        "/", "/v1", "/v1/requestz", "/v1/requests/a/b/c", "/v2/requests", "/v1/%E5%8D%8F", "/V1/REQUESTS",
        "/v1/requests/019ca5f2-7c00-7abc-8def-0123456789ab/returned", "/metrics/x",
      ] {
        expectProblem(try client.call("GET", path), 404, "not-found", path)
      }
    }
  }

  // MARK: Queries

  @Test func unknownParametersAreRefusedEverywhere() throws {
    let daemon = try House.daemon
    let id = try daemon.open().split(separator: "/").last.map(String.init) ?? ""
    for route in try BareServer.shared.get().routes where route.access != .open {
      let client =
        route.access == .operatorOnly ? daemon.operatorClient() : try daemon.client(Qidong.requester)
      let target =
        route.path.hasPrefix("/v1/endpoints/")
        ? try daemon.register("http://127.0.0.1:9/q", for: .requester) : id
      let path = route.path.replacing("{id}", with: target)
      let reply = try client.call(
        route.method, path + "?limti=5", json: route.method == "GET" ? nil : "{}")
      expectProblem(reply, 400, "invalid-parameter", route.operation)
      #expect(reply.json["detail"].string?.contains("limti") == true)
      if target != id { try client.call("DELETE", "/v1/endpoints/\(target)") }
    }
  }

  @Test(arguments: [
    "/v1/requests?limit=0", "/v1/requests?limit=501", "/v1/requests?limit=-1", "/v1/requests?limit=ten",
    "/v1/requests?limit=1.5", "/v1/organs?limit=0", "/v1/deliveries?limit=501", "/v1/endpoints?limit=x",
    "/v1/events?limit=501", "/v1/requests?limit=99999999999999999999", "/v1/requests?cursor=!!",
    "/v1/requests?cursor=-5", "/v1/organs?cursor=%E4%B8%80", "/v1/deliveries?cursor=zzzzzzzzzzzzzzzz",
    "/v1/requests?role=boss", "/v1/requests?state=lost", "/v1/requests?state=submitted,lost",
    "/v1/requests?overdue=maybe", "/v1/requests?dueBefore=soon", "/v1/requests?dueBefore=2026-02-30",
    "/v1/requests?updatedAfter=2026-03-02T10:00:00", "/v1/requests?updatedAfter=1772416800",
    "/v1/events?after=-1", "/v1/events?after=x", "/v1/events?wait=61", "/v1/events?wait=-1",
    "/v1/deliveries?state=lost", "/v1/deliveries?endpoint=1", "/v1/working-days", "/v1/working-days?from=today",
    "/v1/working-days?from=2026-03-02&days=0", "/v1/working-days?from=2026-03-02&days=251",
    "/v1/working-days?from=2026-03-02&region=3206", "/v1/working-days?days=1&from=9999-12-30",
    "/v1/working-days?days=250&from=9999-12-31T00:00:00%2B08:00",
    "/v1/requests?procedure=verificaton", "/v1/requests?procedure=verification,complaint",
    "/v1/requests?state=submitted&state=answered", "/v1/requests?procedure=complaint&procedure=complaint",
    "/v1/organs?limit=5&limit=5", "/v1/events?after=1&after=", "/v1/reports/timeliness?by=item&by=organ",
    "/v1/reports/ledger?from=2026-01-01&procedure=on-site-dispatch&procedure=false-commitment",
  ])
  func badValuesAreNamed(_ path: String) throws {
    let reply = try House.client(.requester).call("GET", path)
    expectProblem(reply, 400, "invalid-parameter", path)
    let known = path.split(separator: "?").last?.split(separator: "&").last?.split(separator: "=").first
    let name = path.hasSuffix("days") ? "from" : String(known ?? "")
    #expect(reply.json["detail"].string?.contains(name) == true, "\(reply.text)")
  }

  /// What the client has to do instead is said.
  @Test(arguments: [
    ("/v1/requests?procedure=lost", "complaint, "), ("/v1/requests?state=submitted&state=answered", "commas"),
    ("/v1/requests?role=requester&role=responder", "given once"),
    ("/v1/reports/ledger?from=2026-01-01&procedure=on-site-dispatch&procedure=lost", "commas"),
    ("/v1/reports/ledger?from=2026-01-01&procedure=lost", "supervision-handover"),
    ("/v1/requests?dueBefore=2026-02-30", "a real date (YYYY-MM-DD) or"),
    ("/v1/working-days?from=now", "(YYYY-MM-DD) or"),
    ("/v1/requests/0/timeline?x=1", "none is taken here"), ("/v1/organs?x=1", "known: limit, cursor"),
  ]) func theWayOutIsSaid(_ path: String, _ words: String) throws {
    let reply = try House.client(.requester).call("GET", path, headers: ["Accept-Language": "en"])
    expectProblem(reply, 400, "invalid-parameter", path)
    #expect(reply.json["detail"].string?.contains(words) == true, "\(reply.text)")
  }

  @Test func theLastYearCanBeCountedIn() throws {
    let counted = try House.client(.requester).get("/v1/working-days?from=9999-12-29&days=1")
    #expect(counted["date"].string == "9999-12-30")
  }

  // MARK: Endpoints

  @Test func anOrganHasAHundredEndpoints() throws {
    let client = try House.client(.市卫生健康委)
    let body = #"{"url": "http://127.0.0.1:9/many", "events": ["request.escalated"]}"#
    var paths: [String] = []
    var last = try client.call("POST", "/v1/endpoints", json: body)
    while last.status == 201, paths.count < 200 {
      paths.append(last.headers["location"] ?? "")
      last = try client.call("POST", "/v1/endpoints", json: body)
    }
    #expect(paths.count == 100)
    expectProblem(last, 422, "too-many-endpoints")
    try client.done("DELETE", paths[0], 204)
    paths[0] = try client.done("POST", "/v1/endpoints", json: body, 201).headers["location"] ?? ""
    for path in paths { try client.done("DELETE", path, 204) }
    #expect(try client.get("/v1/endpoints")["items"] == .array([]))
  }

  // MARK: Rate

  @Test func eachKeyHasARateOfItsOwn() throws {
    let state = try StateDirectory(config: ["limits.requestsPerSecond": "1", "limits.burst": "3"])
    let daemon = try Daemon(state: state)
    let client = try daemon.client(Qidong.requester)
    var last = try client.call("GET", "/v1/organs")
    for _ in 0..<10 where last.status == 200 { last = try client.call("GET", "/v1/organs") }
    expectProblem(last, 429, "rate-limited")
    #expect(last.headers["retry-after"] == "1")
    // What is refused writes nothing, and hurts nobody else.
    expectProblem(try client.call("POST", "/v1/requests", json: marriageRequest()), 429, "rate-limited")
    try daemon.client(Qidong.responder).done("GET", "/v1/requests")
    try daemon.client().done("GET", "/healthz")
    expectProblem(try daemon.client().call("GET", "/v1/organs"), 401, "unauthenticated")
    usleep(1_100_000)
    #expect(try client.get("/v1/requests")["items"] == .array([]))
  }
}
