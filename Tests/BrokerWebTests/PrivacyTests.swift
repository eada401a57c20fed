internal import BrokerDomain
internal import BrokerStore
internal import TestSupport
internal import Testing

/// The subject's name and id number are where they are needed, and nowhere else.
@Suite(.timeLimit(.minutes(5)))
struct PrivacyTests {
  private static let person = Person(name: "欧阳鞠躬尽瘁", idNumber: "11010519491231002X")
  private static let masked = "110105********002X"

  /// One request from opening to answer, told to both parties, with every mistake on the way.
  private struct Scene {
    let daemon: Daemon
    let sink: Sink
    let id: String
    var path: String { "/v1/requests/\(id)" }
    /// What must hold neither name nor number: where it was found, and the text.
    var texts: [(where: String, text: String)] = []

    init() throws {
      daemon = try Daemon(state: StateDirectory(rehearseAt: House.start, config: ["log.level": "debug"]))
      sink = try Sink()
      try daemon.register(sink.url + "/thin", body: "thin", for: .requester)
      try daemon.register(sink.url + "/full", body: "full", for: .responder)
      id = try daemon.submit(marriageRequest(subject: person))["id"].string ?? ""
      try fail()
      let responder = try daemon.client(Qidong.responder)
      try responder.done("POST", path + "/acknowledge", json: #"{"officer": "李四"}"#)
      try responder.done("POST", path + "/answer", json: answerBody())
      #expect(sink.wait(for: 6))
      try daemon.operatorClient().done(
        "POST", "/v1/rehearsal/advance", json: #"{"to": "2026-03-20T09:00:00+08:00"}"#)
      for organ in [Qidong.requester, .responder] {
        for path in ["/v1/events", path + "/timeline", path + "/deadline", "/v1/deliveries", "/v1/endpoints"] {
          texts.append((path, try daemon.client(organ).done("GET", path).text))
        }
      }
      texts.append(("operator's deliveries", try daemon.operatorClient().done("GET", "/v1/deliveries").text))
      texts.append(("metrics", try daemon.client().done("GET", "/metrics").text))
    }

    /// Problems about bodies, queries and headers in which the person occurs.
    private mutating func fail() throws {
      let good = JSONBody(marriageRequest(subject: person))
      let mistakes: [JSONBody] = [
        good.with(.string(String(person.idNumber.dropLast()) + "1"), at: "/subject/idNumber"),
        good.with(.string(person.idNumber + "9"), at: "/subject/idNumber"),
        good.with(.string("uscc"), at: "/subject/idType"),
        good.with(.string("organisation"), at: "/subject/kind"),
        good.with(.string(String(repeating: person.name, count: 50)), at: "/subject/name"),
        good.with(.object(["name": .string(person.name)]), at: "/subject/name"),
        good.with(.array([.string(person.idNumber)]), at: "/subject"),
        good.with(.string("9999"), at: "/item"), good.with(.string(Qidong.requester.code), at: "/to"),
      ]
      let client = try daemon.client(Qidong.requester)
      let (name, number) = (person.name.percentEncoded, person.idNumber)
      for language in ["zh", "en"] {
        var replies = try mistakes.map {
          try client.call("POST", "/v1/requests", json: $0.description, headers: ["Accept-Language": language])
        }
        let cut = String(marriageRequest(subject: person).dropLast(5))
        replies.append(try client.call("POST", "/v1/requests", json: cut))
        for path in [
          "/v1/requests?subjekt=\(number)", "/v1/requests?subject=\(number)&limit=0", "/v1/requests?limit=\(number)",
          "/v1/requests?cursor=\(name)", "/v1/requests/\(number)", "/v1/\(number)?subject=\(number)",
          "/v1/requests?role=\(name)", "/v1/events?after=\(number)",
        ] {
          replies.append(try client.call("GET", path))
        }
        replies.append(
          try daemon.client(Qidong.stranger).call(
            "GET", path + "?reveal=subject", headers: ["Accept-Language": language]))
        replies.append(try client.call("POST", path + "/answer", json: answerBody()))
        for reply in replies {
          #expect(reply.status >= 400)
          texts.append(("problem \(reply.status)", reply.text))
        }
      }
    }
  }

  private static func expectNothing(of place: String, _ text: String) {
    #expect(!text.contains(person.name), "name in \(place): \(text)")
    #expect(!text.contains(person.idNumber), "number in \(place): \(text)")
    #expect(!text.contains(person.idNumber.dropLast()), "number in \(place): \(text)")
    #expect(!text.contains("欧阳"), "name in \(place): \(text)")
  }

  @Test func personalDataStaysInItsPlace() throws {
    let scene = try Scene()
    #expect(scene.texts.count > 50)
    for (place, text) in scene.texts { Self.expectNothing(of: place, text) }
    let thin = scene.sink.received.filter { $0.path == "/thin" }
    #expect(thin.count == 3)
    for push in thin {
      Self.expectNothing(of: "thin callback", push.text)
      Self.expectNothing(of: "headers", "\(push.headers)")
    }
    let full = scene.sink.received.filter { $0.path == "/full" }
    #expect(full.count == 3)
    for push in full {
      #expect(push.text.contains(Self.person.name))
      #expect(push.text.contains(Self.masked))
      #expect(!push.text.contains(Self.person.idNumber))
    }
    let daemon = scene.daemon
    let client = try daemon.client(Qidong.requester)
    for text in [
      try client.done("GET", scene.path).text,
      try client.done("GET", "/v1/requests?subject=\(Self.person.idNumber)").text,
      try daemon.client(Qidong.supervisor).done("GET", scene.path).text,
    ] {
      #expect(text.contains(Self.person.name))
      #expect(text.contains(Self.masked))
      #expect(!text.contains(Self.person.idNumber))
    }
    try daemon.terminate()
    // The whole log, at its most talkative, including the farewell.
    Self.expectNothing(of: "log", daemon.stderrText)
    #expect(daemon.stderrText.contains("listening on"))
  }

  @Test func submissionAndItsReplayAreMasked() throws {
    let client = try House.client(.requester)
    let person = Person(name: "司马相如何", idNumber: Person.residentID())
    let body = marriageRequest(subject: person)
    let headers = ["Idempotency-Key": "privacy-\(person.idNumber.suffix(6))-\(serial())"]
    for _ in 0..<2 {
      let reply = try client.done("POST", "/v1/requests", json: body, headers: headers, 201)
      #expect(reply.json["subject"]["name"].string == person.name)
      #expect(reply.json["subject"]["idNumber"].string == Mask.idNumber(person.idNumber))
      #expect(!reply.text.contains(person.idNumber))
    }
  }

  /// Who gave it away is shown it once more where it repeats the call by which it did; that is on record.
  @Test func whoHasItNoMoreIsRecorded() async throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let id = try #require(try daemon.submit(marriageRequest(subject: Self.person))["id"].string)
    let (path, key) = ("/v1/requests/\(id)", ["Idempotency-Key": "return-1"])
    let store = try Store.open(directory: daemon.state.path, role: .command, procedures: [])
    defer { store.close() }
    let entity = try #require(EntityID(id))
    func readers() async throws -> [Int64] { try await store.disclosures(of: entity).items.map(\.organ) }
    let responder = try daemon.client(Qidong.responder)
    let reason = #"{"reason": "登记档案不由本机关保管"}"#
    try responder.done("POST", path + "/return", json: reason, headers: key)
    try responder.done("POST", path + "/return", json: reason, headers: key)
    #expect(try await readers() == [], "a party's own reading")
    let move = #"{"to": "\#(Qidong.stranger.code)", "reason": "由其掌握登记信息"}"#
    try daemon.client(Qidong.requester).done("POST", path + "/transfer", json: move)
    expectProblem(try responder.call("GET", path), 404, "not-found")
    let again = try responder.done("POST", path + "/return", json: reason, headers: key)
    #expect(again.json["subject"]["name"].string == Self.person.name)
    let organ = try #require(store.reference.organ(try OrganCode(Qidong.responder.code))?.number)
    #expect(try await readers() == [organ])
  }

  /// What an organ owes the citizen who asks who has seen his data: page by page, in order, and looking adds nothing.
  @Test func whoHasReadIsTold() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let id = try #require(try daemon.submit(marriageRequest(subject: Self.person))["id"].string)
    let path = "/v1/requests/\(id)"
    let supervisor = try daemon.client(Qidong.supervisor)
    #expect(try supervisor.get(path + "/disclosures")["items"].array?.count == 0)
    try daemon.client(Qidong.responder).done("GET", path + "?reveal=subject")
    try supervisor.done("GET", path + "/timeline")
    for organ in [Qidong.requester, .responder, .supervisor] {
      let client = try daemon.client(organ)
      let first = try client.get(path + "/disclosures?limit=1")
      let next = try #require(first["next"].string)
      let second = try client.get(path + "/disclosures?limit=1&cursor=\(next)")
      #expect(second["next"].isNull)
      let read = [first, second].compactMap { $0["items"].array?.first }
      #expect(read.map { $0["organ"]["code"].string } == [Qidong.responder.code, Qidong.supervisor.code])
      #expect(read.map { $0["organ"]["name"].string } == ["启东市民政局", "启东市司法局"])
      #expect(read.map { $0["what"].string } == ["subject", "timeline"])
      #expect(read.allSatisfy { $0["key"].int ?? 0 > 0 && $0["at"].string?.hasSuffix("+08:00") == true })
      expectProblem(try client.call("GET", path + "/disclosures?cursor=1"), 400, "invalid-parameter")
    }
  }

  @Test func everyRevealIsRecorded() async throws {
    // One of its own: whoever draws a ledger from the shared one reads every request that it holds.
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let id = try #require(try daemon.submit(marriageRequest(subject: Self.person))["id"].string)
    let path = "/v1/requests/\(id)"
    let store = try Store.open(directory: daemon.state.path, role: .command, procedures: [])
    defer { store.close() }
    let entity = try #require(EntityID(id))
    func readers() async throws -> [Int64] { try await store.disclosures(of: entity).items.map(\.organ) }
    func number(_ organ: Qidong) throws -> Int64 {
      try #require(store.reference.organ(try OrganCode(organ.code))?.number)
    }

    for (organ, status) in [(Qidong.supervisor, 403), (.stranger, 404)] {
      let reply = try daemon.client(organ).call("GET", path + "?reveal=subject")
      #expect(reply.status == status)
      #expect(!reply.text.contains(Self.person.idNumber))
    }
    expectProblem(try daemon.client(Qidong.requester).call("GET", path + "?reveal=all"), 400, "invalid-parameter")
    try daemon.client(Qidong.requester).done("GET", path)
    let known = ["If-None-Match": #""1""#]
    #expect(try daemon.client(Qidong.requester).call("GET", path + "?reveal=subject", headers: known).status == 304)
    #expect(try await readers() == [])

    var expected: [Int64] = []
    for organ in [Qidong.requester, .responder, .requester] {
      let reply = try daemon.client(organ).done("GET", path + "?reveal=subject")
      #expect(reply.json["subject"]["idNumber"].string == Self.person.idNumber)
      #expect(reply.headers["cache-control"] == "no-store")
      expected.append(try number(organ))
      #expect(try await readers() == expected)
    }
    let rows = try await store.disclosures(of: entity).items
    let keys = try store.keys()
    for row in rows {
      #expect(keys.contains { $0.id == row.key && $0.organ == row.organ })
      #expect(row.at >= Instant(rfc3339: House.start)!)
    }
  }
}
