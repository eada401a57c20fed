internal import TestSupport
internal import Testing

/// Every fault at once, also where some show in the body alone and others only beside the request, the procedure, the
/// lists or what the body names.
@Suite(.timeLimit(.minutes(5)))
struct FaultRoundTests {
  private typealias Case = FaultTableTests.Case

  private static let requester = Qidong.requester
  private static let responder = Qidong.responder
  /// Of no request.
  private static let nobody = "01a1f6ae-9900-7c1e-9a3b-5d2f8e6a1b04"

  private static func check(_ rows: [Case], _ organ: Qidong, _ path: String, _ good: String) throws {
    let client = try House.client(organ)
    for row in rows { try FaultTableTests.expect(row, client, path, row.body(of: good)) }
  }

  private static func plain(_ procedure: String, to: Qidong?, subject: Person = Person(), data: String) -> String {
    marriageRequest(
      to: to, subject: subject,
      extra: [
        "procedure": .string(procedure), "item": .missing, "questions": .missing, "commitment": .missing,
        "data": JSONBody(parsing: Array(data.utf8)),
      ])
  }

  /// Thousands of them would be megabytes that nobody reads, and everybody waits for.
  @Test(arguments: ["", "data"]) func anEndOfFaults(_ place: String) throws {
    let many = (0..<3000).map { #""x\#($0)": 1"# }.joined(separator: ", ")
    let body = place.isEmpty ? "{\(many)}" : #"{"procedure": "complaint", "data": {\#(many)}}"#
    let reply = try House.client(Self.requester).call("POST", "/v1/requests", json: body)
    expectProblem(reply, 422, "invalid-body")
    #expect(reply.json["errors"].array?.count == 100)
    #expect(reply.json["detail"].string?.contains("至少有100处错误") == true)
  }

  @Test func anAnswerByOutcome() throws {
    let path = try House.daemon.open(Self.plain("complaint", to: Self.responder, data: "{}"))
    let good =
      #"{"outcome": "substantiated", "signatory": "王五", "data": {"toldHow": "phone", "toldOn": "2026-03-02"}}"#
    let rows = [
      Case(
        "fields without an outcome",
        [("/outcome", .missing), ("/data/toldOn", .string("yesterday")), ("/data/x", .int(1))], "invalid-body",
        ["/data/toldOn", "/data/x", "/outcome"]),
      Case(
        "a day to come, and nobody signed", [("/data/toldOn", .string("2027-01-04")), ("/signatory", .missing)],
        "invalid-body", ["/data/toldOn", "/signatory"]),
      Case(
        "no such outcome, and no fields", [("/outcome", .string("maybe")), ("/data", .int(1))], "invalid-body",
        ["/data", "/outcome"]),
      Case(
        "what the outcome requires, and nobody signed", [("/data", .object([:])), ("/signatory", .string(" "))],
        "invalid-body", ["/data/toldHow", "/data/toldOn", "/signatory"]),
      Case(
        "an unreadable outcome requires nothing", [("/outcome", .int(1)), ("/data", .missing)], "invalid-body",
        ["/outcome"]),
    ]
    try Self.check(rows, Self.responder, path + "/answer", good)
    try House.client(Self.responder).done("POST", path + "/answer", json: good)
  }

  @Test func aDisposal() throws {
    let path = try House.daemon.open()
    try House.client(Self.responder).done("POST", path + "/answer", json: answerBody(result: "contradicted"))
    let good =
      #"{"measure": "transfer-criminal", "text": "依法移送", "data": {"letter": "启医保移〔2026〕1号", "suspicion": "诈骗"}}"#
    let rows = [
      Case(
        "fields and text", [("/text", .missing), ("/data/letter", .int(1)), ("/data/x", .int(1))], "invalid-body",
        ["/data/letter", "/data/x", "/text"]),
      Case(
        "a measure that opens nothing has no fields", [("/measure", .string("rectify"))], "invalid-body",
        ["/by", "/data/letter", "/data/suspicion"]),
      Case(
        "whose fields they are is not known", [("/measure", .string("forgive")), ("/data/x", .int(1))], "invalid-body",
        ["/measure"]),
      Case(
        "nobody puts it right yesterday",
        [("/measure", .string("rectify")), ("/by", .string("2026-03-01")), ("/data", .missing)], "invalid-body", ["/by"]
      ),
      Case(
        "that, and no text",
        [("/measure", .string("rectify")), ("/by", .string("2101-01-01")), ("/data", .missing), ("/text", .missing)],
        "invalid-body", ["/by", "/text"]),
    ]
    try Self.check(rows, Self.requester, path + "/dispose", good)
    let today = #"{"measure": "rectify", "by": "2026-03-02", "text": "限期整改"}"#
    try House.client(Self.requester).done("POST", path + "/dispose", json: today)
  }

  /// Ids are compared as they are written, and not as Unicode has them look: whoever joins an answer with its question
  /// compares bytes.
  @Test(arguments: [("K1", "\u{212A}1"), ("\u{8C48}", "\u{F900}"), ("\u{E9}", "e\u{301}")])
  func idsThatLookAlikeAreTwo(_ id: String, _ other: String) throws {
    let asked = [id, other].map { JSONBody.object(["id": .string($0), "text": .string("是否属实？")]) }
    let both = try House.daemon.open(JSONBody(marriageRequest()).with(.array(asked), at: "/questions").description)
    let questions = try House.client(Self.requester).get(both)["questions"].array ?? []
    #expect(questions.compactMap { $0["id"].string }.map { Array($0.utf8) } == [id, other].map { Array($0.utf8) })
    let one = try House.daemon.open(JSONBody(marriageRequest()).with(.array([asked[0]]), at: "/questions").description)
    let answer = JSONBody(answerBody()).with(.string(other), at: "/findings/0/question").description
    let reply = try House.client(Self.responder).call("POST", one + "/answer", json: answer)
    expectProblem(reply, 422, "invalid-body", other)
    try House.client(Self.responder).done(
      "POST", one + "/answer", json: JSONBody(answer).with(.string(id), at: "/findings/0/question").description)
  }

  @Test func aTransfer() throws {
    let path = try House.daemon.open()
    try House.client(Self.responder).done("POST", path + "/return", json: #"{"reason": "登记档案不由本机关保管"}"#)
    let good = #"{"to": "\#(Qidong.stranger.code)", "reason": "由其掌握登记"}"#
    let rows = [
      Case(
        "unlisted, and no reason", [("/to", .string(FaultTableTests.unlisted)), ("/reason", .missing)], "invalid-body",
        ["/reason", "/to"]),
      Case(
        "to itself, and no statement of reasons", [("/to", .string(Self.requester.code)), ("/reason", .string("x"))],
        "invalid-body", ["/reason", "/to"]),
    ]
    try Self.check(rows, Self.requester, path + "/transfer", good)
    try House.client(Self.requester).done("POST", path + "/transfer", json: good)
  }

  @Test func whatASubmissionNames() throws {
    let good = Self.plain("credit-repair", to: .credit, data: #"{"report": "\#(Self.nobody)", "grounds": "已整改"}"#)
    let repairs = [
      Case(
        "no such report, and no purpose", [("/purpose", .missing)], "invalid-body", ["/data/report", "/purpose"]),
      Case(
        "a field and what another names", [("/data/grounds", .missing), ("/purpose", .int(1))], "invalid-body",
        ["/data/grounds", "/data/report", "/purpose"]),
      Case(
        "about whom is not known", [("/subject/idNumber", .string("1"))], "invalid-body", ["/subject/idNumber"]),
      Case("whom it asks is not known", [("/to", .string("1132"))], "invalid-body", ["/to"]),
    ]
    try Self.check(repairs, Self.requester, "/v1/requests", good)
    let own = Self.plain("false-commitment", to: nil, data: #"{"origin": "\#(Self.nobody)", "falsehood": "查无登记"}"#)
    let origins = [
      Case("no such origin, and no purpose", [("/purpose", .missing)], "invalid-body", ["/data/origin", "/purpose"])
    ]
    try Self.check(origins, Self.requester, "/v1/requests", own)
  }

  /// Whom the list finds is held against the procedure as well.
  @Test func whomTheListFinds() throws {
    let good = marriageRequest(
      to: nil, extra: ["procedure": .string("credit-check"), "questions": .missing, "commitment": .missing])
    let rows = [Case("not for it to answer", [("/urgency", .int(1))], "invalid-body", ["/to", "/urgency"])]
    try Self.check(rows, Self.requester, "/v1/requests", good)
  }

  @Test func whatASupplementNames() throws {
    let person = Person()
    let daemon = try House.daemon
    let report = try daemon.submit(
      Self.plain("credit-report", to: .credit, subject: person, data: #"{"kind": "broken"}"#))
    let id = try #require(report["id"].string)
    let path = try daemon.open(
      Self.plain("credit-repair", to: .credit, subject: person, data: #"{"report": "\#(id)", "grounds": "已整改"}"#))
    try House.client(.credit).done("POST", path + "/ask", json: #"{"text": "请写明整改情况"}"#)
    let good = #"{"text": "见附件", "data": {"report": "\#(Self.nobody)"}}"#
    let rows = [
      Case("no such report", [], "unknown-request", ["/data/report"]),
      Case("no such report, and no text", [("/text", .missing)], "invalid-body", ["/data/report", "/text"]),
      Case(
        "no such report, and a field", [("/data/grounds", .string(""))], "invalid-body",
        ["/data/grounds", "/data/report"]),
      Case(
        "all of them", [("/data/grounds", .string("")), ("/text", .int(1)), ("/x", .int(1))], "invalid-body",
        ["/data/grounds", "/data/report", "/text", "/x"]),
    ]
    try Self.check(rows, Self.requester, path + "/supply", good)
  }

  @Test func aPublication() throws {
    let good = #"{"proposals": ["\#(Self.nobody)"], "notice": "启司发〔2026〕81号"}"#
    let rows = [
      Case("no such proposal", [], "unknown-proposal", ["/proposals/0"]),
      Case(
        "no such proposal, and no notice", [("/notice", .missing)], "invalid-body", ["/notice", "/proposals/0"]),
      Case(
        "all of them",
        [
          ("/notice", .string(" ")), ("/proposals/1", .int(1)), ("/effectiveFrom", .string("2026-03-01")),
          ("/x", .int(1)),
        ], "invalid-body", ["/effectiveFrom", "/notice", "/proposals/0", "/proposals/1", "/x"]),
      Case(
        "an unreadable day decides nothing", [("/effectiveFrom", .string("soon"))], "invalid-body",
        ["/effectiveFrom", "/proposals/0"]),
    ]
    try Self.check(rows, .supervisor, "/v1/catalogue/publications", good)
    let published = try House.client(.supervisor).get("/v1/catalogue/publications?limit=500")["items"].array ?? []
    #expect(!"\(published)".contains("启司发〔2026〕81号"), "nothing was published")
  }

  @Test func anEndpointsCertificates() throws {
    let good = #"{"url": "http://127.0.0.1:9/", "tls": {"certificate": "x", "key": "y"}}"#
    let rows = [
      Case(
        "an authority that is no text, and no certificate", [("/tls/ca", .int(1))], "invalid-body",
        ["/tls/ca", "/tls/certificate"]),
      Case(
        "a key that is no text, and more", [("/tls/key", .int(1)), ("/tls/x", .int(1)), ("/url", .missing)],
        "invalid-body", ["/tls/certificate", "/tls/key", "/tls/x", "/url"]),
    ]
    try Self.check(rows, Self.requester, "/v1/endpoints", good)
  }

  @Test func whatIsSentAgain() throws {
    let good = #"{"endpoint": "\#(Self.nobody)", "state": "dead"}"#
    let rows = [
      Case(
        "no id, no state, and more", [("/endpoint", .string("x")), ("/state", .missing), ("/x", .int(1))],
        "invalid-body", ["/endpoint", "/state", "/x"])
    ]
    try Self.check(rows, Self.requester, "/v1/deliveries/retry", good)
  }
}
