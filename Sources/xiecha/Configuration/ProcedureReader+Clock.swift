internal import BrokerDomain
internal import Yams

extension ProcedureReader {
  private enum ClockKind {
    static let workingDays = ["workingDays", "from"]
    static let fixedDates = ["dates", "roll"]
    static let statedDate = ["date", "roll", "workingDays"]
    static let acknowledge = ["acknowledge"]
    static let all = ["workingDays", "from", "acknowledge", "dates", "date", "roll"]
  }

  /// `{workingDays, from}`, `{acknowledge}`, `{dates, roll}` or `{date, roll, workingDays}`.
  func clock(_ node: Node, fields: [Procedure.Field]) throws(ConfigurationFault) -> Procedure.Clock {
    let keys = try yaml.mapping(node, keys: ClockKind.all)
    if let days = keys["acknowledge"] {
      _ = try yaml.mapping(node, keys: ClockKind.acknowledge)
      return .acknowledge(workingDays: try yaml.whole(days, "acknowledge", 1...Procedure.maximumDays))
    }
    if let dates = keys["dates"] {
      _ = try yaml.mapping(node, keys: ClockKind.fixedDates)
      return .fixedDates(try monthDays(dates), roll: try roll(keys, node))
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

  private func days(_ keys: [String: Node], _ at: Node) throws(ConfigurationFault) -> Int {
    try yaml.whole(try yaml.need(keys, "workingDays", at), "workingDays", 1...Procedure.maximumDays)
  }

  private func roll(_ keys: [String: Node], _ at: Node) throws(ConfigurationFault) -> Procedure.Roll {
    try yaml.word(try yaml.need(keys, "roll", at), "roll", Procedure.Roll.following)
  }

  private func monthDays(_ node: Node) throws(ConfigurationFault) -> [MonthDay] {
    var dates: [MonthDay] = []
    for node in try yaml.list(node, of: "dates") {
      guard let date = node.string.flatMap({ MonthDay($0) }), dates.last.map({ $0 < date }) ?? true else {
        throw yaml.fault(node, "a date is a day of the year, MM-DD, in order and once each")
      }
      dates.append(date)
    }
    guard !dates.isEmpty else { throw yaml.fault(node, "a list of dates, MM-DD, was expected here") }
    return dates
  }

  private func dateField(
    _ node: Node, _ key: String, _ fields: [Procedure.Field], required: Bool
  ) throws(ConfigurationFault) -> String {
    let name = try yaml.text(node)
    let field = fields.first { $0.name == name }
    guard let field, case .date = field.kind, field.required || !required else {
      throw yaml.fault(
        node,
        required
          ? "from is receipt or the name of a required date of fields; \(name) is none"
          : "\(key) is the name of a date of fields; \(name) is none")
    }
    return name
  }
}
