package import BrokerDomain
internal import GRDB

/// One message to one endpoint, pending or finished.
package struct Delivery: Sendable {
  package enum State: String, Sendable, CaseIterable { case pending, delivered, dead }

  package let endpoint: EntityID
  package let seq: Int64
  package let eventAt: Instant
  package let type: String
  package let request: EntityID
  package let state: State
  package let attempts: Int
  package let createdAt: Instant
  /// Nil when finished, or when it waits for an earlier message of the same request.
  package let nextAttemptAt: Instant?
  package let lastAttemptAt: Instant?
  package let lastStatus: Int?
  package let lastError: String?

  package var id: String { DerivedID.delivery(endpoint: endpoint.key, seq: seq) }
  package var event: String { DerivedID.event(seq: seq, at: eventAt) }

  /// Columns in the order of `DeliverySQL.onePending`.
  init(_ row: SQLRow) {
    endpoint = EntityID(key: row.int(0), tail: row.int(1))
    seq = row.int(2)
    eventAt = Instant(milliseconds: row.int(3))
    type = row.text(4)
    request = EntityID(key: row.int(5), tail: row.int(6))
    state = State(rawValue: row.text(7)) ?? .pending
    attempts = Int(row.int(8))
    createdAt = Instant(milliseconds: row.int(9))
    nextAttemptAt = row.optionalInt(10).flatMap {
      $0 == OutboxRow.waiting ? nil : Instant(milliseconds: $0)
    }
    // One that ran out before it was ever tried has an end and no attempt.
    lastAttemptAt = attempts == 0 ? nil : row.optionalInt(11).map { Instant(milliseconds: $0) }
    lastStatus = row.optionalInt(12).map { Int($0) }
    lastError = row.optionalText(13)
  }
}

/// Where a page of deliveries ended: they are ordered by (seq, endpoint), newest first.
package struct DeliveryCursor: Sendable, Equatable {
  package let seq: Int64
  package let endpoint: Int64

  package init(seq: Int64, endpoint: Int64) {
    self.seq = seq
    self.endpoint = endpoint
  }

  /// Nil when the text is none of ours.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0, radix: 36) }
    guard parts.count == 2, let seq = parts[0], let endpoint = parts[1], seq >= 0, endpoint >= 0 else { return nil }
    self.init(seq: seq, endpoint: endpoint)
  }

  package var text: String { "\(String(seq, radix: 36))-\(String(endpoint, radix: 36))" }

  /// What an endpoint has yet to show has a smaller sequence number than this.
  fileprivate func bound(_ key: Int64) -> Int64 { key < endpoint && seq < .max ? seq + 1 : seq }
}

package struct DeliveryPage: Sendable {
  package let items: [Delivery]
  /// Where the next page starts; nil when this one is the last.
  package let next: DeliveryCursor?
}

/// Newest first by seq. `$1` endpoint, `$2` seq (exclusive), `$3` limit.
enum DeliverySQL: String, CaseIterable {
  case pending = """
    SELECT o.endpoint, n.tail, o.seq, e.at, e.type, o.request, r.tail, 'pending', o.attempts, o.created_at, o.next_at,
      o.last_at, o.last_status, o.last_error
    FROM outbox o CROSS JOIN endpoint n ON n.key = o.endpoint CROSS JOIN event e ON e.seq = o.seq
      CROSS JOIN request r ON r.key = o.request
    WHERE o.endpoint = $1 AND o.seq < $2 ORDER BY o.seq DESC LIMIT $3
    """
  case finished = """
    SELECT d.endpoint, n.tail, d.seq, e.at, e.type, d.request, r.tail, d.state, d.attempts, d.created_at, NULL,
      d.finished_at, d.last_status, d.last_error
    FROM delivery d CROSS JOIN endpoint n ON n.key = d.endpoint CROSS JOIN event e ON e.seq = d.seq
      CROSS JOIN request r ON r.key = d.request
    WHERE d.endpoint = $1 AND d.seq < $2 AND ($3 IS NULL OR d.state = $3) ORDER BY d.seq DESC LIMIT $4
    """
  case dead = """
    SELECT d.endpoint, n.tail, d.seq, e.at, e.type, d.request, r.tail, d.state, d.attempts, d.created_at, NULL,
      d.finished_at, d.last_status, d.last_error
    FROM delivery d CROSS JOIN endpoint n ON n.key = d.endpoint CROSS JOIN event e ON e.seq = d.seq
      CROSS JOIN request r ON r.key = d.request
    WHERE d.endpoint = $1 AND d.seq < $2 AND d.state = 'dead' ORDER BY d.seq DESC LIMIT $3
    """
  /// By way of the event, which knows the request: the queue has no order by seq alone.
  case onePending = """
    SELECT o.endpoint, n.tail, o.seq, e.at, e.type, o.request, r.tail, 'pending', o.attempts, o.created_at, o.next_at,
      o.last_at, o.last_status, o.last_error
    FROM event e CROSS JOIN outbox o ON o.endpoint = $1 AND o.request = e.request AND o.seq = e.seq
      CROSS JOIN endpoint n ON n.key = o.endpoint CROSS JOIN request r ON r.key = o.request
    WHERE e.seq = $2
    """
  case endpointsOf = "SELECT key FROM endpoint WHERE organ = $1 ORDER BY key"
  case allEndpoints = "SELECT key FROM endpoint ORDER BY key"
  case organs = "SELECT key, organ FROM endpoint"
}

extension Store {
  /// The organ number of each endpoint, deleted ones' too.
  package func endpointOrgans() async throws(StoreError) -> [Int64: Int64] {
    try await read { db in
      Dictionary(uniqueKeysWithValues: try db.all(DeliverySQL.organs) { ($0.int(0), $0.int(1)) })
    }
  }

  /// - Parameter organ: nil for the operator, who sees the machinery of all.
  package func deliveries(
    organ: Int64?, endpoint: Int64?, state: Delivery.State?, cursor: DeliveryCursor?, limit: Int
  ) async throws(StoreError) -> DeliveryPage {
    try await read { db in
      var endpoints =
        try organ.map { try db.all(DeliverySQL.endpointsOf, .int($0)) { $0.int(0) } }
        ?? db.all(DeliverySQL.allEndpoints) { $0.int(0) }
      if let endpoint { endpoints = endpoints.filter { $0 == endpoint } }
      var rows: [Delivery] = []
      let count = SQLValue.int(Int64(limit + 1))
      for key in endpoints {
        let before = SQLValue.int(cursor?.bound(key) ?? .max)
        if state == nil || state == .pending {
          try db.each(DeliverySQL.pending, [.int(key), before, count]) { rows.append(Delivery($0)) }
        }
        if state == .dead {
          try db.each(DeliverySQL.dead, [.int(key), before, count]) { rows.append(Delivery($0)) }
        } else if state != .pending {
          try db.each(
            DeliverySQL.finished, [.int(key), before, .optionalText(state?.rawValue), count]
          ) { rows.append(Delivery($0)) }
        }
      }
      rows.sort { ($0.seq, $0.endpoint.key) > ($1.seq, $1.endpoint.key) }
      let page = Array(rows.prefix(limit))
      let last = rows.count > limit ? page.last : nil
      return DeliveryPage(
        items: page, next: last.map { DeliveryCursor(seq: $0.seq, endpoint: $0.endpoint.key) })
    }
  }
}

extension WriteContext {
  /// One that is in the queue.
  package func pendingDelivery(endpoint: Int64, seq: Int64) throws -> Delivery? {
    try db.first(DeliverySQL.onePending, .int(endpoint), .int(seq)) { Delivery($0) }
  }
}
