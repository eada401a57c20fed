internal import TestSupport
internal import Testing

/// What is wrong with a body is said whole, at its place, in the caller's language; and nothing comes of it.
@Suite(.timeLimit(.minutes(5)))
struct BodyTests {
  /// Parties that no other test uses: their lists hold what happened here.
  private static let (requester, responder) = (Qidong.市总工会, Qidong.市残疾人联合会)

  /// An operation with a body that it would take.
  enum Operation: String, CaseIterable {
    case submit, acknowledge, answer, decline, withdraw, createEndpoint, changeEndpoint, replay, advance

    var good: JSONBody {
      switch self {
      case .submit: JSONBody(marriageRequest(to: BodyTests.responder, extra: ["data": .object([:])]))
      case .acknowledge: JSONBody(#"{"officer": "李四"}"#)
      case .answer:
        JSONBody(answerBody()).with(.string("见档案"), at: "/findings/0/note")
      case .decline: JSONBody(declineBody(competentOrgan: .市财政局))
      case .withdraw: JSONBody(#"{"reason": "申请人退出承诺"}"#)
      case .createEndpoint:
        JSONBody(
          #"{"url": "http://127.0.0.1:9/x", "events": ["*"], "body": "full", "description": "医保业务系统"}"#)
      case .changeEndpoint: Operation.createEndpoint.good.with(.bool(false), at: "/enabled")
      case .replay: JSONBody(#"{"after": 1}"#)
      // Never taken: it is only sent with something wrong.
      case .advance: JSONBody(#"{"to": "2026-12-31T10:00:00+08:00"}"#)
      }
    }

    /// A body that is not even an object: pointers of its faults.
    var rootPointers: [String] {
      switch self {
      case .replay: ["", "/after"]
      case .advance: ["", "/to"]
      default: [""]
      }
    }
  }

  /// Sends bodies and finds that nothing was written.
  private struct Subject {
    let operation: Operation
    private let client: Client
    private let observer: Client
    private let method: String
    private let path: String
    private let watched: [String]
    private let before: [[UInt8]]

    init(_ operation: Operation) throws {
      self.operation = operation
      let daemon = try House.daemon
      let asking = try daemon.client(BodyTests.requester)
      let request = try daemon.open(marriageRequest(to: BodyTests.responder), by: BodyTests.requester)
      let endpoint = "/v1/endpoints"
      observer = asking
      switch operation {
      case .submit: (client, method, path) = (asking, "POST", "/v1/requests")
      case .withdraw: (client, method, path) = (asking, "POST", request + "/withdraw")
      case .acknowledge, .answer, .decline:
        (client, method) = (try daemon.client(BodyTests.responder), "POST")
        path = request + "/" + operation.rawValue
      case .createEndpoint: (client, method, path) = (asking, "POST", endpoint)
      case .changeEndpoint, .replay:
        let id = try daemon.register(
          "http://127.0.0.1:9/x", events: "request.escalated", for: BodyTests.requester)
        client = asking
        (method, path) =
          operation == .replay ? ("POST", "\(endpoint)/\(id)/replay") : ("PATCH", "\(endpoint)/\(id)")
      case .advance: (client, method, path) = (daemon.operatorClient(), "POST", "/v1/rehearsal/advance")
      }
      watched = [request, request + "/timeline"] + (method == "PATCH" ? [path] : [])
      before = try watched.map { try asking.done("GET", $0).body }
    }

    func send(_ body: String, headers: [String: String] = [:]) throws -> Reply {
      try client.call(method, path, json: body, headers: headers)
    }

    func expectNothingWritten() throws {
      #expect(try watched.map { try observer.done("GET", $0).body } == before, "\(operation)")
    }

    func expectFaults(_ body: JSONBody, _ expected: [String], _ what: String) throws {
      let reply = try send(body.description)
      expectProblem(reply, 422, "invalid-body", "\(operation) \(what)")
      #expect(pointers(reply) == expected.sorted(), "\(operation) \(what): \(reply.text)")
    }
  }

  @Test(arguments: Operation.allCases) func wrongTypeAtEveryMember(_ operation: Operation) throws {
    let subject = try Subject(operation)
    let places = operation.good.places()
    #expect(!places.isEmpty)
    for place in places {
      let wrong: JSONBody =
        switch place.value {
        case .string: .int(7)
        case .object: .string("x")
        case .array: .object([:])
        default: .string("x")
        }
      try subject.expectFaults(
        operation.good.with(wrong, at: place.pointer), [place.pointer], "\(place.pointer) = \(wrong)")
    }
    for root in ["[]", "7", "null", #""x""#, "true"] {
      try subject.expectFaults(JSONBody(root), operation.rootPointers, root)
    }
    try subject.expectNothingWritten()
  }

  @Test(arguments: Operation.allCases) func blankAndOverlongTexts(_ operation: Operation) throws {
    let subject = try Subject(operation)
    for place in operation.good.places() where place.value.string != nil {
      let stacked = "a" + String(repeating: "\u{301}", count: 4000)
      for text in ["", " \t", "\u{3000}", String(repeating: "长", count: 4001), stacked, "a\u{1}b"] {
        // A blank and a date of 4001 characters are both no date.
        try subject.expectFaults(
          operation.good.with(.string(text), at: place.pointer), [place.pointer],
          "\(place.pointer) of \(text.count)")
      }
    }
    try subject.expectNothingWritten()
  }

  /// Code points are counted, as the document's `maxLength` counts them, and not what they look like together.
  @Test(arguments: [
    ("/subject/name", 100), ("/reference", 100), ("/purpose", 4000), ("/contact/name", 100), ("/contact/phone", 50),
    ("/commitment/number", 100), ("/questions/0/id", 100), ("/questions/0/text", 4000), ("/signatory", 100),
  ]) func lengthsAreCodePoints(_ pointer: String, _ limit: Int) throws {
    let client = try House.client(.市财政局)
    for (letter, mark) in [("a", "\u{301}"), ("长", "长"), ("👩", "\u{200D}👩")] {
      let filled = letter + String(repeating: mark, count: limit / mark.unicodeScalars.count)
      let text = String(String.UnicodeScalarView(filled.unicodeScalars.prefix(limit)))
      let body = JSONBody(marriageRequest(to: .市交通运输局))
      let taken = try client.done("POST", "/v1/requests", json: body.with(.string(text), at: pointer).description, 201)
      if pointer == "/subject/name" { #expect(taken.json["subject"]["name"].string?.unicodeScalars.count == limit) }
      let long = try client.call("POST", "/v1/requests", json: body.with(.string(text + mark), at: pointer).description)
      expectProblem(long, 422, "invalid-body", pointer)
      let length = (text + mark).unicodeScalars.count
      #expect(long.json["detail"].string == "\(pointer)：最多\(limit)个字符，实为\(length)", "\(long.text)")
    }
  }

  /// A question without an id gets one that no other has, wherever that stands.
  @Test(
    arguments: [
      ([nil, "q1"], ["q3", "q1"]), (["q2", nil], ["q2", "q4"]), ([nil, nil], ["q1", "q2"]),
      ([nil, "q4", " q1", nil], ["q5", "q4", "q1", "q8"]),
    ] as [([String?], [String])]) func questionsWithoutIdsGetFreshOnes(_ given: [String?], _ expected: [String]) throws
  {
    let questions = given.map { id in
      JSONBody.object(["text": .string("问")].merging(id.map { ["id": .string($0)] } ?? [:]) { $1 })
    }
    let body = JSONBody(marriageRequest(to: .市交通运输局)).with(.array(questions), at: "/questions")
    let made = try House.daemon.submit(body.description, by: .市财政局)
    #expect((made["questions"].array ?? []).map { $0["id"].string } == expected, "\(made)")
  }

  @Test(arguments: Operation.allCases) func unknownMembersEverywhere(_ operation: Operation) throws {
    let subject = try Subject(operation)
    let objects = [""] + operation.good.places().filter { $0.value.object != nil }.map(\.pointer)
    for object in objects {
      let pointer = object + "/puprose~1~0"
      try subject.expectFaults(
        operation.good.with(.string("x"), at: pointer), [pointer], pointer)
    }
    try subject.expectNothingWritten()
  }

  @Test(arguments: Operation.allCases) func whatIsNotJSON(_ operation: Operation) throws {
    let subject = try Subject(operation)
    let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
    let table: [(body: String, line: Int, column: Int)] = [
      ("{", 1, 2), ("{\"a\": 1,}", 1, 9), ("{\n  \"a\" 1}", 2, 7), ("{\"职务\": tru}", 1, 8), ("[1 2]", 1, 4),
      ("{} {}", 1, 4), ("item=47", 1, 1), ("{\"a\": 01}", 1, 9), (deep, 1, 33),
      ("{\"a\": {\"b\": 1, \"b\": 2}}", 1, 19),
    ]
    for row in table {
      let reply = try subject.send(row.body)
      expectProblem(reply, 400, "invalid-json", row.body)
      let detail = reply.json["detail"].string ?? ""
      #expect(detail.contains("第\(row.line)行第\(row.column)列"), "\(row.body): \(detail)")
      let english = try subject.send(row.body, headers: ["Accept-Language": "en"])
      #expect(
        english.json["detail"].string?.contains("line \(row.line), column \(row.column)") == true,
        "\(english.text)")
    }
    if operation != .acknowledge {
      expectProblem(try subject.send(""), 400, "invalid-json", "empty")
    }
    try subject.expectNothingWritten()
  }
}
