internal import BrokerDomain
internal import Yams

extension ProcedureReader {
  private enum ClockKind {
    static let workingDays = ["workingDays", "from", "handover", "binds"]
    static let fixedDates = ["dates", "roll", "after", "handover", "binds"]
    static let statedDate = ["date", "roll", "workingDays", "handover"]
    static let acknowledge = ["acknowledge"]
    static let all = ["workingDays", "from", "acknowledge", "dates", "date", "roll", "after", "handover", "binds"]
  }

  /// `{workingDays, from}`, `{acknowledge}`, `{dates, roll, after}` or `{date, roll, workingDays}`; all but the second may
  /// have `handover`.
  func clock(_ node: Node, fields: [Procedure.Field]) throws(ConfigurationFault) -> Procedure.Clock {
    let keys = try yaml.mapping(node, keys: ClockKind.all)
    if let days = keys["acknowledge"] {
      _ = try yaml.mapping(node, keys: ClockKind.acknowledge)
      return .acknowledge(workingDays: try yaml.whole(days, "acknowledge", 1...Procedure.maximumDays))
    }
    if let dates = keys["dates"] {
      _ = try yaml.mapping(node, keys: ClockKind.fixedDates)
      let (days, roll) = (try monthDays(dates), try roll(keys, node))
      guard let after = keys["after"] else { return .fixedDates(days, roll: roll) }
      return .fixedDates(days, roll: roll, after: try halfYearField(after, fields))
    }
    if let date = keys["date"] {
      _ = try yaml.mapping(node, keys: ClockKind.statedDate)
      return .statedDate(
        field: try dateField(date, "date", fields, required: false), roll: try roll(keys, node),
        otherwise: try days(keys, node))
    }
    _ = try yaml.mapping(node, keys: ClockKind.workingDays)
    let days = try days(keys, node)
    guard let from = keys["from"], from.string != "receipt" else { return .workingDays(days, from: .receipt) }
    return .workingDays(days, from: .field(try dateField(from, "from", fields, required: true)))
  }

  /// Whom the clock binds. What binds the sender is measured when it is sent: by a day that the request names, and
  /// never again.
  /// - Parameter mayMove: a supplement, an extension or a transfer would start or move the clock.
  func binds(
    _ node: Node, _ clock: Procedure.Clock, _ openers: Procedure.Openers, mayMove: Bool
  ) throws(ConfigurationFault) -> Procedure.Bound {
    let key = try yaml.mapping(node, keys: ClockKind.all)["binds"]
    guard let key, try yaml.word(key, "binds", Procedure.Bound.receiver) == .sender else { return .receiver }
    switch clock {
    case .workingDays(_, .field), .fixedDates(_, _, .some(_)): break
    default:
      throw yaml.fault(
        key, "约束提出机关的时限应自字段所载日期起算，以 from 或者 after 指明",
        "a clock that binds the sender counts from a field: from or after names it")
    }
    guard openers != .itself else {
      throw yaml.fault(key, "机关向本机关提出的无须报送，请删去 binds", "an organ that asks itself sends nothing: leave binds out")
    }
    guard !mayMove else {
      throw yaml.fault(
        key, "约束提出机关的时限在送出时即告终结：supplement 应为 none，extension 和 transfer 应为 false",
        "a clock that binds the sender is over when it is sent: supplement is none, extension and transfer are false")
    }
    return .sender
  }

  /// A field that names a half year, which its pattern has to say.
  private func halfYearField(_ node: Node, _ fields: [Procedure.Field]) throws(ConfigurationFault) -> String {
    let name = try yaml.text(node)
    if let field = fields.first(where: { $0.name == name }), field.required,
      case .text(_, _, HalfYear.pattern?) = field.kind
    {
      return name
    }
    throw yaml.fault(
      node, "after 应为 fields 中必填、pattern 为 \(HalfYear.pattern) 的 text 字段名，\(name) 不是",
      "after is the name of a required text of fields with the pattern \(HalfYear.pattern); \(name) is none")
  }

  /// What a return or a transfer does to the clock.
  func handover(_ node: Node, openers: Procedure.Openers) throws(ConfigurationFault) -> Procedure.Handover {
    guard let node = try yaml.mapping(node, keys: ClockKind.all)["handover"] else { return .restarts }
    guard openers != .itself else {
      throw yaml.fault(
        node, "机关向本机关提出的无从退回或者移送，请删去 handover", "an organ that asks itself hands nothing over: leave handover out")
    }
    return try yaml.word(node, "handover", Procedure.Handover.restarts)
  }

  private func days(_ keys: [String: Node], _ at: Node) throws(ConfigurationFault) -> Int {
    try yaml.whole(try yaml.need(keys, "workingDays", at), "workingDays", 1...Procedure.maximumDays)
  }

  private func roll(_ keys: [String: Node], _ at: Node) throws(ConfigurationFault) -> Procedure.Roll {
    try yaml.word(try yaml.need(keys, "roll", at), "roll", Procedure.Roll.following)
  }

  private func monthDays(_ node: Node) throws(ConfigurationFault) -> [MonthDay] {
    var dates: [MonthDay] = []
    for node in try yaml.list(node, of: Phrase("日期（MM-DD）", "dates")) {
      guard let date = node.string.flatMap({ MonthDay($0) }), dates.last.map({ $0 < date }) ?? true else {
        throw yaml.fault(
          node, "日期应为 MM-DD，依次排列，不得重复", "a date is a day of the year, MM-DD, in order and once each")
      }
      dates.append(date)
    }
    guard !dates.isEmpty else {
      throw yaml.fault(node, "此处应为列表：日期（MM-DD）", "a list of dates, MM-DD, was expected here")
    }
    return dates
  }

  private func dateField(
    _ node: Node, _ key: String, _ fields: [Procedure.Field], required: Bool
  ) throws(ConfigurationFault) -> String {
    let name = try yaml.text(node)
    let field = fields.first { $0.name == name }
    guard let field, case .date = field.kind, field.required || !required else {
      throw required
        ? yaml.fault(
          node, "from 应为 receipt 或者 fields 中必填的 date 字段名，\(name) 不是",
          "from is receipt or the name of a required date of fields; \(name) is none")
        : yaml.fault(
          node, "\(key) 应为 fields 中的 date 字段名，\(name) 不是", "\(key) is the name of a date of fields; \(name) is none")
    }
    return name
  }
}
