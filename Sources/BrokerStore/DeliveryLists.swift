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

/// A page is cut before it is joined: a queue may be a hundred thousand long, and none of it has a place on the page but the
/// newest. Newest first by seq; `$1` endpoint, `$2` and `$3` seq (both exclusive), the last one the limit.
enum DeliverySQL: String, CaseIterable {
  case pending = """
    SELECT seq FROM outbox WHERE endpoint = $1 AND seq < $2 AND seq > $3 ORDER BY seq DESC LIMIT $4
    """
  case finished = """
    SELECT seq FROM delivery WHERE endpoint = $1 AND seq < $2 AND seq > $3 AND ($4 IS NULL OR state = $4)
    ORDER BY seq DESC LIMIT $5
    """
  case dead = """
    SELECT seq FROM delivery WHERE endpoint = $1 AND seq < $2 AND seq > $3 AND state = 'dead'
    ORDER BY seq DESC LIMIT $4
    """
  /// By way of the event, which knows the request: the queue has no order by seq alone.
  case onePending = """
    SELECT o.endpoint, n.tail, o.seq, e.at, e.type, o.request, r.tail, 'pending', o.attempts, o.created_at, o.next_at,
      o.last_at, o.last_status, o.last_error
    FROM event e CROSS JOIN outbox o ON o.endpoint = $1 AND o.request = e.request AND o.seq = e.seq
      CROSS JOIN endpoint n ON n.key = o.endpoint CROSS JOIN request r ON r.key = o.request
    WHERE e.seq = $2 AND n.deleted_at IS NULL
    """
  /// With whether it is deleted: then nothing is owed to it, whatever its queue has.
  case endpointsOf = "SELECT key, deleted_at IS NOT NULL FROM endpoint WHERE organ = $1 ORDER BY key"
  case allEndpoints = "SELECT key, deleted_at IS NOT NULL FROM endpoint ORDER BY key"
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
        try organ.map { try db.all(DeliverySQL.endpointsOf, .int($0)) { ($0.int(0), $0.int(1) == 1) } }
        ?? db.all(DeliverySQL.allEndpoints) { ($0.int(0), $0.int(1) == 1) }
      if let endpoint { endpoints = endpoints.filter { $0.0 == endpoint } }
      var places: [DeliveryPlace] = []
      for (key, isDeleted) in endpoints where !isDeleted || state != .pending {
        let bounds = DeliveryBounds(
          before: cursor?.bound(key) ?? .max, after: places.count > limit ? places[limit].seq - 1 : -1)
        places += try db.places(of: key, state, isDeleted: isDeleted, bounds, limit: limit + 1)
        places.sort(by: >)
        places.removeLast(max(0, places.count - limit - 1))
      }
      let last = places.count > limit ? places[limit - 1] : nil
      return DeliveryPage(
        items: try places.prefix(limit).compactMap { try db.delivery(at: $0) },
        next: last.map { DeliveryCursor(seq: $0.seq, endpoint: $0.endpoint) })
    }
  }
}

/// Where a delivery stands in the list.
private struct DeliveryPlace: Comparable {
  let seq: Int64
  let endpoint: Int64
  let isPending: Bool

  static func < (a: Self, b: Self) -> Bool { (a.seq, a.endpoint) < (b.seq, b.endpoint) }
}

/// What a page has room for: sequence numbers between these. What other endpoints have filled it with is newer than the rest
/// of this one.
private struct DeliveryBounds {
  let before: Int64
  let after: Int64
}

extension Database {
  fileprivate func places(
    of endpoint: Int64, _ state: Delivery.State?, isDeleted: Bool, _ bounds: DeliveryBounds, limit: Int
  ) throws -> [DeliveryPlace] {
    let (before, after, count) = (SQLValue.int(bounds.before), SQLValue.int(bounds.after), SQLValue.int(Int64(limit)))
    var places: [DeliveryPlace] = []
    if !isDeleted, state == nil || state == .pending {
      places += try all(DeliverySQL.pending, .int(endpoint), before, after, count) {
        DeliveryPlace(seq: $0.int(0), endpoint: endpoint, isPending: true)
      }
    }
    if state == .dead {
      places += try all(DeliverySQL.dead, .int(endpoint), before, after, count) {
        DeliveryPlace(seq: $0.int(0), endpoint: endpoint, isPending: false)
      }
    } else if state != .pending {
      places += try all(
        DeliverySQL.finished, .int(endpoint), before, after, .optionalText(state?.rawValue), count
      ) { DeliveryPlace(seq: $0.int(0), endpoint: endpoint, isPending: false) }
    }
    return places
  }

  fileprivate func delivery(at place: DeliveryPlace) throws -> Delivery? {
    let (endpoint, seq) = (SQLValue.int(place.endpoint), SQLValue.int(place.seq))
    guard place.isPending else { return try first(TraceSQL.one, endpoint, seq) { Delivery($0) } }
    return try first(DeliverySQL.onePending, endpoint, seq) { Delivery($0) }
  }
}

extension WriteContext {
  /// One that is in the queue.
  package func pendingDelivery(endpoint: Int64, seq: Int64) throws -> Delivery? {
    try db.first(DeliverySQL.onePending, .int(endpoint), .int(seq)) { Delivery($0) }
  }
}
