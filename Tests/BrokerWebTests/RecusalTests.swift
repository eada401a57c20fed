internal import BrokerDomain
internal import BrokerStore
internal import Foundation
internal import TestSupport
internal import Testing

/// 回避: a complaint against the 司法局 of the region is handled by another organ, and the 司法局 learns nothing of it, by
/// whatever way supervisors learn of others.
@Suite(.timeLimit(.minutes(5))) struct RecusalTests {
  private static let text = "举报窗口索要好处"

  private static func complaint(_ daemon: Daemon, against organ: Qidong?, to responder: Qidong) throws -> String {
    var data: [String: JSONBody] = ["complaint": .string(text)]
    if let organ { data["against"] = .string(organ.code) }
    return try daemon.open(
      marriageRequest(
        to: responder,
        extra: [
          "procedure": .string("complaint"), "item": .missing, "questions": .missing, "commitment": .missing,
          "data": .object(data),
        ]))
  }

  private static func advance(_ daemon: Daemon, _ moment: String) throws {
    try daemon.operatorClient().done("POST", "/v1/rehearsal/advance", json: #"{"to": "\#(moment)+08:00"}"#)
  }

  @Test func whoIsComplainedOfLearnsNothing() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let supervisor = try daemon.client(Qidong.supervisor)
    let path = try Self.complaint(daemon, against: .supervisor, to: .responder)
    let id = String(path.dropFirst("/v1/requests/".count))
    let move = #"{"to": "\#(Qidong.supervisor.code)", "reason": "由本局办理"}"#
    for (method, part, body) in [
      ("GET", "", nil), ("GET", "/timeline", nil), ("GET", "/disclosures", nil), ("POST", "/transfer", move),
      ("POST", "/remind", "{}"),
    ] as [(String, String, String?)] {
      expectProblem(try supervisor.call(method, path + part, json: body), 404, "not-found", part)
    }
    // Sent back and forth, it is nobody's to rule: there is no other supervisor here.
    try daemon.client(Qidong.responder).done("POST", path + "/return", json: #"{"reason": "不属于本机关职权范围"}"#)
    let back = #"{"to": "\#(Qidong.responder.code)", "reason": "由其办理"}"#
    expectProblem(try daemon.client(Qidong.requester).call("POST", path + "/transfer", json: back), 409, "no-superior")
    let on = #"{"to": "\#(Qidong.stranger.code)", "reason": "由其办理"}"#
    try daemon.client(Qidong.requester).done("POST", path + "/transfer", json: on)
    try Self.advance(daemon, "2026-03-20T10:00:00")
    #expect(try daemon.client(Qidong.stranger).get("/v1/inbox?audience=leader")["items"].array?.count == 2)
    let circular = try supervisor.done("GET", "/v1/reports/circular?month=2026-03").text
    #expect(circular.contains("逾期未办结1件"), "the figures know of it")
    let seen =
      try [
        "/v1/events", "/v1/inbox", "/v1/requests?role=supervisor", "/v1/requests?role=supervisor&overdue=true",
        "/v1/reports/ledger?from=2026-03-01&procedure=complaint", "/v1/deliveries/call-list",
      ].map { try supervisor.done("GET", $0).text } + [circular]
    for text in seen {
      #expect(!text.contains(id) && !text.contains(Self.text), "\(text)")
    }
    #expect(!circular.contains("投诉举报</td>"), "\(circular)")
    // The parties are told what its verbs would say, and no more.
    #expect(try daemon.client(Qidong.stranger).get(path)["data"]["complaint"].string == Self.text)
  }

  /// Of any other complaint it is told everything; and one against it that it is asked itself is its own to answer.
  @Test(arguments: [nil, .responder] as [Qidong?]) func itSupervisesTheOthers(_ against: Qidong?) throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let supervisor = try daemon.client(Qidong.supervisor)
    let path = try Self.complaint(daemon, against: against, to: .responder)
    let own = try Self.complaint(daemon, against: .supervisor, to: .supervisor)
    #expect(try supervisor.get(path)["data"]["complaint"].string == Self.text)
    try Self.advance(daemon, "2026-03-20T10:00:00")
    let id = String(path.dropFirst("/v1/requests/".count))
    for list in ["/v1/events", "/v1/inbox?audience=supervisor", "/v1/requests?role=supervisor&overdue=true"] {
      #expect(try supervisor.done("GET", list).text.contains(id), "\(list)")
    }
    let answer =
      #"{"outcome": "substantiated", "signatory": "局长", "data": {"toldHow": "phone", "toldOn": "2026-03-19"}}"#
    #expect(try supervisor.done("POST", own + "/answer", json: answer).json["state"].string == "answered")
  }
}
