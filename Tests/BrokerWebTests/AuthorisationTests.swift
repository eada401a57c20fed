internal import BrokerDomain
internal import BrokerWeb
internal import TestSupport
internal import Testing

/// Who may do what: every route for every kind of caller, with the exact status.
@Suite(.timeLimit(.minutes(5)))
struct AuthorisationTests {
  enum Caller: String, CaseIterable {
    case nobody, garbage, stranger, requester, responder, supervisor, `operator`

    func client(_ daemon: Daemon) throws -> Client {
      switch self {
      case .nobody: daemon.client()
      case .garbage: daemon.client(key: "xck_" + String(repeating: "0", count: 64))
      case .stranger: try daemon.client(Qidong.stranger)
      case .requester: try daemon.client(Qidong.requester)
      case .responder: try daemon.client(Qidong.responder)
      case .supervisor: try daemon.client(Qidong.supervisor)
      case .operator: daemon.operatorClient()
      }
    }
  }

  struct Row: CustomTestStringConvertible {
    let method: String
    let path: String
    let statuses: [Int]
    var name: String { "\(method) \(path)" }
    var testDescription: String { name }
  }

  /// `{id}` is a request between requester and responder, the requester's endpoint, or a delivery to that endpoint.
  private static let table = """
    method path                            nobody garbage stranger requester responder supervisor operator
    POST   /v1/requests                      401    401     201      201       201       201        403
    GET    /v1/requests                      401    401     200      200       200       200        403
    GET    /v1/requests/{id}                 401    401     404      200       200       200        403
    GET    /v1/requests/{id}/timeline        401    401     404      200       200       200        403
    GET    /v1/requests/{id}/deadline        401    401     404      200       200       200        403
    GET    /v1/requests/{id}/disclosures     401    401     404      200       200       200        403
    POST   /v1/requests/{id}/acknowledge     401    401     404      403       200       403        403
    POST   /v1/requests/{id}/answer          401    401     404      403       200       403        403
    POST   /v1/requests/{id}/decline         401    401     404      403       200       403        403
    POST   /v1/requests/{id}/withdraw        401    401     404      200       403       403        403
    POST   /v1/requests/{id}/return          401    401     404      403       200       403        403
    POST   /v1/requests/{id}/ask             401    401     404      403       200       403        403
    POST   /v1/requests/{id}/supply          401    401     404      409       403       403        403
    POST   /v1/requests/{id}/extend          401    401     404      403       200       403        403
    POST   /v1/requests/{id}/transfer        401    401     404      409       403       200        403
    POST   /v1/requests/{id}/remind          401    401     404      200       403       200        403
    POST   /v1/requests/{id}/dispose         401    401     404      409       403       403        403
    POST   /v1/requests/{id}/close           401    401     404      409       403       403        403
    POST   /v1/commitments/withdraw          401    401     200      200       200       200        403
    GET    /v1/events                        401    401     200      200       200       200        403
    GET    /v1/inbox                         401    401     200      200       200       200        403
    POST   /v1/endpoints                     401    401     201      201       201       201        403
    GET    /v1/endpoints                     401    401     200      200       200       200        403
    GET    /v1/endpoints/{id}                401    401     404      200       404       404        403
    PATCH  /v1/endpoints/{id}                401    401     404      200       404       404        403
    DELETE /v1/endpoints/{id}                401    401     404      204       404       404        403
    POST   /v1/endpoints/{id}/test           401    401     404      200       404       404        403
    POST   /v1/endpoints/{id}/rotate         401    401     404      200       404       404        403
    POST   /v1/endpoints/{id}/replay         401    401     404      202       404       404        403
    GET    /v1/deliveries                    401    401     200      200       200       200        200
    GET    /v1/deliveries/call-list          401    401     403      403       403       200        200
    POST   /v1/deliveries/retry              401    401     404      202       404       404        202
    GET    /v1/deliveries/{id}               401    401     404      200       404       404        200
    POST   /v1/deliveries/{id}/retry         401    401     404      202       404       404        202
    GET    /v1/outbox/top                    401    401     403      403       403       403        200
    GET    /v1/organs                        401    401     200      200       200       200        200
    GET    /v1/items                         401    401     200      200       200       200        200
    GET    /v1/assistance-list               401    401     200      200       200       200        200
    POST   /v1/catalogue/publications        401    401     403      403       403       201        403
    GET    /v1/catalogue/publications        401    401     200      200       200       200        403
    GET    /v1/procedures                    401    401     200      200       200       200        200
    GET    /v1/working-days                  401    401     200      200       200       200        200
    GET    /v1/reports/timeliness            401    401     200      200       200       200        200
    GET    /v1/reports/summary               401    401     403      403       403       200        403
    GET    /v1/reports/circular              401    401     403      403       403       200        403
    GET    /v1/reports/ledger                401    401     200      200       200       200        403
    POST   /v1/rehearsal/advance             401    401     403      403       403       403        200
    GET    /healthz                          200    200     200      200       200       200        200
    GET    /readyz                           200    200     200      200       200       200        200
    GET    /metrics                          200    200     200      200       200       200        200
    GET    /openapi.json                     200    200     200      200       200       200        200
    """

  static let rows: [Row] = table.split(separator: "\n").dropFirst().map { line in
    let words = line.split(separator: " ").map(String.init)
    return Row(method: words[0], path: words[1], statuses: words[2...].compactMap { Int($0) })
  }

  @Test func theTableIsWhole() throws {
    let heading = Self.table.prefix { $0 != "\n" }.split(separator: " ").dropFirst(2)
    #expect(heading.map(String.init) == Caller.allCases.map(\.rawValue))
    #expect(Self.rows.allSatisfy { $0.statuses.count == Caller.allCases.count })
    #expect(Set(Self.rows.map(\.name)) == Set(try BareServer.shared.get().routes.map(\.operation)))
    #expect(Self.rows.count == Set(Self.rows.map(\.name)).count)
  }

  @Test(arguments: rows) func everyCallerGetsItsStatus(_ row: Row) throws {
    let daemon = try House.daemon
    let target = try Target(row, daemon)
    defer { try? target.clear(daemon) }
    // The one that succeeds may end or delete what the row is about: refusals come first.
    let callers = zip(Caller.allCases, row.statuses).sorted { ($0.1 < 400 ? 1 : 0) < ($1.1 < 400 ? 1 : 0) }
    for (caller, status) in callers {
      let client = try caller.client(daemon)
      let headers = ["X-Request-Id": "matrix"]
      let reply = try client.call(row.method, target.path, json: target.body, headers: headers)
      switch status {
      case 401:
        expectProblem(reply, 401, "unauthenticated", "\(row.name) \(caller)")
        #expect(reply.headers["www-authenticate"] == "Bearer")
      case 403: expectProblem(reply, 403, "forbidden", "\(row.name) \(caller)")
      case 404:
        expectProblem(reply, 404, "not-found", "\(row.name) \(caller)")
        for absent in target.absent {
          let other = try client.call(row.method, absent, json: target.body, headers: headers)
          #expect(other.body == reply.body, "\(row.name) \(caller) \(absent)")
          #expect(other.status == 404)
          #expect(Self.undated(other) == Self.undated(reply), "\(row.name) \(caller) \(absent)")
        }
      default: #expect(reply.status == status, "\(row.name) \(caller): \(reply.text)")
      }
    }
  }

  /// A party that may not do a thing is told so whatever it sends; one that is no party is told nothing, ever.
  @Test func strangersLearnNothingFromTheBody() throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    let stranger = try daemon.client(Qidong.stranger)
    let plain = try stranger.call("POST", path + "/answer", json: answerBody())
    for body in ["{}", "{", "[]", #"{"findings": 1}"#] {
      let reply = try stranger.call("POST", path + "/answer", json: body)
      expectProblem(reply, 404, "not-found", body)
      #expect(reply.body == plain.body)
    }
    for query in ["?reveal=subject", "?wait=0"] {
      expectProblem(try stranger.call("GET", path + query), 404, "not-found", query)
    }
  }

  /// Who may not move a request as it is now is told so first, in this order, whatever the body says.
  @Test func theBodyIsReadLast() throws {
    let daemon = try House.daemon
    let (open, closed) = (try daemon.open(), try daemon.open())
    try daemon.client(Qidong.responder).done("POST", closed + "/answer", json: answerBody())
    let stale = ["If-Match": #""9""#]
    let table: [(who: Qidong, path: String, headers: [String: String], status: Int, code: String)] = [
      (.stranger, open, [:], 404, "not-found"), (.stranger, closed, stale, 404, "not-found"),
      (.requester, open, [:], 403, "forbidden"), (.requester, closed, stale, 403, "forbidden"),
      (.supervisor, open, stale, 403, "forbidden"), (.supervisor, closed, [:], 403, "forbidden"),
      (.responder, open, stale, 412, "precondition-failed"), (.responder, closed, stale, 412, "precondition-failed"),
      (.responder, closed, [:], 409, "illegal-transition"),
      (.responder, closed, ["If-Match": #""2""#], 409, "illegal-transition"),
    ]
    for row in table {
      let client = try daemon.client(row.who)
      for verb in ["answer", "decline", "acknowledge"] {
        for body in ["{", "7", #"{"x": 1}"#, #"{"reasonCode": "busy"}"#, answerBody()] {
          for key in [[:], ["Idempotency-Key": "body-last"]] {
            let reply = try client.call(
              "POST", "\(row.path)/\(verb)", json: body, headers: row.headers.merging(key) { $1 })
            expectProblem(reply, row.status, row.code, "\(row.who) \(verb) \(body)")
          }
        }
      }
    }
    let withdrawn = try daemon.client(Qidong.requester).call("POST", closed + "/withdraw", json: "{}")
    expectProblem(withdrawn, 409, "illegal-transition")
    // Nothing of it was kept, nothing happened.
    #expect(try daemon.client(Qidong.responder).get(open)["version"].int == 1)
    expectProblem(
      try daemon.client(Qidong.responder).call("POST", open + "/answer", json: "{}"), 422, "invalid-body")
  }

  @Test func bearerIsTheOnlyScheme() throws {
    let daemon = try House.daemon
    let key = try daemon.state.key(of: Qidong.requester)
    for header in [
      "Basic \(key)", key, "Bearer", "Bearer ", "Bearer \(key)x", "Token \(key)", "Bearer\(key)",
      "Bearer\t\(key)", "Bearer  ", " ", "Bearer \(key) \(key)", "Bearer, \(key)",
    ] {
      let reply = try daemon.client().call("GET", "/v1/organs", headers: ["Authorization": header])
      expectProblem(reply, 401, "unauthenticated", String(header.prefix(8)))
    }
    for header in ["Bearer \(key)", "bearer \(key)", "BEARER  \(key) ", "bEaReR \t\(key)\t"] {
      let reply = try daemon.client().call("GET", "/v1/organs", headers: ["Authorization": header])
      #expect(reply.status == 200)
    }
  }

  private static func undated(_ reply: Reply) -> [String: String] {
    reply.headers.filter { $0.key != "date" }
  }

  /// What a row is tried on: made afresh, so that rows do not meet.
  private struct Target {
    let path: String
    let body: String?
    /// The same path with ids that are not there: one that could be, the right one but for its random part, and none.
    let absent: [String]
    private let endpoint: String?

    init(_ row: Row, _ daemon: Daemon) throws {
      var id = ""
      var endpoint: String?
      if row.path.hasPrefix("/v1/requests/{id}") {
        id = try daemon.submit()["id"].string ?? ""
      } else if row.path.contains("{id}") {
        let own = try daemon.register("http://127.0.0.1:9/none", for: .requester)
        endpoint = own
        id = own
      } else if row.path == "/v1/deliveries/retry" {
        endpoint = try daemon.register("http://127.0.0.1:9/none", for: .requester)
      }
      if row.path.hasPrefix("/v1/deliveries/{id}") {
        try daemon.submit()
        let list = "/v1/deliveries?endpoint=\(id)"
        id = try #require(try daemon.client(Qidong.requester).ids(list).first)
      }
      self.endpoint = endpoint
      let query =
        ["/v1/working-days", "/v1/reports/summary", "/v1/reports/circular", "/v1/reports/ledger"]
          .contains(row.path) ? "?from=2026-03-02" : ""
      let guess = id.dropLast() + (id.last == "0" ? "1" : "0")
      path = row.path.replacing("{id}", with: id) + query
      absent = ["019ca5f2-7c00-7abc-8def-0123456789ab", guess, "0"].map {
        row.path.replacing("{id}", with: $0) + query
      }
      body =
        row.path == "/v1/deliveries/retry"
        ? #"{"endpoint": "\#(endpoint ?? "")", "state": "dead"}"# : try Self.body(row, daemon)
    }

    /// Deletes what other tests would have to live with.
    func clear(_ daemon: Daemon) throws {
      guard let endpoint else { return }
      try daemon.client(Qidong.requester).call("DELETE", "/v1/endpoints/\(endpoint)")
    }

    /// A publication of a change that changes nothing, so that other tests find the lists as they were.
    private static func approved(_ daemon: Daemon) throws -> String {
      let change = #"{"change": "amend", "list": "assistance-list", "workingDays": 5, "grounds": "核对"}"#
      let proposal = try daemon.submit(
        #"{"procedure": "list-adjustment", "to": "\#(Qidong.supervisor.code)", "item": "47", "purpose": "清单调整", "data": \#(change)}"#
      )["id"].string
      let id = try #require(proposal)
      try daemon.client(Qidong.supervisor).done(
        "POST", "/v1/requests/\(id)/answer", json: #"{"outcome": "approved", "text": "同意", "signatory": "周八"}"#)
      return #"{"proposals": ["\#(id)"], "notice": "启司发〔2026〕1号"}"#
    }

    private static func body(_ row: Row, _ daemon: Daemon) throws -> String? {
      switch row.name {
      case "POST /v1/requests": return marriageRequest(to: .市财政局)
      case "POST /v1/requests/{id}/acknowledge": return "{}"
      case "POST /v1/requests/{id}/answer": return answerBody()
      case "POST /v1/requests/{id}/decline": return declineBody()
      case "POST /v1/requests/{id}/withdraw": return #"{"reason": "申请人退出承诺"}"#
      case "POST /v1/requests/{id}/return": return #"{"reason": "不属于本机关职权"}"#
      case "POST /v1/requests/{id}/ask", "POST /v1/requests/{id}/supply": return #"{"text": "结婚登记地"}"#
      case "POST /v1/requests/{id}/extend":
        return #"{"workingDays": 2, "reason": "需调阅纸质档案", "approver": "局长"}"#
      case "POST /v1/requests/{id}/transfer":
        return #"{"to": "\#(Qidong.stranger.code)", "reason": "由其掌握登记信息"}"#
      case "POST /v1/requests/{id}/dispose": return #"{"measure": "terminate", "text": "终止办理"}"#
      case "POST /v1/requests/{id}/remind", "POST /v1/requests/{id}/close": return "{}"
      case "POST /v1/commitments/withdraw": return #"{"number": "没有这一承诺", "reason": "申请人退出承诺"}"#
      case "POST /v1/endpoints":
        return #"{"url": "http://127.0.0.1:9/none", "events": ["request.escalated"]}"#
      case "PATCH /v1/endpoints/{id}": return #"{"enabled": false}"#
      case "POST /v1/endpoints/{id}/replay": return #"{"after": 0}"#
      case "POST /v1/catalogue/publications": return try approved(daemon)
      case "POST /v1/rehearsal/advance":
        let now = Instant(rfc3339: try daemon.submit()["receivedAt"].string ?? "")
        return #"{"to": "\#((try #require(now) + 2000).rfc3339)"}"#
      default: return nil
      }
    }
  }
}
