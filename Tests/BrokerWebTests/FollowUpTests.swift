internal import BrokerDomain
internal import Foundation
internal import TestSupport
internal import Testing

/// What an outcome obliges next: offered, opened, reversed; and what a supplement may put right.
@Suite(.timeLimit(.minutes(5))) struct FollowUpTests {
  private static let requester = Qidong.市医保局
  private static let responder = Qidong.市民政局

  private static func request(
    _ procedure: String, to: Qidong? = nil, subject: Person = Person(), data: String = "{}"
  ) -> String {
    marriageRequest(
      to: to, subject: subject,
      extra: [
        "procedure": .string(procedure), "item": .missing, "questions": .missing, "commitment": .missing,
        "data": JSONBody(parsing: Array(data.utf8)),
      ])
  }

  /// Opens a request of a procedure.
  private static func open(
    _ procedure: String, by organ: Qidong = requester, to: Qidong? = nil, subject: Person = Person(), data: String
  ) throws -> JSONBody {
    try House.daemon.submit(request(procedure, to: to, subject: subject, data: data), by: organ)
  }

  private static func move(_ verb: String, _ id: String, _ organ: Qidong, _ body: String, _ status: Int = 200) throws
    -> Reply
  {
    try House.client(organ).done("POST", "/v1/requests/\(id)/\(verb)", json: body, status)
  }

  private static func get(_ id: String, _ organ: Qidong, _ part: String = "") throws -> JSONBody {
    try House.client(organ).get("/v1/requests/\(id)\(part)")
  }

  private static func types(_ id: String, _ organ: Qidong) throws -> [String] {
    (try get(id, organ, "/timeline")["items"].array ?? []).compactMap { $0["type"].string }
  }

  private static func contradicted(subject: Person = Person()) throws -> String {
    let id = try #require(try House.daemon.submit(marriageRequest(subject: subject))["id"].string)
    _ = try move("answer", id, responder, answerBody(result: "contradicted"))
    return id
  }

  @Test func whatIsOfferedIsLinked() throws {
    let person = Person()
    let id = try Self.contradicted(subject: person)
    let offered = try Self.get(id, Self.requester)
    let link = try #require(offered["followUps"].array?.first)
    #expect(link["procedure"].string == "false-commitment" && link["how"].string == "offers" && link["request"].isNull)
    #expect(offered["origin"].isNull && offered["reversed"].isNull)
    let data = #"{"origin": "\#(id)", "falsehood": "查无结婚登记"}"#
    // Who is no party to it is not told that it exists.
    let stranger = try House.client(.市财政局).call(
      "POST", "/v1/requests", json: Self.request("false-commitment", data: data))
    expectProblem(stranger, 422, "unknown-request")
    #expect(pointers(stranger) == ["/data/origin"])

    let new = try Self.open("false-commitment", subject: person, data: data)
    #expect(new["origin"].string == id)
    let linked = try Self.get(id, Self.requester)
    #expect(linked["followUps"].array?.count == 1 && linked["followUps"].array?[0]["request"] == new["id"])
    #expect(linked["version"].int == 3 && linked["closedAt"] == offered["closedAt"])
    #expect(linked["answer"] == offered["answer"] && linked["state"].string == "answered")
    #expect(try Self.types(id, Self.responder) == ["request.submitted", "request.answered", "request.followed-up"])
    // A second one of the same request stands by itself.
    let second = try Self.open("false-commitment", subject: person, data: data)
    #expect(second["origin"].string == id)
    #expect(try Self.get(id, Self.requester)["followUps"] == linked["followUps"])
    // The first one was a mistake: what it took up is on offer again, and is taken up by the next.
    _ = try Self.move("withdraw", new["id"].string ?? "?", Self.requester, #"{"reason": "文书有误"}"#)
    let again = try Self.get(id, Self.requester)
    #expect(again["followUps"] == offered["followUps"] && again["version"].int == 4)
    #expect(again["closedAt"] == offered["closedAt"])
    let told = try House.client(Self.responder).get("/v1/requests/\(id)/timeline")["items"].array?.last
    #expect(told?["data"]["withdrawn"] == new["id"] && told?["data"]["request"].isNull == true, "\(told as Any)")
    let third = try Self.open("false-commitment", subject: person, data: data)
    #expect(try Self.get(id, Self.requester)["followUps"].array?.map { $0["request"] } == [third["id"]])
  }

  /// An origin shows the falsehood: contradicted, asked by the organ itself, and about the same person.
  @Test func anOriginShowsWhatWasFalse() throws {
    let (person, other) = (Person(), Person())
    let contradicted = try Self.contradicted(subject: person)
    let confirmed = try #require(try House.daemon.submit(marriageRequest(subject: person))["id"].string)
    func expectRefused(_ origin: String, _ organ: Qidong, _ subject: Person) throws {
      let data = #"{"origin": "\#(origin)", "falsehood": "查无结婚登记"}"#
      let reply = try House.client(organ).call(
        "POST", "/v1/requests", json: Self.request("false-commitment", subject: subject, data: data))
      expectProblem(reply, 422, "invalid-origin")
      #expect(pointers(reply) == ["/data/origin"])
    }
    try expectRefused(confirmed, Self.requester, person)
    _ = try Self.move("answer", confirmed, Self.responder, answerBody())
    try expectRefused(confirmed, Self.requester, person)
    try expectRefused(contradicted, Self.responder, person)
    try expectRefused(contradicted, Self.requester, other)
    // Without an origin it stands by itself.
    _ = try Self.open("false-commitment", subject: other, data: #"{"falsehood": "日常监管中发现"}"#)
  }

  @Test func whatFollowsIsOpened() throws {
    let person = Person()
    let origin = try Self.open("false-commitment", subject: person, data: #"{"falsehood": "查无结婚登记"}"#)
    let id = try #require(origin["id"].string)
    let answer = #"{"outcome": "terminate", "signatory": "周一", "data": {"decidedOn": "2026-03-02"}}"#
    let answered = try Self.move("answer", id, Self.requester, answer).json
    let link = try #require(answered["followUps"].array?.first)
    #expect(link["how"].string == "opens" && link["procedure"].string == "credit-report")
    let report = try #require(link["request"].string)
    for organ in [Self.requester, .credit] {
      let seen = try Self.get(report, organ)
      #expect(seen["state"].string == "submitted" && seen["to"]["code"].string == Qidong.credit.code)
      #expect(seen["origin"].string == id && seen["data"]["kind"].string == "broken")
      #expect(seen["data"]["origin"].string == id && seen["subject"] == origin["subject"])
      #expect(seen["due"]["status"].string == "running" && seen["purpose"] == origin["purpose"])
      let days = try Self.get(report, organ, "/deadline")
      #expect(days["date"] == seen["due"]["date"] && days["ledger"].array?.count == 1)
      let feed = try House.client(organ).get("/v1/events?limit=500")["items"].array ?? []
      #expect(feed.filter { $0["request"].string == report }.map { $0["type"].string } == ["request.submitted"])
    }
    let event = try #require(try Self.get(id, Self.requester, "/timeline")["items"].array?.last)
    #expect(event["data"]["followUps"].array?.first?["request"].string == report)
    // It goes its way like any other.
    #expect(try Self.move("acknowledge", report, .credit, "{}").json["due"]["status"].string == "met")
  }

  /// 承诺退出 is before the case is decided: what the decision has brought about is not taken back with the commitment.
  @Test func whatIsDecidedOutlivesTheCommitment() throws {
    let number = "（2025年）第\(UUID().uuidString)号"
    let check = try House.daemon.submit(marriageRequest(commitment: number))
    let data = JSONBody(parsing: Array(#"{"falsehood": "查无结婚登记"}"#.utf8))
    let found = try House.daemon.submit(
      marriageRequest(
        to: nil, commitment: number,
        extra: [
          "procedure": .string("false-commitment"), "item": .missing, "questions": .missing, "data": data,
        ]))
    let answer = #"{"outcome": "terminate", "signatory": "周一", "data": {"decidedOn": "2026-03-02"}}"#
    let answered = try Self.move("answer", found["id"].string ?? "?", Self.requester, answer).json
    let report = try #require(answered["followUps"].array?.first?["request"].string)
    #expect(try Self.get(report, Self.requester)["commitment"]["number"].string == number)
    let body = #"{"number": "\#(number)", "reason": "申请人退出承诺"}"#
    let withdrawn = try House.client(Self.requester).done("POST", "/v1/commitments/withdraw", json: body).json
    #expect(withdrawn["items"].array?.map { $0["id"] } == [check["id"]])
    #expect(try Self.get(report, .credit)["state"].string == "submitted")
  }

  @Test func aCrimeIsTransferredUnderSeal() throws {
    let id = try Self.contradicted()
    let body =
      #"{"measure": "transfer-criminal", "text": "涉嫌犯罪", "data": {"letter": "启医保移〔2026〕1号", "suspicion": "诈骗"}}"#
    let disposed = try Self.move("dispose", id, Self.requester, body).json
    let link = try #require(disposed["followUps"].array?.first { $0["procedure"].string == "criminal-transfer" })
    let sealed = try #require(link["request"].string)
    #expect(try Self.get(sealed, .市公安局)["data"]["suspicion"].string == "诈骗")
    for organ in [Self.responder, Qidong.supervisor] {
      let shown = try House.client(organ).done("GET", "/v1/requests/\(id)").text
      let told = try House.client(organ).done("GET", "/v1/requests/\(id)/timeline").text
      for text in [shown, told] { #expect(!text.contains(sealed) && !text.contains("criminal-transfer"), "\(text)") }
      expectProblem(try House.client(organ).call("GET", "/v1/requests/\(sealed)"), 404, "not-found")
    }
    #expect(try Self.get(id, Self.requester)["followUps"] == disposed["followUps"])
    // Nor does monitoring, which needs no key, tell when there is one.
    #expect(!(try House.daemon.client().done("GET", "/metrics").text.contains("criminal-transfer")))
  }

  /// What an answer hands on to the sealed transfer is no more for the supervisor than the transfer itself.
  @Test func whatTheSealHoldsIsNotReadBesideIt() throws {
    let id = try #require(try Self.open("false-commitment", data: #"{"falsehood": "查无结婚登记"}"#)["id"].string)
    let answer = """
      {"outcome": "transfer-criminal", "text": "涉嫌犯罪，依法移送", "signatory": "王五",
       "data": {"letter": "启医保移〔2026〕9号", "suspicion": "诈骗罪", "decidedOn": "2026-03-02"}}
      """
    let told = try Self.move("answer", id, Self.requester, answer).json
    #expect(told["answer"]["data"]["suspicion"].string == "诈骗罪")
    #expect(try Self.get(id, Self.requester)["answer"]["data"]["letter"].string == "启医保移〔2026〕9号")
    for part in ["", "/timeline"] {
      let shown = try House.client(.supervisor).done("GET", "/v1/requests/\(id)\(part)").text
      #expect(!shown.contains("诈骗罪") && !shown.contains("启医保移"), "\(shown)")
    }
    #expect(try Self.get(id, .supervisor)["answer"]["data"]["decidedOn"].string == "2026-03-02")
  }

  /// A disposal says no more than the contract asks for: its text says what is suspected, and the letter gets its number
  /// later.
  @Test func aCrimeIsTransferredByTheTextOfTheDisposal() throws {
    let id = try Self.contradicted()
    let body = #"{"measure": "transfer-criminal", "text": "伪造结婚证，涉嫌犯罪"}"#
    let disposed = try Self.move("dispose", id, Self.requester, body).json
    let link = try #require(disposed["followUps"].array?.first { $0["procedure"].string == "criminal-transfer" })
    #expect(link["how"].string == "opens" && link["reason"]["zh"].string == nil)
    let sealed = try #require(link["request"].string)
    let seen = try Self.get(sealed, .市公安局)
    #expect(seen["data"]["suspicion"].string == "伪造结婚证，涉嫌犯罪" && seen["data"]["letter"].string == nil)
    #expect(seen["origin"].string == id && seen["due"]["workingDays"].int == 1)
    // Who signed the answer is of another organ, and has signed no transfer.
    let answered = try Self.get(id, Self.requester)
    #expect(answered["answer"]["signatory"].string != nil)
    #expect(seen["signatory"] == answered["signatory"] && seen["signatory"] != answered["answer"]["signatory"])
    expectProblem(try House.client(.supervisor).call("GET", "/v1/requests/\(sealed)"), 404, "not-found")
    for organ in [Self.responder, Qidong.supervisor] {
      let told = try House.client(organ).done("GET", "/v1/requests/\(id)/timeline").text
      #expect(!told.contains(sealed) && !told.contains("criminal-transfer"), "\(told)")
    }
  }

  /// What names no crime says by its text, or else by what was false, what points to one.
  @Test(arguments: [
    (#", "text": "涉嫌犯罪，依法移送", "data": {"suspicion": "诈骗罪"}"#, "诈骗罪"), (#", "text": "涉嫌犯罪，依法移送""#, "涉嫌犯罪，依法移送"),
    ("", "查无结婚登记"),
  ]) func whatPointsToACrime(_ rest: String, _ expected: String) throws {
    let id = try #require(try Self.open("false-commitment", data: #"{"falsehood": "查无结婚登记"}"#)["id"].string)
    let answer = #"{"outcome": "transfer-criminal", "signatory": "王五"\#(rest)}"#
    let link = try Self.move("answer", id, Self.requester, answer).json["followUps"].array?.first
    let sealed = try #require(link?["request"].string)
    #expect(try Self.get(sealed, .市公安局)["data"]["suspicion"].string == expected)
    // 纳入信用记录, as any other outcome.
    let links = try Self.get(id, Self.requester)["followUps"].array ?? []
    #expect(links.map { $0["procedure"].string } == ["criminal-transfer", "credit-report"])
    let report = try Self.get(links.last?["request"].string ?? "?", .credit)
    #expect(report["data"]["kind"].string == "broken" && report["origin"].string == id)
    let shown = try Self.get(id, .supervisor)["followUps"].array ?? []
    #expect(shown.map { $0["procedure"].string } == ["credit-report"])
  }

  /// Two organs of the place may receive it: the organ that owes it says which.
  @Test func whatCannotBeOpenedStaysOnOffer() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let forest = "0123456789ABCDEFGHJKLMNPQRTUWXY".lazy.compactMap { try? OrganCode("11320681014269999\($0)") }.first
    let file = daemon.state.path + "/rows.csv"
    try "code,name,region\n\(try #require(forest)),启东市森林公安局,320681\n"
      .write(toFile: file, atomically: true, encoding: .utf8)
    let imported = try daemon.state.run(["import", "organs", file])
    #expect(imported.status == 0, "\(imported.stderr)")
    let (asking, answering) = (try daemon.client(Self.requester), try daemon.client(Self.responder))
    let path = try daemon.open()
    let id = String(path.dropFirst("/v1/requests/".count))
    try answering.done("POST", path + "/answer", json: answerBody(result: "contradicted"))
    let body = #"{"measure": "transfer-criminal", "text": "涉嫌犯罪"}"#
    let disposed = try asking.done("POST", path + "/dispose", json: body).json
    let link = try #require(disposed["followUps"].array?.first { $0["procedure"].string == "criminal-transfer" })
    #expect(link["how"].string == "offers" && link["request"].isNull)
    #expect(link["reason"]["zh"].string?.contains("有2个机关可以办理") == true, "\(link)")
    #expect(link["reason"]["en"].string?.hasPrefix("2 organs may answer") == true, "\(link)")
    let new = try daemon.submit(
      Self.request("criminal-transfer", to: .市公安局, data: #"{"suspicion": "诈骗", "origin": "\#(id)"}"#))
    let linked = try asking.get(path)
    #expect(linked["followUps"].array?.contains { $0["request"] == new["id"] } == true)
    #expect(linked["version"] == disposed["version"], "nobody else is told")
    #expect(!(try daemon.client(.supervisor).done("GET", path).text.contains("criminal-transfer")))
  }

  /// The police find a crime in what they had asked about: nobody else of the place may receive it, and they are not told
  /// that there are no police.
  @Test func whoWouldReceiveItItselfIsToldSo() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let (path, police) = (try daemon.open(by: .市公安局), try daemon.client(.市公安局))
    let id = String(path.dropFirst("/v1/requests/".count))
    try daemon.client(Self.responder).done("POST", path + "/answer", json: answerBody(result: "contradicted"))
    let body = #"{"measure": "transfer-criminal", "text": "涉嫌犯罪"}"#
    let disposed = try police.done("POST", path + "/dispose", json: body).json
    let link = try #require(disposed["followUps"].array?.first { $0["procedure"].string == "criminal-transfer" })
    #expect(link["how"].string == "offers" && link["request"].isNull)
    let reason = try #require(link["reason"]["zh"].string)
    #expect(reason.contains("“涉嫌犯罪案件移送”的只有本机关") && !reason.contains("机关目录中没有"), "\(reason)")
    #expect(link["reason"]["en"].string?.contains("your organ itself") == true, "\(link)")
    // As it says, another organ can be named.
    let new = try daemon.submit(
      Self.request("criminal-transfer", to: .市市场监管局, data: #"{"suspicion": "诈骗", "origin": "\#(id)"}"#),
      by: .市公安局)
    #expect(try police.get(path)["followUps"].array?.contains { $0["request"] == new["id"] } == true)
  }

  @Test(arguments: [
    (#"{"measure": "terminate", "text": "终止", "data": {"letter": "x"}}"#, ["/data/letter"]),
    (
      #"{"measure": "transfer-criminal", "text": "移送", "data": {"letter": 5, "x": 1}}"#,
      ["/data/letter", "/data/x"]
    ),
  ]) func fieldsOfADisposal(_ body: String, _ places: [String]) throws {
    let id = try Self.contradicted()
    let reply = try Self.move("dispose", id, Self.requester, body, 422)
    #expect(pointers(reply) == places)
    #expect(try Self.get(id, Self.requester)["version"].int == 2)
  }

  @Test func aReportIsReversedOnce() throws {
    let person = Person()
    let report = try #require(
      try Self.open("credit-report", to: .credit, subject: person, data: #"{"kind": "broken"}"#)["id"].string)
    func repair(_ report: String, _ subject: Person, by organ: Qidong = Self.requester) throws -> Reply {
      try House.client(organ).call(
        "POST", "/v1/requests",
        json: Self.request(
          "credit-repair", to: .credit, subject: subject, data: #"{"report": "\#(report)", "grounds": "已整改"}"#))
    }
    let other = try House.daemon.submit()["id"].string ?? "?"
    for (named, subject) in [(report, Person()), (other, person), ("01a1f6ae-9900-7c1e-9a3b-5d2f8e6a1b04", person)] {
      let refused = try repair(named, subject)
      expectProblem(refused, 422, "unknown-request")
      #expect(pointers(refused) == ["/data/report"])
    }
    let ids = try (0..<2).map { _ in try #require(try repair(report, person).json["id"].string) }
    let answer = #"{"outcome": "repaired", "signatory": "周一", "data": {"repairedOn": "2026-03-02"}}"#
    _ = try Self.move("answer", ids[0], .credit, answer)
    let undone = try Self.get(report, Self.requester)
    #expect(undone["reversed"]["by"].string == ids[0] && undone["reversed"]["at"].string != nil)
    #expect(undone["state"].string == "submitted" && undone["version"].int == 2)
    #expect(try Self.types(report, .credit) == ["request.submitted", "request.reversed"])
    let late = try Self.move("answer", ids[1], .credit, answer, 409)
    expectProblem(late, 409, "already-reversed")
    #expect(late.json["detail"].string?.contains(ids[0]) == true)
    let again = try repair(report, person)
    expectProblem(again, 422, "already-reversed")
    #expect(again.text.contains(ids[0]) && again.text.contains("2026-03-02T"))
    // Who may not read the request by which it was undone is not told of it.
    let outsider = try repair(report, person, by: .市财政局)
    expectProblem(outsider, 422, "already-reversed")
    #expect(!outsider.text.contains(ids[0]) && !outsider.text.contains("2026-"), "\(outsider.text)")
    expectProblem(try House.client(.市财政局).call("GET", "/v1/requests/\(ids[0])"), 404, "not-found")
    let refused = #"{"outcome": "refused", "signatory": "周一", "data": {"grounds": "已撤销"}}"#
    _ = try Self.move("answer", ids[1], .credit, refused)
  }

  /// An organ of its own objects to what another has reported: the reporter learns that, and not by which request.
  @Test func whoMayNotReadItIsNotToldByWhichItWasReversed() throws {
    let person = Person()
    let report = try #require(
      try Self.open("credit-report", to: .credit, subject: person, data: #"{"kind": "broken"}"#)["id"].string)
    let objection = try House.client(.市财政局).call(
      "POST", "/v1/requests",
      json: Self.request(
        "credit-objection", to: .credit, subject: person, data: #"{"report": "\#(report)", "grounds": "信息有误"}"#)
    ).json
    let id = try #require(objection["id"].string)
    let answer = #"{"outcome": "corrected", "text": "成立", "signatory": "周一", "data": {"correctedOn": "2026-03-02"}}"#
    _ = try Self.move("answer", id, .credit, answer)
    let seen = try Self.get(report, Self.requester)
    #expect(seen["reversed"]["by"].isNull && seen["reversed"]["at"].string != nil, "\(seen)")
    #expect(try Self.get(report, .credit)["reversed"]["by"].string == id)
    #expect(try Self.get(report, .supervisor)["reversed"]["by"].string == id)
    for organ in [Self.requester, .credit] {
      let client = try House.client(organ)
      for path in ["/v1/requests/\(report)/timeline", "/v1/events?limit=500"] {
        let events = try client.done("GET", path).json["items"].array ?? []
        let told = events.filter {
          $0["type"].string == "request.reversed" && ($0["request"].string ?? report) == report
        }
        #expect(told.count == 1 && told[0]["data"]["by"].isNull, "\(path)")
        #expect(told[0]["data"]["procedure"].string == "credit-objection")
      }
    }
    expectProblem(try House.client(Self.requester).call("GET", "/v1/requests/\(id)"), 404, "not-found")
  }

  /// Withdrawn before the repair was granted: there is nothing to undo, and the repair says so.
  @Test func whatIsGoneIsNotReversed() throws {
    let person = Person()
    let report = try #require(
      try Self.open("credit-report", to: .credit, subject: person, data: #"{"kind": "broken"}"#)["id"].string)
    let repair = try Self.open(
      "credit-repair", to: .credit, subject: person, data: #"{"report": "\#(report)", "grounds": "已整改"}"#)
    _ = try Self.move("withdraw", report, Self.requester, #"{"reason": "报送有误"}"#)
    let answered = try Self.move(
      "answer", repair["id"].string ?? "?", .credit,
      #"{"outcome": "repaired", "signatory": "周一", "data": {"repairedOn": "2026-03-02"}}"#
    ).json
    let link = answered["followUps"].array?.first
    #expect(link?["how"].string == "reverses" && link?["reason"]["zh"].string?.contains("未予撤销") == true, "\(answered)")
    #expect(try Self.get(report, Self.requester)["reversed"].isNull)
  }

  @Test func supplementsPutFieldsRight() throws {
    let person = Person()
    let report = try #require(
      try Self.open("credit-report", to: .credit, subject: person, data: #"{"kind": "broken"}"#)["id"].string)
    let data = #"{"report": "\#(report)", "grounds": "整改"}"#
    let id = try #require(try Self.open("credit-repair", to: .credit, subject: person, data: data)["id"].string)
    _ = try Self.move("ask", id, .credit, #"{"text": "请写明整改情况"}"#)
    let bad = try Self.move("supply", id, Self.requester, #"{"data": {"grounds": "", "x": 1, "report": "y"}}"#, 422)
    #expect(pointers(bad) == ["/data/grounds", "/data/report", "/data/x", "/text"])
    let wrong = try Self.move(
      "supply", id, Self.requester, #"{"text": "见附件", "data": {"report": "\#(id)"}}"#, 422)
    #expect(pointers(wrong) == ["/data/report"])
    let supplied = try Self.move(
      "supply", id, Self.requester, #"{"text": "已写明", "data": {"grounds": "已于三月一日整改"}}"#
    ).json
    #expect(supplied["data"]["grounds"].string == "已于三月一日整改" && supplied["data"]["report"].string == report)
    #expect(supplied["supplement"]["supplied"]["data"]["grounds"].string == "已于三月一日整改")
    #expect(try Self.get(id, .credit)["data"] == supplied["data"])
    let event = try #require(try Self.get(id, .credit, "/timeline")["items"].array?.last)
    #expect(event["data"]["fields"].array?.compactMap(\.string) == ["grounds"])

    // Verification has no fields.
    let plain = try #require(try House.daemon.submit()["id"].string)
    _ = try Self.move("ask", plain, Self.responder, #"{"text": "请补充"}"#)
    let none = try Self.move("supply", plain, Self.requester, #"{"text": "补充", "data": {"x": 1}}"#, 422)
    #expect(pointers(none) == ["/data/x"])
    #expect(try Self.get(plain, Self.requester)["state"].string == "awaiting-supplement")
  }

  /// Whoever comes too late is told who was there before.
  @Test func theSecondOfficerIsToldOfTheFirst() throws {
    let id = try #require(try House.daemon.submit()["id"].string)
    _ = try Self.move("answer", id, Self.responder, answerBody())
    for (verb, organ, body) in [
      ("answer", Self.responder, answerBody()), ("withdraw", Self.requester, #"{"reason": "申请人退出承诺"}"#),
    ] {
      let late = try Self.move(verb, id, organ, body, 409)
      expectProblem(late, 409, "illegal-transition")
      let happened = late.json["happened"]
      #expect(happened["by"]["code"].string == Self.responder.code && happened["person"].string == "赵六")
      let at = try #require(happened["at"].string)
      #expect(late.json["detail"].string?.contains("于 \(at) 由启东市民政局（赵六）答复") == true, "\(late.text)")
    }
    #expect(try Self.get(id, Self.requester)["version"].int == 2)
  }

  @Test func fieldsOfAnotherProcedure() throws {
    let body = Self.request("credit-report", to: .credit, data: #"{"kind": "broken", "workOrder": "1"}"#)
    let reply = try House.client(Self.requester).call("POST", "/v1/requests", json: body)
    expectProblem(reply, 422, "invalid-body")
    #expect(pointers(reply) == ["/data/workOrder"])
  }
}
