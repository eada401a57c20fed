internal import BrokerDomain
internal import BrokerStore
internal import Foundation
internal import TestSupport
internal import Testing

/// What binds the organ that sends, over HTTP: who is late, who is told, and in whose figures it stands.
@Suite(.timeLimit(.minutes(5))) struct SenderClockTests {
  private static func filing(published: String) -> String {
    JSONBody.object([
      "procedure": .string("list-filing"), "to": .string(Qidong.supervisor.code), "purpose": .string("清单备案"),
      "data": .object(["publishedOn": .string(published)]),
    ]).description
  }

  private static let receipt = #"{"outcome": "filed", "signatory": "江局长", "data": {"receipt": "启司备〔2026〕7号"}}"#

  /// One late and one in time, both answered a week later; the clock has passed every rung.
  private static func scene() throws -> (daemon: Daemon, late: JSONBody, inTime: JSONBody) {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let (sender, bureau) = (try daemon.client(Qidong.requester), try daemon.client(Qidong.supervisor))
    let (late, inTime) = (
      try sender.done("POST", "/v1/requests", json: filing(published: "2026-01-05"), 201).json,
      try sender.done("POST", "/v1/requests", json: filing(published: "2026-02-27"), 201).json
    )
    // The receipt of the late one comes before any rung may have fired; the other waits beyond its due moment.
    try bureau.done("POST", "/v1/requests/\(late["id"].string ?? "?")/answer", json: receipt)
    try daemon.operatorClient().done(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-20T12:00:00+08:00"}"#)
    try bureau.done("POST", "/v1/requests/\(inTime["id"].string ?? "?")/answer", json: receipt)
    return (daemon, late, inTime)
  }

  @Test func theSenderIsLateAndNobodyElse() throws {
    let (daemon, late, inTime) = try Self.scene()
    let (sender, bureau) = (try daemon.client(Qidong.requester), try daemon.client(Qidong.supervisor))
    for (opened, status, rungs) in [(late, "missed", ["T", "T+1"]), (inTime, "met", [])] {
      let path = "/v1/requests/" + (opened["id"].string ?? "?")
      let now = try bureau.get(path)
      for shown in [opened, now] {
        #expect(shown["due"]["status"].string == status && shown["due"]["overdue"].bool == false)
        #expect(shown["due"]["binds"].string == "sender")
      }
      #expect(now["answer"]["late"].bool == false)
      let events = try sender.get(path + "/timeline")["items"].array ?? []
      #expect(events.compactMap { $0["data"]["rung"].string } == rungs)
      #expect(events.first { $0["type"].string == "request.answered" }?["data"]["late"].bool == false)
      #expect(events.first?["data"]["late"].bool == (status == "missed" ? true : nil))
      let deadline = try sender.get(path + "/deadline")
      #expect(deadline["binds"].string == "sender" && deadline["status"].string == status)
      #expect(deadline["text"]["zh"].string?.contains(status == "missed" ? "送交，逾期" : "送交，按期") == true)
    }
    #expect(try bureau.get("/v1/requests?overdue=true&role=responder")["items"] == .array([]))
    #expect(try daemon.state.run(["verify"]).status == 0)
  }

  @Test func thePeopleOfTheSenderAreTold() throws {
    let (daemon, late, _) = try Self.scene()
    let (sender, bureau) = (try daemon.client(Qidong.requester), try daemon.client(Qidong.supervisor))
    let told = try #require(try sender.get("/v1/inbox")["items"].array)
    #expect(told.map { $0["audience"].string } == ["leader", "leader"])
    #expect(told.map { $0["rung"].string } == ["T", "T+1"] && told.allSatisfy { $0["request"] == late["id"] })
    let pressed = try #require(try bureau.get("/v1/inbox")["items"].array)
    #expect(pressed.map { $0["audience"].string } == ["supervisor"], "not as the organ that received it")
    #expect(told.map { $0["text"]["zh"].string?.hasSuffix("，已同时告知监督机关") } == [false, true], "\(told)")
    for notice in told + pressed {
      #expect(notice["binds"].string == "sender" && notice["text"]["zh"].string?.contains("逾期送交") == true, "\(notice)")
      #expect(notice["to"]["code"].string == Qidong.supervisor.code)
    }
  }

  @Test func theSenderIsCharged() throws {
    let (daemon, late, _) = try Self.scene()
    let bureau = try daemon.client(Qidong.supervisor)
    let report = try bureau.get("/v1/reports/timeliness?from=2026-03-01&to=2026-03-31&by=organ")
    let rows = report["rows"].array ?? []
    func figures(_ organ: Qidong) -> [Int?] {
      let row = rows.first { $0["key"].string == organ.code }
      return ["received", "answeredOnTime", "late", "overdue", "sentLate"].map { row?[$0].int }
    }
    #expect(figures(.requester) == [0, 0, 0, 0, 1] && figures(.supervisor) == [2, 2, 0, 0, 0])
    #expect(report["total"]["sentLate"].int == 1 && report["total"]["late"].int == 0)
    let csv = try bureau.done("GET", "/v1/reports/timeliness?from=2026-03-01&to=2026-03-31&format=csv").text
    #expect(csv.contains("逾期送交"))
    let circular = try bureau.done("GET", "/v1/reports/circular?month=2026-03").text
    #expect(circular.contains("存在逾期情况的有1个机关：启东市医疗保障局逾期送交1件。"), "\(circular)")
    #expect(!circular.contains("逾期答复的机关应当"))
    let ledger = try bureau.done(
      "GET", "/v1/reports/ledger?from=2026-03-01&to=2026-03-31&procedure=list-filing"
    ).text.split(separator: "\r\n")
    for line in ledger.dropFirst() {
      // What is watched and how, of a handover only, is empty in the four columns after it.
      #expect(line.hasSuffix(line.hasPrefix(late["id"].string ?? "?") ? "请求机关迟送,,,," : "否,,,,"), "\(line)")
    }
    #expect(ledger.count == 3)
  }
}
