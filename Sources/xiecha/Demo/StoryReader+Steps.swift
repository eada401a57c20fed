internal import BrokerDomain
internal import Yams

/// One step: what is said of it, exactly one deed, who does it with what, and what must be seen.
extension StoryReader {
  private static let told = ["zh", "en", "who", "with", "see"]

  static let deeds =
    ["open"] + Verb.allCases.map(\.rawValue) + ["withdraw-commitment", "advance"] + Story.Look.allCases.map(\.rawValue)

  func step(_ node: Node, _ known: inout Known) throws(ConfigurationFault) -> Story.Step {
    let m = try yaml.mapping(node, keys: Self.told + Self.deeds)
    let present = Self.deeds.filter { m[$0] != nil }
    guard present.count == 1, let name = present.first, let value = m[name] else {
      throw yaml.fault(
        node, "每个步骤只做一件事，只可为所列之一" + (present.isEmpty ? "" : "，不能同时为 \(present.joined(separator: "、"))"),
        "a step does exactly one of \(Self.deeds.joined(separator: ", "))"
          + (present.isEmpty ? "" : ", not \(present.joined(separator: " and "))"))
    }
    let said = try yaml.phrase(m, node)
    if name == "advance" {
      for key in ["who", "with", "see"] {
        if let node = m[key] {
          throw yaml.fault(node, "时钟自行前进，请删去 \(key)", "the clock moves by itself: leave \(key) out")
        }
      }
      return Story.Step(
        line: node.mark?.line ?? 0, said: said, deed: .advance(try instant(value, name)), who: nil, with: .object([]),
        see: Sight())
    }
    let who = try yaml.need(m, "who", node)
    let alias = try yaml.text(who)
    guard known.cast.contains(alias) else { throw unknownRole(who, alias, known) }
    let deed = try deed(name, value, known)
    let see = try sight(m, deed, node, known)
    let with = try body(m, deed, node, known)
    if case .open(let name) = deed, see.problem == nil { known.requests.insert(name) }
    return Story.Step(line: node.mark?.line ?? 0, said: said, deed: deed, who: alias, with: with, see: see)
  }

  private func unknownRole(_ node: Node, _ alias: String, _ known: Known) -> ConfigurationFault {
    let cast = known.cast.sorted()
    return yaml.fault(
      node, "cast 中没有\(alias)，现有\(cast.joined(separator: "、"))",
      "\(alias) is not in the cast; there are \(cast.joined(separator: ", "))")
  }

  func unknownRequest(_ node: Node, _ name: String) -> ConfigurationFault {
    yaml.fault(
      node, "此前没有步骤提出名为“\(name)”的请求", "no request was opened under the name \(name) before this step")
  }

  private func deed(_ name: String, _ node: Node, _ known: Known) throws(ConfigurationFault) -> Story.Deed {
    let value = try yaml.text(node)
    switch name {
    case "open":
      guard !known.requests.contains(value) else {
        throw yaml.fault(node, "名为“\(value)”的请求此前已提出", "a request \(value) was opened before")
      }
      return .open(value)
    case "withdraw-commitment": return .withdrawCommitment(value)
    default:
      guard known.requests.contains(value) else {
        throw unknownRequest(node, value)
      }
      if let verb = Verb(rawValue: name) { return .move(verb, value) }
      return .look(Story.Look(rawValue: name) ?? .expect, value)
    }
  }

  private func body(
    _ m: [String: Node], _ deed: Story.Deed, _ step: Node, _ known: Known
  ) throws(ConfigurationFault) -> JSON {
    if case .look = deed {
      if let node = m["with"] {
        throw yaml.fault(node, "查看的步骤不发送内容，请删去 with", "who only looks sends nothing: leave with out")
      }
      return .object([])
    }
    if case .open = deed { _ = try yaml.need(m, "with", step) }
    guard let node = m["with"] else { return .object([]) }
    guard case .mapping(let mapping) = node else {
      throw yaml.fault(node, "with 应为一组键，即所发送的内容", "with is a group: what is sent")
    }
    for (key, value) in mapping where key.string == "to" {
      let alias = try yaml.text(value)
      guard known.cast.contains(alias) else { throw unknownRole(value, alias, known) }
    }
    return try json(node, known)
  }

  // MARK: What must be seen

  private static let representation = [
    "id", "version", "procedure", "state", "from", "to", "item", "receivedAt", "updatedAt", "closedAt", "due",
    "subject",
    "commitment", "questions", "purpose", "basis", "reason", "reference", "contact", "signatory", "urgency", "data",
    "answer", "decline", "withdrawal", "acknowledgement", "supplement", "extension", "return", "transfers", "referral",
    "disposal", "followUps", "allowed", "errors",
  ]

  private static func known(_ deed: Story.Deed) -> [String] {
    switch deed {
    case .open, .move, .look(.expect, _): ["status", "problem"] + representation
    case .withdrawCommitment: ["status", "problem", "number", "withdrawn", "errors"]
    case .look(.timeline, _): ["status", "problem", "events", "once", "never"]
    case .look(.feed, _): ["events", "once", "never"]
    case .look(.callback, _): ["events"]
    case .look(.deadline, _):
      [
        "status", "problem", "date", "at", "workingDays", "provisional", "countedFrom", "counted", "explanation",
        "ledger", "spans",
      ]
    case .advance: []
    }
  }

  private func sight(
    _ m: [String: Node], _ deed: Story.Deed, _ step: Node, _ known: Known
  ) throws(ConfigurationFault) -> Sight {
    var sight = Sight()
    if case .look = deed { _ = try yaml.need(m, "see", step) }
    guard let node = m["see"] else { return sight }
    _ = try yaml.mapping(node, keys: Self.known(deed))
    guard case .mapping(let mapping) = node, !mapping.isEmpty else {
      throw yaml.fault(node, "see 应写明须看到的内容", "see names what must be seen")
    }
    for (key, value) in mapping {
      let name = key.string ?? ""
      sight.lines[name] = key.mark?.line ?? 0
      switch name {
      case "status": sight.status = try yaml.whole(value, name, 200...599)
      case "problem": sight.problem = try yaml.name(value, hyphens: true)
      case "events": sight.events = try events(value, known)
      case "once":
        sight.once = try words(value, of: Phrase("提醒节点", "rungs"), Rung.allCases.map(\.name)).compactMap {
          Rung(name: $0)
        }
      case "never":
        sight.never = try words(value, of: Phrase("事件类型", "types of events"), EventType.allCases.map(\.rawValue))
      case "counted": sight.counted = try dates(value)
      case "withdrawn": sight.withdrawn = try words(value, of: Phrase("请求", "requests"), known.requests.sorted())
      default: sight.members.append((name, try wanted(value, known)))
      }
    }
    if sight.problem != nil, sight.status ?? 200 < 400 {
      throw yaml.fault(
        node, "有 problem 的，应写明 status，且不小于400", "a problem comes with a status of 400 or more: say which")
    }
    return sight
  }

  /// Types of events, each alone or with what else must be seen of it.
  private func events(_ node: Node, _ known: Known) throws(ConfigurationFault) -> Wanted {
    var list: [Wanted] = []
    let types = EventType.allCases.map(\.rawValue)
    for node in try yaml.list(node, of: Phrase("事件", "events")) {
      guard case .scalar = node else {
        let m = try yaml.mapping(node, keys: ["type", "at", "version", "state", "actor", "data"])
        _ = try yaml.word(try yaml.need(m, "type", node), "type", types)
        list.append(try wanted(node, known))
        continue
      }
      let line = node.mark?.line ?? 0
      let type = try yaml.word(node, Phrase("事件", "an event"), types)
      list.append(.members([("type", .value(.string(type), line: line))], line: line))
    }
    guard !list.isEmpty else { throw yaml.fault(node, "events 至少写明一个事件", "events names one at least") }
    return .list(list, line: node.mark?.line ?? 0)
  }

  private func words(_ node: Node, of what: Phrase, _ known: [String]) throws(ConfigurationFault) -> [String] {
    let one = Phrase(what.zh, "one of the \(what.en)")
    var words: [String] = []
    for node in try yaml.list(node, of: what) { words.append(try yaml.word(node, one, known)) }
    guard !words.isEmpty else { throw yaml.noList(node, of: what) }
    return words
  }

  private func dates(_ node: Node) throws(ConfigurationFault) -> [CalendarDate] {
    var dates: [CalendarDate] = []
    for node in try yaml.list(node, of: Phrase("日期（YYYY-MM-DD）", "dates")) {
      guard let date = CalendarDate(try yaml.text(node)) else {
        throw yaml.fault(node, "此处应为日期，YYYY-MM-DD", "YYYY-MM-DD was expected here")
      }
      dates.append(date)
    }
    return dates
  }
}
