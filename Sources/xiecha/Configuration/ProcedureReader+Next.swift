internal import BrokerDomain
internal import Yams

/// On which lines a definition says what follows, and what others rely on: whether that can be shows only when all files
/// are read.
struct FollowUpLines {
  /// By outcome, or `disposals.` and the measure.
  var next: [String: Int] = [:]
  /// By the same, a dot and the field that is filled.
  var fills: [String: Int] = [:]
  /// The first of the outcomes.
  var outcomes: Int?
  /// By the name of the field.
  var fields: [String: Int] = [:]

  init(outcomes: Node, fields: Node?) {
    self.outcomes = outcomes.mark?.line
    for entry in fields?.array() ?? [] {
      guard let name = entry.mapping?["name"]?.string else { continue }
      self.fields[name] = entry.mark?.line
    }
  }

  /// Of what an outcome lists: the first goes by the outcome, the others by their number besides.
  static func name(_ outcome: String, _ index: Int) -> String { index == 0 ? outcome : "\(outcome) (\(index + 1))" }
}

extension ProcedureReader {
  private enum NextKeys {
    static let offers = ["procedure", "how"]
    static let opens = ["procedure", "how", "data", "receiver"]
    static let reverses = ["procedure", "how", "field"]
    static let all = ["procedure", "how", "data", "receiver", "field"]
  }

  /// One of what follows, or a list of them.
  func nexts(
    _ node: Node, of outcome: String, _ lines: inout FollowUpLines
  ) throws(ConfigurationFault) -> [Procedure.Next] {
    guard case .sequence(let nodes) = node else { return [try next(node, of: outcome, &lines)] }
    guard !nodes.isEmpty else {
      throw yaml.fault(
        node, "next 应为程序编号、{procedure, how}，或者二者的列表", "next is a procedure, {procedure, how}, or a list of these")
    }
    var found: [Procedure.Next] = []
    for (index, entry) in nodes.enumerated() {
      let next = try next(entry, of: FollowUpLines.name(outcome, index), &lines)
      // What has become of each is kept by its procedure.
      guard !found.contains(where: { $0.procedure == next.procedure }) else {
        throw yaml.fault(entry, "next 中 \(next.procedure) 重复", "next names \(next.procedure) twice")
      }
      found.append(next)
    }
    return found
  }

  /// The id of a procedure that is offered, or `{procedure, how}` with what opening or reversing it needs.
  /// - Parameter name: of the outcome or the disposal.
  func next(_ node: Node, of name: String, _ lines: inout FollowUpLines) throws(ConfigurationFault) -> Procedure.Next {
    lines.next[name] = node.mark?.line
    if case .scalar = node { return Procedure.Next(try yaml.text(node), .offers) }
    let keys = try yaml.mapping(node, keys: NextKeys.all)
    let procedure = try yaml.text(try yaml.need(keys, "procedure", node))
    let how = try yaml.word(keys["how"], "how", Procedure.Next.How.offers)
    switch how {
    case .offers:
      _ = try yaml.mapping(node, keys: NextKeys.offers)
      return Procedure.Next(procedure, how)
    case .opens:
      _ = try yaml.mapping(node, keys: NextKeys.opens)
      var receiver: String?
      if let node = keys["receiver"] { receiver = try yaml.text(node) }
      return Procedure.Next(procedure, how, fills: try fills(keys["data"], of: name, &lines), receiver: receiver)
    case .reverses:
      _ = try yaml.mapping(node, keys: NextKeys.reverses)
      return Procedure.Next(procedure, how, field: try yaml.text(try yaml.need(keys, "field", node)))
    }
  }

  private static let sources = "id, text, data.FIELD, answer.FIELD, disposal.FIELD or {value: TEXT}"

  /// Field → where its value comes from, or a list of such places.
  private func fills(
    _ node: Node?, of name: String, _ lines: inout FollowUpLines
  ) throws(ConfigurationFault) -> [Procedure.Next.Fill] {
    guard let node else { return [] }
    guard case .mapping(let mapping) = node else {
      throw yaml.fault(node, "data 应为一组 FIELD: 来源", "data is a group of FIELD: \(Self.sources)")
    }
    var fills: [Procedure.Next.Fill] = []
    for (key, value) in mapping {
      let field = try yaml.name(key, hyphens: false)
      lines.fills["\(name).\(field)"] = key.mark?.line
      guard case .sequence(let places) = value else {
        fills.append(.init(field: field, source: try source(value, of: field)))
        continue
      }
      var sources: [Procedure.Next.Source] = []
      for place in places {
        if sources.last?.isAlwaysThere == true {
          throw yaml.fault(
            place, "前一来源必有取值，此项用不到，请删去",
            "what stands before is always there, so that this never counts: leave it out")
        }
        sources.append(try source(place, of: field))
      }
      guard !sources.isEmpty else { throw noSource(value, of: field) }
      fills.append(.init(field: field, sources: sources))
    }
    return fills
  }

  private func source(_ node: Node, of field: String) throws(ConfigurationFault) -> Procedure.Next.Source {
    if case .mapping = node {
      let constant = try yaml.need(try yaml.mapping(node, keys: ["value"]), "value", node)
      return .constant(try yaml.text(constant))
    }
    guard let source = node.string.flatMap({ Procedure.Next.Source(word: $0) }) else {
      throw noSource(node, of: field)
    }
    return source
  }

  private func noSource(_ node: Node, of field: String) -> ConfigurationFault {
    yaml.fault(node, "字段 \(field) 的来源只可为所列之一", "\(field) comes from one of \(Self.sources)")
  }

  /// `{measure, next}` for what a contradicted answer may lead to.
  func disposals(
    _ node: Node?, answer: Procedure.AnswerKind, _ lines: inout FollowUpLines
  ) throws(ConfigurationFault) -> [Procedure.DisposalNext] {
    guard let node else { return [] }
    guard answer == .findings else {
      throw yaml.fault(
        node, "answer 为 findings 的才有处理，请删去 disposals", "only an answer by findings is disposed of: leave disposals out")
    }
    var found: [Procedure.DisposalNext] = []
    for entry in try yaml.list(node, of: Phrase("处理 {measure, next}", "disposals {measure, next}")) {
      let keys = try yaml.mapping(entry, keys: ["measure", "next"])
      let measure = try yaml.word(try yaml.need(keys, "measure", entry), "measure", Disposal.Measure.terminate)
      guard !found.contains(where: { $0.measure == measure }) else {
        throw yaml.fault(entry, "处理 \(measure.rawValue) 重复", "\(measure.rawValue) occurs twice")
      }
      let next = try next(try yaml.need(keys, "next", entry), of: "disposals.\(measure.rawValue)", &lines)
      found.append(Procedure.DisposalNext(measure, next))
    }
    return found
  }
}

extension Procedure.Next.Source {
  fileprivate var isAlwaysThere: Bool {
    switch self {
    case .id, .constant: true
    case .text, .request, .answer, .disposal: false
    }
  }
}
