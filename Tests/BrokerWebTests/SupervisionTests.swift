internal import BrokerDomain
internal import BrokerStore
internal import Foundation
internal import TestSupport
internal import Testing

/// A supervisor sees the requests of its region and of what lies below it, and no others.
@Suite(.timeLimit(.minutes(5)))
struct SupervisionTests {
  /// A made-up organ of a region.
  private struct Organ {
    let code: String
    let row: String

    init(_ name: String, role: String, region: String) throws {
      let stem = "11\(region)99999990\(serial() % 10)"
      let sound = "0123456789ABCDEFGHJKLMNPQRTUWXY".compactMap { try? OrganCode("\(stem)\($0)") }
      code = try #require(sound.first).description
      row = "\(code),\(name),\(name),\(role),\(region)"
    }
  }

  @Test func regionsDecide() throws {
    let daemon = try Daemon(state: StateDirectory())
    let organs: [(organ: Organ, status: Int)] = [
      (try Organ("南通市司法局", role: "supervisor", region: "320600"), 200),
      (try Organ("江苏省司法厅", role: "supervisor", region: "320000"), 200),
      (try Organ("如东县司法局", role: "supervisor", region: "320623"), 404),
      (try Organ("苏州市司法局", role: "supervisor", region: "320500"), 404),
      (try Organ("上海市司法局", role: "supervisor", region: "310000"), 404),
      (try Organ("南通市民政局", role: "member", region: "320600"), 404),
    ]
    let file = daemon.state.path + "/organs.csv"
    let rows = ["code,name,short_name,role,region"] + organs.map(\.organ.row)
    try rows.joined(separator: "\n").write(toFile: file, atomically: false, encoding: .utf8)
    let imported = try daemon.state.run(["import", "organs", file])
    #expect(imported.status == 0, "\(imported.stderr)")
    let path = try daemon.open()
    for (organ, status) in organs {
      // Both reach the running daemon before the command ends.
      let issued = try daemon.state.run(["key", "create", "--organ", organ.code, "--json"])
      let key: String = try #require(issued.json["key"].string, "\(issued.stderr)")
      let client = daemon.client(key: key)
      for part in ["", "/timeline", "/deadline"] {
        let reply = try client.call("GET", path + part)
        #expect(reply.status == status, "\(organ.row) \(part): \(reply.text)")
      }
      expectProblem(
        try client.call("POST", path + "/answer", json: answerBody()), status == 200 ? 403 : 404,
        status == 200 ? "forbidden" : "not-found", organ.row)
      let id = try #require(issued.json["id"].int)
      #expect(try daemon.state.run(["key", "revoke", "\(id)"]).status == 0)
      expectProblem(try client.call("GET", "/v1/organs"), 401, "unauthenticated", organ.row)
    }
  }

  /// Who is late in the region, page by page: of other organs, not sealed, each reading on record.
  @Test func aSupervisorListsItsRegion() async throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let open = try (0..<5).map { _ in try #require(try daemon.submit()["id"].string) }
    let sealed = try #require(
      try daemon.submit(
        marriageRequest(
          to: .市公安局,
          extra: [
            "procedure": .string("criminal-transfer"), "item": .missing, "questions": .missing, "commitment": .missing,
            "data": .object(["letter": .string("启医保移〔2026〕1号"), "suspicion": .string("诈骗")]),
          ]))["id"].string)
    let answered = try #require(try daemon.submit()["id"].string)
    try daemon.client(.responder).done("POST", "/v1/requests/\(answered)/answer", json: answerBody())
    let supervisor = try daemon.client(.supervisor)
    func list(_ query: String) throws -> [String] {
      try supervisor.get("/v1/requests?role=supervisor\(query)")["items"].array?.compactMap { $0["id"].string } ?? []
    }
    #expect(try list("") == [answered] + open.reversed())
    #expect(try list("&state=answered") == [answered] && list("&overdue=true") == [])
    #expect(try list("&updatedAfter=2026-01-01") == [answered] + open.reversed())
    #expect(try supervisor.get("/v1/requests")["items"].array?.isEmpty == true, "it is no party to them")
    try daemon.operatorClient().done("POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-20T10:00:00+08:00"}"#)
    #expect(try list("&overdue=true") == open.reversed())

    var (pages, next): ([[String]], String?) = ([], "/v1/requests?role=supervisor&overdue=true&limit=2")
    while let path = next, pages.count < 9 {
      let page = try supervisor.get(path)
      pages.append(page["items"].array?.compactMap { $0["id"].string } ?? [])
      #expect(page["items"].array?.allSatisfy { $0["subject"]["idNumber"].string?.contains("****") == true } == true)
      next = page["next"].string.map { "/v1/requests?role=supervisor&overdue=true&limit=2&cursor=\($0)" }
    }
    #expect(pages.flatMap { $0 } == open.reversed() && !pages.flatMap { $0 }.contains(sealed))
    // Nor does a place left empty, or a cursor, tell that there is one, or since when.
    #expect(pages.map(\.count) == [2, 2, 1], "\(pages)")
    for query in ["&procedure=criminal-transfer&limit=1", "&state=submitted,acknowledged&overdue=false&limit=1"] {
      let page = try supervisor.get("/v1/requests?role=supervisor" + query)
      #expect(page["items"].array?.isEmpty == true && page["next"].isNull, "\(query): \(page)")
    }

    expectProblem(
      try daemon.client(.requester).call("GET", "/v1/requests?role=supervisor"), 403, "forbidden")
    expectProblem(
      try supervisor.call("GET", "/v1/requests?role=supervisor&subject=11010519491231002X"), 400, "invalid-parameter")
    let store = try Store.open(directory: daemon.state.path, role: .command, procedures: [])
    defer { store.close() }
    let reads = try await store.disclosures(of: try #require(EntityID(open[0]))).items
    #expect(reads.count == 4 && reads.allSatisfy { $0.what == .request })
  }

  /// Whatever a supervisor sees of a request is on record; what the parties see is not, but for a revealed number.
  @Test func everyReadingOfASupervisorIsRecorded() async throws {
    // One of its own: whoever draws a ledger from the shared one reads every request that it holds.
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let id = try #require(try daemon.submit()["id"].string)
    let path = "/v1/requests/\(id)"
    let store = try Store.open(directory: daemon.state.path, role: .command, procedures: [])
    defer { store.close() }
    let entity = try #require(EntityID(id))
    func reads() async throws -> [Disclosure.What] { try await store.disclosures(of: entity).items.map(\.what) }
    for organ in [Qidong.requester, .responder] {
      for part in ["", "/timeline", "/deadline"] { try daemon.client(organ).done("GET", path + part) }
    }
    try daemon.client(Qidong.requester).done("POST", path + "/remind", json: "{}")
    #expect(try await reads() == [])
    let supervisor = try daemon.client(Qidong.supervisor)
    let known = ["If-None-Match": #""1""#]
    #expect(try supervisor.call("GET", path, headers: known).status == 304)
    expectProblem(try supervisor.call("GET", path + "?reveal=subject"), 403, "forbidden")
    expectProblem(try supervisor.call("POST", path + "/answer", json: answerBody()), 403, "forbidden")
    #expect(try await reads() == [], "nothing was shown")
    try supervisor.done("GET", path + "/deadline")
    try supervisor.done("GET", path)
    try supervisor.done("GET", path + "/timeline")
    let key = ["Idempotency-Key": "remind-\(serial())"]
    for _ in 0..<2 { try supervisor.done("POST", path + "/remind", json: #"{"text": "请尽快答复"}"#, headers: key) }
    #expect(try await reads() == [.timeline, .request, .timeline, .request, .request])
    let number = store.reference.organ(try OrganCode(Qidong.supervisor.code))?.number
    for read in try await store.disclosures(of: entity).items {
      #expect(read.organ == number)
      #expect(try store.keys().contains { $0.id == read.key && $0.organ == number })
    }
    // So is what it reads of a complaint in its feed, once.
    let complaint = try daemon.open(
      marriageRequest(extra: [
        "procedure": .string("complaint"), "item": .missing, "questions": .missing, "commitment": .missing,
      ]))
    let copied = try #require(EntityID(String(complaint.dropFirst("/v1/requests/".count))))
    let next = try #require(try supervisor.get("/v1/events")["next"].int)
    try supervisor.done("GET", "/v1/events?after=\(next)")
    try daemon.client(Qidong.responder).done("GET", "/v1/events")
    #expect(try await store.disclosures(of: copied).items.map(\.what) == [.timeline])
    // A party that happens to be a supervisor reads as a party.
    let own = try daemon.open(marriageRequest(to: .市民政局), by: .supervisor)
    try supervisor.done("GET", own)
    #expect(
      try await store.disclosures(of: try #require(EntityID(String(own.dropFirst("/v1/requests/".count))))).items == [])
  }

  /// 催办, 裁定, 督办: what a supervisor does besides reading, and what the organ is told of it.
  @Test func aSupervisorRemindsRulesAndIssuesNotices() throws {
    let daemon = try House.daemon
    let (supervisor, responder) = (try daemon.client(Qidong.supervisor), try daemon.client(Qidong.responder))
    let path = try daemon.open()
    try supervisor.done("POST", path + "/remind", json: #"{"text": "请于今日答复"}"#)
    let reminded = try responder.get(path + "/timeline")["items"].array?.last
    #expect(reminded?["type"].string == "request.reminded" && reminded?["data"]["text"].string == "请于今日答复")
    #expect(reminded?["actor"]["code"].string == Qidong.supervisor.code)
    // There and back again is a dispute; the supervisor rules, and the ruling binds.
    for to in [Qidong.市财政局, .responder] {
      let body = #"{"to": "\#(to.code)", "reason": "由其掌握登记信息"}"#
      try supervisor.done("POST", path + "/transfer", json: body)
    }
    #expect(try supervisor.get(path)["referral"]["to"]["code"].string == Qidong.supervisor.code)
    let ruling = #"{"to": "\#(Qidong.responder.code)", "reason": "婚姻登记由民政部门负责"}"#
    let ruled = try supervisor.done("POST", path + "/transfer", json: ruling).json
    #expect(ruled["to"]["code"].string == Qidong.responder.code)
    #expect(ruled["transfers"].array?.last?["ruledBy"]["code"].string == Qidong.supervisor.code)
    let back = try responder.call("POST", path + "/return", json: #"{"reason": "不属于本机关职权"}"#)
    #expect(back.status == 409)
    let notice = """
      {"procedure": "supervision-notice", "to": "\(Qidong.responder.code)", "purpose": "督促按期答复", "signatory": "局长",
      "data": {"kind": "urge", "cause": "lateness", "request": "\(path.dropFirst("/v1/requests/".count))",
      "demand": "收到本通知后立即答复"}}
      """
    let sent = try supervisor.done("POST", "/v1/requests", json: notice, 201).json
    #expect(sent["due"]["workingDays"].int == 5)
    let answer = #"{"outcome": "rectified", "data": {"measures": "已答复并整改"}, "signatory": "局长"}"#
    let answered = try responder.done(
      "POST", "/v1/requests/\(sent["id"].string ?? "")/answer", json: answer
    ).json
    #expect(answered["state"].string == "answered" && answered["answer"]["outcome"].string == "rectified")
    expectProblem(try responder.call("POST", "/v1/requests", json: notice), 403, "forbidden")
  }

  /// Out of another region's organ only that region's 司法局 takes a request: the requester's own reads, reminds and is told why.
  @Test func aSupervisorTransfersFromOrgansOfItsRegion() throws {
    let daemon = try Daemon(state: StateDirectory())
    let imported = try daemon.state.run(["import", "organs", Binary.packageRoot + "/config/examples/ayouqi/organs.csv"])
    #expect(imported.status == 0, "\(imported.stderr)")
    // 阿拉善右旗 民政局、司法局
    let (there, bureau) = ("11152922015600770R", "11152922015600842J")
    let path = try daemon.open(marriageRequest(to: nil, extra: ["to": .string(there)]))
    let move = #"{"to": "11152922015601896B", "reason": "由其掌握登记信息"}"#
    let own = try daemon.client(Qidong.supervisor)
    let refused = try own.call("POST", path + "/transfer", json: move)
    expectProblem(refused, 409, "not-supervised")
    #expect(refused.json["allowed"].array?.compactMap(\.string) == ["remind"])
    #expect(refused.json["detail"].string?.contains("不由本机关监督") == true)
    try own.done("GET", path)
    try own.done("POST", path + "/remind")
    let issued = try daemon.state.run(["key", "create", "--organ", bureau, "--json"])
    let key: String = try #require(issued.json["key"].string, "\(issued.stderr)")
    let theirs = daemon.client(key: key)
    #expect(try theirs.done("POST", path + "/transfer", json: move).json["to"]["code"].string == "11152922015601896B")
  }

  /// What lies returned: with the requester where the clock runs on, and with nobody where it stands still.
  @Test func whoeverLetsItLieIsReminded() throws {
    let daemon = try House.daemon
    let (supervisor, requester) = (try daemon.client(Qidong.supervisor), try daemon.client(Qidong.requester))
    let complaint = JSONBody(marriageRequest()).with(.string("complaint"), at: "/procedure")
      .with(.missing, at: "/questions").with(.missing, at: "/commitment")
    for (path, status) in [(try daemon.open(complaint.description), 200), (try daemon.open(), 409)] {
      try daemon.client(Qidong.responder).done("POST", path + "/return", json: #"{"reason": "不属于本机关职权"}"#)
      let own = try requester.call("POST", path + "/remind")
      expectProblem(own, 409, "illegal-transition")
      #expect(own.json["allowed"].array?.compactMap(\.string) == ["transfer", "withdraw", "close"])
      let reply = try supervisor.call("POST", path + "/remind", json: #"{"text": "请尽快移送"}"#)
      if status == 409 {
        expectProblem(reply, 409, "clock-stopped")
        continue
      }
      #expect(reply.status == 200, "\(reply.text)")
      let told = try requester.get(path + "/timeline")["items"].array?.last
      #expect(told?["type"].string == "request.reminded" && told?["data"]["holder"].string == Qidong.requester.code)
    }
  }
}
