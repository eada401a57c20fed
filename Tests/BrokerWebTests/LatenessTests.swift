internal import BrokerDomain
internal import Glibc
internal import TestSupport
internal import Testing

/// What a supervisor's documents and ledger say of those who were late: nobody comes out of a month in which he was late
/// without being named, however the request ended.
@Suite(.timeLimit(.minutes(5)))
struct LatenessTests {
  private static func circular(_ daemon: Daemon, _ month: String) throws -> String {
    try daemon.client(Qidong.supervisor).done("GET", "/v1/reports/circular?month=" + month).text
  }

  private static func advance(_ daemon: Daemon, _ moment: String) throws {
    try daemon.operatorClient().done("POST", "/v1/rehearsal/advance", json: #"{"to": "\#(moment)+08:00"}"#)
  }

  private static func open(_ daemon: Daemon, _ procedure: String, _ data: [String: JSONBody], to: Qidong? = .responder)
    throws -> String
  {
    var body = JSONBody(marriageRequest(to: to)).with(.string(procedure), at: "/procedure")
      .with(.missing, at: "/questions").with(.object(data), at: "/data")
    if procedure == "regulation-filing" { body = body.with(.missing, at: "/subject").with(.missing, at: "/item") }
    return try daemon.open(body.description)
  }

  /// Where receipt is all that is owed, it is late once and is called that; what comes afterwards is no second lateness.
  @Test func whoAcknowledgesLateIsNamed() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let responder = try daemon.client(Qidong.responder)
    let paths = try (0..<3).map { _ in
      try Self.open(daemon, "on-site-dispatch", ["promised": .string("婚姻登记属实")])
    }
    try Self.advance(daemon, "2026-03-20T10:00:00")
    let before = try Self.circular(daemon, "2026-03")
    #expect(before.contains("启东市民政局逾期未办结3件。"), "\(before)")
    for path in paths.prefix(2) { try responder.done("POST", path + "/acknowledge", json: #"{"officer": "钱七"}"#) }
    let acknowledged = try Self.circular(daemon, "2026-03")
    #expect(acknowledged.contains("启东市民政局逾期未办结1件、逾期签收2件。"), "\(acknowledged)")
    #expect(acknowledged.contains("未按期签收2件（直接办理的视为签收；") && acknowledged.contains("应当查明原因"))
    #expect(acknowledged.contains("本期尚无答复。签收2件"))
    try responder.done(
      "POST", paths[0] + "/answer", json: #"{"outcome": "received", "signatory": "局长", "text": "已收悉"}"#)
    let answered = try Self.circular(daemon, "2026-03")
    #expect(answered.contains("启东市民政局逾期答复1件、逾期未办结1件、逾期签收1件。"), "\(answered)")
    // In April the others are told of again only as far as they are late in April.
    try Self.advance(daemon, "2026-04-02T10:00:00")
    try responder.done("POST", paths[2] + "/acknowledge", json: #"{"officer": "钱七"}"#)
    let april = try Self.circular(daemon, "2026-04")
    #expect(april.contains("本期收到的事项没有逾期情况。"), "\(april)")
    #expect(april.contains("2026年4月1日前收到、逾期后于本期处理的另有1件：启东市民政局逾期签收1件。"), "\(april)")
    #expect(april.contains("启东市民政局：") && april.contains("有逾期情形的机关应当查明原因"))
    let summary = try daemon.client(Qidong.supervisor).done("GET", "/v1/reports/summary?half=2026-H1").text
    #expect(summary.contains("启东市民政局逾期答复1件、逾期签收2件。") && !summary.contains("前收到、逾期后于本期处理"), "\(summary)")
  }

  /// Received in one month, late in the next: named there, with what left the organ late and without a reply.
  @Test func whatEndsLateAfterTheMonthIsNamed() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: "2026-02-26T09:00:00+08:00"))
    let (asking, responder) = (try daemon.client(Qidong.requester), try daemon.client(Qidong.responder))
    let paths = try (0..<4).map { _ in try daemon.open(marriageRequest(date: "2025-03-03")) }
    try asking.done("POST", paths[0] + "/withdraw", json: #"{"reason": "当事人已自行提交"}"#)
    try responder.done("POST", paths[1] + "/ask", json: #"{"text": "请补充结婚登记地"}"#)
    try Self.advance(daemon, "2026-03-27T09:00:00")
    try responder.done("POST", paths[2] + "/answer", json: answerBody())
    for path in [paths[1], paths[3]] {
      try asking.done("POST", path + "/withdraw", json: #"{"reason": "不再需要"}"#)
    }
    try Self.advance(daemon, "2026-04-01T09:00:00")
    let march = try Self.circular(daemon, "2026-03")
    #expect(march.contains("2026年3月1日前收到、逾期后于本期处理的另有2件：启东市民政局逾期答复1件、逾期后被撤回1件。"), "\(march)")
    #expect(march.contains("本期收到的事项没有逾期情况。") && !march.contains("本期各机关没有逾期情况"))
    let february = try Self.circular(daemon, "2026-02")
    #expect(february.contains("本期存在逾期情况的有1个机关：启东市民政局逾期答复1件、逾期后被撤回1件。"), "\(february)")
    #expect(try Self.circular(daemon, "2026-04").contains("本期各机关没有逾期情况。"))
  }

  /// Where the clock runs on while it lies returned, whoever asked for it is late with it, and stays so when it lets go.
  @Test(arguments: [("close", "{}"), ("withdraw", #"{"reason": "不再需要"}"#)])
  func whoLetsGoLateIsNamed(_ verb: String, _ body: String) throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let path = try daemon.open(
      JSONBody(marriageRequest()).with(.string("complaint"), at: "/procedure").with(.missing, at: "/questions")
        .description)
    try daemon.client(Qidong.responder).done("POST", path + "/return", json: #"{"reason": "不属于本机关职权范围"}"#)
    try Self.advance(daemon, "2026-03-20T10:00:00")
    #expect(try Self.circular(daemon, "2026-03").contains("启东市医疗保障局逾期未办结1件。"))
    try daemon.client(Qidong.requester).done("POST", path + "/" + verb, json: body)
    let circular = try Self.circular(daemon, "2026-03")
    #expect(circular.contains("有1个机关：启东市医疗保障局退回后逾期撤回、归档或者移送1件。"), "\(circular)")
    #expect(circular.contains("启东市医疗保障局：") || circular.contains("、启东市医疗保障局"), "it is told")
  }

  /// Where the clock is kept, who let it run out is named when another organ has got it, and that one with what it owes.
  @Test func whoPassesItOnLateIsNamed() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let complaint = JSONBody(marriageRequest()).with(.string("complaint"), at: "/procedure")
      .with(.missing, at: "/questions").description
    let (moved, returned) = (try daemon.open(complaint), try daemon.open(complaint))
    try daemon.client(Qidong.responder).done("POST", returned + "/return", json: #"{"reason": "不属于本机关职权范围"}"#)
    try Self.advance(daemon, "2026-03-20T10:00:00")
    let body = #"{"to": "\#(Qidong.stranger.code)", "reason": "由其管辖该投诉"}"#
    try daemon.client(Qidong.supervisor).done("POST", moved + "/transfer", json: body)
    try daemon.client(Qidong.requester).done("POST", returned + "/transfer", json: body)
    let circular = try Self.circular(daemon, "2026-03")
    for words in ["有3个机关：启东市公安局逾期未办结2件；", "启东市民政局逾期后移送1件", "启东市医疗保障局退回后逾期撤回、归档或者移送1件"] {
      #expect(circular.contains(words), "\(words): \(circular)")
    }
  }

  /// The ledger counts the days that the 算式 counts: none while the clock stood still.
  @Test(arguments: [("ask", #"{"text": "请补正"}"#, "withdraw"), ("return", #"{"reason": "不属于本机关职权范围"}"#, "close")])
  func theLedgerCountsNoDayOfAPause(_ verb: String, _ body: String, _ end: String) throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let path = try Self.open(
      daemon, "regulation-filing", ["kind": .string("form"), "document": .string("格式文本")], to: .supervisor)
    try Self.advance(daemon, "2026-03-03T10:00:00")
    try daemon.client(Qidong.supervisor).done("POST", path + "/" + verb, json: body)
    try Self.advance(daemon, "2026-04-20T10:00:00")
    let asking = try daemon.client(Qidong.requester)
    try asking.done("POST", path + "/" + end, json: end == "close" ? "{}" : #"{"reason": "不再需要"}"#)
    let used = try asking.get(path + "/deadline")["spans"].array?.last?["usedTotal"].int
    let ledger = "/v1/reports/ledger?from=2026-03-01&procedure=regulation-filing"
    let table = try CSVTable(Array(try asking.done("GET", ledger).body))
    let row = try #require(table.rows.first?.fields)
    #expect(row[try table.column("所用工作日")] == "1" && used == 1, "\(row) \(String(describing: used))")
    #expect(row[try table.column("是否逾期")] == "否")
  }

  /// A procedure whose file has gone keeps its rows and its name.
  @Test func whatHasNoFileAnyMoreStaysInTheLedger() throws {
    let state = try StateDirectory(rehearseAt: House.start)
    do {
      let daemon = try Daemon(state: state)
      _ = try Self.open(daemon, "on-site-dispatch", ["promised": .string("婚姻登记属实")])
      // Declined with a reason that goes with its definition.
      let asked = try daemon.open()
      let decline = #"{"reasonCode": "holds-no-information", "reason": "本机关没有此项登记信息。", "signatory": "王五"}"#
      try daemon.client(Qidong.responder).done("POST", asked + "/decline", json: decline)
    }
    for file in ["on-site-dispatch", "verification"] {
      #expect(unlink(state.path + "/procedures/\(file).yaml") == 0)
    }
    let daemon = try Daemon(state: state)
    let client = try daemon.client(Qidong.supervisor)
    for query in ["", "&procedure=on-site-dispatch"] {
      let table = try CSVTable(Array(try client.done("GET", "/v1/reports/ledger?from=2026-03-01" + query).body))
      #expect(table.rows.count == 1 && table.rows.first?.fields[2] == "现场核查推送", "\(query)")
    }
    let report = try client.get("/v1/reports/timeliness?from=2026-03-01&by=procedure")
    let names = report["rows"].array?.compactMap { $0["name"].string } ?? []
    #expect(names.contains("现场核查推送") && names.contains("协助核查"), "\(names)")
    let table = try client.done("GET", "/v1/reports/timeliness?from=2026-03-01&by=procedure&format=csv").text
    #expect(table.contains("本机关不掌握该信息") && !table.contains("holds-no-information"), "\(table)")
  }
}
