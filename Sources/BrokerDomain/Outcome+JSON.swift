extension AssistanceRequest.State {
  /// The payload of a closed state as the JSON that its representation shows; nil for an open one.
  package var payload: [UInt8]? {
    var w = JSONWriter(capacity: 512)
    switch self {
    case .submitted, .acknowledged, .awaitingSupplement, .returned: return nil
    case .answered(let answer): w.object { answer.write(&$0) }
    case .declined(let decline): w.object { decline.write(&$0) }
    case .withdrawn(let withdrawal): w.object { $0.string("reason", withdrawal.reason) }
    case .closed(.answered(let answer)): w.object { $0.object("answer") { answer.write(&$0) } }
    case .closed(.declined(let decline)): w.object { $0.object("decline") { decline.write(&$0) } }
    case .closed(.returned): w.object { $0.bool("returned", true) }
    }
    return w.finish()
  }

  /// Nil when the payload does not fit the state: the row was damaged.
  package init?(name: StateName, payload: [UInt8]?) {
    let json = payload.flatMap { try? JSON.parse($0) }
    switch name {
    case .submitted: self = .submitted
    case .acknowledged: self = .acknowledged
    case .awaitingSupplement: self = .awaitingSupplement
    case .returned: self = .returned
    case .answered:
      guard let answer = json.flatMap(Answer.init(stored:)) else { return nil }
      self = .answered(answer)
    case .declined:
      guard let decline = json.flatMap(Decline.init(stored:)) else { return nil }
      self = .declined(decline)
    case .withdrawn:
      guard let reason = json?["reason"]?.stringValue else { return nil }
      self = .withdrawn(Withdrawal(reason: reason))
    case .closed:
      if let answer = json?["answer"].flatMap(Answer.init(stored:)) {
        self = .closed(.answered(answer))
      } else if let decline = json?["decline"].flatMap(Decline.init(stored:)) {
        self = .closed(.declined(decline))
      } else if json?["returned"] == .bool(true) {
        self = .closed(.returned)
      } else {
        return nil
      }
    }
  }
}

extension Answer {
  /// - Parameters:
  ///   - hidden: fields of `data` that the reader is not to see.
  ///   - showsText: whether the reader is to see the text.
  func write(_ w: inout JSONWriter, without hidden: [String] = [], text showsText: Bool = true) {
    if let outcome {
      w.string("outcome", outcome)
      w.value("data", hidden.isEmpty ? data : .object(data.members.filter { !hidden.contains($0.name) }))
    } else {
      writeFindings(&w)
    }
    if showsText, let text { w.string("text", text) }
    if let reference { w.string("reference", reference) }
    w.string("signatory", signatory)
  }

  private func writeFindings(_ w: inout JSONWriter) {
    w.array("findings") { w in
      for finding in findings {
        w.object { w in
          w.string("question", finding.question)
          w.string("result", finding.result)
          w.string("source", finding.source)
          w.string("asOf", finding.asOf.description)
          if let note = finding.note { w.string("note", note) }
        }
      }
    }
  }

  fileprivate init?(stored json: JSON) {
    guard let signatory = json["signatory"]?.stringValue else { return nil }
    if let outcome = json["outcome"]?.stringValue {
      self.init(
        findings: [], outcome: outcome, data: json["data"] ?? .object([]), text: json["text"]?.stringValue,
        reference: json["reference"]?.stringValue, signatory: signatory)
      return
    }
    guard let rows = json["findings"]?.arrayValue else { return nil }
    var findings: [Finding] = []
    for row in rows {
      guard let question = row["question"]?.stringValue, let result = row["result"]?.stringValue,
        let source = row["source"]?.stringValue,
        let asOf = row["asOf"]?.stringValue.flatMap({ CalendarDate($0) })
      else { return nil }
      findings.append(
        Finding(
          question: question, result: result, source: source, asOf: asOf,
          note: row["note"]?.stringValue))
    }
    self.init(
      findings: findings, text: json["text"]?.stringValue,
      reference: json["reference"]?.stringValue, signatory: signatory)
  }
}

extension Decline {
  func write(_ w: inout JSONWriter) {
    w.string("reasonCode", reasonCode)
    w.string("reason", reason)
    if let competentOrgan { w.string("competentOrgan", competentOrgan) }
    w.string("signatory", signatory)
  }

  fileprivate init?(stored json: JSON) {
    guard let code = json["reasonCode"]?.stringValue, let reason = json["reason"]?.stringValue,
      let signatory = json["signatory"]?.stringValue
    else { return nil }
    self.init(
      reasonCode: code, reason: reason,
      competentOrgan: json["competentOrgan"]?.stringValue,
      signatory: signatory)
  }
}
