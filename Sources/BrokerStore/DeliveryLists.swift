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

  fileprivate init(_ row: SQLRow) {
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
    lastAttemptAt = row.optionalInt(11).map { Instant(milliseconds: $0) }
    lastStatus = row.optionalInt(12).map { Int($0) }
    lastError = row.optionalText(13)
  }
}

/// Newest first by (seq, endpoint). `$1` endpoint, `$2` seq cursor (exclusive), `$3` limit.
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
  case endpointsOf = "SELECT key FROM endpoint WHERE organ = $1 ORDER BY key"
  case allEndpoints = "SELECT key FROM endpoint ORDER BY key"
  case findPending = "SELECT next_at FROM outbox WHERE endpoint = $1 AND seq = $2"
  case findFinished = "SELECT request FROM delivery WHERE endpoint = $1 AND seq = $2"
  case forget = "DELETE FROM delivery WHERE endpoint = $1 AND seq = $2"
  case owner = "SELECT organ FROM endpoint WHERE key = $1 AND deleted_at IS NULL"
  case replayable = """
    SELECT e.seq, e.request, e.type FROM event e
    WHERE e.seq > $1 AND (e.requester = $2 OR e.responder = $2 OR EXISTS (
      SELECT 1 FROM filed_event a WHERE a.organ = $2 AND a.seq = e.seq))
    ORDER BY e.seq LIMIT $3
    """
  case isQueued = "SELECT 1 FROM outbox WHERE endpoint = $1 AND request = $2 AND seq = $3"
}

extension Store {
  /// - Parameter organ: nil for the operator, who sees the machinery of all.
  package func deliveries(
    organ: Int64?, endpoint: Int64?, state: Delivery.State?, cursor: Int64?, limit: Int
  ) async throws(StoreError) -> Page<Delivery> {
    try await read { db in
      var endpoints =
        try organ.map { try db.all(DeliverySQL.endpointsOf, .int($0)) { $0.int(0) } }
        ?? db.all(DeliverySQL.allEndpoints) { $0.int(0) }
      if let endpoint { endpoints = endpoints.filter { $0 == endpoint } }
      var rows: [Delivery] = []
      let (before, count) = (SQLValue.int(cursor ?? .max), SQLValue.int(Int64(limit + 1)))
      for key in endpoints {
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
      guard rows.count > limit else { return Page(items: rows, next: nil) }
      // A page never splits the deliveries of one event, so the sequence number alone is the cursor.
      var page = Array(rows.prefix(limit))
      while page.count < rows.count, rows[page.count].seq == page[page.count - 1].seq {
        page.append(rows[page.count])
      }
      return Page(items: page, next: page.count < rows.count ? page.last?.seq : nil)
    }
  }
}

extension WriteContext {
  /// Makes a dead delivery pending again, or a pending one due at once; one that arrived is sent once more, for a receiver
  /// that has lost it.
  /// - Parameter organ: whose it must be; nil for the operator.
  package func retry(endpoint: Int64, seq: Int64, organ: Int64?) throws {
    guard let owner = try db.first(DeliverySQL.owner, .int(endpoint), body: { $0.int(0) }),
      organ == nil || owner == organ
    else { throw StoreError.notFound }
    let now = SQLValue.int(now.milliseconds)
    let pending = try db.first(DeliverySQL.findPending, .int(endpoint), .int(seq)) { $0.int(0) }
    if let pending {
      // One that waits for an earlier message of its request goes on waiting: order before haste.
      guard pending != OutboxRow.waiting else { return }
      try db.run(OutboxSQL.move, now, .int(endpoint), .int(pending), .int(seq))
      return noteDelivery(to: endpoint)
    }
    let finished = try db.first(DeliverySQL.findFinished, .int(endpoint), .int(seq)) { $0.int(0) }
    guard let request = finished else { throw StoreError.notFound }
    try db.run(DeliverySQL.forget, .int(endpoint), .int(seq))
    try enqueue(endpoint: endpoint, seq: seq, request: request)
  }

  /// Queues the organ's events after `seq` once more, oldest first, at most `limit`.
  /// - Returns: how many were queued.
  package func replay(_ endpoint: Endpoint, after seq: Int64, limit: Int) throws -> Int {
    let events = try db.all(
      DeliverySQL.replayable, .int(seq), .int(endpoint.organ), .int(Int64(limit))
    ) { (seq: $0.int(0), request: $0.int(1), type: $0.text(2)) }
    var queued = 0
    for event in events where endpoint.events.contains("*") || endpoint.events.contains(event.type) {
      let there = try db.first(
        DeliverySQL.isQueued, .int(endpoint.id.key), .int(event.request), .int(event.seq)
      ) { _ in true }
      guard there != true else { continue }
      try db.run(DeliverySQL.forget, .int(endpoint.id.key), .int(event.seq))
      try enqueue(endpoint: endpoint.id.key, seq: event.seq, request: event.request)
      queued += 1
    }
    return queued
  }

  /// Counts its 15 days from now: the receiver asked for it now.
  private func enqueue(endpoint: Int64, seq: Int64, request: Int64) throws {
    let waits = try db.first(ApplySQL.hasEarlier, .int(endpoint), .int(request)) { _ in true }
    let at = waits == true ? OutboxRow.waiting : now.milliseconds
    try db.run(
      ApplySQL.insertOutbox, .int(endpoint), .int(at), .int(seq), .int(request),
      .int(now.milliseconds))
    noteDelivery(to: endpoint)
  }
}
