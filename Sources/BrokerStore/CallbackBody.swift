internal import BrokerDomain
internal import GRDB

/// A callback as it is sent, made anew from its event at every attempt: the same event gives the same body, however often
/// it is tried and whatever has happened to the request since.
struct CallbackMessage {
  let at: Instant
  let trace: String?
  let body: [UInt8]
  /// Nil where the body says it all.
  let cloudEvent: CloudEvent?

  /// Nil when there is no such event.
  ///
  /// The full body is for the parties as they are now. Each reading by anybody else, a supervisor or an organ that has
  /// given the request away, is on record, and what is pushed would be read unseen: they get the thin one and ask for more.
  /// - Parameter organ: who is told, by its number; nil for a party.
  static func load(
    seq: Int64, _ kind: Endpoint.Body, _ db: Database, _ reference: Reference, format: Endpoint.Format = .standard,
    to organ: Int64? = nil
  ) throws -> CallbackMessage? {
    if kind == .full, let message = try full(seq, db, reference, format, to: organ) { return message }
    return try db.first(CallbackSQL.thin, .int(seq)) { row in
      let event = CallbackEvent(seq, row, from: 11)
      // Whom it was asked of and until when may have changed since.
      let past = try event.past(row.int(0), db)
      let id = EntityID(key: row.int(0), tail: row.int(1))
      return event.message(format, id, capacity: 640) { w in event.thin(&w, row, past, reference) }
    }
  }

  /// Nil also for who is no party.
  private static func full(
    _ seq: Int64, _ db: Database, _ reference: Reference, _ format: Endpoint.Format, to organ: Int64?
  ) throws -> CallbackMessage? {
    try db.first(CallbackSQL.full, .int(seq)) { row -> CallbackMessage? in
      guard organ == nil || organ == row.int(5) || organ == row.int(6) else { return nil }
      let event = CallbackEvent(seq, row, from: 24)
      let stored = try StoredRequest(row, reference)
      let request = try event.asOf(stored.request, db, reference)
      return event.message(format, request.id, capacity: 2560) { w in
        w.string("request", request.id.description)
        w.int("seq", seq)
        let author = organ.flatMap { reference.organ(number: $0)?.code }
        Representation(request, subject: stored.subject, now: event.at, reference: reference, author: author)
          .members(&w)
      }
    } ?? nil
  }
}

/// What CloudEvents wants said of an event beside its data.
package struct CloudEvent: Sendable, Equatable {
  package let type: String
  /// RFC 3339.
  package let time: String
  /// The request's id.
  package let subject: String

  package init(type: String, time: String, subject: String) {
    self.type = type
    self.time = time
    self.subject = subject
  }
}

/// The event of a callback.
private struct CallbackEvent {
  let seq: Int64
  let type: String
  let version: Int
  let state: String
  let at: Instant
  let trace: String?

  /// Columns `first`… are type, version, state, at and trace.
  init(_ seq: Int64, _ row: SQLRow, from first: Int32) {
    self.seq = seq
    type = row.text(first)
    version = Int(row.int(first + 1))
    state = row.text(first + 2)
    at = Instant(milliseconds: row.int(first + 3))
    trace = row.optionalText(first + 4)
  }

  /// `{"type", "timestamp", "data"}` as Standard Webhooks has it, or the data alone with the rest as attributes, written
  /// into one buffer.
  func message(
    _ format: Endpoint.Format, _ request: EntityID, capacity: Int, data: (inout JSONWriter) -> Void
  ) -> CallbackMessage {
    var w = JSONWriter(capacity: capacity)
    if format == .cloudevents {
      w.object(nil, data)
      let attributes = CloudEvent(type: type, time: at.rfc3339, subject: request.description)
      return CallbackMessage(at: at, trace: trace, body: w.finish(), cloudEvent: attributes)
    }
    w.object { w in
      w.string("type", type)
      w.string("timestamp", at.rfc3339)
      w.object("data", data)
    }
    return CallbackMessage(at: at, trace: trace, body: w.finish(), cloudEvent: nil)
  }

  /// Names the request and what it is about, but nobody.
  func thin(_ w: inout JSONWriter, _ row: SQLRow, _ past: PastRequest?, _ reference: Reference) {
    let due = past?.dueAt ?? Instant(milliseconds: row.int(7))
    w.string("request", EntityID(key: row.int(0), tail: row.int(1)).description)
    w.int("seq", seq)
    w.int("version", version)
    w.string("state", state)
    w.string("procedure", row.text(2))
    for (name, number): (StaticString, Int64) in [("from", row.int(3)), ("to", past?.responder ?? row.int(4))] {
      let organ = reference.organ(number: number)
      w.object(name) { w in
        w.string("code", organ?.code.description)
        w.string("name", organ?.name)
      }
    }
    Representation.write(
      item: row.optionalText(5), at: Instant(milliseconds: row.int(0) >> 12), reference, &w)
    w.string("reference", row.optionalText(6))
    w.object("due") { w in
      w.string("at", due.rfc3339)
      w.string("date", CalendarDate(dayNumber: past?.dueDay ?? Int(row.int(8))).description)
      w.bool("overdue", at >= due && isOwed(row, past))
      w.bool("provisional", past?.provisional ?? (row.int(10) == 1))
    }
  }

  /// Whether something is owed still: a clock that was met stands, and what was returned says whether it runs on.
  private func isOwed(_ row: SQLRow, _ past: PastRequest?) -> Bool {
    let isReturned = state == StateName.returned.rawValue
    guard isReturned || StateName(rawValue: state)?.isRunning == true else { return false }
    let progress = past.map(\.progress) ?? Progress(encoded: row.optionalBytes(9))
    return progress?.metAt == nil && (!isReturned || progress?.runsOn == true)
  }

  /// The request as it was after the event: nothing that happened later shows in an earlier message, however late that
  /// is sent. Its last change was the event that brought its version about; a rung fires later and changes nothing.
  func asOf(_ request: AssistanceRequest, _ db: Database, _ reference: Reference) throws -> AssistanceRequest {
    guard request.version != version else { return request }
    var earlier = request
    if let past = try past(request.id.key, db) {
      guard past.restore(&earlier, reference) else {
        throw StoreError.damaged(file: StoreError.database, "the past of request \(request.id) cannot be read")
      }
      guard earlier.version != version else { return earlier }
    }
    let changed = try db.first(CallbackSQL.versionAt, .int(request.id.key), .int(Int64(version))) { $0.int(0) }
    earlier.version = version
    earlier.updatedAt = changed.map { Instant(milliseconds: $0) } ?? at
    // Between two rows of the past lie only steps that these two words tell.
    if state == StateName.submitted.rawValue {
      earlier.acknowledgement = nil
      earlier.state = .submitted
    } else {
      earlier.state = .acknowledged
    }
    return earlier
  }

  /// What stood at the event's version or, when that left no row, at the next one that did.
  func past(_ request: Int64, _ db: Database) throws -> PastRequest? {
    try db.first(PastSQL.at, .int(request), .int(Int64(version)), body: PastRequest.init)
  }
}

/// One statement for each message.
enum CallbackSQL: String, CaseIterable {
  case thin = """
    SELECT r.key, r.tail, r.procedure, r.requester, r.responder, r.item, r.reference, r.due_at, r.due_day,
      r.progress, r.provisional, e.type, e.version, e.state, e.at, e.trace
    FROM event e CROSS JOIN request r ON r.key = e.request WHERE e.seq = $1
    """
  /// The columns of `RequestSQL.get`, then the event's.
  case full = """
    SELECT r.key, r.tail, r.procedure, r.state, r.version, r.requester, r.responder, r.item, r.received_at,
      r.updated_at, r.due_at, r.due_day, r.working_days, r.provisional, r.acknowledged_at, r.officer,
      r.outcome, r.content, s.kind, s.name, s.id_type, s.id_number, r.progress,
      r.procedure_version, e.type, e.version, e.state, e.at, e.trace
    FROM event e CROSS JOIN request r ON r.key = e.request LEFT JOIN subject s ON s.request = r.key
    WHERE e.seq = $1
    """
  case versionAt = "SELECT min(at) FROM event WHERE request = $1 AND version = $2"
}
