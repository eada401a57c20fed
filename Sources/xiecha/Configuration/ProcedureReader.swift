internal import BrokerDomain
internal import Yams

/// One definition. What it leaves out is as it is for verification.
struct ProcedureReader {
  let yaml: YAMLReader

  static let keys = [
    "id", "title", "clause", "openers", "answerers", "answererRegion", "clock", "acknowledgeDays", "returnDays",
    "supplement", "extension", "transfer", "item", "subject", "questions", "answer", "commits", "fields",
    "answerFields", "outcomes", "declineReasons", "disposals", "visibility", "copies", "ladder",
  ]

  func definition(_ root: Node) throws(ConfigurationFault) -> ProcedureFile.Loaded {
    let top = try yaml.mapping(root, keys: Self.keys)
    let titleNode = try yaml.need(top, "title", root)
    let fields = try self.fields(top["fields"])
    let answerFields = try self.fields(top["answerFields"], ofAnswer: true)
    let openers = try openers(top)
    let clockNode = try yaml.need(top, "clock", root)
    let clock = try clock(clockNode, fields: fields)
    let outcomesNode = try yaml.need(top, "outcomes", root)
    var lines = FollowUpLines(outcomes: outcomesNode, fields: top["fields"])
    let outcomes = try outcomes(outcomesNode, answerFields: answerFields, &lines)
    let (sealed, copies) = try visibility(top)
    let answer = try yaml.word(top["answer"], "answer", Procedure.AnswerKind.findings)
    let parts = try presences(top, answer: answer)
    let limits = try limits(top, clock: clock, openers: openers)
    let supplement = try supplement(top, clock: clock)
    let extends = try yaml.flag(top["extension"], "extension", true)
    let binds = try binds(clockNode, clock, openers, mayMove: supplement || extends || limits.transfer)
    let idNode = try yaml.need(top, "id", root)
    return ProcedureFile.Loaded(
      procedure: Procedure(
        id: try yaml.name(idNode, hyphens: true),
        title: try yaml.phrase(try yaml.mapping(titleNode, keys: ["zh", "en"]), titleNode),
        clause: try yaml.text(try yaml.need(top, "clause", root)), openers: openers,
        answerers: try roles(top["answerers"], "answerers"), clock: clock,
        acknowledgeDays: limits.acknowledge, returnDays: limits.sendBack,
        supplement: supplement, allowsExtension: extends,
        allowsTransfer: limits.transfer, item: parts.item, subject: parts.subject,
        questions: parts.questions, answerKind: answer,
        outcomes: outcomes, declineReasons: try reasons(try yaml.need(top, "declineReasons", root)),
        fields: fields, answerFields: answerFields, isSealed: sealed, copies: copies,
        ladder: try ladder(try yaml.need(top, "ladder", root)),
        disposals: try disposals(top["disposals"], answer: answer, &lines),
        handover: try handover(clockNode, openers: openers),
        answererRegion: try yaml.word(top["answererRegion"], "answererRegion", .any), binds: binds,
        commits: try top["commits"].map { node throws(ConfigurationFault) in try yaml.flag(node, "commits") }),
      file: yaml.file, line: idNode.mark?.line ?? 1, lines: lines)
  }

  // MARK: Who

  private enum Visibility: String, CaseIterable { case normal, sealed }

  private enum Supplement: String, CaseIterable { case restart, none }

  /// `any`, or a list of roles.
  private func roles(_ node: Node?, _ key: String) throws(ConfigurationFault) -> [Organ.Role] {
    guard let node, node.string != "any" else { return [] }
    let known = Organ.Role.allCases.map(\.rawValue).joined(separator: ", ")
    guard case .sequence(let nodes) = node, !nodes.isEmpty else {
      throw yaml.fault(node, "\(key) 应为 any 或者所列角色的列表", "\(key) is any, or a list of the roles \(known)")
    }
    var roles: [Organ.Role] = []
    for node in nodes {
      guard let role = node.string.flatMap({ Organ.Role(rawValue: $0) }) else {
        let name = node.string ?? ""
        throw yaml.fault(node, "\(key)：没有角色 \(name)", "\(key): there is no role \(name); known: \(known)")
      }
      guard !roles.contains(role) else {
        throw yaml.fault(node, "\(key)：角色 \(role.rawValue) 重复", "\(key): the role \(role.rawValue) occurs twice")
      }
      roles.append(role)
    }
    return roles
  }

  private func openers(_ top: [String: Node]) throws(ConfigurationFault) -> Procedure.Openers {
    guard let node = top["openers"] else { return .roles([]) }
    guard node.string == "itself" else { return .roles(try roles(node, "openers")) }
    for key in ["answerers", "answererRegion", "returnDays", "transfer"] {
      guard let node = top[key] else { continue }
      throw yaml.fault(
        node, "机关向本机关提出的没有 \(key)，请删去该键", "an organ that asks itself has no \(key): leave the key out")
    }
    return .itself
  }

  private func visibility(_ top: [String: Node]) throws(ConfigurationFault) -> (sealed: Bool, copies: [Organ.Role]) {
    let sealed = try yaml.word(top["visibility"], "visibility", Visibility.normal) == .sealed
    guard let node = top["copies"] else { return (sealed, []) }
    guard case .sequence(let nodes) = node else {
      throw yaml.fault(node, "copies 应为角色的列表", "copies is a list of roles")
    }
    guard !nodes.isEmpty else { return (sealed, []) }
    guard !sealed else { throw yaml.fault(node, "封存的程序不得抄送", "a sealed procedure is copied to nobody") }
    return (sealed, try roles(node, "copies"))
  }

  // MARK: What may happen to it

  private struct Limits {
    let acknowledge: Int?
    let sendBack: Int?
    let transfer: Bool
  }

  private func limits(
    _ top: [String: Node], clock: Procedure.Clock, openers: Procedure.Openers
  ) throws(ConfigurationFault) -> Limits {
    let days: Int? =
      switch clock {
      case .workingDays(let days, _), .acknowledge(let days): days
      // A date may lie far away, or tomorrow.
      case .fixedDates, .statedDate: nil
      }
    func limit(_ key: String, _ otherwise: Int) throws(ConfigurationFault) -> Int? {
      guard let node = top[key] else { return min(otherwise, days ?? otherwise) }
      if node.string == "none" { return nil }
      let limit = try yaml.whole(node, key, 1...Procedure.maximumDays)
      if let days, limit > days {
        throw yaml.fault(
          node, "\(key) 不得超过办理时限的\(days)个工作日", "\(key) is at most the \(days) working days of the clock")
      }
      return limit
    }
    let acknowledge: Int?
    if case .acknowledge(let days) = clock {
      if let node = top["acknowledgeDays"] {
        throw yaml.fault(
          node, "签收时限已由 clock 写明，请删去 acknowledgeDays",
          "the clock says by when to acknowledge: leave acknowledgeDays out")
      }
      acknowledge = days
    } else {
      acknowledge = try limit("acknowledgeDays", 1)
    }
    guard openers != .itself else { return Limits(acknowledge: acknowledge, sendBack: nil, transfer: false) }
    return Limits(
      acknowledge: acknowledge, sendBack: try limit("returnDays", 2),
      transfer: try yaml.flag(top["transfer"], "transfer", true))
  }

  private func supplement(_ top: [String: Node], clock: Procedure.Clock) throws(ConfigurationFault) -> Bool {
    let otherwise: Phrase
    switch clock {
    case .workingDays: return try yaml.word(top["supplement"], "supplement", Supplement.restart) == .restart
    case .acknowledge:
      otherwise = Phrase(
        "签收后时限即告终结，补正会使其重新起算：supplement 应为 none",
        "acknowledging has met the clock, and what is supplied would start it again: supplement must be none")
    case .fixedDates, .statedDate:
      otherwise = Phrase(
        "期限为确定的日期，不因补正变动：supplement 应为 none",
        "a date does not move when something is supplied: supplement must be none")
    }
    guard try yaml.word(top["supplement"], "supplement", Supplement.none) == .restart, let node = top["supplement"]
    else { return false }
    throw yaml.fault(node, otherwise.zh, otherwise.en)
  }

  private struct Presences {
    let item: Procedure.Presence
    let subject: Procedure.Presence
    let questions: Procedure.Presence
  }

  private func presences(
    _ top: [String: Node], answer: Procedure.AnswerKind
  ) throws(ConfigurationFault) -> Presences {
    let questions = try yaml.word(
      top["questions"], "questions", answer == .findings ? Procedure.Presence.required : .none)
    if answer == .findings, questions != .required, let node = top["questions"] {
      throw yaml.fault(
        node, "findings 逐一答复问题，questions 应为 required", "findings answer questions: required was expected here")
    }
    return Presences(
      item: try yaml.word(top["item"], "item", .optional),
      subject: try yaml.word(top["subject"], "subject", .required), questions: questions)
  }

  private func ladder(_ node: Node) throws(ConfigurationFault) -> [Rung] {
    var ladder: [Rung] = []
    for node in try yaml.list(node, of: Phrase("提醒节点", "rungs")) {
      guard let rung = Rung(name: node.string ?? ""), ladder.last.map({ $0.rawValue < rung.rawValue }) ?? true else {
        let known = Rung.allCases.map(\.name).joined(separator: ", ")
        throw yaml.fault(
          node, "ladder 的提醒节点只可为所列之一，依所列次序，各一次",
          "a rung of the ladder is one of \(known), in this order and once each")
      }
      ladder.append(rung)
    }
    return ladder
  }
}
