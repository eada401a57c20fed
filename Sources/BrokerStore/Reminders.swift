internal import BrokerDomain
internal import GRDB

/// The timer by which people are told of a reminder (催办), as rows hold it: far above those of rulings, one for each
/// reminder, by the number of its event. A reminder leaves the version as it was, so that cannot tell two apart.
enum ReminderTimer {
  static let base: Int64 = 4_000_000

  static func code(seq: Int64) -> Int64 { (base + seq) * 10 + 1 }

  static func seq(_ code: Int64) -> Int64? { code / 10 >= base ? code / 10 - base : nil }
}

enum ReminderSQL: String, CaseIterable {
  case count = "SELECT count(*) FROM event WHERE request = $1 AND type = $2 AND actor = $3"
}

extension WriteContext {
  func checkReminders(of request: AssistanceRequest, by organ: OrganCode) throws {
    guard let number = reference.organ(organ)?.number else { return }
    let count = try db.first(
      ReminderSQL.count, .int(request.id.key), .text(EventType.reminded.rawValue), .int(number)
    ) { $0.int(0) }
    if count ?? 0 >= AssistanceRequest.maximumReminders { throw Refusal.notAllowed(.reminderLimit) }
  }

  /// A reminder is for people: the contact of the organ whose turn it is is told now, in office hours, else when people
  /// come in next. A party is told of what is sealed too.
  func tellReminded(_ request: AssistanceRequest, seq: Int64) throws {
    guard let holder = reference.organ(request.turn) else { return }
    let code = ReminderTimer.code(seq: seq)
    let at = reference.calendar.officeMoment(from: now, region: holder.region)
    guard at <= now else {
      try db.run(ApplySQL.insertTimer, .int(at.milliseconds), .int(request.id.key), .int(code))
      return noteTimer(at: at)
    }
    try db.run(
      InboxSQL.insert, .int(holder.number), .int(request.id.key), .int(code), .text(Audience.contact.rawValue),
      .int(now.milliseconds), .int(Int64(request.deadline.date.dayNumber)), .int(holder.number),
      .int(request.deadline.provisional ? 1 : 0))
  }

  /// The timer of a reminder has fired: unless the request is done or has gone to another organ since, whose reminder it
  /// is not.
  func tellStillReminded(_ request: AssistanceRequest, seq: Int64) throws {
    let reminded = try db.first(InboxSQL.reminded, .int(seq)) { $0.int(0) }
    guard request.state.name.isOpen, let reminded, reference.organ(request.turn)?.number == reminded else { return }
    try tellReminded(request, seq: seq)
  }
}
