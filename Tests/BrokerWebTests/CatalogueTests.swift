internal import Foundation
internal import TestSupport
internal import Testing

/// The life of the lists over HTTP: proposed by a department, reviewed and published by the 司法局, filed upward.
@Suite(.timeLimit(.minutes(5)))
struct CatalogueTests {
  private struct Scene {
    let daemon: Daemon
    var supervisor: Client { get throws { try daemon.client(Qidong.supervisor) } }

    init() throws { daemon = try Daemon(state: StateDirectory(rehearseAt: House.start)) }
    init(daemon: Daemon) { self.daemon = daemon }

    /// - Returns: the id.
    func propose(_ data: String, item: String? = nil, by organ: Qidong = .requester, approve: Bool = true) throws
      -> String
    {
      let about = item.map { #""item": "\#($0)","# } ?? ""
      let body =
        #"{"procedure": "list-adjustment", "to": "\#(Qidong.supervisor.code)", \#(about) "purpose": "清单调整", "data": \#(data)}"#
      let id = try #require(try daemon.submit(body, by: organ)["id"].string)
      if approve {
        try supervisor.done(
          "POST", "/v1/requests/\(id)/answer", json: #"{"outcome": "approved", "text": "同意", "signatory": "周八"}"#)
      }
      return id
    }

    func publish(_ ids: [String], from day: String? = nil, key: String? = nil) throws -> Reply {
      let list = ids.map { #""\#($0)""# }.joined(separator: ", ")
      let from = day.map { #", "effectiveFrom": "\#($0)""# } ?? ""
      return try supervisor.call(
        "POST", "/v1/catalogue/publications", json: #"{"proposals": [\#(list)], "notice": "启司发〔2026〕8号"\#(from)}"#,
        headers: key.map { ["Idempotency-Key": $0] } ?? [:])
    }

    func importOrgans(_ rows: String) throws {
      let file = daemon.state.path + "/rows.csv"
      try rows.write(toFile: file, atomically: true, encoding: .utf8)
      let result = try daemon.state.run(["import", "organs", file])
      #expect(result.status == 0, "\(result.stderr)")
    }
  }

  /// Made up: 南通市司法局.
  private static let prefecture = "113206000142600143"

  @Test func aChangeComesIntoForceOnItsDay() throws {
    let scene = try Scene()
    let reader = try scene.daemon.client(Qidong.stranger)
    #expect(try reader.get("/v1/items?limit=1")["version"].int == 1)
    let exclude = try scene.propose(
      #"{"change": "exclude", "exclusion": "方案二（七）", "grounds": "涉及公共安全"}"#, item: "47")
    let add = try scene.propose(#"{"change": "add", "proof": "新证明", "matter": "新事项", "grounds": "省清单"}"#)
    let reply = try scene.publish([exclude, add], from: "2026-03-09", key: "publish-1")
    #expect(reply.status == 201, "\(reply.text)")
    #expect(reply.json["proposals"].array?.count == 2 && reply.json["forms"].array?.count == 1)
    // There is no supervisor above in the example's directory: the department files with the one that published, once.
    #expect(reply.json["note"].isNull && reply.json["filings"].array?.count == 1)
    let filing = try scene.supervisor.get("/v1/requests/" + (reply.json["filing"].string ?? "?"))
    #expect(filing["id"] == reply.json["filings"][0] && filing["data"]["adjustment"].string == exclude)
    #expect(filing["from"]["code"].string == Qidong.requester.code)
    let again = try scene.publish([exclude, add], from: "2026-03-09", key: "publish-1")
    #expect(again.body == reply.body && again.headers["idempotency-replayed"] == "true")
    // The department owes the forms within ten working days.
    let forms = try #require(reply.json["forms"].array?.first?.string)
    let duty = try scene.daemon.client(Qidong.requester).get("/v1/requests/\(forms)")
    #expect(duty["procedure"].string == "format-text-publication" && duty["due"]["date"].string == "2026-03-16")
    // Until its day everything is as it was.
    #expect(try reader.get("/v1/items?limit=1")["version"].int == 1)
    let waiting = try reader.get("/v1/items?limit=500&asOf=2026-03-09")
    #expect(waiting["version"].int == 2 && waiting["effectiveFrom"].string == "2026-03-09")
    #expect(waiting["items"].array?.count == 51 && waiting["items"].array?.last?["code"].string == "51")
    try scene.daemon.submit(marriageRequest())
    try scene.daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-09T00:00:00+08:00"}"#)
    #expect(try reader.get("/v1/items?limit=1")["version"].int == 2)
    #expect(try reader.get("/v1/items?limit=1&asOf=2026-03-08")["version"].int == 1)
    let refused = try scene.daemon.client(Qidong.requester).call("POST", "/v1/requests", json: marriageRequest())
    expectProblem(refused, 422, "item-excluded")
    for part in ["方案二（七）", "第2版", "2026-03-09"] { #expect(refused.text.contains(part), "\(refused.text)") }
    // Everything that is wrong at once, in the caller's language.
    let all = try scene.daemon.client(Qidong.requester).call(
      "POST", "/v1/requests", json: marriageRequest(extra: ["purpose": .missing]), headers: ["Accept-Language": "en"])
    #expect(pointers(all) == ["/item", "/purpose"] && all.text.contains("negative list"), "\(all.text)")
    #expect(try scene.daemon.state.run(["verify"]).status == 0)
  }

  /// What is on the negative list takes no commitment at all: no form is served for it and nobody's credit is looked up.
  /// What is exempt takes one, and only checking it is refused.
  @Test func whatIsOnTheNegativeListTakesNoCommitment() throws {
    let scene = try Scene()
    let ids = try [
      scene.propose(#"{"change": "exclude", "exclusion": "方案二（七）", "grounds": "涉及公共安全"}"#, item: "47"),
      scene.propose(#"{"change": "amend", "method": "exempt", "agentAllowed": false, "grounds": "信用良好"}"#, item: "48"),
    ]
    #expect(try scene.publish(ids).status == 201)
    let data = [
      "commitment-service": #"{"appliedOn": "2026-03-02", "channel": "letter"}"#,
      "on-site-dispatch": #"{"promised": "婚姻登记属实"}"#,
      "supervision-handover": #"{"grantedOn": "2026-03-02", "exempt": true}"#,
    ]
    func submit(_ procedure: String, _ item: String, byAgent: Bool = false) throws -> Reply {
      var changes: [String: JSONBody] = [
        "procedure": .string(procedure), "item": .string(item), "questions": .missing,
        "commitment": JSONBody(#"{"number": "12", "byAgent": \#(byAgent)}"#),
      ]
      changes["data"] = data[procedure].map { JSONBody($0) }
      let to: Qidong? = procedure == "credit-check" ? .credit : procedure == "commitment-service" ? nil : .responder
      return try scene.daemon.client(.requester).call(
        "POST", "/v1/requests", json: marriageRequest(to: to, extra: changes))
    }
    // Granted before it was excluded, and to be watched all the same.
    let handedOver = try submit("supervision-handover", "47")
    #expect(handedOver.status == 201, "\(handedOver.text)")
    for procedure in ["commitment-service", "credit-check", "on-site-dispatch"] {
      let refused = try submit(procedure, "47")
      expectProblem(refused, 422, "item-excluded", procedure)
      #expect(refused.text.contains("方案二（七）") && pointers(refused) == ["/item"], "\(refused.text)")
      expectProblem(try submit(procedure, "48", byAgent: true), 422, "agent-not-allowed", procedure)
      let taken = try submit(procedure, "48")
      #expect(taken.status == 201, "\(procedure): \(taken.text)")
    }
  }

  /// Published is published, also where the daemon cannot take the lists up at once.
  @Test func aPublicationThatCannotBeTakenUpAtOnceIsDone() throws {
    let scene = try Scene()
    let database = scene.daemon.state.path + "/xiecha.sqlite"
    func plant(_ sql: String) throws {
      let result = try runTool(["-cmd", ".timeout 5000", database, sql], binary: "/usr/bin/sqlite3")
      try #require(result.status == 0, "\(result.stderr)")
    }
    let id = try scene.propose(#"{"change": "exclude", "exclusion": "方案二（七）", "grounds": "涉及公共安全"}"#, item: "47")
    try plant(
      "CREATE TRIGGER full BEFORE UPDATE ON meta WHEN new.name = 'loaded-generation' BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    let reply = try scene.publish([id])
    #expect(reply.status == 201 && reply.json["proposals"].array?.count == 1, "\(reply.text)")
    try plant("DROP TRIGGER full")
    try eventually("the list is in force") {
      try scene.daemon.client(Qidong.stranger).get("/v1/items?limit=1")["version"].int == 2
    }
  }

  @Test func aPublicationIsFiledWithTheSuperior() throws {
    let scene = try Scene()
    let superior = Self.prefecture
    try scene.importOrgans("code,name,region,role\n\(superior),南通市司法局,320600,supervisor\n")
    let id = try scene.propose(
      #"{"change": "amend", "list": "assistance-list", "workingDays": 3, "grounds": "提速"}"#, item: "47")
    let reply = try scene.publish([id])
    #expect(reply.status == 201 && reply.json["note"].isNull, "\(reply.text)")
    let filing = try scene.supervisor.get("/v1/requests/" + (reply.json["filing"].string ?? "?"))
    #expect(filing["procedure"].string == "list-filing" && filing["to"]["code"].string == superior)
    #expect(filing["from"]["code"].string == Qidong.supervisor.code)
    #expect(filing["due"]["date"].string == "2026-03-11" && filing["due"]["workingDays"].int == 7)
    #expect(filing["due"]["status"].string == "met" && filing["due"]["binds"].string == "sender")
    #expect(filing["data"]["publishedOn"].string == "2026-03-02" && filing["data"]["adjustment"].string == id)
    // In force at once; nobody owes forms for it.
    #expect(try scene.daemon.submit(marriageRequest(to: nil))["due"]["workingDays"].int == 3)
    #expect(reply.json["forms"].array?.isEmpty == true)
    #expect(reply.json["versions"].array?.first?["list"].string == "assistance-list")
    let listed = try scene.daemon.client(Qidong.stranger).get("/v1/catalogue/publications")["items"].array ?? []
    #expect(listed.count == 1 && listed[0]["proposals"].array?.isEmpty == true && listed[0]["filing"].isNull)
  }

  /// 崂山方案 3, to the letter: without a superior in the directory each department files what it proposed with the 司法局
  /// that published, which files nothing with itself.
  @Test func departmentsFileWhereThereIsNoSuperior() throws {
    let scene = try Scene()
    let exclude = #"{"change": "exclude", "exclusion": "方案二（七）", "grounds": "涉及公共安全"}"#
    let ids = try [
      scene.propose(exclude, item: "44"), scene.propose(exclude, item: "45"),
      scene.propose(exclude, item: "46", by: .responder),
    ]
    let reply = try scene.publish(ids)
    #expect(reply.status == 201 && reply.json["note"].isNull, "\(reply.text)")
    let filings = (reply.json["filings"].array ?? []).compactMap(\.string)
    #expect(filings.count == 2 && reply.json["filing"].string == filings.first)
    for (id, (organ, proposal)) in zip(filings, [(Qidong.requester, ids[0]), (.responder, ids[2])]) {
      let filing = try scene.daemon.client(organ).get("/v1/requests/\(id)")
      #expect(filing["procedure"].string == "list-filing" && filing["to"]["code"].string == Qidong.supervisor.code)
      #expect(filing["from"]["code"].string == organ.code && filing["data"]["adjustment"].string == proposal)
      #expect(filing["data"]["publishedOn"].string == "2026-03-02" && filing["due"]["workingDays"].int == 7)
      #expect(filing["due"]["status"].string == "met" && filing["due"]["binds"].string == "sender")
      // Who publishes gives the receipt.
      let receipt = #"{"outcome": "filed", "data": {"receipt": "启司备〔2026〕1号"}, "signatory": "周八"}"#
      try scene.supervisor.done("POST", "/v1/requests/\(id)/answer", json: receipt)
      // A department is told of its own.
      let listed = try scene.daemon.client(organ).get("/v1/catalogue/publications")["items"][0]
      #expect(listed["filing"].string == id && listed["filings"].array?.compactMap(\.string) == [id])
    }
    #expect(try scene.daemon.state.run(["verify"]).status == 0)
  }

  @Test func whatCannotBeFiledIsSaid() throws {
    let state = try StateDirectory(rehearseAt: House.start)
    try FileManager.default.removeItem(atPath: state.path + "/procedures/list-filing.yaml")
    let scene = try Scene(daemon: Daemon(state: state))
    let id = try scene.propose(#"{"change": "exclude", "exclusion": "方案二（七）", "grounds": "理由"}"#, item: "44")
    let reply = try scene.publish([id])
    #expect(reply.status == 201 && reply.json["note"].string?.contains("未配置清单备案") == true, "\(reply.text)")
    #expect(reply.json["filing"].isNull && reply.json["filings"].array?.isEmpty == true)
  }

  /// Two regions in one database: each has a list of its own, even of the same proof for the same matter.
  @Test func aListIsOfItsRegion() throws {
    let scene = try Scene()
    let state = scene.daemon.state
    let imported = try state.run(["import", "organs", Binary.packageRoot + "/config/examples/ayouqi/organs.csv"])
    #expect(imported.status == 0, "\(imported.stderr)")
    func client(_ code: String) throws -> Client {
      scene.daemon.client(key: try state.run(["key", "create", "--organ", code, "--json"]).json["key"].string)
    }
    // 阿拉善右旗: 医保局, 司法局, 民政局.
    let bureau = "11152922015600842J"
    let (asking, supervisor) = (try client("11152922015602100Y"), try client(bureau))
    func propose(_ data: String, item: String? = nil) throws -> Reply {
      let about = item.map { #""item": "\#($0)","# } ?? ""
      return try asking.call(
        "POST", "/v1/requests",
        json: #"{"procedure": "list-adjustment", "to": "\#(bureau)", \#(about) "purpose": "清单调整", "data": \#(data)}"#)
    }
    // 启东's item is not theirs to change or to ask by.
    for change in ["exclude", "amend", "remove"] {
      let data = #"{"change": "\#(change)", "exclusion": "方案", "method": "exempt", "grounds": "理由"}"#
      let refused = try propose(data, item: "44")
      expectProblem(refused, 422, "unknown-item", change)
      #expect(pointers(refused) == ["/item"] && refused.text.contains("320681清单"), "\(refused.text)")
    }
    let to = JSONBody.string("11152922015600770R")
    expectProblem(
      try asking.call("POST", "/v1/requests", json: marriageRequest(to: nil, extra: ["to": to])), 422, "unknown-item")
    // They list the same proof for the same matter, and it is theirs.
    let add = #"{"change": "add", "proof": "结婚证", "matter": "产前检查费支付", "code": "AYQ-1", "grounds": "方案三(一)"}"#
    let id = try #require(try propose(add).json["id"].string)
    try supervisor.done(
      "POST", "/v1/requests/\(id)/answer", json: #"{"outcome": "approved", "text": "同意", "signatory": "周八"}"#)
    let notice = #"{"proposals": ["\#(id)"], "notice": "阿右司发〔2026〕1号"}"#
    try supervisor.done("POST", "/v1/catalogue/publications", json: notice, 201)
    let items = try asking.get("/v1/items?limit=500")["items"].array ?? []
    #expect(items.last?["code"].string == "AYQ-1" && items.last?["region"].string == "152922")
    #expect(items.first?["region"].string == "320681")
    let body = marriageRequest(item: "AYQ-1", to: nil, extra: ["to": to])
    #expect(try asking.call("POST", "/v1/requests", json: body).status == 201)
    expectProblem(
      try scene.daemon.client(.requester).call("POST", "/v1/requests", json: marriageRequest(item: "AYQ-1")), 422,
      "unknown-item")
    #expect(try state.run(["verify"]).status == 0)
  }

  /// What the prefecture lists holds for 启东 too, and is for the prefecture's supervisor to change; likewise what all
  /// share, where an organ of another region depends on it.
  @Test func whatIsNotOfTheRegionIsNotPublished() throws {
    let scene = try Scene()
    let (prefecture, elsewhere) = (Self.prefecture, "11152922015602100Y")
    try scene.importOrgans(
      "code,name,region,role\n\(prefecture),南通市司法局,320600,supervisor\n\(elsewhere),阿拉善右旗医保局,152922,member\n")
    func load(_ kind: String, _ rows: String) throws {
      let file = scene.daemon.state.path + "/\(kind).csv"
      try rows.write(toFile: file, atomically: true, encoding: .utf8)
      let result = try scene.daemon.state.run(["import", kind, file])
      #expect(result.status == 0, "\(result.stderr)")
    }
    try load("items", "code,proof,matter,region\n901,甲,子,320600\n902,乙,子,\n903,丙,子,\n")
    try load("assistance-list", "item,requester,obliged,working_days\n902,\(elsewhere),\(Qidong.responder.code),5\n")
    let change = #"{"change": "exclude", "exclusion": "方案二（七）", "grounds": "理由"}"#
    for (item, expected) in [("901", "事项901“甲”（子）（320600的清单）"), ("902", "机关阿拉善右旗医保局")] {
      let refused = try scene.publish([scene.propose(change, item: item)])
      expectProblem(refused, 422, "invalid-proposal", item)
      #expect(refused.text.contains("涉及辖区外的" + expected), "\(refused.text)")
    }
    #expect(try scene.publish([scene.propose(change, item: "903")]).status == 201)
  }

  @Test func everyFaultIsNamed() throws {
    let scene = try Scene()
    let remove = #"{"change": "exclude", "exclusion": "方案二（七）", "grounds": "理由"}"#
    let (first, second) = (try scene.propose(remove, item: "44"), try scene.propose(remove, item: "44"))
    let open = try scene.propose(remove, item: "45", approve: false)
    let verification = try #require(try scene.daemon.submit()["id"].string)
    let reply = try scene.publish(
      [first, second, open, verification, "no id", first], from: "2026-03-01")
    expectProblem(reply, 422, "invalid-body")
    let found = (reply.json["errors"].array ?? []).map { "\($0["pointer"].string ?? "") \($0["code"].string ?? "")" }
    #expect(
      found.sorted() == [
        "/effectiveFrom effective-date-past", "/proposals/1 contradictory-proposals", "/proposals/2 not-approved",
        "/proposals/3 unknown-proposal", "/proposals/4 unknown-proposal", "/proposals/5 contradictory-proposals",
      ])
    #expect(try scene.supervisor.get("/v1/items?limit=1")["version"].int == 1, "nothing was changed")
    #expect(try scene.publish([first], from: "2026-03-09").status == 201)
    expectProblem(try scene.publish([first]), 422, "already-published")
    let other = try scene.propose(remove, item: "45")
    expectProblem(try scene.publish([other], from: "2027-03-20"), 422, "effective-date-far")
    #expect(try scene.publish([other], from: "2026-03-09").status == 201)
  }

  /// A version that waits keeps nobody else's waiting: what is published for an earlier day is taken up by it.
  @Test func whatWaitsTakesUpWhatComesBefore() throws {
    let scene = try Scene()
    let exclude = #"{"change": "exclude", "exclusion": "方案二（七）", "grounds": "理由"}"#
    func add(_ proof: String) -> String {
      #"{"change": "add", "proof": "\#(proof)", "matter": "\#(proof)备案", "grounds": "新设"}"#
    }
    let later = try [scene.propose(exclude, item: "44"), scene.propose(add("甲证"))]
    #expect(try scene.publish(later, from: "2026-03-09").status == 201)
    let now = try [scene.propose(exclude, item: "45"), scene.propose(add("乙证"))]
    let published = try scene.publish(now, from: "2026-03-05")
    #expect(published.status == 201 && published.json["versions"].array?.count == 1, "\(published.text)")
    func list(_ day: String) throws -> [String] {
      let page = try scene.supervisor.get("/v1/items?limit=500&asOf=\(day)")
      let items = page["items"].array ?? []
      let excluded = items.filter { $0["exclusion"].string != nil }.compactMap { $0["code"].string }
      let new = items.suffix(from: 50).compactMap { "\($0["code"].string ?? "?") \($0["proof"].string ?? "?")" }
      return ["\(page["version"].int ?? 0)"] + excluded + new
    }
    #expect(try list("2026-03-04") == ["1"])
    #expect(try list("2026-03-05") == ["3", "45", "52 乙证"])
    #expect(try list("2026-03-09") == ["4", "44", "45", "51 甲证", "52 乙证"])
    // What would not go with the one that waits is refused.
    expectProblem(try scene.publish([scene.propose(add("甲证"))], from: "2026-03-06"), 422, "invalid-proposal")
    try scene.daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-05T10:00:00+08:00"}"#)
    #expect(try scene.supervisor.get("/v1/items?limit=1")["version"].int == 3)
    try scene.daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-09T00:00:00+08:00"}"#)
    #expect(try scene.supervisor.get("/v1/items?limit=1")["version"].int == 4)
    #expect(try scene.daemon.state.run(["verify"]).status == 0)
  }

  @Test func contactsAreForTheOrganAndItsSupervisor() throws {
    let scene = try Scene()
    let code = Qidong.responder.code
    try scene.importOrgans(
      "code,name,short_name,region,liaison_name,liaison_phone,liaison_substitute\n"
        + "\(code),启东市民政局,市民政局,320681,联络员甲,0513-80000000,替代人乙\n")
    func contacts(_ client: Client) throws -> [JSONBody] {
      let organs = try client.get("/v1/organs?limit=500")["items"].array ?? []
      return organs.first { $0["code"].string == code }?["contacts"].array ?? []
    }
    for organ in [Qidong.responder, .supervisor] {
      let shown = try contacts(try scene.daemon.client(organ))
      #expect(shown.first?["name"].string == "联络员甲" && shown.first?["substitute"]["name"].string == "替代人乙")
    }
    for client in [try scene.daemon.client(Qidong.requester), scene.daemon.operatorClient()] {
      let text = try client.done("GET", "/v1/organs?limit=500").text
      #expect(!text.contains("联络员甲") && !text.contains("80000000"))
    }
  }

  /// A report names an item as the list had it when the reported days ended, and not as it is called since.
  @Test func aReportNamesItemsByTheListOfItsTime() throws {
    let scene = try Scene()
    try scene.daemon.submit(marriageRequest())
    let rename = try scene.propose(
      #"{"change": "amend", "proof": "婚姻登记证明", "grounds": "名称规范"}"#, item: "47")
    let reply = try scene.publish([rename], from: "2026-03-09")
    #expect(reply.status == 201, "\(reply.text)")
    try scene.daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-10T09:00:00+08:00"}"#)
    let (old, new) = ("结婚证（产前检查费支付）", "婚姻登记证明（产前检查费支付）")
    for (to, name) in [("2026-03-08", old), ("2026-03-09", new), ("2026-12-31", new)] {
      let path = "/v1/reports/timeliness?by=item&from=2026-03-01&to=\(to)"
      let rows = try scene.daemon.client(Qidong.responder).get(path)["rows"].array
      #expect(rows?.first { $0["key"].string == "47" }?["name"].string == name, "\(to)")
    }
  }
}
