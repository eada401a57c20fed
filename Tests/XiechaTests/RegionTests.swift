internal import Foundation
internal import TestSupport
internal import Testing

/// The second example region, by itself and beside the first; and files that come out as they went in.
@Suite(.timeLimit(.minutes(5))) struct RegionTests {
  private static let config = Binary.packageRoot + "/config/examples"

  @Test func ayouqiStandsByItself() throws {
    let state = try StateDirectory(example: "ayouqi")
    #expect(state.organKeys.count == 46)
    #expect(try state.run(["check"]).stdout.contains("46"))
    let daemon = try Daemon(state: state)
    let anyone = daemon.client(key: state.organKeys.values.first)
    #expect(try anyone.call("GET", "/v1/items").json["version"].int == 0)
    #expect(try anyone.call("GET", "/v1/organs?limit=500").json["items"].array?.count == 46)
  }

  @Test func eachSupervisorSeesItsOwnRegionOnly() throws {
    let state = try StateDirectory()
    let daemon = try Daemon(state: state)
    let imported = try state.run(["import", "organs", Self.config + "/ayouqi/organs.csv"])
    #expect(imported.status == 0, "\(imported.stderr)")
    let rows = try String(contentsOfFile: Self.config + "/ayouqi/organs.csv", encoding: .utf8)
      .split(separator: "\n").dropFirst().map { $0.split(separator: ",").map(String.init) }
    func key(_ short: String) throws -> Client {
      let code = try #require(rows.first { $0[2] == short })[0]
      let made = try state.run(["key", "create", "--organ", code, "--json"])
      return daemon.client(key: made.json["key"].string)
    }
    let (there, asking) = (try key("司法局"), try key("医保局"))
    let here = try daemon.client(.supervisor)
    let asked = try #require(rows.first { $0[2] == "民政局" })[0]
    let qidong = try daemon.client(.requester).call("POST", "/v1/requests", json: marriageRequest())
    // The example's items are 启东's: the other region asks without one.
    let listed = try asking.call(
      "POST", "/v1/requests", json: marriageRequest(to: nil, extra: ["to": .string(asked)]))
    #expect(listed.status == 422 && listed.json["code"].string == "unknown-item", "\(listed.text)")
    let ayouqi = try asking.call(
      "POST", "/v1/requests", json: marriageRequest(to: nil, extra: ["to": .string(asked), "item": .missing]))
    #expect(qidong.status == 201 && ayouqi.status == 201, "\(ayouqi.text)")
    for (reply, own, other) in [(qidong, here, there), (ayouqi, there, here)] {
      let path = "/v1/requests/" + (reply.json["id"].string ?? "?")
      #expect(try own.call("GET", path).status == 200)
      #expect(try other.call("GET", path).status == 404)
      #expect(try other.call("GET", path + "/timeline").status == 404)
    }
  }

  @Test func whatWasImportedIsExported() throws {
    let state = try StateDirectory()
    for kind in ["organs", "items", "assistance-list"] {
      let original = try String(contentsOfFile: Self.config + "/qidong/\(kind).csv", encoding: .utf8)
      #expect(try state.run(["export", kind]).stdout == original)
      let file = state.path + "/\(kind).csv"
      #expect(try state.run(["export", kind, file]).status == 0)
      #expect(try String(contentsOfFile: file, encoding: .utf8) == original)
      #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
      let again = try state.run(["export", kind, file])
      #expect(again.status == 1 && again.stderr.contains("exists already"))
    }
    let days = state.path + "/days.csv"
    #expect(try state.run(["export", "calendar", days]).status == 0)
    let imported = try state.run(["import", "calendar", days])
    #expect(imported.status == 0 && imported.stdout.contains("2018, 2019"), "\(imported.stdout)\(imported.stderr)")
    #expect(
      try state.run(["export", "calendar"]).stdout == (try String(contentsOfFile: days, encoding: .utf8)))
  }

  @Test func aListCanWaitForItsDay() throws {
    let state = try StateDirectory()
    let file = Self.config + "/qidong/items.csv"
    let form = DateFormatter()
    form.locale = Locale(identifier: "en_US_POSIX")
    form.timeZone = TimeZone(identifier: "Asia/Shanghai")
    form.dateFormat = "yyyy-MM-dd"
    let day = form.string(from: Date(timeIntervalSinceNow: 90 * 86_400))
    let waiting = try state.run(["import", "items", file, "--effective-from", day, "--notice", "启司发〔2098〕1号"])
    #expect(waiting.status == 0 && waiting.stdout.contains("version 2, in force from \(day)"), "\(waiting.stderr)")
    let blocked = try state.run(["import", "items", file])
    #expect(blocked.status == 2 && blocked.stderr.contains(day), "\(blocked.stderr)")
    let far = try state.run(["import", "items", file, "--effective-from", "2099-01-01"])
    #expect(far.status == 2 && far.stderr.contains("within 366 days"), "\(far.stderr)")
    let past = try state.run(["import", "items", file, "--effective-from", "2001-01-01"])
    #expect(past.status == 2 && past.stderr.contains("is past"), "\(past.stderr)")
  }

  /// Whoever works on the export of today while another version waits takes back what that one changes, and is told so.
  @Test func whatWaitsIsNotTakenBackUnseen() throws {
    let state = try StateDirectory(rehearseAt: "2026-03-02T10:00:00+08:00")
    let file = state.path + "/items.csv"
    func items(_ more: String...) throws -> String {
      let exported = try state.run(["export", "items"] + more)
      #expect(exported.status == 0, "\(exported.stderr)")
      return exported.stdout
    }
    func load(_ text: String, from day: String) throws -> String {
      try text.write(toFile: file, atomically: false, encoding: .utf8)
      let loaded = try state.run(["import", "items", file, "--effective-from", day])
      #expect(loaded.status == 0, "\(loaded.stderr)")
      return loaded.stderr
    }
    let today = try items()
    let head = try #require(today.split(whereSeparator: \.isNewline).first).split(separator: ",").map(String.init)
    #expect(head.contains("method"))
    let row = "seq,proof_item,admin_matter,method\n47,结婚证,产前检查费支付,on-site\n"
    #expect(try !load(row, from: "2026-04-01").contains("take back"))
    let waiting = try items("--as-of", "2026-04-01")
    #expect(waiting != today && waiting.contains("on-site") && !today.contains("on-site"))
    #expect(try !items("--as-of", "2026-03-31").contains("on-site"))
    #expect(try !load(waiting, from: "2026-04-01").contains("take back"))
    let told = try load(today, from: "2026-04-01")
    #expect(told.contains("take back what the version that waits would have changed: 47;"), "\(told)")
    #expect(try items("--as-of", "2026-04-01") == today)
    for wrong in [
      ["organs", "--as-of", "2026-04-01"], ["items", "--as-of", "2026-03-01"], ["items", "--as-of", "x"],
    ] {
      #expect(try state.run(["export"] + wrong).status == 2, "\(wrong)")
    }
  }

  /// An organ that goes to another region leaves entries behind by which it cannot ask.
  @Test func whatNobodyCanAskByIsNamed() throws {
    let state = try StateDirectory(rehearseAt: "2026-03-02T10:00:00+08:00")
    let file = state.path + "/organs.csv"
    try "code,name,region\n\(Qidong.requester.code),启东市医疗保障局,152922\n".write(
      toFile: file, atomically: false, encoding: .utf8)
    #expect(try !state.run(["check"]).stdout.contains("不能据以请求"))
    let moved = try state.run(["import", "organs", file])
    #expect(moved.status == 0 && moved.stderr.contains("启东市医疗保障局有5项"), "\(moved.stderr)")
    #expect(moved.stderr.contains("nobody can ask by them"))
    #expect(try state.run(["check"]).stdout.contains("启东市医疗保障局有5项"))
  }
}
