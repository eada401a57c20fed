internal import BrokerDomain
internal import GRDB

/// Who used which key with what: the fingerprint is the SHA-256 of method, path and body.
package struct IdempotencyClaim: Sendable {
  /// Organ number; 0 for an operator.
  package let principal: Int64
  package let key: String
  package let fingerprint: [UInt8]

  package init(principal: Int64, key: String, fingerprint: [UInt8]) {
    self.principal = principal
    self.key = key
    self.fingerprint = fingerprint
  }
}

/// The answer to a command, as it is kept for its repetition. The subject is left out of `body` (a null stands in its
/// place) and put back on replay: personal data stays in its own table.
package struct KeptReply: Sendable {
  package let status: Int
  package let request: Int64?
  /// `Name: value` lines.
  package let headers: [String]
  package let body: [UInt8]

  package init(status: Int, request: Int64?, headers: [String], body: [UInt8]) {
    self.status = status
    self.request = request
    self.headers = headers
    self.body = body
  }
}

enum IdempotencySQL: String, CaseIterable {
  case find = """
    SELECT fingerprint, status, request, headers, body FROM idempotency WHERE principal = $1 AND key = $2
    """
  case insert = """
    INSERT INTO idempotency (principal, key, fingerprint, status, request, headers, body, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    """
}

extension KeptReply {
  static func find(_ claim: IdempotencyClaim, _ db: Database, _ reference: Reference) throws -> KeptReply? {
    let found = try db.first(IdempotencySQL.find, .int(claim.principal), .text(claim.key)) { row in
      (
        row.bytes(0),
        KeptReply(
          status: Int(row.int(1)), request: row.optionalInt(2),
          headers: row.text(3).split(separator: "\n").map(String.init), body: row.bytes(4))
      )
    }
    guard let (fingerprint, reply) = found else { return nil }
    guard fingerprint == claim.fingerprint else { throw StoreError.idempotencyConflict }
    guard let key = reply.request, let subject = try StoredRequest.load(key, db, reference)?.subject
    else { return reply }
    return KeptReply(
      status: reply.status, request: key, headers: reply.headers,
      body: Representation.restore(subject, in: reply.body))
  }
}

extension WriteContext {
  /// The reply that was given the first time, or nil. Throws `idempotencyConflict` when the call was another.
  package func replay(_ claim: IdempotencyClaim) throws -> KeptReply? {
    try KeptReply.find(claim, db, reference)
  }

  package func keep(_ reply: KeptReply, for claim: IdempotencyClaim) throws {
    try db.run(
      IdempotencySQL.insert, .int(claim.principal), .text(claim.key), .blob(claim.fingerprint),
      .int(Int64(reply.status)), .optionalInt(reply.request),
      .text(reply.headers.joined(separator: "\n")), .blob(reply.body), .int(now.milliseconds))
  }
}

extension Store {
  /// For a body that no longer passes the checks it once passed: its first answer still stands.
  package func replay(_ claim: IdempotencyClaim) async throws(StoreError) -> KeptReply? {
    let reference = reference
    return try await read { db in try KeptReply.find(claim, db, reference) }
  }
}
