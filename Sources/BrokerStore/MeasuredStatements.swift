/// The statements of the two hot paths by name, for programs that do the same rows without the broker: what a limit is
/// measured with is what the broker writes.
extension Statements {
  /// Of one submission, and of the filing that some hundreds of them share.
  package struct Submission: Sendable {
    package let request = ApplySQL.insertRequest.rawValue
    package let subject = ApplySQL.insertSubject.rawValue
    package let event = ApplySQL.insertEvent.rawValue
    package let timer = ApplySQL.insertTimer.rawValue
    package let idempotency = IdempotencySQL.insert.rawValue
    package let openTally = BatchSQL.openTally.rawValue
    package let tally = BatchSQL.tally.rawValue
    package let filedThrough = FilingSQL.through.rawValue
    package let fileEvents = FilingSQL.events.rawValue
    package let fileRequests = FilingSQL.requests.rawValue
    package let fileSubjects = FilingSQL.subjects.rawValue
    package let advance = FilingSQL.advance.rawValue
    /// Events that are filed at once.
    package let fileEvery = Filing.every

    package init() {}
  }

  /// Of one message that is taken, sent and recorded.
  package struct Delivery: Sendable {
    package let due = OutboxSQL.due.rawValue
    package let take = OutboxSQL.delete.rawValue
    package let finish = OutboxSQL.finish.rawValue

    package init() {}
  }
}
