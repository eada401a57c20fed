internal import BrokerDomain
internal import Testing

/// What departments see of a request, and what of it is hidden.
@Suite struct RepresentationTests {
  let reference: Reference
  let now: Instant
  static let person = Subject(
    kind: .person, name: "张三", idType: "resident-id", idNumber: "11010519491231002X")

  init() throws {
    reference = try makeReference()
    now = try instant("2026-11-23T12:00:00+08:00")
  }

  private func bytes(_ request: AssistanceRequest, _ subject: Subject?, reveal: Bool = false, at now: Instant? = nil)
    -> [UInt8]
  {
    Representation(request, subject: subject, reveal: reveal, now: now ?? self.now, reference: reference).bytes
  }

  private func read(
    _ request: AssistanceRequest, _ subject: Subject? = person, reveal: Bool = false, at now: Instant? = nil
  )
    throws -> JSON
  {
    try JSON.parse(bytes(request, subject, reveal: reveal, at: now))
  }

  @Test func whole() throws {
    let expected = try json(
      """
      {"id":"\(sampleID)","version":1,"procedure":"verification","state":"submitted",
       "from":{"code":"\(Organs.requester)","name":"启东市医疗保障局"},"to":{"code":"\(Organs.responder)","name":"启东市民政局"},
       "item":{"code":"47","proof":"结婚证","matter":"产前检查费支付"},
       "receivedAt":"2026-11-20T10:00:00+08:00","updatedAt":"2026-11-20T10:00:00+08:00","closedAt":null,
       "due":{"at":"2026-11-26T00:00:00+08:00","date":"2026-11-25","workingDays":3,"remaining":2,"status":"running",
              "overdue":false,"provisional":false},
       "subject":{"kind":"person","name":"张三","idType":"resident-id","idNumber":"110105********002X"},
       "commitment":null,
       "questions":[{"id":"q1","text":"申请人是否已办理结婚登记","asOf":"2026-11-20"},{"id":"q2","text":"登记日期"}],
       "purpose":"产前检查费支付","basis":null,"reason":null,"reference":null,"contact":null,"signatory":null,
       "urgency":"normal","data":{},"answer":null,"decline":null,"withdrawal":null,"acknowledgement":null,
       "supplement":null,"extension":null,"return":null,"referral":null,"disposal":null,"transfers":[],
       "origin":null,"followUps":[],"reversed":null,
       "links":{"self":"/v1/requests/\(sampleID)","timeline":"/v1/requests/\(sampleID)/timeline",
                "deadline":"/v1/requests/\(sampleID)/deadline"}}
      """)
    #expect(try read(sampleRequest()) == expected)
  }

  /// One name each, whatever the state: a member that occurs twice would be refused by our own reader.
  @Test(arguments: StateName.allCases) func statePayload(_ name: StateName) throws {
    let value = try read(sampleRequest(sampleState(name)))
    #expect(value["state"]?.stringValue == name.rawValue)
    for (member, state) in [("answer", StateName.answered), ("decline", .declined), ("withdrawal", .withdrawn)] {
      // The sample of a closed request was declined before.
      #expect(value[member]?.isNull == (name != state && !(name == .closed && state == .declined)))
    }
    #expect(value["acknowledgement"]?.isNull == (name == .submitted))
    #expect(value["closedAt"]?.isNull == name.isOpen)
    let at = JSON.string("2026-11-23T09:00:00+08:00")
    switch name {
    case .submitted, .awaitingSupplement, .returned, .closed: break
    case .acknowledged:
      #expect(value["acknowledgement"] == .object([.init("officer", .string("赵六")), .init("at", at)]))
    case .answered:
      #expect(value["answer"]?["at"] == at && value["answer"]?["late"]?.boolValue == false)
      #expect(value["answer"]?["findings"]?.arrayValue?.count == 2)
      #expect(value["answer"]?["signatory"]?.stringValue == "赵六")
    case .declined:
      #expect(value["decline"]?["reasonCode"]?.stringValue == "not-competent" && value["decline"]?["at"] == at)
    case .withdrawn: #expect(value["withdrawal"] == .object([.init("reason", .string("承诺退出")), .init("at", at)]))
    }
  }

  @Test func subjectIsMaskedUnlessRevealed() throws {
    let request = try sampleRequest()
    let masked = bytes(request, Self.person)
    #expect(try read(request)["subject"]?["idNumber"]?.stringValue == "110105********002X")
    #expect(try read(request, reveal: true)["subject"]?["idNumber"]?.stringValue == "11010519491231002X")
    #expect(!String(decoding: masked, as: UTF8.self).contains("19491231"))
    #expect(try read(request, nil)["subject"] == .null)
    // Nothing else differs.
    let revealed = String(decoding: bytes(request, Self.person, reveal: true), as: UTF8.self)
    #expect(
      revealed.split(separator: "11010519491231002X").joined(separator: "110105********002X")
        == String(decoding: masked, as: UTF8.self))
    let organisation = Subject(kind: .organisation, name: "某公司", idType: "uscc", idNumber: Organs.responder)
    #expect(try read(request, organisation)["subject"]?["idNumber"]?.stringValue == "113206********292T")
    #expect(try read(request, organisation)["subject"]?["kind"]?.stringValue == "organisation")
  }

  /// Names that try to pass for the member, or to break out of their string.
  static let names = [
    "张三", "a\"b", "\\", "\\\"", "\"subject\":null", "\\\"subject\\\":null", "}\"subject\":null{", "\u{1}\n\t", "",
    "null", "subject", "😀", "\"idNumber\":\"\"", "',\"subject\":null,'",
  ]

  /// `restore` gives byte for byte what the representation with the subject gives.
  @Test(arguments: names, StateName.allCases) func restore(_ name: String, _ state: StateName) throws {
    let hostile = try #require(hostileReference(name))
    var request = try sampleRequest(sampleState(state))
    let subject = Subject(kind: .person, name: name, idType: "resident-id", idNumber: "11010519491231002X")
    request = AssistanceRequest(
      id: request.id, procedure: name, requester: request.requester, responder: request.responder, item: name,
      receivedAt: request.receivedAt, deadline: request.deadline,
      content: EncodedContent(
        Content(
          questions: [Question(id: name, text: name, asOf: nil)], purpose: name, reason: name,
          data: .object([.init("subject", .null), .init("x" + name, .string(name))]))),
      version: request.version, updatedAt: request.updatedAt,
      acknowledgement: Acknowledgement(officer: name, at: now), state: request.state)
    func body(_ subject: Subject?) -> [UInt8] {
      Representation(request, subject: subject, now: now, reference: hostile).bytes
    }
    let whole = body(subject)
    #expect(Representation.restore(subject, in: body(nil)) == whole)
    let value = try JSON.parse(whole)
    #expect(value["subject"]?["name"]?.stringValue == name && value["data"]?["subject"] == .null)
    #expect(value["from"]?["name"]?.stringValue == name)
  }

  /// A directory and a list in which everything is called `name`.
  private func hostileReference(_ name: String) -> Reference? {
    Reference(
      organs: reference.organs.map {
        Organ(
          number: $0.number, code: $0.code, name: name, shortName: name, region: $0.region, superior: nil,
          roles: $0.roles)
      }, items: [Item(code: name, proof: name, matter: name, departments: [])], assistance: [],
      calendar: reference.calendar, procedures: [.verification], lastDay: .midnight)
  }

  @Test func restoreLeavesABodyWithASubjectAlone() throws {
    let body = bytes(try sampleRequest(), Self.person)
    let other = Subject(kind: .person, name: "李四", idType: "resident-id", idNumber: "440524188001010014")
    #expect(Representation.restore(other, in: body) == body)
    #expect(Representation.restore(other, in: []) == [])
  }

  /// An organ or an item that has left the directory is still named by its code.
  @Test func unknownParties() throws {
    let empty = Reference(
      organs: [], items: [], assistance: [], calendar: reference.calendar, procedures: [], lastDay: .midnight)
    let value = try JSON.parse(
      Representation(try sampleRequest(), subject: nil, now: now, reference: empty).bytes)
    #expect(value["from"]?["code"]?.stringValue == Organs.requester && value["from"]?["name"] == .null)
    #expect(value["item"]?["code"]?.stringValue == "47" && value["item"]?["proof"] == .null)
  }
}
