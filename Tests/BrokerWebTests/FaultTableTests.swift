internal import BrokerDomain
internal import TestSupport
internal import Testing

/// Faults that only the meaning of a body shows, each with its code and its places.
@Suite(.timeLimit(.minutes(5)))
struct FaultTableTests {
  private static let (requester, responder) = (Qidong.市退役军人事务局, Qidong.市自然资源和规划局)

  /// A sound code that the directory does not have.
  static let unlisted =
    "0123456789ABCDEFGHJKLMNPQRTUWXY".lazy.compactMap { try? OrganCode("11320681014269999\($0)") }.first?.description
    ?? ""

  struct Case: CustomTestStringConvertible, Sendable {
    let what: String
    let changes: [(pointer: String, value: JSONBody)]
    let code: String
    let pointers: [String]

    init(
      _ what: String, _ changes: [(pointer: String, value: JSONBody)], _ code: String, _ pointers: [String]
    ) {
      (self.what, self.changes, self.code, self.pointers) = (what, changes, code, pointers)
    }

    var testDescription: String { what }

    func body(of good: String) -> String {
      changes.reduce(JSONBody(good)) { $0.with($1.value, at: $1.pointer) }.description
    }
  }

  static let submissions = [
    Case("nothing", [("", .object([:]))], "invalid-body", ["/purpose", "/questions", "/subject", "/to"]),
    Case("null is the same as absent", [("/purpose", .null), ("/to", .null)], "invalid-body", ["/purpose", "/to"]),
    Case(
      "no subject members", [("/subject", .object([:]))], "invalid-body",
      ["/subject/idNumber", "/subject/kind", "/subject/name"]),
    Case("no such kind", [("/subject/kind", .string("ship"))], "invalid-body", ["/subject/kind"]),
    Case("id type of another kind", [("/subject/idType", .string("uscc"))], "invalid-body", ["/subject/idType"]),
    Case(
      "check character of the id", [("/subject/idNumber", .string("110105194912310021"))], "invalid-body",
      ["/subject/idNumber"]),
    Case(
      "no day of birth", [("/subject/idNumber", .string("110105194902310029"))], "invalid-body",
      ["/subject/idNumber"]),
    Case("check character of the organ", [("/to", .string("11320681014260292A"))], "invalid-body", ["/to"]),
    Case("organ code too short", [("/to", .string("1132"))], "invalid-body", ["/to"]),
    Case(
      "a day that is none", [("/commitment/signedOn", .string("2026-02-30"))], "invalid-body",
      ["/commitment/signedOn"]),
    Case("no questions", [("/questions", .array([]))], "invalid-body", ["/questions"]),
    Case(
      "21 questions",
      [("/questions", .array(Array(repeating: .object(["text": .string("问")]), count: 21)))], "invalid-body",
      ["/questions"]),
    Case(
      "a question twice", [("/questions/1", .object(["id": .string("q1"), "text": .string("问")]))],
      "invalid-body", ["/questions/1/id"]),
    Case("no such urgency", [("/urgency", .string("at once"))], "invalid-body", ["/urgency"]),
    Case("data of no field", [("/data", .object(["plot": .int(1)]))], "invalid-body", ["/data/plot"]),
    Case(
      "the number of somebody without a name",
      [("/subject/name", .missing), ("/subject/idNumber", .string("110105194912310021"))], "invalid-body",
      ["/subject/idNumber", "/subject/name"]),
    Case("unknown organ", [("/to", .string(unlisted))], "unknown-organ", ["/to"]),
    Case("unknown item", [("/item", .string("9999"))], "unknown-item", ["/item"]),
    Case("unknown procedure", [("/procedure", .string("divination"))], "unknown-procedure", ["/procedure"]),
    Case("itself", [("/to", .string(requester.code))], "same-organ", ["/to"]),
    Case("the list names nobody", [("/to", .missing)], "no-route", ["/to"]),
    Case("neither organ nor item", [("/to", .missing), ("/item", .missing)], "no-route", ["/to"]),
    Case(
      "two of a kind of their own", [("/item", .string("9999")), ("/procedure", .string("divination"))],
      "invalid-body", ["/item", "/procedure"]),
    Case(
      "of every kind",
      [
        ("/subject/idNumber", .string("1")), ("/item", .string("9999")), ("/procedure", .string("divination")),
        ("/to", .string(unlisted)), ("/purpose", .string(" ")),
      ], "invalid-body", ["/item", "/procedure", "/purpose", "/subject/idNumber", "/to"]),
    Case(
      "the list names nobody, and more", [("/to", .missing), ("/urgency", .int(1))], "invalid-body",
      ["/to", "/urgency"]),
    Case(
      "itself, and more", [("/to", .string(requester.code)), ("/colour", .string("red"))], "invalid-body",
      ["/colour", "/to"]),
    Case(
      "an unknown item beside a mistyped organ",
      [("/to", .string("11320681014260292A")), ("/item", .string("9999"))], "invalid-body", ["/item", "/to"]),
    Case(
      "whom an unreadable item leads to is not known", [("/to", .missing), ("/item", .int(47))], "invalid-body",
      ["/item"]),
    Case(
      "an unreadable procedure is not an unknown one", [("/procedure", .int(1)), ("/item", .string("9999"))],
      "invalid-body", ["/item", "/procedure"]),
    Case(
      "all at once",
      [
        ("/subject/idNumber", .string("1")), ("/commitment/number", .string("")), ("/questions/0/asOf", .int(1)),
        ("/purpose", .missing), ("/purpsoe", .string("x")), ("/contact/name", .null), ("/urgency", .bool(true)),
      ],
      "invalid-body",
      [
        "/commitment/number", "/contact/name", "/purpose", "/purpsoe", "/questions/0/asOf", "/subject/idNumber",
        "/urgency",
      ]),
  ]

  static let answers = [
    Case("nothing", [("", .object([:]))], "invalid-body", ["/findings", "/signatory"]),
    Case("no findings", [("/findings", .array([]))], "invalid-body", ["/findings"]),
    Case(
      "empty finding", [("/findings/0", .object([:]))], "invalid-body",
      ["/findings/0/asOf", "/findings/0/question", "/findings/0/result", "/findings/0/source"]),
    Case(
      "nothing of the kind was asked", [("/findings/0/question", .string("q9"))], "invalid-body",
      ["/findings", "/findings/0/question"]),
    Case("no such result", [("/findings/0/result", .string("maybe"))], "invalid-body", ["/findings/0/result"]),
    Case(
      "answered twice", [("/findings/1", JSONBody(answerBody())["findings"][0])], "invalid-body",
      ["/findings/1/question"]),
    Case(
      "of every kind",
      [
        ("/findings/0/result", .string("maybe")), ("/findings/0/question", .string("q9")),
        ("/findings/0/asOf", .string("yesterday")), ("/signatory", .missing),
      ], "invalid-body",
      ["/findings", "/findings/0/asOf", "/findings/0/question", "/findings/0/result", "/signatory"]),
    Case(
      "what is no finding keeps its place",
      [("/findings/1", JSONBody(answerBody())["findings"][0]), ("/findings/0", .int(1))], "invalid-body",
      ["/findings/0"]),
    Case(
      "an unreadable question may be the one that is wanting",
      [("/findings/0/question", .int(1)), ("/findings/0/result", .string("maybe"))], "invalid-body",
      ["/findings/0/question", "/findings/0/result"]),
    Case("no signatory", [("/signatory", .missing)], "invalid-body", ["/signatory"]),
  ]

  static let declines = [
    Case("nothing", [("", .object([:]))], "invalid-body", ["/reason", "/reasonCode", "/signatory"]),
    Case("no statement of reasons", [("/reason", .string("没空"))], "invalid-body", ["/reason"]),
    Case("signs are no reason", [("/reason", .string("。。。。"))], "invalid-body", ["/reason"]),
    Case("nor are blanks", [("/reason", .string("没 - 空 … 了"))], "invalid-body", ["/reason"]),
    Case("no reason that the law knows", [("/reasonCode", .string("busy"))], "invalid-body", ["/reasonCode"]),
    Case(
      "competent is who declines", [("/competentOrgan", .string(responder.code))], "same-organ",
      ["/competentOrgan"]),
    Case(
      "competent organ mistyped", [("/competentOrgan", .string("11320681014260292A"))], "invalid-body",
      ["/competentOrgan"]),
    Case(
      "of every kind",
      [
        ("/reasonCode", .string("busy")), ("/reason", .string("x")), ("/signatory", .missing),
        ("/competentOrgan", .string(responder.code)),
      ], "invalid-body", ["/competentOrgan", "/reason", "/reasonCode", "/signatory"]),
    Case(
      "an unreadable code is not an unknown one", [("/reasonCode", .string(" ")), ("/signatory", .int(1))],
      "invalid-body", ["/reasonCode", "/signatory"]),
  ]

  static let endpoints = [
    Case("nothing", [("", .object([:]))], "invalid-body", ["/url"]),
    Case("no URL", [("/url", .string("oa.example"))], "invalid-body", ["/url"]),
    Case("no host", [("/url", .string("http:///x"))], "invalid-body", ["/url"]),
    Case("no port", [("/url", .string("http://oa.example:x/"))], "invalid-body", ["/url"]),
    Case("a scheme of another kind", [("/url", .string("ftp://127.0.0.1/"))], "invalid-body", ["/url"]),
    Case("an address inside", [("/url", .string("http://10.1.2.3/"))], "invalid-body", ["/url"]),
    Case("the metadata service", [("/url", .string("http://169.254.169.254/"))], "invalid-body", ["/url"]),
    Case("no such event", [("/events/0", .string("request.lost"))], "invalid-body", ["/events/0"]),
    Case("no events", [("/events", .array([]))], "invalid-body", ["/events"]),
    Case("no such body", [("/body", .string("stout"))], "invalid-body", ["/body"]),
  ]

  @Test(arguments: submissions) func submission(_ row: Case) throws {
    let client = try House.client(Self.requester)
    let before = try client.done("GET", "/v1/events?limit=500").body
    try Self.expect(row, client, "/v1/requests", row.body(of: marriageRequest(to: Self.responder)))
    #expect(try client.done("GET", "/v1/events?limit=500").body == before)
  }

  @Test(arguments: [("answer", answers), ("decline", declines)])
  func transition(_ verb: String, _ rows: [Case]) throws {
    let daemon = try House.daemon
    let path = try daemon.open(marriageRequest(to: Self.responder), by: .市民政局)
    let client = try daemon.client(Self.responder)
    let before = try client.done("GET", path + "/timeline").body
    for row in rows {
      let good = verb == "answer" ? answerBody() : declineBody()
      try Self.expect(row, client, "\(path)/\(verb)", row.body(of: good))
    }
    #expect(try client.done("GET", path + "/timeline").body == before)
    // Whoever sent all that may still send the right thing.
    try client.done("POST", "\(path)/\(verb)", json: verb == "answer" ? answerBody() : declineBody())
  }

  @Test(arguments: endpoints) func endpoint(_ row: Case) throws {
    let client = try House.client(Self.responder)
    let good = #"{"url": "http://127.0.0.1:9/", "events": ["*"]}"#
    try Self.expect(row, client, "/v1/endpoints", row.body(of: good))
    #expect(try client.get("/v1/endpoints")["items"] == .array([]))
  }

  /// The contract's vocabulary, whether or not such events are sent yet.
  @Test(arguments: EventType.allCases) func everyEventMayBeSubscribedTo(_ type: EventType) throws {
    let daemon = try House.daemon
    let id = try daemon.register("http://127.0.0.1:9/", events: type.rawValue, for: .市财政局)
    let client = try daemon.client(Qidong.市财政局)
    #expect(try client.get("/v1/endpoints/\(id)")["events"] == .array([.string(type.rawValue)]))
    try client.done("DELETE", "/v1/endpoints/\(id)", 204)
  }

  /// As whoever wrote the body comes upon them: what is missing, at the end of what it is missing from.
  @Test func faultsStandInTheOrderOfTheBody() throws {
    let daemon = try House.daemon
    let path = try daemon.open(marriageRequest(to: Self.responder), by: .市民政局)
    let finding = #"{"result": "maybe", "x/y": 1, "asOf": 7, "question": "q9"}"#
    for (client, target, body, expected) in [
      (
        try daemon.client(Self.responder), path + "/answer",
        #"{"signatory": " ", "findings": [\#(finding), \#(finding)], "z": 1}"#,
        [
          "/signatory", "/findings", "/findings/0/result", "/findings/0/x~1y", "/findings/0/asOf",
          "/findings/0/question", "/findings/0/source", "/findings/1/result", "/findings/1/x~1y", "/findings/1/asOf",
          "/findings/1/question", "/findings/1/source", "/z",
        ]
      ),
      (
        try daemon.client(Self.requester), "/v1/requests",
        #"{"urgency": 1, "subject": {"idNumber": "1", "kind": "person"}, "item": "9999", "procedure": "divination"}"#,
        [
          "/urgency", "/subject/idNumber", "/subject/name", "/item", "/procedure", "/purpose",
        ]
      ),
    ] {
      let reply = try client.call("POST", target, json: body)
      expectProblem(reply, 422, "invalid-body")
      #expect((reply.json["errors"].array ?? []).compactMap { $0["pointer"].string } == expected, "\(reply.text)")
    }
  }

  /// In both languages: the same places and codes, said in one language each.
  static func expect(_ row: Case, _ client: Client, _ path: String, _ body: String) throws {
    for language in ["zh-CN", "en"] {
      let reply = try client.call("POST", path, json: body, headers: ["Accept-Language": language])
      expectProblem(reply, 422, row.code, row.what)
      #expect(BrokerWebTests.pointers(reply) == row.pointers, "\(row.what): \(reply.text)")
      #expect(reply.headers["content-language"] == language)
      for fault in reply.json["errors"].array ?? [] {
        #expect(fault["detail"].string?.isChinese == (language == "zh-CN"), "\(row.what): \(fault)")
        #expect(fault["code"].string?.isEmpty == false)
      }
      #expect(reply.json["detail"].string?.isChinese == (language == "zh-CN"), "\(row.what): \(reply.text)")
    }
  }

}
