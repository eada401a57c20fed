internal import BrokerDomain
internal import GRDB

/// The timer by which a superior is asked to rule, as rows hold it: far above those of undelivered results, one for each
/// version of its request.
enum RulingTimer {
  static let base: Int64 = 3_000_000

  static func code(version: Int) -> Int64 { (base + Int64(version)) * 10 + 1 }

  static func isOne(_ code: Int64) -> Bool { (base..<ReminderTimer.base).contains(code / 10) }
}

extension WriteContext {
  /// A transfer would have been a ping-pong and was referred to the common superior (共同上一级行政机关): its people are told
  /// in office hours that it is for them to rule.
  func askForRuling(_ request: AssistanceRequest) throws {
    try armRuling(request.id.key, RulingTimer.code(version: request.version), of: request)
  }

  /// The timer has fired: unless it was ruled or closed meanwhile, it goes into the inbox of the superior.
  func tellArbiter(of request: AssistanceRequest, _ code: Int64) throws {
    guard let referral = request.progress.referral, request.state.name.isOpen,
      let arbiter = reference.organ(referral.to), let holder = reference.organ(request.holder)
    else { return }
    guard reference.calendar.officeMoment(from: now, region: arbiter.region) <= now else {
      return try armRuling(request.id.key, code, of: request)
    }
    try db.run(
      InboxSQL.insert, .int(arbiter.number), .int(request.id.key), .int(code), .text(Audience.supervisor.rawValue),
      .int(now.milliseconds), .int(Int64(request.deadline.date.dayNumber)), .int(holder.number),
      .int(request.deadline.provisional ? 1 : 0))
  }

  private func armRuling(_ key: Int64, _ code: Int64, of request: AssistanceRequest) throws {
    guard let arbiter = request.progress.referral.flatMap({ reference.organ($0.to) }) else { return }
    let at = reference.calendar.officeMoment(from: now, region: arbiter.region)
    try db.run(ApplySQL.insertTimer, .int(at.milliseconds), .int(key), .int(code))
    noteTimer(at: at)
  }
}
