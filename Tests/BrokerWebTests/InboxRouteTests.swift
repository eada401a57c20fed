internal import BrokerDomain
internal import Foundation
internal import TestSupport
internal import Testing

/// The inbox over HTTP, and the region that decides when an answer is due.
@Suite(.timeLimit(.minutes(5))) struct InboxRouteTests {
  /// A Monday; five working days end on the 9th.
  @Test func noticesInOrderAndByAudience() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let ids = try (0..<2).map { _ in try daemon.submit()["id"].string }
    let responder = try daemon.client(Qidong.responder)
    #expect(try responder.get("/v1/inbox")["items"] == .array([]))
    try daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-11T12:00:00+08:00"}"#)
    let all = try responder.get("/v1/inbox")
    let items = try #require(all["items"].array)
    #expect(
      items.map { $0["audience"].string } == [
        "contact", "contact", "contact", "contact", "leader", "leader", "leader", "leader",
      ])
    #expect(items.map { $0["rung"].string } == ["T-2", "T-2", "T-1", "T-1", "T", "T", "T+1", "T+1"])
    #expect(Set(items.compactMap { $0["request"].string }) == Set(ids.compactMap { $0 }))
    for item in items {
      #expect(item["at"].string?.dropFirst(11).hasPrefix("09:00:") == true && item["dueDate"].string == "2026-03-09")
      #expect(item["provisional"].bool == false)
      #expect(item["text"]["zh"].string?.contains("医疗保障局") == true, "\(item)")
      #expect(!"\(item)".contains("张三") && !"\(item)".contains("11010519491231002X"), "no subject: \(item)")
    }
    // Page by page, as the feed is read.
    let first = try responder.get("/v1/inbox?limit=4")
    let rest = try responder.get("/v1/inbox?after=\(first["next"].int ?? 0)")
    #expect((first["items"].array ?? []) + (rest["items"].array ?? []) == items)
    let last = try #require(all["next"].int)
    #expect(try responder.get("/v1/inbox?after=\(last)") == .object(["items": .array([]), "next": .int(last)]))
    let leader = try responder.get("/v1/inbox?audience=leader")["items"].array
    #expect(leader?.map { $0["rung"].string } == ["T", "T", "T+1", "T+1"])
    let supervisor = try daemon.client(Qidong.supervisor).get("/v1/inbox")["items"].array
    #expect(supervisor?.map { $0["audience"].string } == ["supervisor", "supervisor"])
    expectProblem(try responder.call("GET", "/v1/inbox?audience=boss"), 400, "invalid-parameter")
    expectProblem(try responder.call("GET", "/v1/inbox?cursor=1"), 400, "invalid-parameter")
  }

  /// Where receipt is all that is owed, that is what is late; of what is sealed no supervisor is told, and no leader
  /// reads that one was.
  @Test(arguments: [("on-site-dispatch", "promised", true), ("criminal-transfer", "suspicion", false)])
  func whatOnlyHasToBeAcknowledged(_ procedure: String, _ field: String, _ isTold: Bool) throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let body = JSONBody(marriageRequest()).with(.string(procedure), at: "/procedure").with(.missing, at: "/questions")
      .with(.missing, at: "/item").with(.missing, at: "/commitment")
      .with(.object([field: .string("婚姻登记属实")]), at: "/data")
    _ = try daemon.open(body.description)
    try daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-04T12:00:00+08:00"}"#)
    let leader = try #require(try daemon.client(Qidong.responder).get("/v1/inbox?audience=leader")["items"].array)
    #expect(leader.map { $0["rung"].string } == ["T", "T+1"])
    #expect(leader.allSatisfy { $0["text"]["zh"].string?.contains("尚未签收") == true }, "\(leader)")
    #expect(leader.map { $0["text"]["zh"].string?.contains("已同时告知监督机关") } == [false, isTold], "\(leader)")
    let told = try #require(try daemon.client(Qidong.supervisor).get("/v1/inbox")["items"].array)
    #expect(told.map { $0["text"]["zh"].string?.hasSuffix("尚未签收") } == (isTold ? [true] : []), "\(told)")
  }

  /// The directory says who sits there, and who stands in.
  @Test func thePersonItIsFor() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let file = daemon.state.path + "/people.csv"
    try Data(
      ("code,name,region,liaison_name,liaison_phone,liaison_substitute,leader_name\n"
        + "\(Qidong.responder.code),启东市民政局,320681,王敏,0513-83310001,李静,赵局\n").utf8
    ).write(to: URL(fileURLWithPath: file))
    #expect(try daemon.state.run(["import", "organs", file]).status == 0)
    _ = try daemon.open()
    try daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-11T12:00:00+08:00"}"#)
    let items = try #require(try daemon.client(Qidong.responder).get("/v1/inbox")["items"].array)
    #expect(items.map { $0["person"]["name"].string } == ["王敏", "王敏", "赵局", "赵局"])
    #expect(items.map { $0["person"]["role"].string } == ["liaison", "liaison", "leader", "leader"])
    #expect(items[0]["person"]["phone"].string == "0513-83310001")
    #expect(items[0]["person"]["substitute"] == JSONBody(#"{"name": "李静", "phone": null}"#))
    // Of whom the directory says nothing.
    let supervisor = try #require(try daemon.client(Qidong.supervisor).get("/v1/inbox")["items"].array)
    #expect(supervisor.count == 1 && supervisor[0]["person"] == .missing)
  }

  /// 催办 by hand: who reminded whom of what, in both languages and without the subject.
  @Test func aReminderIsANotice() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let path = try daemon.open()
    for organ in [Qidong.requester, .supervisor] {
      try daemon.client(organ).done("POST", path + "/remind", json: #"{"text": "张三已到窗口"}"#)
    }
    let items = try #require(try daemon.client(Qidong.responder).get("/v1/inbox?audience=contact")["items"].array)
    #expect(items.map { $0["kind"].string } == ["reminder", "reminder"] && items[0]["rung"] == .missing)
    #expect(items.map { $0["by"]["code"].string } == [Qidong.requester.code, Qidong.supervisor.code])
    #expect(items.allSatisfy { $0["to"]["code"].string == Qidong.responder.code && $0["state"].string == "submitted" })
    #expect(items[1]["text"]["zh"].string == "请联络员尽快办理：启东市司法局催办启东市医疗保障局提出的“协助核查”，期限 2026-03-09")
    #expect(items[1]["text"]["en"].string?.hasSuffix("due on 2026-03-09") == true)
    #expect(!"\(items)".contains("张三"))
    #expect(try daemon.client(Qidong.requester).get("/v1/inbox")["items"] == .array([]))
    // Where particulars are waited for, the clock stands still: it is for the organ that asked to supply them.
    try daemon.client(Qidong.responder).done("POST", path + "/ask", json: #"{"text": "补充登记地"}"#)
    try daemon.client(Qidong.supervisor).done("POST", path + "/remind", json: "{}")
    let asked = try #require(try daemon.client(Qidong.requester).get("/v1/inbox")["items"].array)
    #expect(
      asked.map { $0["text"]["zh"].string } == [
        "请联络员尽快补正：启东市司法局催办启东市医疗保障局提出的“协助核查”，期限停止计算，补正后重新计算"
      ])
    #expect(asked[0]["text"]["en"].string?.hasSuffix("the clock stands still until then") == true)
  }

  /// What binds its sender has no deadline for who received it, and is reminded of without one; what has only to be
  /// acknowledged, with one and for that.
  @Test func aReminderAsksForWhatIsOwed() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    func told(_ procedure: String, to organ: Qidong, _ data: [String: String], _ more: [String: JSONBody] = [:]) throws
      -> String?
    {
      let own: [String: JSONBody] = [
        "procedure": .string(procedure), "item": .missing, "questions": .missing, "commitment": .missing,
        "data": .object(data.mapValues { .string($0) }),
      ]
      let path = try daemon.open(marriageRequest(to: organ, extra: own.merging(more) { $1 }))
      try daemon.client(Qidong.requester).done("POST", path + "/remind", json: "{}")
      return try daemon.client(organ).get("/v1/inbox?audience=contact")["items"].array?.last?["text"]["zh"].string
    }
    let summary = try told(
      "half-year-summary", to: .supervisor,
      [
        "period": "2025-H1", "situation": "办理412件", "regulations": "工作规程一件", "results": "减少证明368份",
        "problems": "数据未共享", "proposals": "扩大共享",
      ], ["subject": .missing])
    #expect(summary?.hasSuffix("催办启东市医疗保障局提出的“半年总结”") == true, "\(summary ?? "")")
    let notice = try told("on-site-dispatch", to: .responder, ["promised": "场所已具备"])
    #expect(notice?.hasPrefix("请联络员尽快签收：") == true && notice?.contains("，期限 2026-03-") == true, "\(notice ?? "")")
  }

  /// One return, and one attempt to send it back: the request lies with the organ that asked, and so says the notice.
  @Test func whoRulesReadsWhereItLies() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let path = try daemon.open()
    try daemon.client(Qidong.responder).done("POST", path + "/return", json: #"{"reason": "登记档案不由本机关保管"}"#)
    let back = #"{"to": "\#(Qidong.responder.code)", "reason": "仍由其保管"}"#
    let sent = try daemon.client(Qidong.requester).done("POST", path + "/transfer", json: back).json
    #expect(sent["state"].string == "returned")
    let told = try #require(try daemon.client(Qidong.supervisor).get("/v1/inbox")["items"].array)
    #expect(
      told.map { $0["kind"].string } == ["ruling-wanted"] && told[0]["to"]["code"].string == Qidong.requester.code)
    #expect(
      told[0]["text"]["zh"].string
        == "请裁定由哪个机关办理：启东市医疗保障局提出的“协助核查”，各机关对由谁办理意见不一，现在启东市医疗保障局手中，已报请贵机关裁定")
  }

  /// Due in 2027, of which nothing is announced: every notice says so, as a member and in words.
  @Test func noticesSayThatTheLastDayIsProvisional() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: "2026-12-29T10:00:00+08:00"))
    let path = try daemon.open()
    try daemon.client(Qidong.requester).done("POST", path + "/remind")
    try daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2027-01-08T12:00:00+08:00"}"#)
    let items = try #require(try daemon.client(Qidong.responder).get("/v1/inbox")["items"].array)
    #expect(items.map { $0["rung"].string ?? "by hand" } == ["by hand", "T-2", "T-1", "T", "T+1"])
    for item in items {
      #expect(item["provisional"].bool == true && item["dueDate"].string == "2027-01-06")
      #expect(item["text"]["zh"].string?.contains("（暂定）") == true, "\(item)")
      #expect(item["text"]["en"].string?.contains("2027-01-06 (provisional)") == true, "\(item)")
    }
  }

  /// The same question on the same day, to organs of three regions: 南宁's own day before that of 广西, 广西's before the
  /// country's. The region of who asks plays no part.
  @Test func theRegionOfTheRequestedOrganDecides() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: "2026-02-13T10:00:00+08:00"))
    let organs = [("11450000MB00000013", "450000"), ("11450100MB0000001F", "450100")]
    func load(_ kind: String, _ rows: [String]) throws {
      let file = daemon.state.path + "/\(kind).csv"
      try (rows.joined(separator: "\n") + "\n").write(toFile: file, atomically: false, encoding: .utf8)
      let result = try daemon.state.run(["import", kind, file])
      try #require(result.status == 0, "\(result.stderr)")
    }
    let codes = try organs.map { try sound($0.0) }
    try load(
      "organs", ["code,name,region,role"] + zip(codes, organs).map { "\($0),\($1.1)民政局,\($1.1),member" })
    // The national make-up Saturday of 14 February is given off in 广西; 南宁 works it, and not the 24th.
    try load(
      "calendar",
      [
        "date,kind,festival,notice,region", "2026-02-14,off,春节,样例,45", "2026-02-14,work,春节,样例,4501",
        "2026-02-24,off,春节,样例,4501",
      ])
    func due(_ to: String) throws -> JSONBody {
      try daemon.submit(marriageRequest(to: nil, extra: ["to": .string(to)]))
    }
    let qidong = try daemon.submit()
    let regional = try codes.map { try due($0) }
    #expect(qidong["due"]["date"].string == "2026-02-27")
    #expect(regional.map { $0["due"]["date"].string } == ["2026-02-28", "2026-02-28"])
    let days = try regional.map { request -> [String] in
      let path = "/v1/requests/\(request["id"].string ?? "")/deadline"
      let lines = try daemon.client(Qidong.requester).get(path)["explanation"].array ?? []
      return lines.filter { $0["counted"].bool == true }.compactMap { $0["date"].string?.dropFirst(5) }.map(String.init)
    }
    #expect(days == [["02-24", "02-25", "02-26", "02-27", "02-28"], ["02-14", "02-25", "02-26", "02-27", "02-28"]])
  }

  /// The code with its right check character.
  private func sound(_ code: String) throws -> String {
    let stem = code.dropLast()
    return try #require(
      "0123456789ABCDEFGHJKLMNPQRTUWXY".compactMap { try? OrganCode("\(stem)\($0)") }.first
    ).description
  }
}
