internal import BrokerDomain

/// The bodies of the verbs that neither answer nor decline.
extension BodyReader {
  mutating func giveBack(_ json: JSON) -> Command? {
    guard let m = object(json, at: "", members: ["reason", "competentOrgan"]) else { return nil }
    let reason = statedReason(m["reason"])
    let competent = text(m["competentOrgan"], at: "/competentOrgan")
    return reason.map { .giveBack(.init(reason: $0, competentOrgan: competent)) }
  }

  mutating func ask(_ json: JSON) -> Command? {
    guard let m = object(json, at: "", members: ["text"]) else { return nil }
    return text(m["text"], at: "/text", required: true, longest: 4000).map { .ask(text: $0) }
  }

  /// - Parameter rules: what is wrong with the fields; asked when something else is already.
  mutating func supply(_ json: JSON, rules: (JSON) -> [Fault]) -> Command? {
    guard let m = object(json, at: "", members: ["text", "data"]) else { return nil }
    let data = data(m["data"])
    let text = text(m["text"], at: "/text", required: true, longest: 4000)
    if !faults.isEmpty, !faultyPointers.contains("/data") { add(rules(data)) }
    return text.map { .supply(text: $0, data: data) }
  }

  /// Longer than the longest procedure of the plans would be no extension but a new request.
  private static let longestExtension = 60

  mutating func extend(_ json: JSON) -> Command? {
    guard let m = object(json, at: "", members: ["workingDays", "reason", "approver"]) else { return nil }
    let days = m["workingDays"]?.intValue
    if m["workingDays"] == nil {
      missing("/workingDays")
    } else if !(1...Self.longestExtension).contains(days ?? 0) {
      fault(
        "/workingDays", "应为1至\(Self.longestExtension)的整数", "must be a whole number from 1 to \(Self.longestExtension)")
    }
    let reason = statedReason(m["reason"])
    let approver = text(m["approver"], at: "/approver", required: true, longest: 100)
    guard let days, let reason, let approver else { return nil }
    return .extend(.init(workingDays: days, reason: reason, approver: approver))
  }

  /// - Parameter rules: what is wrong with the organ; asked when something else is already.
  mutating func transfer(_ json: JSON, rules: (OrganCode) -> [Fault]) -> Command? {
    guard let m = object(json, at: "", members: ["to", "reason"]) else { return nil }
    if m["to"] == nil { missing("/to") }
    let to = organ(m["to"], at: "/to")
    let reason = statedReason(m["reason"])
    if let to, !faults.isEmpty { add(rules(to)) }
    guard let to, let reason else { return nil }
    return .transfer(.init(to: to, reason: reason))
  }

  mutating func remind(_ json: JSON) -> Command? {
    guard let m = object(json, at: "", members: ["text"]) else { return nil }
    return .remind(text: text(m["text"], at: "/text", longest: 4000))
  }

  /// - Parameters:
  ///   - rules: what is wrong with the fields of what the measure opens; asked when something else is already.
  ///   - dates: the same of the date.
  mutating func dispose(
    _ json: JSON, rules: (JSON, Disposal.Measure) -> [Fault], dates: (CalendarDate?) -> [Fault]
  ) -> Command? {
    guard let m = object(json, at: "", members: ["measure", "by", "text", "data"]) else { return nil }
    let measure = choice(m["measure"], at: "/measure", Disposal.Measure.self, required: true)
    let by = date(m["by"], at: "/by", required: measure == .rectify)
    let text = text(m["text"], at: "/text", required: true, longest: 4000)
    let data = data(m["data"])
    if !faults.isEmpty { add(dates(by)) }
    if let measure, !faults.isEmpty, !faultyPointers.contains("/data") { add(rules(data, measure)) }
    guard let measure, let text else { return nil }
    return .dispose(.init(measure: measure, by: by, text: text, data: data))
  }

  mutating func close(_ json: JSON) -> Command? {
    guard let m = object(json, at: "", members: ["text"]) else { return nil }
    return .close(text: text(m["text"], at: "/text", longest: 4000))
  }

  /// Why an organ does not, or not yet, do what it is asked.
  mutating func statedReason(_ json: JSON?) -> String? {
    let reason = text(json, at: "/reason", required: true, longest: 4000)
    if let reason { add(StatedReason.faults(reason)) }
    return reason
  }
}
