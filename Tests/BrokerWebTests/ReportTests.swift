internal import BrokerDomain
internal import BrokerStore
internal import TestSupport
internal import Testing

/// Reports over HTTP: the same figures in every form, for those who may have them.
@Suite(.timeLimit(.minutes(5)))
struct ReportTests {
  /// Four requests of one organ to another: answered in time, declined, answered late, overdue; and one to a third.
  private static func scene() throws -> Daemon {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let responder = try daemon.client(Qidong.responder)
    try responder.done("POST", try daemon.open() + "/answer", json: answerBody())
    try responder.done("POST", try daemon.open() + "/decline", json: declineBody())
    let late = try daemon.open()
    try daemon.submit(JSONBody(marriageRequest()).with(.string(evil), at: "/reference").description)
    try daemon.submit(marriageRequest(to: .市财政局))
    try daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-12T09:00:00+08:00"}"#)
    try responder.done("POST", late + "/answer", json: answerBody())
    return daemon
  }

  private static let evil = "<script>alert(1)</script>&\"'"
  private static let march = "from=2026-03-01&to=2026-03-31"

  @Test func figuresForEveryReader() throws {
    let daemon = try Self.scene()
    let path = "/v1/reports/timeliness?\(Self.march)&by="
    for client in [try daemon.client(Qidong.supervisor), daemon.operatorClient()] {
      let report = try client.get(path + "organ")
      #expect(report["rows"].array?.count == 2)
      #expect(report["total"]["received"].int == 5 && report["total"]["overdue"].int == 2)
    }
    let supervised = try daemon.client(Qidong.supervisor).get(path + "organ")
    #expect(supervised["region"].string == "320681" && supervised["organ"].string == Qidong.supervisor.code)
    let row = try daemon.client(Qidong.responder).get(path + "organ")["rows"].array?.first
    let own = try #require(row)
    #expect(own["key"].string == Qidong.responder.code)
    let counts = ["received", "answeredOnTime", "late", "declined", "open", "overdue", "returned"].map { own[$0].int }
    #expect(counts == [4, 1, 1, 1, 1, 1, 0])
    #expect(own["declinedByReason"]["not-competent"].int == 1)
    // Answered and declined at once, answered on the eighth day; of the last one nobody has said a word.
    #expect(own["acknowledgedOnTime"].int == 2 && own["acknowledgedLate"].int == 1)
    #expect(own["acknowledged"]["count"].int == 0)
    // In time on the day of receipt, late on the eighth working day after it.
    #expect(own["workingDays"]["median"].int == 4 && own["workingDays"]["p90"].int == 8)
    // Who only asks has received nothing.
    let asker = try daemon.client(Qidong.requester).get(path + "organ")
    #expect(asker["rows"].array?.isEmpty == true && asker["total"]["received"].int == 0)
    for (grouping, key) in [("procedure", "verification"), ("item", "47"), ("month", "2026-03")] {
      let rows = try daemon.client(Qidong.responder).get(path + grouping)["rows"].array ?? []
      #expect(rows.map { $0["key"].string } == [key] && rows.first?["received"].int == 4, "\(grouping)")
    }
    let before = try daemon.client(Qidong.responder).get("/v1/reports/timeliness?from=2026-02-01&to=2026-03-01")
    #expect(before["total"]["received"].int == 0)
  }

  @Test func everyFormSaysTheSame() throws {
    let daemon = try Self.scene()
    let client = try daemon.client(Qidong.supervisor)
    let path = "/v1/reports/timeliness?\(Self.march)"
    let forms: [(query: String, accept: String, type: String)] = [
      ("&format=csv", "application/json", "text/csv; charset=utf-8; header=present"),
      ("", "text/csv", "text/csv; charset=utf-8; header=present"), ("&format=html", "*/*", "text/html; charset=utf-8"),
      ("", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
      ("", "text/csv;q=0.5, text/html;q=0.4", "text/csv; charset=utf-8; header=present"),
      ("", "*/*", "application/json"),
      ("", "text/csv;q=0", "application/json"), ("&format=json", "text/csv", "application/json"),
    ]
    for (query, accept, type) in forms {
      let reply = try client.done("GET", path + query, headers: ["Accept": accept])
      #expect(reply.headers["content-type"] == type, "\(query) \(accept)")
      #expect(reply.headers["cache-control"] == "no-store")
    }
    let csv = try client.done("GET", path + "&format=csv")
    #expect(Array(csv.body.prefix(3)) == [0xEF, 0xBB, 0xBF])
    let table = try CSVTable(Array(csv.body))
    #expect(table.header.starts(with: ["机关代码", "机关", "收到", "按时答复", "逾期答复", "不能协助"]))
    let received = try table.column("收到")
    #expect(table.rows.map { $0.fields[received] } == ["4", "1", "5"])
    for (column, counts) in [("按期签收", ["2", "0", "2"]), ("逾期签收", ["1", "0", "1"])] {
      let index = try table.column(column)
      #expect(table.rows.map { $0.fields[index] } == counts)
    }
    #expect(table.rows.last?.fields[1] == "合计")
    #expect(table.rows.allSatisfy { $0.fields.count == table.header.count })
    #expect(csv.text.contains("\r\n") && !csv.text.replacing("\r\n", with: "").contains("\n"))
    let html = try client.done("GET", path + "&format=html").text
    #expect(html.contains("共收到5件：按时答复1件，逾期答复1件，书面告知不能协助1件") && html.contains("<svg"))
    #expect(html.contains("按期签收</th><th class=\"n\">逾期签收</th>"))
    for foreign in ["http://", "https://", "<script", "src=", "url("] {
      #expect(!html.replacing("http://www.w3.org/2000/svg", with: "").contains(foreign), "\(foreign)")
    }
  }

  @Test func documentsNameWhoWasLate() throws {
    let daemon = try Self.scene()
    let client = try daemon.client(Qidong.supervisor)
    for path in ["circular?month=2026-03", "circular?\(Self.march)", "summary?half=2026-1"] {
      let html = try client.done("GET", "/v1/reports/" + path).text
      #expect(html.contains("启东市民政局逾期答复1件、逾期未办结1件"), "\(path)")
      #expect(html.contains("按期签收2件，未按期签收1件"))
      #expect(html.contains("2026年3月12日") && html.contains("2026年3月9日"), "the day, and the day that was due")
      #expect(!html.contains("<script") && html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;"))
      #expect(!html.contains("张三") && !html.contains("110105"))
    }
    #expect(try client.done("GET", "/v1/reports/circular?month=2026-03").text.contains("2026年3月协助核查办理时限情况的通报"))
    for half in ["2026-1", "2026-H1"] {
      #expect(try client.done("GET", "/v1/reports/summary?half=\(half)").text.contains("2026年上半年"))
    }
    let calm = try client.done("GET", "/v1/reports/circular?month=2026-02").text
    #expect(calm.contains("本期各机关没有逾期情况") && calm.contains("本期尚无答复"))
    #expect(calm.contains("现将2026年2月协助核查") && !calm.contains("日前收到"))
    let unfinished = try client.done("GET", "/v1/reports/summary?half=2026-H1").text
    #expect(unfinished.contains("现将2026年上半年（未满，截至2026年3月12日）"), "\(unfinished)")
    // What March left overdue is named in April too, where nothing new is late.
    let april = try client.done("GET", "/v1/reports/circular?month=2026-04").text
    #expect(april.contains("现将2026年4月（尚未开始）") && april.contains("（2026年4月1日前收到仍逾期的2件另列）"))
    #expect(april.contains("2026年4月1日前收到、截至2026年3月12日"), "\(april)")
    #expect(
      april.contains("仍逾期未办结的另有2件：") && april.contains("启东市民政局1件") && april.contains("请有关机关收到本通报后立即办结"), "\(april)")
    for bad in [
      "circular?month=2026-3", "circular?month=2026-03&from=2026-03-01", "summary?half=26-1", "summary?to=2026-01-01",
    ] {
      expectProblem(try client.call("GET", "/v1/reports/" + bad), 400, "invalid-parameter", bad)
    }
  }

  /// 日常监管台账: what was granted without a check, when, what to watch, and how it is watched once that is said.
  @Test func theLedgerSaysWhatIsWatchedAndHow() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    for (exempt, focus) in [(true, JSONBody.string("按时参加年度审验")), (false, .missing)] {
      var data: [String: JSONBody] = ["grantedOn": .string("2026-02-27"), "exempt": .bool(exempt)]
      if focus != .missing { data["focus"] = focus }
      let handover = JSONBody(marriageRequest()).with(.string("supervision-handover"), at: "/procedure")
        .with(.missing, at: "/questions").with(.object(data), at: "/data")
      let path = try daemon.open(handover.description)
      guard exempt else { continue }
      let answer = #"{"outcome": "received", "data": {"method": "双随机抽查"}, "signatory": "局长"}"#
      try daemon.client(Qidong.responder).done("POST", path + "/answer", json: answer)
    }
    try daemon.submit()
    let path = "/v1/reports/ledger?\(Self.march)&procedure=verification,supervision-handover"
    let table = try CSVTable(Array(try daemon.client(Qidong.supervisor).done("GET", path).body))
    #expect(table.header.suffix(5) == ["是否逾期", "是否免核", "行政事项办结日期", "监管重点", "监管方式"])
    #expect(
      table.rows.map { Array($0.fields.suffix(4)) } == [
        ["是", "2026-02-27", "按时参加年度审验", "双随机抽查"], ["否", "2026-02-27", "", ""], ["", "", "", ""],
      ])
    let state = try table.column("状态")
    #expect(table.rows.map { $0.fields[state] } == ["已复函", "已提交", "已提交"], "in Chinese, as its name is")
  }

  @Test func theLedgerIsMaskedAndPaged() async throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let person = Person(name: "欧阳鞠躬", idNumber: "11010519491231002X")
    var ids: [String] = []
    for index in 0..<3 {
      let handover = JSONBody(marriageRequest(subject: person))
        .with(.string("supervision-handover"), at: "/procedure").with(.missing, at: "/questions")
        .with(.string("=1+1,\(index)"), at: "/reference")
        .with(.object(["grantedOn": .string("2026-03-01"), "exempt": .bool(true)]), at: "/data")
      ids.append(try #require(try daemon.submit(handover.description)["id"].string))
    }
    try daemon.submit()
    let path = "/v1/reports/ledger?\(Self.march)"
    for organ in [Qidong.supervisor, .requester, .responder] {
      let reply = try daemon.client(organ).done("GET", path)
      let table = try CSVTable(Array(reply.body))
      #expect(table.rows.map { $0.fields[0] } == ids)
      #expect(table.rows.map { $0.fields[1] } == (0..<3).map { "'=1+1,\($0)" }, "no formula for a spreadsheet")
      #expect(reply.text.contains("欧***") && reply.text.contains("110105********002X"))
      #expect(!reply.text.contains("欧阳") && !reply.text.contains(person.idNumber))
    }
    #expect(try CSVTable(Array(try daemon.client(Qidong.stranger).done("GET", path).body)).rows.isEmpty)
    let first = try daemon.client(Qidong.supervisor).done("GET", path + "&limit=2")
    let link = try #require(first.headers["link"]?.firstMatch(of: /<(.*)>; rel="next"/)?.1)
    let rest = try daemon.client(Qidong.supervisor).done("GET", String(link))
    #expect(try CSVTable(Array(rest.body)).rows.map { $0.fields[0] } == [ids[2]] && rest.headers["link"] == nil)
    let all = try daemon.client(Qidong.supervisor).done("GET", path + "&procedure=verification,supervision-handover")
    #expect(try CSVTable(Array(all.body)).rows.count == 4)
    let store = try Store.open(directory: daemon.state.path, role: .command, procedures: [])
    defer { store.close() }
    let reads = try await store.disclosures(of: try #require(EntityID(ids[0]))).items
    // The parties' own readings are no disclosure; the supervisor's three are.
    #expect(reads.map(\.what) == [.ledger, .ledger, .ledger])
    #expect(Set(reads.map(\.organ)) == [store.reference.organ(try OrganCode(Qidong.supervisor.code))?.number])
    for bad in [
      "?to=2026-01-01", "?from=2024-01-01&to=2026-01-01", "?from=2026-01-01&limit=5001",
      "?from=2026-01-01&procedure=criminal-transfer", "?from=2026-01-01&procedure=none", "?from=2026-01-01&format=html",
    ] {
      let reply = try daemon.client(Qidong.supervisor).call("GET", "/v1/reports/ledger" + bad)
      expectProblem(reply, 400, "invalid-parameter", bad)
    }
  }
}
