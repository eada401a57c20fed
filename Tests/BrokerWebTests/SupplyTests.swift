internal import TestSupport
internal import Testing

/// What is acknowledged because it was supplied nobody has acknowledged, and nobody is said to have.
@Suite(.timeLimit(.minutes(5))) struct SupplyTests {
  @Test(arguments: [false, true]) func theRecordClaimsNoActOfNobody(_ acknowledges: Bool) throws {
    let daemon = try House.daemon
    let (asking, asked) = (try daemon.client(Qidong.requester), try daemon.client(Qidong.responder))
    let path = try daemon.open()
    if acknowledges { try asked.done("POST", path + "/acknowledge", json: #"{"officer": "李四"}"#) }
    let before = try asked.get(path)["acknowledgement"]
    #expect(before.isNull == !acknowledges)
    try asked.done("POST", path + "/ask", json: #"{"text": "请补充登记地"}"#)
    let supplied = try asking.done("POST", path + "/supply", json: #"{"text": "启东市"}"#).json
    #expect(supplied["state"].string == "acknowledged" && supplied["acknowledgement"] == before)
    let id = try #require(supplied["id"].string)
    let listed = try asked.get("/v1/requests?role=responder&limit=500")["items"].array?.first { $0["id"].string == id }
    #expect(listed?["acknowledgement"] == before)
    let at = try #require(supplied["supplement"]["supplied"]["at"].string)
    for (client, verb, body) in [(asked, "acknowledge", "{}"), (asking, "supply", #"{"text": "又及"}"#)] {
      let late = try client.call("POST", "\(path)/\(verb)", json: body)
      expectProblem(late, 409, "illegal-transition")
      #expect(late.json["detail"].string?.contains("已于 \(at) 由启东市医疗保障局补正") == true, "\(late.text)")
      let happened = late.json["happened"]
      #expect(happened["what"].string == "补正" && happened["at"].string == at && happened["person"].isNull)
      #expect(happened["by"]["code"].string == Qidong.requester.code)
    }
    try asked.done("POST", path + "/answer", json: answerBody())
    #expect(try asking.get(path)["acknowledgement"] == before)
  }

  /// The next organ is not said to have been supplied.
  @Test func whatIsAcknowledgedAfterATransferIsAcknowledged() throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    let (responder, requester) = (try daemon.client(Qidong.responder), try daemon.client(Qidong.requester))
    try responder.done("POST", path + "/ask", json: #"{"text": "请补充登记地"}"#)
    try requester.done("POST", path + "/supply", json: #"{"text": "启东市"}"#)
    let move = #"{"to": "\#(Qidong.stranger.code)", "reason": "由其掌握登记信息"}"#
    try daemon.client(Qidong.supervisor).done("POST", path + "/transfer", json: move)
    let next = try daemon.client(Qidong.stranger)
    try next.done("POST", path + "/acknowledge", json: #"{"officer": "李四"}"#)
    let late = try next.call("POST", path + "/acknowledge")
    #expect(late.json["happened"]["what"].string == "签收" && late.json["happened"]["person"].string == "李四")
  }
}
