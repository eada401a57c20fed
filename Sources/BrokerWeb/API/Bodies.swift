internal import BrokerDomain

/// The bodies of submission and of the verbs, read into commands. Every fault at once.
extension Submission {
  /// A body with faults is held against the directory and the lists as well, as far as it can be read.
  static func read(_ json: JSON, by requester: OrganCode, reference: Reference) throws(Problem) -> Submission {
    var reader = BodyReader()
    let members = reader.object(
      json, at: "",
      members: [
        "procedure", "item", "to", "subject", "commitment", "questions", "purpose", "basis", "reason",
        "reference", "contact", "signatory", "urgency", "data",
      ])
    guard let m = members else { throw Problem(reader.faults) }
    let submission = Submission(
      procedure: reader.text(m["procedure"], at: "/procedure") ?? "verification",
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
      reader.add(
        AssistanceRequest.routingFaults(
          procedure: faulty.contains("/procedure") ? nil : submission.procedure, item: submission.item,
          to: submission.to, routable: faulty.isDisjoint(with: ["/to", "/item"]), by: requester,
          reference: reference))
      throw reader.problem(in: json)
    }
    return submission
  }
}

extension BodyReader {
  fileprivate mutating func subject(_ json: JSON?) -> Subject? {
    guard let json else {
      missing("/subject")
      return nil
    }
    guard let m = object(json, at: "/subject", members: ["kind", "name", "idType", "idNumber"]) else {
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
    guard let m = object(json, at: "/commitment", members: ["number", "signedOn", "byAgent"]) else {
      return nil
    }
    let number = text(m["number"], at: "/commitment/number", required: true, longest: 100)
    let signedOn = date(m["signedOn"], at: "/commitment/signedOn")
    let byAgent = bool(m["byAgent"], at: "/commitment/byAgent") ?? false
    return number.map { Commitment(number: $0, signedOn: signedOn, byAgent: byAgent) }
  }

  static let maximumQuestions = 20

  fileprivate mutating func questions(_ json: JSON?) -> [Question] {
    let values = array(json, at: "/questions", required: true, 1...Self.maximumQuestions) ?? []
    var questions: [Question] = []
    for (index, value) in values.enumerated() {
      let pointer = "/questions/\(index)"
      guard let m = object(value, at: pointer, members: ["id", "text", "asOf"]) else { continue }
      let id = text(m["id"], at: pointer + "/id", longest: 100) ?? "q\(index + 1)"
      let text = text(m["text"], at: pointer + "/text", required: true, longest: 4000)
      let asOf = date(m["asOf"], at: pointer + "/asOf")
      if questions.contains(where: { $0.id == id }) {
        fault(pointer + "/id", "问题编号“\(id)”重复", "the id \"\(id)\" occurs twice")
      }
      questions.append(Question(id: id, text: text ?? "", asOf: asOf))
    }
    return questions
  }

  fileprivate mutating func contact(_ json: JSON?) -> Contact? {
    guard let m = object(json, at: "/contact", members: ["name", "phone"]) else { return nil }
    let name = text(m["name"], at: "/contact/name", required: true, longest: 100)
    let phone = text(m["phone"], at: "/contact/phone", longest: 50)
    return name.map { Contact(name: $0, phone: phone) }
  }

  /// `data` holds a procedure's own fields. Verification defines none, so anything in it is a fault.
  fileprivate mutating func data(_ json: JSON?) -> JSON {
    _ = object(json, at: "/data", members: [])
    return .object([])
  }
}

extension Command {
  /// A body with faults is held against the request that it is a reply to as well, as far as it can be read.
  static func read(
    _ verb: Verb, _ json: JSON, to request: AssistanceRequest, reference: Reference
  ) throws(Problem) -> Command {
    var reader = BodyReader()
    let command: Command? =
      switch verb {
      case .acknowledge: reader.acknowledge(json)
      case .answer: reader.answer(json) { request.faults(of: $0, reference: reference) }
      case .decline:
        reader.decline(json) { request.faults(reasonCode: $0, competentOrgan: $1, reference: reference) }
      case .withdraw: reader.withdraw(json)
      }
    guard let command, reader.faults.isEmpty else { throw reader.problem(in: json) }
    return command
  }
}

extension BodyReader {
  fileprivate mutating func acknowledge(_ json: JSON) -> Command? {
    guard let m = object(json, at: "", members: ["officer"]) else { return nil }
    return .acknowledge(officer: text(m["officer"], at: "/officer", longest: 100))
  }

  /// - Parameter rules: what else is wrong with what could be read; asked when something is already.
  fileprivate mutating func answer(_ json: JSON, rules: ([FindingDraft]) -> [Fault]) -> Command? {
    guard let m = object(json, at: "", members: ["findings", "text", "reference", "signatory"]) else {
      return nil
    }
    let rows = array(m["findings"], at: "/findings", required: true, 1...Self.maximumQuestions)
    var findings: [Finding] = []
    var drafts: [FindingDraft] = []
    for (index, row) in (rows ?? []).enumerated() {
      let at = "/findings/\(index)"
      guard let f = object(row, at: at, members: ["question", "result", "source", "asOf", "note"]) else {
        drafts.append(FindingDraft(question: nil, result: nil))
        continue
      }
      let question = text(f["question"], at: at + "/question", required: true, longest: 100)
      let result = text(f["result"], at: at + "/result", required: true, longest: 50)
      let source = text(f["source"], at: at + "/source", required: true)
      let asOf = date(f["asOf"], at: at + "/asOf", required: true)
      let note = text(f["note"], at: at + "/note", longest: 4000)
      drafts.append(FindingDraft(question: question, result: result))
      guard let question, let result, let source, let asOf else { continue }
      findings.append(
        Finding(question: question, result: result, source: source, asOf: asOf, note: note))
    }
    let body = text(m["text"], at: "/text", longest: 4000)
    let reference = text(m["reference"], at: "/reference", longest: 100)
    let signatory = text(m["signatory"], at: "/signatory", required: true, longest: 100)
    if rows != nil, !faults.isEmpty { add(rules(drafts)) }
    return signatory.map {
      .answer(Answer(findings: findings, text: body, reference: reference, signatory: $0))
    }
  }

  /// A reason has to say something: a word or two is no statement of reasons (说明理由).
  static let shortestReason = 4

  /// - Parameter rules: what else is wrong with reason code and competent organ; asked when something is already.
  fileprivate mutating func decline(_ json: JSON, rules: (String?, String?) -> [Fault]) -> Command? {
    guard
      let m = object(json, at: "", members: ["reasonCode", "reason", "competentOrgan", "signatory"])
    else { return nil }
    let code = text(m["reasonCode"], at: "/reasonCode", required: true, longest: 50)
    let reason = text(m["reason"], at: "/reason", required: true, longest: 4000)
    if let reason, reason.count < Self.shortestReason {
      fault("/reason", "应具体说明理由", "the reason must say why")
    }
    let competent = text(m["competentOrgan"], at: "/competentOrgan")
    let signatory = text(m["signatory"], at: "/signatory", required: true, longest: 100)
    if !faults.isEmpty { add(rules(code, competent)) }
    guard let code, let reason, let signatory else { return nil }
    return .decline(
      Decline(reasonCode: code, reason: reason, competentOrgan: competent, signatory: signatory))
  }

  fileprivate mutating func withdraw(_ json: JSON) -> Command? {
    guard let m = object(json, at: "", members: ["reason"]) else { return nil }
    return text(m["reason"], at: "/reason", required: true, longest: 4000).map {
      .withdraw(Withdrawal(reason: $0))
    }
  }
}
