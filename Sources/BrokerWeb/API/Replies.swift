internal import BrokerDomain

/// The bodies of the verbs, read into commands. Every fault at once.
extension Command {
  /// A body with faults is held against the request that it is a reply to as well, as far as it can be read.
  /// - Parameter linkFaults: what is wrong with requests that supplied fields name; asked when something is already.
  static func read(
    _ verb: Verb, _ json: JSON, to request: AssistanceRequest, by organ: OrganCode, now: Instant, reference: Reference,
    linkFaults: (JSON) async throws -> [Fault]
  ) async throws -> Command {
    var reader = BodyReader()
    let procedure = reference.procedure(of: request)
    let command: Command? =
      switch verb {
      case .acknowledge: reader.acknowledge(json)
      case .answer where procedure?.answerKind == .outcome:
        reader.outcome(json) { outcome, data in
          procedure.map { request.faults(outcome: outcome, data: data, now: now, $0) } ?? []
        }
      case .answer: reader.answer(json) { request.faults(of: $0, reference: reference) }
      case .decline:
        reader.decline(json) { request.faults(reasonCode: $0, competentOrgan: $1, reference: reference) }
      case .withdraw: reader.withdraw(json)
      case .return: reader.giveBack(json)
      case .ask: reader.ask(json)
      case .supply: reader.supply(json) { procedure?.faults(supplied: $0, today: now.date) ?? [] }
      case .extend: reader.extend(json)
      case .transfer:
        reader.transfer(json) { request.faults(transferTo: $0, by: organ, reference: reference) }
      case .remind: reader.remind(json)
      case .dispose:
        reader.dispose(
          json, rules: { request.faults(of: $0, disposedBy: $1, now: now, reference: reference) },
          dates: { AssistanceRequest.faults(disposedBy: $0, now: now) })
      case .close: reader.close(json)
      }
    if verb == .supply, !reader.faults.isEmpty, let data = json["data"], !reader.faultyPointers.contains("/data") {
      reader.add(try await linkFaults(data))
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

  /// - Parameter rules: what else is wrong with outcome and data; asked when something is already.
  fileprivate mutating func outcome(_ json: JSON, rules: (String?, JSON?) -> [Fault]) -> Command? {
    guard let m = object(json, at: "", members: ["outcome", "data", "text", "reference", "signatory"]) else {
      return nil
    }
    let outcome = text(m["outcome"], at: "/outcome", required: true, longest: 50)
    let data = data(m["data"])
    let body = text(m["text"], at: "/text", longest: 4000)
    let reference = text(m["reference"], at: "/reference", longest: 100)
    let signatory = text(m["signatory"], at: "/signatory", required: true, longest: 100)
    if !faults.isEmpty { add(rules(outcome, faultyPointers.contains("/data") ? nil : data)) }
    guard let outcome, let signatory else { return nil }
    return .answer(
      Answer(findings: [], outcome: outcome, data: data, text: body, reference: reference, signatory: signatory))
  }

  /// - Parameter rules: what else is wrong with reason code and competent organ; asked when something is already.
  fileprivate mutating func decline(_ json: JSON, rules: (String?, String?) -> [Fault]) -> Command? {
    guard
      let m = object(json, at: "", members: ["reasonCode", "reason", "competentOrgan", "signatory"])
    else { return nil }
    let code = text(m["reasonCode"], at: "/reasonCode", required: true, longest: 50)
    let reason = statedReason(m["reason"])
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
