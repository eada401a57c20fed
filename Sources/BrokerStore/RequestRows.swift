package import BrokerDomain
internal import GRDB

/// A request as it stands in the database, with its subject.
package struct StoredRequest: Sendable {
  package let request: AssistanceRequest
  package let subject: Subject?
}

enum RequestSQL: String, CaseIterable {
  case get = """
    SELECT r.key, r.tail, r.procedure, r.state, r.version, r.requester, r.responder, r.item, r.received_at,
      r.updated_at, r.due_at, r.due_day, r.working_days, r.provisional, r.acknowledged_at, r.officer,
      r.outcome, r.content, s.kind, s.name, s.id_type, s.id_number, r.progress, r.procedure_version
    FROM request r LEFT JOIN subject s ON s.request = r.key
    WHERE r.key = $1
    """
  case version = "SELECT version FROM request WHERE key = $1 AND tail = $2"
}

extension StoredRequest {
  /// The row with this key, or nil. Callers that were given an id from outside compare its tail.
  static func load(_ key: Int64, _ db: Database, _ reference: Reference) throws -> StoredRequest? {
    try db.first(RequestSQL.get, .int(key)) { row in try StoredRequest(row, reference) }
  }

  private static func damaged(_ id: EntityID) -> StoreError {
    .damaged(file: StoreError.database, "request \(id) cannot be read")
  }

  /// Of what may be long in such a row: outcome, content and progress.
  static func bytes(_ row: SQLRow) -> Int { row.byteCount(16) + row.byteCount(17) + row.byteCount(22) }

  /// Columns in the order of `RequestSQL.get`.
  init(_ row: SQLRow, _ reference: Reference) throws {
    let id = EntityID(key: row.int(0), tail: row.int(1))
    guard let name = StateName(rawValue: row.text(3)),
      let state = AssistanceRequest.State(name: name, payload: row.optionalBytes(16)),
      let requester = reference.organ(number: row.int(5)),
      let responder = reference.organ(number: row.int(6))
    else { throw Self.damaged(id) }
    var progress: Progress?
    if let encoded = row.optionalBytes(22) {
      progress = Progress(encoded: encoded)
      if progress == nil { throw Self.damaged(id) }
    }
    request = AssistanceRequest(
      id: id, procedure: row.text(2), requester: requester.code, responder: responder.code,
      item: row.optionalText(7), receivedAt: Instant(milliseconds: row.int(8)),
      deadline: Deadline(
        at: Instant(milliseconds: row.int(10)), date: CalendarDate(dayNumber: Int(row.int(11))),
        workingDays: Int(row.int(12)), provisional: row.int(13) == 1),
      content: EncodedContent(bytes: row.bytes(17)), version: Int(row.int(4)),
      updatedAt: Instant(milliseconds: row.int(9)),
      acknowledgement: row.optionalInt(14).map {
        Acknowledgement(officer: row.optionalText(15), at: Instant(milliseconds: $0))
      },
      state: state, progress: progress, procedureVersion: Int(row.int(23)))
    if let kind = row.optionalText(18).flatMap(Subject.Kind.init(rawValue:)) {
      subject = Subject(
        kind: kind, name: row.text(19), idType: row.text(20), idNumber: row.text(21))
    } else {
      subject = nil
    }
  }
}

extension WriteContext {
  /// Nil also when the id's random part is not ours: a guess is told nothing.
  package func request(_ id: EntityID) throws -> StoredRequest? {
    guard let stored = try StoredRequest.load(id.key, db, reference), stored.request.id == id else {
      return nil
    }
    return stored
  }

  package func request(key: Int64) throws -> StoredRequest? {
    try StoredRequest.load(key, db, reference)
  }

  /// Nil also of one that cannot be read.
  /// - Parameter consequence: what is then not done for it.
  package func readableRequest(key: Int64, otherwise consequence: String) throws -> StoredRequest? {
    try damagedRows.passing(consequence) { try request(key: key) } ?? nil
  }
}

extension Store {
  package func request(_ id: EntityID) async throws(StoreError) -> StoredRequest? {
    let reference = reference
    let stored = try await readRow { db in try StoredRequest.load(id.key, db, reference) }
    return stored?.request.id == id ? stored : nil
  }
}
