internal import BrokerDomain

/// The bodies of submission and of the verbs, read into commands. Every fault at once.
extension Submission {
  // Made once: an array of each would be made anew for every body.
  private static let members = [
    "procedure", "item", "to", "subject", "commitment", "questions", "purpose", "basis", "reason", "reference",
    "contact", "signatory", "urgency", "data",
  ]
  fileprivate static let subjectMembers = ["kind", "name", "idType", "idNumber"]
  fileprivate static let commitmentMembers = ["number", "signedOn", "byAgent"]
  fileprivate static let questionMembers = ["id", "text", "asOf"]
  fileprivate static let contactMembers = ["name", "phone"]

  /// A body with faults is held against the directory and the lists as well, as far as it can be read.
  /// - Parameter linkFaults: what is wrong with requests that it names, given what could not be read of it; asked when
  ///   something is wrong already.
  static func read(
    _ json: JSON, by requester: Organ, today: CalendarDate, reference: Reference,
    linkFaults: (Submission, Set<String>) async throws -> [Fault]
  ) async throws -> Submission {
    var reader = BodyReader()
    guard let m = reader.object(json, at: "", members: members) else { throw Problem(reader.faults) }
    let submission = Submission(
      procedure: reader.text(m["procedure"], at: "/procedure") ?? Self.defaultProcedure,
      item: reader.text(m["item"], at: "/item"),
      to: reader.organ(m["to"], at: "/to"),
      subject: reader.subject(m["subject"]),
      content: Content(
        commitment: reader.commitment(m["commitment"]),
        questions: reader.questions(m["questions"]),
        purpose: reader.text(m["purpose"], at: "/purpose", required: true, longest: 4000) ?? "",
        basis: reader.text(m["basis"], at: "/basis", longest: 4000),
        reason: reader.text(m["reason"], at: "/reason", longest: 4000),
        reference: reader.text(m["reference"], at: "/reference", longest: 100),
        contact: reader.contact(m["contact"]),
        signatory: reader.text(m["signatory"], at: "/signatory", longest: 100),
        urgency: reader.choice(m["urgency"], at: "/urgency", Content.Urgency.self) ?? .normal,
        data: reader.data(m["data"])))
    guard reader.faults.isEmpty else {
      let faulty = reader.faultyPointers
      let procedure = faulty.contains("/procedure") ? nil : submission.procedure
      reader.add(
        AssistanceRequest.routingFaults(
          procedure: procedure, item: submission.item, to: submission.to,
          routable: faulty.isDisjoint(with: ["/to", "/item"]), by: requester.code, reference: reference))
      if let procedure = procedure.flatMap({ reference.procedures[$0] }) {
        reader.add(
          AssistanceRequest.itemFaults(
            procedure: procedure, item: submission.item, by: requester.code,
            byAgent: m["commitment"]?["byAgent"]?.boolValue == true, hasReason: m["reason"] != nil,
            reference: reference))
        reader.add(
          procedure.faults(
            item: m["item"] != nil, subject: m["subject"] != nil, questions: m["questions"] != nil,
            data: faulty.contains("/data") ? nil : submission.content.data,
            to: faulty.isDisjoint(with: ["/to", "/item"])
              ? AssistanceRequest.responder(
                procedure: procedure, to: submission.to, item: submission.item, by: requester.code,
                reference: reference) : submission.to.flatMap { reference.organ($0) },
            by: requester, today: today, reference: reference))
        if !procedure.fields.isEmpty, !submission.content.data.members.isEmpty {
          reader.add(try await linkFaults(submission, faulty))
        }
      }
      throw reader.problem(in: json)
    }
    return submission
  }
}

extension BodyReader {
  fileprivate mutating func subject(_ json: JSON?) -> Subject? {
    guard let json else { return nil }
    guard let m = object(json, at: "/subject", members: Submission.subjectMembers) else {
      return nil
    }
    let kindText = text(m["kind"], at: "/subject/kind", required: true)
    let name = text(m["name"], at: "/subject/name", required: true, longest: 100)
    let number = text(m["idNumber"], at: "/subject/idNumber", required: true)
    let idType = text(m["idType"], at: "/subject/idType")
    guard let kindText else { return nil }
    guard let kind = Subject.Kind(rawValue: kindText) else {
      fault("/subject/kind", "应为 person 或 organisation", "must be person or organisation")
      return nil
    }
    let expected = kind == .person ? "resident-id" : "uscc"
    if let idType, idType != expected {
      fault("/subject/idType", "\(kindText) 的证件类型应为 \(expected)", "the id type of a \(kindText) is \(expected)")
    }
    guard let number else { return nil }
    do throws(Phrase) {
      let checked = kind == .person ? try ResidentID(number).text : try OrganCode(number).description
      return name.map { Subject(kind: kind, name: $0, idType: expected, idNumber: checked) }
    } catch {
      fault("/subject/idNumber", error.zh, error.en)
      return nil
    }
  }

  fileprivate mutating func commitment(_ json: JSON?) -> Commitment? {
    guard let m = object(json, at: "/commitment", members: Submission.commitmentMembers) else {
      return nil
    }
    let number = text(m["number"], at: "/commitment/number", required: true, longest: 100)
    let signedOn = date(m["signedOn"], at: "/commitment/signedOn")
    let byAgent = bool(m["byAgent"], at: "/commitment/byAgent") ?? false
    return number.map { Commitment(number: $0, signedOn: signedOn, byAgent: byAgent) }
  }

  static let maximumQuestions = 20

  fileprivate mutating func questions(_ json: JSON?) -> [Question] {
    let values = array(json, at: "/questions", required: false, 1...Self.maximumQuestions) ?? []
    var questions: [Question] = []
    for (index, value) in values.enumerated() {
      let pointer = "/questions/\(index)"
      guard let m = object(value, at: pointer, members: Submission.questionMembers) else { continue }
      let id = text(m["id"], at: pointer + "/id", longest: 100) ?? Self.freshID(index, values)
      let text = text(m["text"], at: pointer + "/text", required: true, longest: 4000)
      let asOf = date(m["asOf"], at: pointer + "/asOf")
      if questions.contains(where: { $0.id.utf8.elementsEqual(id.utf8) }) {
        fault(pointer + "/id", "问题编号“\(id)”重复", "the id \"\(id)\" occurs twice")
      }
      questions.append(Question(id: id, text: text ?? "", asOf: asOf))
    }
    return questions
  }

  /// For a question without an id: that of its place, or one beyond all places where another question was given that.
  private static func freshID(_ index: Int, _ values: [JSON]) -> String {
    let given = values.compactMap { $0["id"]?.stringValue?.trimmingSpaces() }
    var number = index + 1
    while given.contains("q\(number)") { number += values.count }
    return "q\(number)"
  }

  fileprivate mutating func contact(_ json: JSON?) -> Contact? {
    guard let m = object(json, at: "/contact", members: Submission.contactMembers) else { return nil }
    let name = text(m["name"], at: "/contact/name", required: true, longest: 100)
    let phone = text(m["phone"], at: "/contact/phone", longest: 50)
    return name.map { Contact(name: $0, phone: phone) }
  }

  /// `data` holds a procedure's own fields, which the procedure judges.
  mutating func data(_ json: JSON?) -> JSON {
    guard let json else { return .object([]) }
    guard case .object(let members) = json else {
      fault("/data", "应为对象，实为\(json.kind.zh)", "must be an object, not \(json.kind.en)")
      return .object([])
    }
    // A null says the same as leaving the member out.
    return .object(members.filter { !$0.value.isNull })
  }
}
