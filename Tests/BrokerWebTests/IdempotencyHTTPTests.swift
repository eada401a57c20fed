internal import Foundation
internal import Synchronization
internal import TestSupport
internal import Testing

/// The same key and body give the same answer; another body is a conflict; concurrent duplicates are one.
@Suite(.timeLimit(.minutes(5)))
struct IdempotencyHTTPTests {
  /// Parties that no other test uses, so that what was created can be counted.
  private static let (requester, responder) = (Qidong.市交通运输局, Qidong.市市场监管局)

  private static func key() -> [String: String] { ["Idempotency-Key": "case-\(UUID())"] }

  private static func body() -> String { marriageRequest(to: responder) }

  private static func expectReplay(_ again: Reply, of first: Reply, _ what: String = "") {
    #expect(first.headers["idempotency-replayed"] == nil, "\(what)")
    #expect(again.status == first.status, "\(what): \(again.text)")
    #expect(again.body == first.body, "\(what)")
    #expect(again.headers["idempotency-replayed"] == "true", "\(what)")
    for name in ["etag", "location", "content-type", "cache-control"] {
      #expect(again.headers[name] == first.headers[name], "\(what) \(name)")
    }
  }

  private static func expectConflict(_ reply: Reply, _ what: String = "") {
    expectProblem(reply, 422, "idempotency-conflict", what)
    #expect(reply.headers["idempotency-replayed"] == nil)
  }

  @Test func submissionIsReplayed() throws {
    let client = try House.client(Self.requester)
    let (headers, body) = (Self.key(), Self.body())
    let first = try client.done("POST", "/v1/requests", json: body, headers: headers, 201)
    for _ in 0..<3 {
      Self.expectReplay(try client.call("POST", "/v1/requests", json: body, headers: headers), of: first)
    }
    Self.expectConflict(try client.call("POST", "/v1/requests", json: Self.body(), headers: headers))
    Self.expectConflict(try client.call("POST", "/v1/requests", json: body + " ", headers: headers))
    // A body that would be refused is another body as well, and the key's conflict comes first.
    Self.expectConflict(try client.call("POST", "/v1/requests", json: "{}", headers: headers))
    Self.expectReplay(try client.call("POST", "/v1/requests", json: body, headers: headers), of: first)
  }

  /// The same body at another address is another call, and the words say so.
  @Test func anotherAddressIsAConflict() throws {
    let daemon = try House.daemon
    let client = try daemon.client(Self.responder)
    let headers = Self.key()
    let paths = try (0..<2).map { _ in try daemon.open(Self.body(), by: Self.requester) + "/acknowledge" }
    let first = try client.done("POST", paths[0], json: "{}", headers: headers)
    for (language, words) in [("zh", ["地址不同", "逐字节", "新键"]), ("en", ["another address", "some byte", "a new key"])] {
      var headers = headers
      headers["Accept-Language"] = language
      let reply = try client.call("POST", paths[1], json: "{}", headers: headers)
      Self.expectConflict(reply)
      for word in words { #expect(reply.json["detail"].string?.contains(word) == true, "\(reply.text)") }
    }
    Self.expectReplay(try client.call("POST", paths[0], json: "{}", headers: headers), of: first)
  }

  @Test func refusalsAreNotKept() throws {
    let client = try House.client(Self.requester)
    let headers = Self.key()
    expectProblem(
      try client.call("POST", "/v1/requests", json: "{}", headers: headers), 422, "invalid-body")
    let reply = try client.done("POST", "/v1/requests", json: Self.body(), headers: headers, 201)
    #expect(reply.headers["idempotency-replayed"] == nil)
  }

  @Test func replaySurvivesLaterStates() throws {
    let daemon = try House.daemon
    let (asking, asked) = (try daemon.client(Self.requester), try daemon.client(Self.responder))
    let (headers, body) = (Self.key(), Self.body())
    let first = try asking.done("POST", "/v1/requests", json: body, headers: headers, 201)
    let path = try #require(first.headers["location"])
    try asked.done("POST", path + "/acknowledge")
    try asked.done("POST", path + "/answer", json: answerBody())
    Self.expectReplay(
      try asking.call("POST", "/v1/requests", json: body, headers: headers), of: first, "answered")
    #expect(try asking.get(path)["state"].string == "answered")
  }

  @Test func transitionsAreReplayed() throws {
    let daemon = try House.daemon
    for (verb, organ, body) in [
      ("acknowledge", Self.responder, #"{"officer": "李四"}"#), ("answer", Self.responder, answerBody()),
      ("decline", Self.responder, declineBody()), ("withdraw", Self.requester, #"{"reason": "申请人退出承诺"}"#),
    ] {
      let path = try daemon.open(Self.body(), by: Self.requester)
      let client = try daemon.client(organ)
      var headers = Self.key()
      let first = try client.done("POST", "\(path)/\(verb)", json: body, headers: headers)
      #expect(first.headers["etag"] == #""2""#)
      Self.expectReplay(
        try client.call("POST", "\(path)/\(verb)", json: body, headers: headers), of: first, verb)
      // Without the key it is what it is: too late.
      expectProblem(
        try client.call("POST", "\(path)/\(verb)", json: body), 409, "illegal-transition", verb)
      Self.expectConflict(
        try client.call("POST", "\(path)/\(verb)", json: body + "\n", headers: headers), verb)
      Self.expectConflict(
        try client.call(
          "POST", try daemon.open(Self.body(), by: Self.requester) + "/\(verb)", json: body, headers: headers),
        "\(verb) of another request")
      // The version that it names was right the first time.
      headers["If-Match"] = #""1""#
      Self.expectReplay(
        try client.call("POST", "\(path)/\(verb)", json: body, headers: headers), of: first, verb)
      #expect(try client.get(path + "/timeline")["items"].array?.count == 2, "\(verb)")
    }
  }

  @Test func endpointsAreReplayed() throws {
    let client = try House.client(Self.requester)
    let sink = try Sink()
    let body = #"{"url": "\#(sink.url)/in", "events": ["request.submitted"]}"#
    let headers = Self.key()
    let first = try client.done("POST", "/v1/endpoints", json: body, headers: headers, 201)
    Self.expectReplay(try client.call("POST", "/v1/endpoints", json: body, headers: headers), of: first)
    Self.expectConflict(
      try client.call("POST", "/v1/endpoints", json: body + " ", headers: headers))
    let path = try #require(first.headers["location"])

    let rotation = Self.key()
    let rotated = try client.done("POST", path + "/rotate", headers: rotation)
    #expect(rotated.json["secret"].string != first.json["secret"].string)
    Self.expectReplay(try client.call("POST", path + "/rotate", headers: rotation), of: rotated)
    try House.daemon.submit(Self.body(), by: Self.requester)
    #expect(sink.wait(for: 1))
    let again = Self.key()
    let replay = try client.done("POST", path + "/replay", json: #"{"after": 0}"#, headers: again, 202)
    #expect(replay.json["queued"].int ?? 0 >= 1)
    Self.expectReplay(
      try client.call("POST", path + "/replay", json: #"{"after": 0}"#, headers: again), of: replay)
    Self.expectConflict(
      try client.call("POST", path + "/replay", json: #"{"after": 1}"#, headers: again))
    #expect(try client.ids("/v1/endpoints") == [String(path.split(separator: "/").last ?? "")])
    try client.done("DELETE", path, 204)
  }

  /// The first reply's secret is shown again only while it is the endpoint's, and is never kept with the reply.
  @Test func secretsAreNotKept() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let client = try daemon.client(Self.requester)
    let (creation, rotation, next) = (Self.key(), Self.key(), Self.key())
    let body = #"{"url": "http://127.0.0.1:9/", "description": "\"secret\":null"}"#
    func create() throws -> Reply { try client.done("POST", "/v1/endpoints", json: body, headers: creation, 201) }
    let first = try create()
    let path = try #require(first.headers["location"])
    func rotate(_ key: [String: String]) throws -> Reply { try client.done("POST", path + "/rotate", headers: key) }
    Self.expectReplay(try create(), of: first)
    // What else changes leaves the secret as it was.
    try client.done("PATCH", path, json: #"{"events": ["request.answered"], "description": null}"#)
    Self.expectReplay(try create(), of: first)

    let rotated = try rotate(rotation)
    #expect(rotated.json["secret"].string?.hasPrefix("whsec_") == true)
    Self.expectReplay(try rotate(rotation), of: rotated)
    Self.expectWithoutSecret(try create(), of: first)
    // A rotation within the same moment could not be told from the one before.
    try daemon.operatorClient().done("POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-02T11:00:00+08:00"}"#)
    let latest = try rotate(next)
    Self.expectWithoutSecret(try rotate(rotation), of: rotated)
    Self.expectReplay(try rotate(next), of: latest)
    for reply in [first, rotated, latest, try create(), try rotate(rotation), try rotate(next)] {
      #expect(reply.headers["cache-control"] == "no-store")
    }
    try client.done("DELETE", path, 204)
    Self.expectWithoutSecret(try create(), of: first)

    var isKept = false
    for file in try FileManager.default.subpathsOfDirectory(atPath: daemon.state.path) {
      let bytes = FileManager.default.contents(atPath: daemon.state.path + "/" + file) ?? Data()
      #expect(bytes.range(of: Data("whsec_".utf8)) == nil, "\(file)")
      if bytes.range(of: Data("oldSecretValidUntil".utf8)) != nil { isKept = true }
    }
    #expect(isKept, "the replies are where they were looked for")
  }

  private static func expectWithoutSecret(_ again: Reply, of first: Reply) {
    #expect(again.headers["idempotency-replayed"] == "true")
    #expect(again.headers["location"] == first.headers["location"])
    #expect(again.json["secret"].isNull)
    #expect(again.json == first.json.with(.null, at: "/secret"))
  }

  @Test func concurrentDuplicatesAreOne() throws {
    let daemon = try House.daemon
    let key = try daemon.state.key(of: Self.requester)
    let (headers, body) = (Self.key(), Self.body())
    let replies = Mutex<[Reply]>([])
    try onThreads(32) { _ in
      let reply = try daemon.client(key: key).call("POST", "/v1/requests", json: body, headers: headers)
      replies.withLock { $0.append(reply) }
    }
    let all = replies.withLock { $0 }
    #expect(all.count == 32)
    #expect(Set(all.map(\.status)) == [201])
    #expect(Set(all.map(\.body)).count == 1)
    #expect(all.filter { $0.headers["idempotency-replayed"] == nil }.count == 1)
    let number = try #require(JSONBody(body)["subject"]["idNumber"].string)
    #expect(try daemon.client(Self.requester).ids("/v1/requests?subject=\(number)").count == 1)
  }

  @Test func concurrentMovesAreOne() throws {
    let daemon = try House.daemon
    let path = try daemon.open(Self.body(), by: Self.requester)
    let key = try daemon.state.key(of: Self.responder)
    let body = answerBody()
    let statuses = Mutex<[Int]>([])
    try onThreads(16) { _ in
      let reply = try daemon.client(key: key).call("POST", path + "/answer", json: body)
      statuses.withLock { $0.append(reply.status) }
    }
    #expect(statuses.withLock { $0.sorted() } == [200] + Array(repeating: 409, count: 15))
  }

  @Test func equalKeysOfOthersDoNotMeet() throws {
    let headers = Self.key()
    var ids: Set<String> = []
    for organ in [Self.requester, .requester, .stranger] {
      let body = marriageRequest(to: .市财政局)
      let reply = try House.client(organ).done("POST", "/v1/requests", json: body, headers: headers, 201)
      #expect(reply.headers["idempotency-replayed"] == nil)
      ids.insert(reply.json["id"].string ?? "")
    }
    #expect(ids.count == 3)
  }

  @Test func keysHaveALength() throws {
    let client = try House.client(Self.requester)
    let long = String(repeating: "k", count: 255 - 36) + UUID().uuidString
    for (key, status) in [("~", 201), (long, 201), (long + "k", 400)] {
      let reply = try client.call(
        "POST", "/v1/requests", json: Self.body(), headers: ["Idempotency-Key": key])
      #expect(reply.status == status, "\(key.count): \(reply.text)")
      if status == 400 { expectProblem(reply, 400, "invalid-parameter") }
    }
    let blank = try client.call("POST", "/v1/requests", json: Self.body(), headers: ["Idempotency-Key": ""])
    expectProblem(blank, 400, "invalid-parameter")
  }

  /// Two lines are no key, however they are written, and nothing is done: neither of them may stand for both. What stands in
  /// one line is one key.
  @Test(arguments: [
    (["Idempotency-Key: $-a", "Idempotency-Key: $-b"], 400), (["Idempotency-Key: $-a", "idempotency-key: $-a"], 400),
    (["Idempotency-Key: $-a", "IDEMPOTENCY-KEY:"], 400), (["Idempotency-Key: $-a, $-b"], 200),
  ]) func thereIsOneKey(_ lines: [String], _ status: Int) throws {
    let daemon = try House.daemon
    let path = try daemon.open(Self.body(), by: Self.requester)
    let connection = try RawConnection(port: daemon.port)
    let head = [
      "POST \(path)/acknowledge HTTP/1.1", "Host: x", "Connection: close", "Content-Length: 0", "Accept-Language: en",
      "Authorization: Bearer \(try daemon.state.key(of: Self.responder))",
    ]
    let key = UUID().uuidString
    try connection.send((head + lines.map { $0.replacing("$", with: key) }).joined(separator: "\r\n") + "\r\n\r\n")
    let text = connection.receive(within: 5).text
    #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(text.prefix(200))")
    #expect(text.contains("application/problem+json") == (status == 400))
    #expect(text.contains("more than one Idempotency-Key line") == (status == 400))
    let state = try daemon.client(Self.requester).get(path)["state"].string
    #expect(state == (status == 400 ? "submitted" : "acknowledged"))
  }
}
