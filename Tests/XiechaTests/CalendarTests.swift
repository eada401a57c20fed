internal import Foundation
internal import TestSupport
internal import Testing

/// A notice comes out: first a dry run, then the import; and who is told while it is missing.
@Suite(.timeLimit(.minutes(5))) struct CalendarTests {
  private static let start = "2026-12-28T10:00:00+08:00"

  private static func file(_ state: StateDirectory, _ rows: String...) throws -> String {
    let path = state.path + "/2027.csv"
    let text = "date,kind,festival,notice\n" + rows.map { $0 + "\n" }.joined()
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return path
  }

  private static func due(_ daemon: Daemon, _ id: String) throws -> JSONBody {
    try daemon.client(.requester).call("GET", "/v1/requests/\(id)").json["due"]
  }

  /// The operator reads that a deadline of what is sealed would move, and not of what or whom.
  @Test func aDryRunKeepsTheSeal() throws {
    let state = try StateDirectory(rehearseAt: "2026-12-31T10:00:00+08:00")
    let daemon = try Daemon(state: state)
    let data: JSONBody = .object(["suspicion": .string("诈骗")])
    let id = try #require(
      try daemon.client(.requester).call(
        "POST", "/v1/requests",
        json: marriageRequest(
          to: .市公安局,
          extra: [
            "procedure": .string("criminal-transfer"), "item": .missing, "questions": .missing, "commitment": .missing,
            "data": data,
          ])
      ).json["id"].string)
    let file = try Self.file(state, "2027-01-04,off,元旦,国办发明电〔2026〕9号")
    let told = try state.run(["import", "calendar", file, "--dry-run", "--json"])
    let line = told.json["requests"][0]
    #expect(line["id"].string == id && line["procedure"].isNull && line["organ"].isNull, "\(told.stdout)")
    #expect(line["after"]["date"].string == "2027-01-05")
    let words = try state.run(["import", "calendar", file, "--dry-run"]).stdout
    #expect(words.contains("封存 / sealed  —  2027-01-04 → 2027-01-05"), "\(words)")
    #expect(!words.contains("criminal-transfer") && !words.contains("公安"))
  }

  @Test func dryRunThenImportBesideADaemon() throws {
    let state = try StateDirectory(rehearseAt: Self.start)
    let daemon = try Daemon(state: state)
    let requester = try daemon.client(.requester)
    let ids = try (0..<3).map { _ in
      try #require(try requester.call("POST", "/v1/requests", json: marriageRequest()).json["id"].string)
    }
    let before = try Self.due(daemon, ids[0])
    #expect(before["date"].string == "2027-01-05" && before["provisional"].bool == true, "\(before)")
    let file = try Self.file(
      state, "2027-01-01,off,元旦,国办发明电〔2026〕9号", "2027-01-04,off,元旦,国办发明电〔2026〕9号",
      "2027-10-01,off,国庆节,国办发明电〔2026〕9号")

    let told = try state.run(["import", "calendar", file, "--dry-run", "--json", "--limit", "2"])
    #expect(told.status == 0, "\(told.stderr)")
    let numbers = ["moved", "becomeFirm", "unchanged", "omitted", "rows"].map { told.json[$0].int }
    #expect(numbers == [3, 3, 0, 1, 3] && told.json["replacedYears"][0].int == 2027, "\(told.stdout)")
    let line = told.json["requests"][0]
    #expect(line["id"].string == ids[0] && line["procedure"].string == "verification")
    #expect(line["organ"].string == Qidong.responder.code)
    #expect(line["before"]["date"].string == "2027-01-05" && line["before"]["provisional"].bool == true)
    #expect(line["after"]["date"].string == "2027-01-06" && line["after"]["provisional"].bool == false)
    let words = try state.run(["import", "calendar", file, "--dry-run"]).stdout
    for part in ["2027-01-05 → 2027-01-06", "now firm", "3 open deadlines would move", "years replaced: 2027"] {
      #expect(words.contains(part), "\(part) not in \(words)")
    }
    #expect(try Self.due(daemon, ids[0]) == before, "nothing was written")

    let loaded = try state.run(["import", "calendar", file])
    #expect(loaded.status == 0, "\(loaded.stderr)")
    #expect(loaded.stdout.contains("open deadlines that will move: 3") && loaded.stdout.contains("deadlines moved: 3"))
    for id in ids {
      let due = try Self.due(daemon, id)
      #expect(due["date"].string == "2027-01-06" && due["provisional"].bool == false, "\(due)")
    }
    let event = try requester.call("GET", "/v1/requests/\(ids[0])/timeline").json["items"].array?.last
    #expect(event?["type"].string == "request.deadline-changed")
    #expect(event?["data"]["previousDueDate"].string == "2027-01-05")
    #expect(event?["data"]["notices"].array?.contains(.string("国办发明电〔2026〕9号")) == true)
    #expect(try state.run(["verify"]).status == 0)
  }

  @Test func withoutADaemonTheNextOneMovesThem() throws {
    let state = try StateDirectory(rehearseAt: Self.start)
    var daemon = try Daemon(state: state)
    let id = try #require(
      try daemon.client(.requester).call("POST", "/v1/requests", json: marriageRequest()).json["id"].string)
    #expect(try daemon.terminate() == 0)
    let file = try Self.file(state, "2027-01-04,off,元旦,通知", "2027-10-01,off,国庆节,通知")
    let loaded = try state.run(["import", "calendar", file])
    #expect(loaded.status == 0 && loaded.stdout.contains("when the daemon starts"), "\(loaded.stdout)")
    daemon = try Daemon(state: state)
    try eventually("the deadline has moved") { try Self.due(daemon, id)["provisional"].bool == false }
  }

  @Test(arguments: [
    ["import", "organs", "x.csv", "--dry-run"], ["import", "calendar", "x.csv", "--json"],
    ["import", "calendar", "x.csv", "--dry-run", "--limit", "0"],
  ])
  func badUsage(_ words: [String]) throws {
    #expect(try runTool(words).status == 2)
  }

  /// Not refused: a day may be known before the number of its notice is.
  @Test(arguments: [
    ("date,kind,festival", ["2027-02-05,off,春节", "2027-02-08,off,春节"], 2, "2 days name no notice"),
    ("date,kind,festival,notice", ["2027-02-05,off,春节, ", "2027-02-08,off,春节,通知"], 1, "one day names no notice"),
    ("date,kind,festival,notice", ["2027-02-05,off,春节,通知"], 0, ""),
  ]) func daysWithoutANoticeAreToldOf(_ header: String, _ rows: [String], _ count: Int, _ words: String) throws {
    let state = try StateDirectory(example: nil)
    let path = state.path + "/2027.csv"
    try ([header] + rows + [""]).joined(separator: "\n").write(toFile: path, atomically: false, encoding: .utf8)
    for more in [["--dry-run"], ["--dry-run", "--json"], []] {
      let result = try state.run(["import", "calendar", path] + more)
      #expect(result.status == 0, "\(result.stderr)")
      let told = result.stderr.split(separator: "\n").filter { $0.contains("no notice") }
      #expect(told.count == min(count, 1), "\(result.stderr)")
      guard let line = told.first.map(String.init) else { continue }
      #expect(line.hasPrefix("\(path): 有\(count)天没有写明依据"), "\(line)")
      expectBoth(line, words)
      if more.count == 2 { #expect(result.json["daysWithoutNotice"].int == count, "\(result.stdout)") }
    }
  }

  @Test func badRowsOfADryRunAreNamed() throws {
    let state = try StateDirectory(example: nil)
    let file = try Self.file(state, "2027-02-30,off,春节,通知")
    let result = try state.run(["import", "calendar", file, "--dry-run"])
    #expect(result.status == 1 && result.stderr.contains("\(file):2: "), "\(result.stderr)")
  }

  /// The moment of the broker's clock, and the years that should be here.
  static let missing: [(String, [Int])] = [
    ("2026-10-30T10:00:00+08:00", []), ("2026-11-01T00:00:00+08:00", [2027]), ("2027-02-01T10:00:00+08:00", [2027]),
  ]

  @Test(arguments: missing)
  func aMissingYearIsSaidEverywhere(_ now: String, _ years: [Int]) throws {
    let state = try StateDirectory(rehearseAt: now)
    let check = try state.run(["check"])
    #expect(check.status == 0)
    let daemon = try Daemon(state: state)
    let health = try daemon.client().call("GET", "/healthz")
    #expect(health.status == 200 && health.json["status"].string == "ok")
    let warnings = try #require(health.json["warnings"].array)
    #expect(warnings.compactMap { $0["year"].int } == years)
    let metrics = try daemon.client().call("GET", "/metrics").text
    for year in years {
      #expect(warnings[0]["text"]["zh"].string?.contains("\(year)年") == true)
      #expect(check.stdout.contains("the notice for \(year) is not loaded"), "\(check.stdout)")
      #expect(metrics.contains("xiecha_calendar_missing_year{year=\"\(year)\"} 1"))
      #expect(daemon.waitForLog("the notice for \(year) is not loaded"))
    }
    if years.isEmpty {
      #expect(!check.stdout.contains("is not loaded") && !metrics.contains("missing_year{year=\"2027\"} 1"))
      #expect(!daemon.stderrText.contains("is not loaded"))
      // The clock goes on into November while it runs.
      let to = #"{"to": "2026-11-01T00:00:00+08:00"}"#
      #expect(try daemon.operatorClient().call("POST", "/v1/rehearsal/advance", json: to).status == 200)
      #expect(try daemon.client().call("GET", "/healthz").json["warnings"][0]["year"].int == 2027)
      #expect(daemon.waitForLog("the notice for 2027 is not loaded"))
    }
  }

  /// What `init` loads is the country's; a region's sample goes in when it is asked for, and calls itself one.
  @Test(arguments: [
    ("cn-45", "450100", "2026-04-20"), ("cn-64", "640100", "2026-05-27"), ("cn-65", "650100", "2026-05-29"),
    ("cn-54", "540100", "2026-02-26"),
  ])
  func samplesOfRegions(_ folder: String, _ region: String, _ day: String) throws {
    let state = try StateDirectory(example: nil)
    func counted() throws -> JSONBody {
      let eve = "\(day.dropLast(2))\(String(format: "%02d", (Int(day.suffix(2)) ?? 0) - 1))T10:00:00+08:00"
      let words = ["workdays", "--from", eve, "--days", "1", "--region", region, "--json"]
      return try state.run(words).json["explanation"][0]
    }
    #expect(try counted()["counted"].bool == true, "init loads no region")
    let path = Binary.packageRoot + "/config/calendars/\(folder)/2026.csv"
    let loaded = try state.run(["import", "calendar", path])
    #expect(loaded.status == 0 && loaded.stdout.contains("days added"), "\(loaded.stdout)\(loaded.stderr)")
    let off = try counted()
    #expect(off["date"].string == day && off["counted"].bool == false)
    #expect(off["notice"].string?.hasPrefix("样例待核") == true && off["reason"]["zh"].string?.contains("样例") == true)
  }
}
