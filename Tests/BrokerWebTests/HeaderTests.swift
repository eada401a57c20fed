internal import BrokerDomain
internal import BrokerWeb
internal import Foundation
internal import TestSupport
internal import Testing

/// What stands beside the body.
@Suite(.timeLimit(.minutes(5)))
struct HeaderTests {
  @Test func versionIsTheETag() throws {
    let daemon = try House.daemon
    let created = try daemon.client(Qidong.requester).done("POST", "/v1/requests", json: marriageRequest(), 201)
    let id = try #require(created.json["id"].string)
    let path = "/v1/requests/\(id)"
    #expect(created.headers["location"] == path)
    #expect(created.headers["etag"] == #""1""#)
    #expect(created.headers["content-type"] == "application/json")
    let client = try daemon.client(Qidong.responder)
    #expect(try client.done("GET", path).headers["etag"] == #""1""#)
    #expect(try client.done("GET", path).headers["cache-control"] == "no-store")
    for (tag, status) in [
      (#""9""#, 412), (#""0""#, 412), ("one", 412), (#""x""#, 412), (#""stale""#, 412), (#"W/"1""#, 412),
      (#""01""#, 412), ("2", 412), ("01", 412), (#""1"#, 412), (#"1""#, 412), (#""1" "1""#, 412), (#""2", 1"#, 412),
      (#""1", x"#, 412), (#""2", "3""#, 412), (#"W/"1", "2""#, 412), (#""1,2""#, 412), ("*, 1", 412), (#"w/"1""#, 412),
      (#""7", "a,b" , W/"2", "1""#, 200),
    ] {
      let reply = try client.call("POST", path + "/acknowledge", headers: ["If-Match": tag])
      #expect(reply.status == status, "\(tag): \(reply.text)")
      if status == 412 {
        expectProblem(reply, 412, "precondition-failed")
        #expect(reply.json["detail"].string?.contains("1") == true)
      }
      if status == 200 { #expect(reply.headers["etag"] == #""2""#) }
    }
    try client.done("POST", path + "/answer", json: answerBody(), headers: ["If-Match": "*"])
    // No entity-tag, but there is no mistaking it.
    let bare = try daemon.open()
    try client.done("POST", bare + "/acknowledge", headers: ["If-Match": "1"])
  }

  @Test func knownVersionsAreNotSentAgain() throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    let client = try daemon.client(Qidong.requester)
    for (tags, status) in [
      (#""1""#, 304), (#"W/"1""#, 304), ("*", 304), (#""7", "1""#, 304), (#""7",W/"1","x""#, 304), ("1", 304),
      (#""2""#, 200), (#""01""#, 200), ("one", 200), (#""1"#, 200), (#""2", "3""#, 200), (#""1,7""#, 200),
    ] {
      let reply = try client.call("GET", path, headers: ["If-None-Match": tags])
      #expect(reply.status == status, "\(tags)")
      #expect(reply.headers["etag"] == #""1""#, "\(tags)")
      #expect(reply.body.isEmpty == (status == 304), "\(tags)")
    }
  }

  /// Fields of one name are one list; two keys are none.
  @Test func fieldsOfOneName() throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    let key = "Authorization: Bearer \(try daemon.state.key(of: Qidong.requester))"
    for (fields, status) in [
      ([key, #"If-None-Match: "7""#, #"if-none-match: "1""#], 304), ([key, #"If-None-Match: "7""#], 200),
      ([key, key], 401), ([key, "Authorization: Basic x"], 401), ([key.lowercased()], 200), ([], 401),
    ] {
      let connection = try RawConnection(port: daemon.port)
      let head = (["GET \(path) HTTP/1.1", "Host: x", "Connection: close"] + fields).joined(separator: "\r\n")
      try connection.send(head + "\r\n\r\n")
      let text = connection.receive(within: 5).text
      #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(fields.count) fields: \(text.prefix(200))")
    }
  }

  /// Who stands in between would choose one of two.
  @Test(arguments: [
    (["HTTP/1.1", "Host: x"], 200), (["HTTP/1.1"], 400), (["HTTP/1.1", "Host: x", "Host: x"], 400), (["HTTP/1.0"], 200),
    (["HTTP/1.0", "host: a", "HOST: b"], 400),
  ]) func theHostIsNamedOnce(_ lines: [String], _ status: Int) throws {
    let connection = try RawConnection(port: House.daemon.port)
    let head = "GET /healthz " + (lines + ["Connection: close"]).joined(separator: "\r\n")
    try connection.send(head + "\r\n\r\n")
    let text = connection.receive(within: 5).text
    #expect(text.dropFirst(8).hasPrefix(" \(status) "), "\(text.prefix(300))")
  }

  @Test(arguments: [
    ("chunked", 200), ("Chunked", 200), ("gzip, chunked", 400), ("gzip", 400), ("identity", 400),
  ]) func nothingButChunksIsTaken(_ coding: String, _ status: Int) throws {
    let connection = try RawConnection(port: House.daemon.port)
    try connection.send(
      "GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \(coding)\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    )
    let text = connection.receive(within: 5).text
    #expect(text.dropFirst(8).hasPrefix(" \(status) "), "\(text.prefix(300))")
    if status == 400 { #expect(text.contains("invalid-http"), "\(text.prefix(600))") }
  }

  /// Between two `&` there may be nothing (as forms are read everywhere).
  @Test(arguments: [
    ("?limit=2&", 200), ("?&limit=2", 200), ("?limit=2&&cursor=", 200), ("?&", 200), ("?", 200), ("?=x", 400),
  ]) func emptyPairsAreNone(_ query: String, _ status: Int) throws {
    #expect(try House.client(.requester).call("GET", "/v1/organs" + query).status == status)
  }

  @Test func illegalTransitionSaysWhatIsAllowed() throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    let client = try daemon.client(Qidong.responder)
    try client.done("POST", path + "/acknowledge")
    let again = try client.call("POST", path + "/acknowledge")
    expectProblem(again, 409, "illegal-transition")
    #expect(again.json["state"].string == "acknowledged")
    let allowed = ["answer", "decline", "return", "ask", "extend"]
    #expect(again.json["allowed"] == .array(allowed.map { .string($0) }))
    try client.done("POST", path + "/decline", json: declineBody())
    let late = try client.call("POST", path + "/answer", json: answerBody())
    expectProblem(late, 409, "illegal-transition")
    #expect(late.json["state"].string == "declined")
    #expect(late.json["allowed"] == .array([]))
    let told = try client.call("POST", path + "/answer", json: answerBody(), headers: ["Accept-Language": "en"])
    #expect(told.json["detail"].string?.contains("; there is nothing for your organ to do at present") == true)
    let owner = try daemon.client(Qidong.requester)
    expectProblem(try owner.call("POST", path + "/withdraw", json: #"{"reason": "退出"}"#), 409, "illegal-transition")
    try owner.done("POST", path + "/close")
    let over = try owner.call("POST", path + "/close", headers: ["Accept-Language": "en"])
    #expect(over.json["detail"].string?.contains("; it is closed, and nothing more can be done") == true)
  }

  struct Conflict: Sendable, CustomTestStringConvertible {
    let code: String
    /// What is done before, and what is refused: verb, by whom, body.
    let steps: [(verb: String, organ: Qidong, body: String?)]
    let state: String
    let allowed: [String]
    var testDescription: String { "\(code) of \(steps.last?.verb ?? "")" }
  }

  private static let extend = #"{"workingDays": 2, "reason": "需调阅纸质档案", "approver": "王局长"}"#
  private static let away = #"{"to": "\#(Qidong.stranger.code)", "reason": "由其掌握登记信息"}"#
  static let conflicts = [
    Conflict(
      code: "already-extended", steps: [("extend", .responder, extend), ("extend", .responder, extend)],
      state: "submitted", allowed: ["acknowledge", "answer", "decline", "return", "ask"]),
    Conflict(
      code: "already-asked",
      steps: [
        ("ask", .responder, #"{"text": "请补充登记地"}"#), ("supply", .requester, #"{"text": "启东市"}"#),
        ("ask", .responder, #"{"text": "请补充登记地"}"#),
      ], state: "acknowledged", allowed: ["answer", "decline", "return", "extend"]),
    Conflict(
      code: "not-contradicted",
      steps: [
        ("answer", .responder, answerBody()),
        ("dispose", .requester, #"{"measure": "terminate", "text": "终止办理"}"#),
      ], state: "answered", allowed: ["close"]),
    // It is the requester's only after a return.
    Conflict(
      code: "illegal-transition", steps: [("transfer", .requester, away)], state: "submitted",
      allowed: ["withdraw", "remind"]),
    Conflict(
      code: "illegal-transition", steps: [("answer", .responder, answerBody()), ("transfer", .supervisor, away)],
      state: "answered", allowed: []),
  ]

  @Test(arguments: conflicts) func everyConflictSaysTheStateAndTheWayOn(_ conflict: Conflict) throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    for (index, step) in conflict.steps.enumerated() {
      let client = try daemon.client(step.organ)
      guard index == conflict.steps.count - 1 else {
        try client.done("POST", "\(path)/\(step.verb)", json: step.body)
        continue
      }
      for language in ["zh", "en"] {
        let reply = try client.call(
          "POST", "\(path)/\(step.verb)", json: step.body, headers: ["Accept-Language": language])
        expectProblem(reply, 409, conflict.code)
        #expect(reply.json["state"].string == conflict.state)
        #expect(reply.json["allowed"] == .array(conflict.allowed.map { .string($0) }))
        let detail = reply.json["detail"].string ?? ""
        #expect(detail.isChinese == (language == "zh") || conflict.code == "illegal-transition")
        if conflict.code == "illegal-transition", !conflict.allowed.isEmpty {
          let chinese = conflict.allowed.compactMap { Verb(rawValue: $0)?.zh }.joined(separator: "、")
          let words = language == "zh" ? "可以：\(chinese)" : "allowed: " + conflict.allowed.joined(separator: ", ")
          #expect(detail.contains(words), "\(detail)")
        }
      }
    }
  }

  @Test func requestIdIsEchoedOrMade() throws {
    let client = try House.client(.requester)
    let uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/
    let long = String(repeating: "x", count: 128)
    for path in ["/v1/organs", "/v1/nothing", "/healthz", "/metrics", "/v1/requests?limit=0"] {
      for given in ["case-1", "a/b:c=d", long] {
        let reply = try client.call("GET", path, headers: ["X-Request-Id": given])
        #expect(reply.headers["x-request-id"] == given, "\(path)")
      }
      var made: Set<String> = []
      for given in [nil, "two words", "", long + "x", "中文"] {
        let reply = try client.call("GET", path, headers: given.map { ["X-Request-Id": $0] } ?? [:])
        let id = try #require(reply.headers["x-request-id"])
        #expect(id.wholeMatch(of: uuid) != nil, "\(path) \(id)")
        made.insert(id)
      }
      #expect(made.count == 5)
    }
    let removed = try client.call("DELETE", "/v1/organs", headers: ["X-Request-Id": "case-2"])
    #expect(removed.headers["x-request-id"] == "case-2")
  }

  /// HEAD is answered as GET would be, without the body: one would be read as the next answer.
  @Test(arguments: [("/healthz", 200), ("/nothing", 404), ("/v1/organs", 401), ("/v1/rehearsal/advance", 405)])
  func headHasNoBody(_ path: String, _ status: Int) throws {
    let connection = try RawConnection(port: try House.daemon.port)
    try connection.send(
      "HEAD \(path) HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    let text = connection.receive(within: 5).text
    let parts = text.components(separatedBy: "\r\n\r\n")
    #expect(parts.count == 3, "\(text)")
    #expect(parts[0].hasPrefix("HTTP/1.1 \(status) "), "\(text)")
    #expect(parts[0].lowercased().contains("x-request-id: "), "\(text)")
    #expect(parts[1].hasPrefix("HTTP/1.1 200 "), "\(text)")
    #expect(parts[2] == #"{"status":"ok","warnings":[]}"#, "\(text)")
  }

  /// Whatever a key is needed for, also when it fails, and nothing else.
  @Test func answersToKeysAreNotStored() throws {
    let daemon = try House.daemon
    let client = try daemon.client(Qidong.requester)
    let made = try client.done("POST", "/v1/requests", json: marriageRequest(), 201)
    #expect(made.headers["cache-control"] == "no-store")
    let id = try #require(made.json["id"].string)
    for route in try BareServer.shared.get().routes where route.method == "GET" {
      let reply = try client.call("GET", route.path.replacing("{id}", with: id))
      #expect(reply.headers["cache-control"] == (route.access == .open ? nil : "no-store"), "\(route.operation)")
    }
    let known = try client.call("GET", "/v1/requests/\(id)", headers: ["If-None-Match": #""1""#])
    #expect(known.status == 304 && known.headers["cache-control"] == "no-store")
  }

  @Test func secretsAreNotStored() throws {
    let daemon = try House.daemon
    let client = try daemon.client(Qidong.requester)
    let reply = try client.done("POST", "/v1/endpoints", json: #"{"url": "http://127.0.0.1:9/s"}"#, 201)
    #expect(reply.headers["cache-control"] == "no-store")
    let path = try #require(reply.headers["location"])
    let secret = try #require(reply.json["secret"].string)
    #expect(secret.wholeMatch(of: /whsec_[A-Za-z0-9+\/]{43}=/) != nil)
    let read = try client.done("GET", path)
    #expect(read.json["secret"].isMissing)
    #expect(!read.text.contains(secret.dropFirst(6)))
    #expect(try !client.done("GET", "/v1/endpoints?limit=500").text.contains("whsec_"))
    try client.done("DELETE", path, 204)
    expectProblem(try client.call("GET", path), 404, "not-found")
  }
}
