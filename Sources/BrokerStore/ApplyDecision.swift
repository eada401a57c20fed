package import BrokerDomain
internal import GRDB

/// The only code that writes request, event, timer and outbox rows: a decision goes in whole, inside the caller's
/// transaction, or not at all.
extension WriteContext {
  /// - Parameters:
  ///   - previous: the request before the decision; nil when the decision opens it.
  ///   - subject: of a new request.
  ///   - trace: the W3C `traceparent` under which it happened; callbacks continue it.
  ///   - data: that of the event as JSON, where it is known.
  /// - Returns: the event's sequence number.
  @discardableResult
  package func apply(
    _ decision: Decision, previous: AssistanceRequest?, subject: Subject? = nil,
    trace: String? = nil, data: [UInt8]? = nil
  ) throws -> Int64 {
    let request = decision.request
    guard let requester = reference.organ(request.requester)?.number,
      let responder = reference.organ(request.responder)?.number
    else { throw StoreError.unexpected("a party of \(request.id) is not in the directory") }
    if previous == nil {
      try insert(request, requester: requester, responder: responder)
      if let subject { try insert(subject, of: request.id.key) }
      count(request.procedure, request.state.name.rawValue, 1)
    } else if let previous, previous.version != request.version {
      // A rung and a reminder are told, and change nothing.
      try keepPast(of: previous, before: request)
      try update(request, responder: responder, previous: previous)
    }
    return try record(
      decision, previous: previous, requester: requester, responder: responder, trace: trace, data: data)
  }

  /// Moves a deadline as it was worked out beside the writer.
  /// - Parameter progress: of the row as it was read; it changes without a new version where only one organ knows of it.
  /// - Returns: false, and nothing is written, when the request is no longer as it was read.
  func applyMove(_ decision: Decision, previous: AssistanceRequest, progress: [UInt8]?) throws -> Bool {
    let (request, deadline) = (decision.request, decision.request.deadline)
    guard let requester = reference.organ(request.requester)?.number,
      let responder = reference.organ(request.responder)?.number
    else { throw StoreError.unexpected("a party of \(request.id) is not in the directory") }
    try db.run(
      ApplySQL.moveDeadline, .int(request.updatedAt.milliseconds), .int(deadline.at.milliseconds),
      .int(Int64(deadline.date.dayNumber)), .int(Int64(deadline.workingDays)), .int(deadline.provisional ? 1 : 0),
      .optionalUTF8(request.progress.encoded), .int(request.id.key), .int(Int64(previous.version)),
      .optionalUTF8(progress))
    guard db.changesCount == 1 else { return false }
    try keepPast(of: previous, before: request)
    try record(decision, previous: previous, requester: requester, responder: responder, trace: nil)
    return true
  }

  /// What a decision leaves besides the request's own row.
  @discardableResult
  private func record(
    _ decision: Decision, previous: AssistanceRequest?, requester: Int64, responder: Int64, trace: String?,
    data: [UInt8]? = nil
  ) throws -> Int64 {
    let request = decision.request
    if let previous, previous.state.name != request.state.name {
      count(request.procedure, previous.state.name.rawValue, -1)
      count(request.procedure, request.state.name.rawValue, 1)
    }
    if let previous, !request.isClockRunning || request.progress.leg != previous.progress.leg,
      try wasOverdue(previous)
    {
      count(request.procedure, Self.overdueTally, -1)
    }
    // What was sent late is late for ever, and owed by nobody.
    if decision.event.rung == .overdue, request.isClockRunning { count(request.procedure, Self.overdueTally, 1) }
    let seq = try append(
      decision.event, of: request, requester: requester, responder: responder, trace: trace,
      data: data ?? decision.event.data.bytes)
    var audience = requester == responder ? [requester] : [requester, responder]
    for code in decision.alsoTell {
      guard let number = reference.organ(code)?.number, !audience.contains(number) else { continue }
      try db.run(ApplySQL.insertAudience, .int(number), .int(seq))
      audience.append(number)
    }
    if let timer = decision.timer {
      try arm(timer, of: request.id.key)
    }
    if let previous { try tellSuccessor(of: previous, request) }
    if request.progress.referral != nil, previous?.progress.referral == nil { try askForRuling(request) }
    if decision.event.type == .reminded, decision.event.actor != .organ(request.turn) {
      try tellReminded(request, seq: seq)
    }
    try owe(decision.event, seq: seq, request: request.id.key, to: audience)
    let isTimed = reference.procedure(of: request)?.ladder.contains(.overdue) ?? false
    note(
      .init(
        request: request.id.key, version: request.version, seq: seq, organs: audience,
        mayBeOverdue: previous != nil || !isTimed))
    return seq
  }

  static let overdueTally = "overdue"

  private func insert(_ request: AssistanceRequest, requester: Int64, responder: Int64) throws {
    let deadline = request.deadline
    try db.run(
      ApplySQL.insertRequest, .int(request.id.key), .int(request.id.tail), .text(request.procedure),
      .text(request.state.name.rawValue), .int(1), .int(Int64(request.version)), .int(requester),
      .int(responder), .optionalText(request.item), .optionalText(request.content.reference),
      .int(request.receivedAt.milliseconds), .int(request.updatedAt.milliseconds),
      .int(deadline.at.milliseconds), .int(Int64(deadline.date.dayNumber)),
      .int(Int64(deadline.workingDays)), .int(deadline.provisional ? 1 : 0),
      .optionalUTF8(request.progress.encoded), .utf8(request.content.bytes),
      .int(Int64(request.procedureVersion)))
  }

  /// Keeps what is known to one organ only: nobody is told, and the version stays as it was.
  func amend(_ request: AssistanceRequest) throws {
    try db.run(
      ApplySQL.updateProgress, .optionalUTF8(request.progress.encoded), .int(request.id.key),
      .int(Int64(request.version)))
    guard db.changesCount == 1 else {
      throw StoreError.unexpected("request \(request.id) changed under its own writer")
    }
    noteAmended(request.id.key)
  }

  private func insert(_ subject: Subject, of request: Int64) throws {
    try db.run(
      ApplySQL.insertSubject, .int(request), .text(subject.kind.rawValue), .text(subject.name),
      .text(subject.idType), .text(subject.idNumber))
    note(subject, of: request)
  }

  private func update(_ request: AssistanceRequest, responder: Int64, previous: AssistanceRequest) throws {
    let deadline = request.deadline
    try db.run(
      ApplySQL.updateRequest, .text(request.state.name.rawValue), .int(request.state.name.isOpen ? 1 : 0),
      .int(request.updatedAt.milliseconds), .optionalInt(request.acknowledgement?.at.milliseconds),
      .optionalText(request.acknowledgement?.officer), .optionalUTF8(request.state.payload),
      .int(deadline.at.milliseconds), .int(Int64(deadline.date.dayNumber)),
      .int(Int64(deadline.workingDays)), .int(deadline.provisional ? 1 : 0),
      .optionalUTF8(request.progress.encoded), .int(request.id.key), .int(Int64(previous.version)))
    guard db.changesCount == 1 else {
      throw StoreError.unexpected("request \(request.id) changed under its own writer")
    }
    if request.responder != previous.responder {
      try db.run(ApplySQL.handOver, .int(responder), .int(request.id.key))
    }
  }

  private func append(
    _ event: Event, of request: AssistanceRequest, requester: Int64, responder: Int64,
    trace: String?, data: [UInt8]
  ) throws -> Int64 {
    var actor: Int64?
    if case .organ(let code) = event.actor { actor = reference.organ(code)?.number }
    try db.run(
      ApplySQL.insertEvent, .int(request.id.key), .int(Int64(event.version)),
      .text(event.type.rawValue), .text(event.state.rawValue), .int(event.at.milliseconds),
      .optionalInt(actor), .int(requester), .int(responder),
      .optionalInt(event.rung.map { Int64(RungCode($0, leg: event.leg).code) }), .utf8(data),
      .optionalText(trace))
    clock.passed(event.at)
    let seq = db.lastInsertedRowID
    unfiledEvents?.append(
      UnfiledEvent(
        seq: seq, request: request.id.key, requester: requester, responder: responder, type: event.type,
        isRung: event.rung != nil, isLate: request.isSentLate))
    return seq
  }

  func arm(_ timer: LadderTimer, of request: Int64) throws {
    try db.run(
      ApplySQL.insertTimer, .int(timer.at.milliseconds), .int(request),
      .int(Int64(RungCode(timer.rung, leg: timer.leg).code)))
    noteTimer(at: timer.at)
  }

  /// Writes a queue row for every endpoint that is owed the event, also where the broker has switched it off. A row whose
  /// request still has an earlier one in the same queue waits for it: order per request and endpoint.
  private func owe(_ event: Event, seq: Int64, request: Int64, to organs: [Int64]) throws {
    for organ in organs {
      for target in try targets(of: organ) where target.wants(event.type.rawValue) {
        if target.standing != .off {
          // A due time that is not its own moment tells, when it arrives, that it may have been watched.
          let due = event.at.milliseconds + (target.standing == .on ? 0 : 1)
          try db.run(
            ApplySQL.insertOutbox, .int(target.key), .int(request), .int(due), .int(seq), .int(event.at.milliseconds))
        }
        // What it waits for may not get through for days.
        if event.type.isResult, try target.standing != .on || isWaiting(seq, request, target.key) {
          try watchResult(seq: seq, endpoint: target.key, isGivenUp: false)
        }
        if target.standing == .on { noteDelivery(to: target.key) }
      }
    }
  }

  private func isWaiting(_ seq: Int64, _ request: Int64, _ endpoint: Int64) throws -> Bool {
    let at = try db.first(ApplySQL.outboxMoment, .int(endpoint), .int(request), .int(seq)) { $0.int(0) }
    return at == OutboxRow.waiting
  }

  /// The overdue rung of its present clock has fired. Only looked up when the due moment has passed.
  private func wasOverdue(_ request: AssistanceRequest) throws -> Bool {
    guard request.isClockRunning, now >= request.deadline.at else { return false }
    let code = RungCode(.overdue, leg: request.progress.leg).code
    return try db.first(ApplySQL.hasRung, .int(request.id.key), .int(Int64(code))) { _ in true } ?? false
  }
}

enum ApplySQL: String, CaseIterable {
  case insertRequest = """
    INSERT INTO request (key, tail, procedure, state, open, version, requester, responder, item, reference,
      received_at, updated_at, due_at, due_day, working_days, provisional, progress, content, procedure_version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
    """
  case insertSubject = """
    INSERT INTO subject (request, kind, name, id_type, id_number) VALUES ($1, $2, $3, $4, $5)
    """
  /// Without the organs: to change a column that refers to another table SQLite keeps a journal for the statement.
  case updateRequest = """
    UPDATE request SET version = version + 1, state = $1, open = $2, updated_at = $3, acknowledged_at = $4,
      officer = $5, outcome = $6, due_at = $7, due_day = $8, working_days = $9, provisional = $10, progress = $11
    WHERE key = $12 AND version = $13
    """
  case handOver = "UPDATE request SET responder = $1 WHERE key = $2"
  case moveDeadline = """
    UPDATE request SET version = version + 1, updated_at = $1, due_at = $2, due_day = $3, working_days = $4,
      provisional = $5, progress = $6
    WHERE key = $7 AND version = $8 AND progress IS NOT DISTINCT FROM $9
    """
  case updateProgress = "UPDATE request SET progress = $1 WHERE key = $2 AND version = $3"
  case insertEvent = """
    INSERT INTO event (request, version, type, state, at, actor, requester, responder, rung, data, trace)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    """
  case insertAudience = "INSERT INTO filed_event (organ, seq) VALUES ($1, $2)"
  /// A rung that is armed already stays armed: one row too many must not stop all timers.
  case insertTimer = "INSERT INTO timer (due_at, request, rung) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
  /// `OutboxRow.waiting` where an earlier one of the request is in the queue. Does not return what it has put there:
  /// for that SQLite makes a table each time, and few ask.
  case insertOutbox = """
    INSERT INTO outbox (endpoint, next_at, seq, request, created_at) VALUES ($1,
      CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE endpoint = $1 AND request = $2) THEN 9223372036854775807 ELSE $3 END,
      $4, $2, $5)
    """
  case outboxMoment = "SELECT next_at FROM outbox WHERE endpoint = $1 AND request = $2 AND seq = $3"
  case hasRung = "SELECT 1 FROM event WHERE request = $1 AND rung = $2 AND rung IS NOT NULL"
}
