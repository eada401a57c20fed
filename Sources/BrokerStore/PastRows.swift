internal import BrokerDomain
internal import GRDB

/// What a request was before a supplement, an extension, a return, a transfer or a disposal changed it.
struct PastRequest {
  let version: Int
  let responder: Int64
  let updatedAt: Instant
  let dueAt: Instant
  let dueDay: Int
  let workingDays: Int
  let provisional: Bool
  let acknowledgement: Acknowledgement?
  let state: AssistanceRequest.State?
  let progress: Progress?

  /// Columns in the order of `PastSQL.at`.
  init(_ row: SQLRow) {
    version = Int(row.int(0))
    responder = row.int(1)
    updatedAt = Instant(milliseconds: row.int(2))
    dueAt = Instant(milliseconds: row.int(3))
    dueDay = Int(row.int(4))
    workingDays = Int(row.int(5))
    provisional = row.int(6) == 1
    acknowledgement = row.optionalInt(7).map {
      Acknowledgement(officer: row.optionalText(8), at: Instant(milliseconds: $0))
    }
    state = StateName(rawValue: row.text(9)).flatMap {
      AssistanceRequest.State(name: $0, payload: row.optionalBytes(10))
    }
    progress = Progress(encoded: row.optionalBytes(11))
  }

  /// - Returns: false when the row was damaged.
  func restore(_ request: inout AssistanceRequest, _ reference: Reference) -> Bool {
    guard let state, let progress, let organ = reference.organ(number: responder) else { return false }
    request.version = version
    request.responder = organ.code
    request.updatedAt = updatedAt
    request.deadline = Deadline(
      at: dueAt, date: CalendarDate(dayNumber: dueDay), workingDays: workingDays, provisional: provisional)
    request.acknowledgement = acknowledgement
    request.state = state
    request.progress = progress
    return true
  }
}

extension WriteContext {
  /// Keeps what is about to be replaced. Steps that only acknowledge, answer, decline or withdraw leave nothing that an
  /// earlier event would need.
  func keepPast(of previous: AssistanceRequest, before next: AssistanceRequest) throws {
    guard previous.state.name.isPaused || next.progress != previous.progress || next.deadline != previous.deadline
    else { return }
    let deadline = previous.deadline
    try db.run(
      PastSQL.keep, .int(previous.id.key), .int(Int64(previous.version)),
      .int(reference.organ(previous.responder)?.number ?? 0), .int(previous.updatedAt.milliseconds),
      .int(deadline.at.milliseconds), .int(Int64(deadline.date.dayNumber)), .int(Int64(deadline.workingDays)),
      .int(deadline.provisional ? 1 : 0), .optionalInt(previous.acknowledgement?.at.milliseconds),
      .optionalText(previous.acknowledgement?.officer), .text(previous.state.name.rawValue),
      .optionalUTF8(previous.state.payload), .optionalUTF8(previous.progress.encoded))
  }
}

enum PastSQL: String, CaseIterable {
  case keep = """
    INSERT INTO request_past (request, version, responder, updated_at, due_at, due_day, working_days, provisional,
      acknowledged_at, officer, state, outcome, progress)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    """
  case at = """
    SELECT version, responder, updated_at, due_at, due_day, working_days, provisional, acknowledged_at, officer, state,
      outcome, progress
    FROM request_past WHERE request = $1 AND version >= $2 ORDER BY version LIMIT 1
    """
}
