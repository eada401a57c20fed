internal import Foundation
internal import TestSupport
internal import Testing

/// Reference data: all rows of a file or none, and a running daemon works with it at once.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ImportTests {
  let state: StateDirectory
  let daemon: Daemon
  let requester: Client
  var file: String { state.path + "/rows.csv" }

  init() throws {
    state = try StateDirectory()
    daemon = try Daemon(state: state)
    requester = try daemon.client(.requester)
  }

  private func importRows(_ kind: String, _ lines: [String]) throws -> ToolResult {
    try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: false, encoding: .utf8)
    return try state.run(["import", kind, file])
  }

  @Test func everyBadRowIsNamedAndNothingIsChanged() throws {
    let before = try requester.call("GET", "/v1/organs?limit=500").body
    let result = try importRows(
      "organs",
      [
        "code,name,region,role",
        "11320681MB0000001R,启东市好机关,320681,member",
        "11320681MB00000010,启东市校验错,320681,member",
        "11320681MB0000002W,启东市地区错,32068,member",
        "\(Qidong.responder.code),启东市角色错,320681,boss",
        "11320681MB0000001R,启东市重复,320681,member",
      ])
    #expect(result.status == 1)
    for line in 3...6 { #expect(result.stderr.contains("\(file):\(line): "), "\(result.stderr)") }
    #expect(!result.stderr.contains("\(file):2: "))
    #expect(result.stderr.contains("4 faults, nothing was changed"))
    #expect(try requester.call("GET", "/v1/organs?limit=500").body == before)
  }

  @Test(arguments: [
    ("organs", ["code,region", "11320681MB0000001R,320681"], 1, "the column \"name\" is missing"),
    ("items", ["code,proof,matter", "900,甲证明,"], 2, "is empty"),
    (
      "assistance-list",
      [
        "item_seq,requesting_code,requested_code,working_days",
        "47,\(Qidong.requester.code),11320681MB0000001R,5",
      ], 2, "the directory has no organ"
    ),
    (
      "assistance-list",
      [
        "item_seq,requesting_code,requested_code,working_days",
        "999,\(Qidong.requester.code),\(Qidong.responder.code),0",
      ], 2, "working days"
    ),
    ("calendar", ["date,kind,festival,notice", "2027-02-30,off,春节,通知"], 2, "2027-02-30"),
    ("calendar", ["date,kind,festival,notice", "2027-02-05,holiday,春节,通知"], 2, "holiday"),
    ("calendar", ["date,kind,festival,notice"], 1, "no rows"),
    (
      "organs", ["code,name,region,role", "11320681MB0000001R,好机关,一分局,320681,member"], 2,
      "5 cells, but the header has 4 columns"
    ),
    ("items", ["code,proof,matter", "900,甲证明,甲事项,"], 2, "4 cells, but the header has 3 columns"),
    ("organs", ["code,name,region", "11320681MB0000001R,好\u{1B}[31m机关,320681"], 2, "a control character"),
    ("organs", ["code,name,region", "11320681MB0000001R,好\u{0}机关,320681"], 2, "a control character"),
    ("organs", ["code,name,region", "11320681MB0000001R,\"好\n机关\",320681"], 2, "a line break or a tab"),
    (
      "organs",
      [
        "code,name,region,superior", "11320681MB0000001R,甲,320681,11320681MB0000002W",
        "11320681MB0000002W,乙,320681,11320681MB0000001R",
      ], 3, "go round in a circle"
    ),
    ("organs", ["code,name,region", "11320681MB0000001R,好\t机关,320681"], 2, "a line break or a tab"),
    ("organs", ["code,name,region", "11320681MB0000001R,\u{200B},320681"], 2, "nothing to read"),
    (
      "organs", ["code,name,region", "11320681MB0000001R,\(String(repeating: "好", count: 101)),320681"], 2,
      "longer than 100"
    ),
  ])
  func faults(_ kind: String, _ lines: [String], _ line: Int, _ words: String) throws {
    let result = try importRows(kind, lines)
    #expect(result.status == 1 && result.stderr.contains("\(file):\(line): "), "\(result.stderr)")
    #expect(result.stderr.contains(words), "\(result.stderr)")
  }

  /// Once, and without the faults that its rows seem to have: those are not in the file that is meant.
  @Test(arguments: [
    ("organs", ["code,name,region", "11320681MB0000001R,\u{E000},320681", "bad,乙,32068", "x,\u{E000},320681"]),
    ("items", ["seq,proof_item,admin_matter", "47,\u{E000},甲", "48,,乙", "49,\u{E000},丙"]),
    (
      "assistance-list",
      [
        "item_seq,requesting_code,requested_code,working_days,proof_item", "47,x,y,5,\u{E000}", "z,x,y,0,甲",
        "48,x,y,5,\u{E000}",
      ]
    ),
    ("calendar", ["date,kind,festival", "2027-01-01,off,\u{E000}", "2027-02-30,holiday,甲", "2027,off,\u{E000}"]),
  ]) func anotherEncodingIsTheOnlyFault(_ kind: String, _ rows: [String]) throws {
    let bytes = rows.joined(separator: "\n").utf8.split(separator: 0xEE, omittingEmptySubsequences: false)
    try Data(bytes.joined(separator: [0xFF])).write(to: URL(fileURLWithPath: file))
    let result = try state.run(["import", kind, file])
    #expect(result.status == 1)
    let said = result.stderr.split(separator: "\n").filter { $0.hasPrefix("\(file):") }
    #expect(said.count == 1 && said.first?.hasPrefix("\(file):2: 不是有效的UTF-8（另有1行亦然）") == true, "\(result.stderr)")
    expectBoth(String(said.first ?? ""), "not valid UTF-8; so it is with one more line; save the file as UTF-8")
    #expect(result.stderr.contains("1处有误，未作任何更改"))
  }

  @Test func aCalendarSaysWhatItChanged() throws {
    let amended = try importRows(
      "calendar",
      ["date,kind,festival,notice", "2026-03-03,off,测试,测试通知", "2026-10-01,work,国庆节,测试通知"])
    #expect(amended.status == 0, "\(amended.stderr)")
    for part in ["days added: 2026-03-03", "days changed: 2026-10-01"] {
      #expect(amended.stdout.contains(part), "\(part) not in \(amended.stdout)")
    }
    #expect(!amended.stdout.contains("replaced"))
    let whole = try state.run(["import", "calendar", Binary.packageRoot + "/config/calendars/cn/2026.csv"])
    for part in ["years replaced: 2026", "days removed: 2026-03-03\n"] {
      #expect(whole.stdout.contains(part), "\(part) not in \(whole.stdout)")
    }
    #expect(!whole.stdout.contains("days added") && !whole.stdout.contains("days changed"), "\(whole.stdout)")
  }

  @Test func changesReachTheRunningDaemonWhenTheCommandReturns() throws {
    func workingDays(_ id: String) throws -> Int? {
      try requester.call("GET", "/v1/requests/\(id)").json["due"]["workingDays"].int
    }
    func submit(_ json: String) throws -> Reply { try requester.call("POST", "/v1/requests", json: json) }

    let organ = "11320681MB0000001R"
    let renamed = try importRows(
      "organs", ["code,name,region,role", "\(organ),启东市新机关,320681,member"])
    #expect(renamed.status == 0, "\(renamed.stderr)")
    #expect(renamed.stdout.contains("imported 1 row "))
    #expect(try requester.call("GET", "/v1/organs?limit=500").text.contains("启东市新机关"))
    #expect(try submit(marriageRequest(to: nil)).json["due"]["workingDays"].int == 5)
    let before = try #require(try submit(marriageRequest(to: nil)).json["id"].string)
    let listed = try importRows(
      "assistance-list",
      ["item_seq,requesting_code,requested_code,working_days", "47,\(Qidong.requester.code),\(organ),3"])
    #expect(listed.status == 0, "\(listed.stderr)")
    let routed = try submit(marriageRequest(to: nil)).json
    #expect(routed["to"]["code"].string == organ && routed["due"]["workingDays"].int == 3)
    #expect(try workingDays(before) == 5, "what runs keeps its deadline")
    let year = "/v1/working-days?from=2027-02-01T10:00:00%2B08:00&days=1"
    #expect(try requester.call("GET", year).json["date"].string == "2027-02-02")
    let notice = try importRows(
      "calendar", ["date,kind,festival,notice", "2027-02-02,off,测试,测试通知〔2026〕1号"])
    #expect(notice.status == 0, "\(notice.stderr)")
    #expect(try requester.call("GET", year).json["date"].string == "2027-02-03")
    #expect(daemon.isRunning)
    #expect(try state.run(["verify"]).status == 0)
  }
}
