extension Procedure.AnswerKind {
  /// What is answered by findings has somebody's commitment checked.
  var verifies: Bool { self == .findings }
}

extension AssistanceRequest {
  /// What the list of items has against this request: each fault names the rule.
  ///
  /// An item on the negative list takes no commitment: none is handed out, no applicant is looked up for one, and none is
  /// there to be checked (`Procedure.commits`). An item that is exempt takes one, and only checking it is out of place. An
  /// item that is checked online needs no assistance, but a system may be down or not know the applicant: who says so
  /// in `reason` may ask. Nothing is held against an item that is checked on site, because records are asked for then
  /// too.
  /// - Parameters:
  ///   - procedure: nil when it could not be read, or there is none of its name.
  ///   - requester: what is another region's is not on its list, and judged as that.
  ///   - byAgent: the commitment was given by an agent.
  ///   - hasReason: the request says why another organ has to be asked.
  package static func itemFaults(
    procedure: Procedure?, item code: String?, by requester: OrganCode, byAgent: Bool, hasReason: Bool,
    reference: Reference
  ) -> [Fault] {
    guard let procedure, let item = code.flatMap({ reference.item($0, for: requester) }) else { return [] }
    let isExcluded = procedure.commits && item.exclusion != nil
    let isAgentBarred = procedure.commits && byAgent && !item.agentAllowed
    let needsNobody = procedure.answerKind.verifies && (item.method == .exempt || item.method == .online)
    guard isExcluded || isAgentBarred || needsNobody else { return [] }
    let list = reference.itemsVersion.rule(.items)
    var faults: [Fault] = []
    if isExcluded, let exclusion = item.exclusion {
      faults.append(
        Fault(
          "/item", code: "item-excluded", "事项\(item.label)已列入负面清单，不适用告知承诺制，应当提交证明；依据：\(exclusion)（\(list.zh)）",
          "item \(item.label) is on the negative list: commitment does not apply, the proof is to be handed in; "
            + "by \(exclusion) (\(list.en))"))
    } else if needsNobody, item.method == .exempt {
      let basis = item.methodBasis.map { Phrase("；依据：\($0)", ", by \($0)") } ?? Phrase("", "")
      faults.append(
        Fault(
          "/item", code: "item-exempt", "事项\(item.label)免于核查，无需请求协助\(basis.zh)（\(list.zh)）",
          "item \(item.label) is exempt from verification and needs no assistance\(basis.en) (\(list.en))"))
    } else if needsNobody, item.method == .online, !hasReason {
      faults.append(
        Fault(
          "/reason", code: "item-online", "事项\(item.label)可在线核查，请先在线查询；确实不能的，请在 reason 中说明原因（\(list.zh)）",
          "item \(item.label) is verified online: look it up; where that is not possible, say why in reason (\(list.en))"
        ))
    }
    if isAgentBarred {
      faults.append(
        Fault(
          "/commitment/byAgent", code: "agent-not-allowed", "事项\(item.label)应由申请人本人承诺，不得由代理人代为承诺（\(list.zh)）",
          "item \(item.label) takes the applicant's own commitment, not an agent's (\(list.en))"))
    }
    return faults
  }
}
