internal import TestSupport
internal import Testing

/// A reason says why: a number, a letter over and over or a word or two is none.
@Suite(.timeLimit(.minutes(5))) struct ReasonTests {
  private static func body(_ verb: String, _ reason: String) -> String {
    let rest =
      switch verb {
      case "decline": #", "reasonCode": "other", "signatory": "王五""#
      case "extend": #", "workingDays": 2, "approver": "王局长""#
      case "transfer": #", "to": "\#(Qidong.stranger.code)""#
      default: ""
      }
    return #"{"reason": "\#(reason)"\#(rest)}"#
  }

  @Test(arguments: [
    ("decline", Qidong.responder), ("return", .responder), ("extend", .responder), ("transfer", .supervisor),
  ]) func aReasonSaysWhy(_ verb: String, _ organ: Qidong) throws {
    let daemon = try House.daemon
    let client = try daemon.client(organ)
    let path = try daemon.open() + "/" + verb
    for reason in ["1234", "aaaa", "哈哈哈哈", "12a4", "2026年", "不清楚", "。。。。。", "a-b-c"] {
      let reply = try client.call("POST", path, json: Self.body(verb, reason))
      expectProblem(reply, 422, "invalid-body", reason)
      #expect(pointers(reply) == ["/reason"], "\(reason): \(reply.text)")
      #expect(reply.json["detail"].string?.contains("至少4个文字或数字，其中文字至少2个") == true, "\(reply.text)")
    }
    try client.done("POST", path, json: Self.body(verb, "第12号见存"))
  }

  /// What nobody sees says nothing and signs nothing.
  @Test(arguments: ["\u{200B}", "\u{3164}", "\u{2060}\u{200D}", "\u{00AD}", "\u{FE0F}\u{3000}"])
  func whatNobodySeesIsBlank(_ text: String) throws {
    let daemon = try House.daemon
    let path = try daemon.open() + "/decline"
    let fillers = "\u{115F}\u{1160}\u{FFA0}\u{3164}"
    let body = #"{"reason": "\#(text)\#(fillers)", "reasonCode": "other", "signatory": "\#(text)"}"#
    let reply = try daemon.client(Qidong.responder).call("POST", path, json: body)
    #expect(pointers(reply) == ["/reason", "/signatory"], "\(reply.text)")
  }

  /// By whichever of the two it is refused.
  @Test func besideAnotherFaultItIsSaidOnce() throws {
    let daemon = try House.daemon
    let path = try daemon.open() + "/extend"
    let body = #"{"workingDays": 0, "reason": "aaaa", "approver": "王局长"}"#
    let reply = try daemon.client(Qidong.responder).call("POST", path, json: body)
    #expect(pointers(reply) == ["/reason", "/workingDays"], "\(reply.text)")
  }
}
