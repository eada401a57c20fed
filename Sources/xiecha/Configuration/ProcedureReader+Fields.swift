internal import BrokerDomain
internal import Yams

extension ProcedureReader {
  // MARK: Fields

  private static let fieldKeys = [
    "name", "zh", "en", "type", "required", "minLength", "maxLength", "pattern", "when", "notBefore", "min", "max",
    "choices", "recuses",
  ]

  private static let fieldList = Phrase(
    "字段 {name, zh, en, type, required}", "fields {name, zh, en, type, required}")

  /// The keys that a type knows besides name, labels, type and required.
  private static let kindKeys = [
    "text": ["minLength", "maxLength", "pattern"], "date": ["when", "notBefore"], "integer": ["min", "max"],
    "choice": ["choices"], "organ": ["recuses"],
  ]

  /// - Parameter ofAnswer: an answer comes after the receipt, on which its dates may rest.
  func fields(_ node: Node?, ofAnswer: Bool = false) throws(ConfigurationFault) -> [Procedure.Field] {
    guard let node else { return [] }
    var fields: [Procedure.Field] = []
    for entry in try yaml.list(node, of: Self.fieldList) {
      let keys = try yaml.mapping(entry, keys: Self.fieldKeys)
      let name = try yaml.name(try yaml.need(keys, "name", entry), hyphens: false)
      guard !fields.contains(where: { $0.name == name }) else {
        throw yaml.fault(entry, "字段 \(name) 重复", "\(name) occurs twice")
      }
      let type = try yaml.word(try yaml.need(keys, "type", entry), "type", Procedure.Field.Kind.names)
      let own = Self.kindKeys[type] ?? []
      if let foreign = keys.keys.sorted().first(where: { key in
        !own.contains(key) && Self.kindKeys.values.contains { $0.contains(key) }
      }) {
        throw yaml.fault(
          keys[foreign] ?? entry, "\(type) 类型的字段没有 \(foreign)", "a field of type \(type) has no \(foreign)")
      }
      if let node = keys["notBefore"], !ofAnswer {
        throw yaml.fault(node, "notBefore 只用于 answerFields 中的日期", "notBefore is for dates of answerFields")
      }
      if let node = keys["recuses"], ofAnswer {
        throw yaml.fault(node, "recuses 只用于 fields 中的机关", "recuses is for organs of fields")
      }
      fields.append(
        Procedure.Field(
          name: name, label: try yaml.phrase(keys, entry), kind: try kind(type, keys, entry),
          required: try yaml.flag(try yaml.need(keys, "required", entry), "required"),
          notBefore: try keys["notBefore"].map { node throws(ConfigurationFault) in
            try yaml.word(node, "notBefore", Procedure.Floor.receipt)
          },
          recuses: try keys["recuses"].map { node throws(ConfigurationFault) in try yaml.flag(node, "recuses") }
            ?? false))
    }
    return fields
  }

  private func kind(
    _ type: String, _ keys: [String: Node], _ entry: Node
  ) throws(ConfigurationFault) -> Procedure.Field.Kind {
    switch type {
    case "text": return try text(keys)
    case "date":
      return .date(try yaml.word(keys["when"], "when", Procedure.Era.any))
    case "integer":
      let range = -1_000_000_000...1_000_000_000
      let least = try yaml.whole(try yaml.need(keys, "min", entry), "min", range)
      let most = try yaml.whole(try yaml.need(keys, "max", entry), "max", least...range.upperBound)
      return .integer(least...most)
    case "choice":
      let node = try yaml.need(keys, "choices", entry)
      return .choice(try labelled(node).map { Procedure.Choice(id: $0.id, title: $0.title) })
    case "organ": return .organ
    case "subjectID": return .subjectID
    case "request": return .request
    default: return .boolean
    }
  }

  private func text(_ keys: [String: Node]) throws(ConfigurationFault) -> Procedure.Field.Kind {
    let longest = Procedure.Field.maximumLength
    let most = try yaml.whole(keys["maxLength"], "maxLength", 1...longest, 200)
    let least = try yaml.whole(keys["minLength"], "minLength", 0...most, 1)
    guard let node = keys["pattern"] else { return .text(minLength: least, maxLength: most, pattern: nil) }
    let pattern = try yaml.text(node)
    do {
      _ = try Procedure.Field.expression(pattern)
    } catch {
      throw yaml.fault(
        node, "pattern \(pattern) 不是正则表达式", "the pattern \(pattern) is no regular expression: \(error)")
    }
    return .text(minLength: least, maxLength: most, pattern: pattern)
  }

  // MARK: Outcomes

  private struct Labelled {
    let id: String
    let title: Phrase
    let keys: [String: Node]
  }

  /// A list of `{id, zh, en}`, with these keys besides.
  private func labelled(_ node: Node, and more: [String] = []) throws(ConfigurationFault) -> [Labelled] {
    let expected = Phrase("{id, zh, en}", "{id, zh, en}")
    var found: [Labelled] = []
    for entry in try yaml.list(node, of: expected) {
      let keys = try yaml.mapping(entry, keys: ["id", "zh", "en"] + more)
      let id = try yaml.name(try yaml.need(keys, "id", entry), hyphens: true)
      guard !found.contains(where: { $0.id == id }) else {
        throw yaml.fault(entry, "编号 \(id) 重复", "\(id) occurs twice")
      }
      found.append(Labelled(id: id, title: try yaml.phrase(keys, entry), keys: keys))
    }
    guard !found.isEmpty else { throw yaml.noList(node, of: expected) }
    return found
  }

  /// - Parameter lines: takes on which line each names what follows.
  func outcomes(
    _ node: Node, answerFields: [Procedure.Field], _ lines: inout FollowUpLines
  ) throws(ConfigurationFault) -> [Procedure.Outcome] {
    var outcomes: [Procedure.Outcome] = []
    for entry in try labelled(node, and: ["requires", "next"]) {
      var requires: [String] = []
      for name in try yaml.list(entry.keys["requires"], of: Phrase("答复字段", "answer fields")) {
        let text = try yaml.text(name)
        guard answerFields.contains(where: { $0.name == text }) else {
          let known = answerFields.map(\.name).joined(separator: ", ")
          throw yaml.fault(
            name, "requires 中的 \(text) 不是答复字段",
            "requires names no answer field: \(text); known: \(known.isEmpty ? "none" : known)")
        }
        guard !requires.contains(text) else {
          throw yaml.fault(name, "requires 中 \(text) 重复", "requires names \(text) twice")
        }
        requires.append(text)
      }
      var next: [Procedure.Next] = []
      if let node = entry.keys["next"] { next = try nexts(node, of: entry.id, &lines) }
      outcomes.append(Procedure.Outcome(id: entry.id, title: entry.title, requires: requires, next: next))
    }
    return outcomes
  }

  /// Reasons to decline; an empty list allows none.
  func reasons(_ node: Node) throws(ConfigurationFault) -> [Procedure.Outcome] {
    if case .sequence(let nodes) = node, nodes.isEmpty { return [] }
    return try labelled(node).map { Procedure.Outcome(id: $0.id, title: $0.title) }
  }
}
