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
    /// What the broker files row by row, in the same order.
    package let fileEvents = """
      INSERT INTO filed_event (organ, seq)
      SELECT requester, seq FROM event WHERE seq > $1 UNION ALL SELECT responder, seq FROM event WHERE seq > $1
      ORDER BY 1, 2
      """
    package let fileRequests = """
      INSERT INTO filed_request (organ, role, open, request)
      SELECT requester, 0, 1, request FROM event WHERE seq > $1
      UNION ALL SELECT responder, 1, 1, request FROM event WHERE seq > $1 ORDER BY 1, 2, 3, 4
      """
    package let advance = FilingSQL.advance.rawValue
    package let subjectsThrough = "SELECT through FROM subject_run ORDER BY run DESC LIMIT 1"
    package let fileSubjects = """
      INSERT INTO filed_subject (run, id_number, request)
      SELECT (SELECT max(run) + 1 FROM subject_run), id_number, request FROM subject WHERE request > $1
      ORDER BY id_number, request ON CONFLICT DO NOTHING
      """
    /// With as many bytes as the filter has that the broker makes.
    package let finishSubjects = """
      INSERT INTO subject_run (run, through, filter)
      SELECT max(run) + 1, $1, zeroblob(\(SubjectFilter.bytes(of: StoreOptions().subjectsAtOnce))) FROM subject_run
      """
    /// Events and subjects that are filed at once.
    package let fileEvery = Filing.every
    package let fileSubjectsEvery = StoreOptions().subjectsAtOnce

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
