internal import TestSupport
internal import Testing

/// What a clerk reads says where the fault is, and nothing that is not so.
@Suite(.timeLimit(.minutes(5))) struct WordingTests {
  @Test func aSingleFaultSaysWhereItIs() throws {
    let client = try House.client(.requester)
    let path = "/v1/requests"
    let body = JSONBody(marriageRequest()).with(.missing, at: "/purpose").description
    for (language, words) in [("zh", "/purpose：必填"), ("en", "/purpose: is required")] {
      let reply = try client.call("POST", path, json: body, headers: ["Accept-Language": language])
      #expect(reply.json["detail"].string == words)
      #expect(reply.json["errors"].array?.first?["detail"].string == (language == "zh" ? "必填" : "is required"))
    }
    // The whole body has no place.
    #expect(try client.call("POST", path, json: "[]").json["detail"].string == "应为对象，实为数组")
  }

  private func summary(_ period: String) throws -> Reply {
    let body = marriageRequest(
      to: .supervisor,
      extra: [
        "procedure": .string("half-year-summary"), "item": .missing, "questions": .missing, "commitment": .missing,
        "subject": .missing, "data": JSONBody(#"{"period": "\#(period)"}"#),
      ])
    return try House.client(.requester).call("POST", "/v1/requests", json: body)
  }

  /// What does not fit the pattern has no year to be wrong.
  @Test(arguments: [
    ("2026-H3", "应为年份加"), ("9999-H3", "应为年份加"), ("2026-HX", "应为年份加"), ("9999-H1", "年份应在1971至2100之间"),
  ]) func oneFaultIsSaidOnce(_ period: String, _ words: String) throws {
    let reply = try summary(period)
    expectProblem(reply, 422, "invalid-body", period)
    let found = (reply.json["errors"].array ?? []).filter { $0["pointer"].string == "/data/period" }
    #expect(found.count == 1, "\(reply.text)")
    #expect(found.first?["detail"].string?.contains(words) == true, "\(reply.text)")
  }

  @Test func textsHoldNothingHidden() throws {
    let client = try House.client(.requester)
    let body = JSONBody(marriageRequest())
    for pointer in ["/subject/name", "/purpose", "/contact/name"] {
      for (hidden, name) in [
        ("\u{7F}", "U+007F"), ("\u{80}", "U+0080"), ("\u{9F}", "U+009F"), ("\r", "U+000D"), ("\u{7}", "U+0007"),
        ("\u{202A}", "U+202A"), ("\u{202E}", "U+202E"), ("\u{2066}", "U+2066"), ("\u{2069}", "U+2069"),
      ] {
        let text = body.with(.string("张\(hidden)三"), at: pointer).description
        let reply = try client.call("POST", "/v1/requests", json: text)
        expectProblem(reply, 422, "invalid-body", name)
        #expect(pointers(reply) == [pointer])
        #expect(reply.json["detail"].string?.contains(name) == true, "\(reply.text)")
      }
      for plain in ["\n", "\r\n", "\t", "\u{A0}", "·", "…", "\u{200D}", "\u{2060}"] {
        let text = body.with(.string("张\(plain)三"), at: pointer).description
        try client.done("POST", "/v1/requests", json: text, 201)
      }
    }
  }

  /// Blanks around it are no part of a number or of a key.
  @Test func blanksAroundAreLeftOut() throws {
    let client = try House.client(.requester)
    let body = JSONBody(marriageRequest())
    let number = try #require(body["subject"]["idNumber"].string)
    let padded = body.with(.string("  \(number)\n"), at: "/subject/idNumber").description
    try client.done("POST", "/v1/requests", json: padded, headers: ["Idempotency-Key": "文\(number)"], 201)
  }

  @Test func theClockMovesInRehearsalOnly() throws {
    let daemon = try Daemon(state: StateDirectory())
    for (language, words) in [("zh", "演练模式"), ("en", "rehearsal mode")] {
      let reply = try daemon.operatorClient().call(
        "POST", "/v1/rehearsal/advance", json: #"{"to": "2030-01-01T00:00:00+08:00"}"#,
        headers: ["Accept-Language": language])
      expectProblem(reply, 404, "not-found")
      #expect(reply.json["detail"].string?.contains(words) == true, "\(reply.text)")
    }
  }

  /// Deadlines from there would lie in years in which none is counted.
  @Test(arguments: ["2101-01-01T00:00:00+08:00", "9999-12-31T00:00:00+08:00", "2100-12-31T16:00:00Z"])
  func theClockStopsWithTheCalendar(_ moment: String) throws {
    let reply = try House.daemon.operatorClient().call(
      "POST", "/v1/rehearsal/advance", json: #"{"to": "\#(moment)"}"#)
    expectProblem(reply, 422, "invalid-body", moment)
    #expect(pointers(reply) == ["/to"])
    #expect(reply.json["detail"].string?.contains("2100年12月31日") == true, "\(reply.text)")
  }
}
