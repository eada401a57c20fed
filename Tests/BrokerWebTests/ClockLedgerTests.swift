internal import TestSupport
internal import Testing

/// The ledger of a clock over HTTP. What its spans are for every way a clock may go is tested on the domain.
@Suite(.timeLimit(.minutes(5))) struct ClockLedgerTests {
  @Test func spansOfASupplementAndAnExtension() throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    let (asking, asked) = (try daemon.client(Qidong.requester), try daemon.client(Qidong.responder))
    try asked.done("POST", path + "/ask", json: #"{"text": "请补充登记地"}"#)
    let waiting = try asking.get(path + "/deadline")["spans"].array ?? []
    #expect(waiting.map { $0["kind"].string } == ["running", "paused"])
    #expect(waiting.last?["to"].isNull == true && waiting.last?["organ"]["code"].string == Qidong.requester.code)
    try asking.done("POST", path + "/supply", json: #"{"text": "启东市"}"#)
    try asked.done(
      "POST", path + "/extend", json: #"{"workingDays": 2, "reason": "需调阅纸质档案", "approver": "王局长"}"#)
    try asked.done("POST", path + "/answer", json: answerBody())
    let read = try asking.get(path + "/deadline")
    let spans = try #require(read["spans"].array)
    #expect(
      spans.map { "\($0["kind"].string ?? "?") \($0["cause"].string ?? "?") \($0["clock"].int ?? 0)" } == [
        "running request.submitted 1", "paused request.supplement-asked 1", "running request.supplied 2",
        "running request.extended 2", "ended request.answered 2",
      ])
    #expect(spans.map { $0["budget"].int } == [5, 5, 5, 7, 7] && spans.map { $0["usedTotal"].int } == [0, 0, 0, 0, 0])
    #expect(spans.map { $0["restarted"].bool } == [false, nil, true, false, nil])
    #expect(
      spans[3]["added"].int == 2 && spans[3]["reason"].string == "需调阅纸质档案" && spans[3]["approver"].string == "王局长")
    #expect(spans[3]["dueDate"] == read["date"] && spans[3]["previousDueDate"] == spans[2]["dueDate"])
    #expect(spans[4]["result"].string == "met" && read["status"].string == "met")
    for (before, after) in zip(spans, spans.dropFirst()) { #expect(before["to"] == after["from"]) }
    for span in spans {
      #expect(span["text"]["zh"].string?.isChinese == true && span["text"]["en"].string?.isEmpty == false)
      #expect(span["organ"]["name"].string?.isChinese == true)
    }
    // What was there before is there still.
    #expect(read["ledger"].array?.count == 4 && read["recomputations"].array?.isEmpty == true)
    #expect(
      !"\(read)".contains("张三") && !"\(read)".contains("启东市\"") && !"\(read)".contains("登记地"), "no words of a party")
  }
}
