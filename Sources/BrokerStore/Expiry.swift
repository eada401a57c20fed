internal import BrokerDomain
internal import GRDB

/// What is owed to an endpoint that is switched off stays in its queue and goes out when it is switched on again. Nobody
/// tries it meanwhile, so nothing would ever end it: the sweep does, when the time for which a message is tried is over.
enum ExpirySQL: String, CaseIterable {
  /// By request, oldest first: a request's key is its moment, so a younger one than `$1` has nothing that is old enough.
  case expired = """
    SELECT o.endpoint, o.request, o.seq FROM endpoint n CROSS JOIN outbox o ON o.endpoint = n.key
    WHERE n.enabled = 0 AND n.deleted_at IS NULL AND o.request < $1 AND o.created_at < $2 LIMIT $3
    """
  case isOff = "SELECT 1 FROM endpoint WHERE key = $1 AND enabled = 0 AND deleted_at IS NULL"
  case row = """
    SELECT next_at, created_at, attempts, last_at, last_status, delivered_at FROM outbox
    WHERE endpoint = $1 AND request = $2 AND seq = $3
    """
}

extension Store {
  /// Rows of one transaction, and of one sweep: a queue of a hundred thousand must not hold the writer up.
  private static let expiryGroup = 256
  private static let expirySweep = 1024

  /// Gives up what an endpoint that is switched off was owed for longer than `seconds`.
  /// - Returns: how many were given up; 1024 at most, the next sweep takes the others.
  @discardableResult
  package func expire(olderThanSeconds seconds: Int) async throws(StoreError) -> Int {
    let before = clock.now.milliseconds - Int64(seconds) * 1000
    var total = 0
    while before > 0, total < Self.expirySweep {
      let rows = try await read { db in
        try db.all(ExpirySQL.expired, .int(before << 12), .int(before), .int(Int64(Self.expiryGroup))) {
          (endpoint: $0.int(0), request: $0.int(1), seq: $0.int(2))
        }
      }
      guard !rows.isEmpty else { return total }
      let count = try await write { context in
        try rows.count { try context.expire(endpoint: $0.endpoint, request: $0.request, seq: $0.seq) }
      }
      // None: they were switched on or deleted meanwhile.
      guard count > 0 else { return total }
      total += count
    }
    return total
  }
}

extension WriteContext {
  fileprivate func expire(endpoint: Int64, request: Int64, seq: Int64) throws -> Bool {
    guard try db.isOff(endpoint) else { return false }
    let found = try db.first(ExpirySQL.row, .int(endpoint), .int(request), .int(seq)) { row in
      (
        at: row.int(0), created: row.int(1), attempts: row.int(2), last: row.optionalInt(3),
        status: row.optionalInt(4), delivered: row.optionalInt(5)
      )
    }
    guard let found else { return false }
    try db.run(OutboxSQL.delete, .int(endpoint), .int(found.at), .int(seq))
    try db.run(
      OutboxSQL.finish, .int(endpoint), .int(seq), .text("dead"), .int(request), .int(found.created),
      .int(found.last ?? now.milliseconds), .int(found.attempts), .optionalInt(found.status),
      .text("停用期间逾期未投 / the endpoint was switched off until its time was over"), .optionalUTF8(nil),
      .optionalInt(found.delivered))
    try watchResult(seq: seq, endpoint: endpoint, isGivenUp: true)
    try promote(endpoint: endpoint, request: request)
    return true
  }
}
