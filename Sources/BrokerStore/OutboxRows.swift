package import BrokerDomain
internal import GRDB

/// One message that is due for one endpoint, ready to be sent.
package struct DueDelivery: Sendable {
  package let endpoint: Int64
  /// Where it goes: what comes of it says nothing of an address that the endpoint has been given since.
  package let url: String
  package let nextAt: Int64
  package let seq: Int64
  package let request: Int64
  package let createdAt: Instant
  /// Attempts so far.
  package let attempts: Int
  package let webhookID: String
  /// The W3C `traceparent` of the request that caused it.
  package let trace: String?
  package let body: [UInt8]
  /// For an endpoint that takes CloudEvents.
  package let cloudEvent: CloudEvent?
  /// Its first 2xx, when it is sent once more.
  package var deliveredAt: Int64?
}

/// How one attempt ended.
package struct AttemptResult: Sendable {
  package enum Verdict: Sendable, Equatable {
    case delivered
    case retry(at: Instant)
    case dead
  }

  package let delivery: DueDelivery
  package let at: Instant
  package let status: Int?
  package let error: String?
  package let verdict: Verdict
  /// What it says of the endpoint; nil for nearly all.
  package let mark: EndpointMark?
  /// Where it went and how long each part took; nil when it never left.
  package let trip: Trip?

  package init(
    delivery: DueDelivery, at: Instant, status: Int?, error: String?, verdict: Verdict,
    mark: EndpointMark? = nil, trip: Trip? = nil
  ) {
    self.delivery = delivery
    self.at = at
    self.status = status
    self.error = error
    self.verdict = verdict
    self.mark = mark
    self.trip = trip
  }
}

/// A place in an endpoint's queue: that of the last row that was taken.
package struct QueueMark: Sendable, Equatable {
  let nextAt: Int64
  let seq: Int64

  init(nextAt: Int64, seq: Int64) { (self.nextAt, self.seq) = (nextAt, seq) }
}

/// What one read of a queue found.
package struct DuePage: Sendable {
  package let due: [DueDelivery]
  /// Due as well, and their messages cannot be made: the rows of their requests are damaged. They have no body.
  package let unreadable: [DueDelivery]
  /// When the queue is due again after those; nil when nothing is left but what waits for an earlier one.
  package let nextAt: Instant?
  /// Where to read on; nil when all that was due is in this page.
  package let end: QueueMark?
}

/// How much one read of a queue takes.
package struct DueLimit: Sendable {
  package let count: Int
  /// So many go out at once, however long they are; at least one does.
  package let room: Int
  /// Of those that are held ready behind them: bytes of their bodies.
  package let bytes: Int

  package init(_ count: Int, room: Int = .max, bytes: Int = .max) {
    (self.count, self.room, self.bytes) = (count, max(1, room), bytes)
  }
}

enum OutboxRow {
  /// The due time of a row whose request has an earlier one in the same queue.
  static let waiting = Int64.max
}

enum OutboxSQL: String, CaseIterable {
  /// Endpoints with something in their queue and when its first row is due: one seek per endpoint.
  case heads = """
    WITH RECURSIVE q (endpoint) AS (
      SELECT min(endpoint) FROM outbox
      UNION ALL
      SELECT (SELECT min(o.endpoint) FROM outbox o WHERE o.endpoint > q.endpoint) FROM q WHERE q.endpoint IS NOT NULL
    )
    SELECT q.endpoint, (SELECT min(o.next_at) FROM outbox o WHERE o.endpoint = q.endpoint)
    FROM q WHERE q.endpoint IS NOT NULL
    """
  case nextDue = """
    SELECT next_at FROM outbox WHERE endpoint = $1 AND next_at > $2 ORDER BY next_at LIMIT 1
    """
  /// Without the event, so that rows that are on their way already cost no look-up of theirs.
  case due = """
    SELECT next_at, seq, request, created_at, attempts, delivered_at FROM outbox
    WHERE endpoint = $1 AND (next_at, seq) > ($2, $3) AND next_at <= $4 ORDER BY next_at, seq LIMIT $5
    """
  case isOn = "SELECT 1 FROM endpoint WHERE key = $1 AND enabled = 1"
  case delete = "DELETE FROM outbox WHERE endpoint = $1 AND next_at = $2 AND seq = $3"
  case finish = """
    INSERT INTO delivery (endpoint, seq, state, request, created_at, finished_at, attempts, last_status, last_error,
      trip, delivered_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (endpoint, seq) DO UPDATE SET state = excluded.state, finished_at = excluded.finished_at,
      attempts = excluded.attempts, last_status = excluded.last_status, last_error = excluded.last_error,
      trip = excluded.trip, delivered_at = excluded.delivered_at
    """
  case requeue = """
    INSERT INTO outbox (endpoint, next_at, seq, request, created_at, attempts, last_at, last_status, last_error,
      delivered_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    """
  case successor = """
    SELECT seq, next_at FROM outbox WHERE endpoint = $1 AND request = $2 ORDER BY seq LIMIT 1
    """
  case move = "UPDATE outbox SET next_at = $1 WHERE endpoint = $2 AND next_at = $3 AND seq = $4"
  case lease = """
    UPDATE endpoint SET lease_owner = $1, lease_until = $2
    WHERE key = $3 AND (lease_owner IS NULL OR lease_owner = $1 OR lease_until < $4)
    """
  /// At start: the daemon's lock says that no other dispatcher lives, so what a lease still names is a dead one.
  case releaseLeases = "UPDATE endpoint SET lease_owner = NULL, lease_until = NULL WHERE lease_owner IS NOT NULL"
  /// What waits for an endpoint that is switched off is no delay of ours, so the oldest is that of the others, and it is
  /// counted by itself.
  case depth = """
    SELECT count(CASE WHEN n.enabled = 1 THEN 1 END), min(CASE WHEN n.enabled = 1 THEN o.created_at END),
      count(CASE WHEN n.enabled = 0 THEN 1 END)
    FROM endpoint n CROSS JOIN outbox o ON o.endpoint = n.key WHERE n.deleted_at IS NULL
    """
}

extension Store {
  /// Endpoints that have anything queued, with the moment at which the first of it is due.
  package func queueHeads() throws(StoreError) -> [(endpoint: Int64, at: Instant)] {
    try readNow { db in
      try db.all(OutboxSQL.heads) { ($0.int(0), Instant(milliseconds: $0.int(1))) }
    }
  }

  /// The next messages for one endpoint that are due, in order, with their bodies. None while it is off: what comes then must
  /// be known not to be on the wire.
  /// - Parameters:
  ///   - outstanding: sequence numbers that are on their way already; their rows are still there.
  ///   - mark: where the page before ended, while those before it need not be looked at: a long queue is read on and on,
  ///     past rows that are on their way. Nil reads from the beginning.
  package func dueDeliveries(
    _ endpoint: Endpoint, outstanding: Set<Int64>, after mark: QueueMark? = nil, limit: DueLimit
  ) throws(StoreError) -> DuePage {
    let (reference, damagedRows) = (reference, damagedRows)
    let now = clock.now
    return try readPage { db in
      guard try db.first(OutboxSQL.isOn, .int(endpoint.id.key), body: { _ in true }) == true else {
        return DuePage(due: [], unreadable: [], nextAt: nil, end: nil)
      }
      if let mark {
        let rows = try db.due(endpoint, outstanding, after: mark, now, limit: limit, reference, damagedRows)
        if rows.mayBeMore { return DuePage(due: rows.due, unreadable: rows.unreadable, nextAt: now, end: rows.last) }
      }
      let rows = try db.due(endpoint, outstanding, after: nil, now, limit: limit, reference, damagedRows)
      if rows.mayBeMore { return DuePage(due: rows.due, unreadable: rows.unreadable, nextAt: now, end: rows.last) }
      let next = try db.first(OutboxSQL.nextDue, .int(endpoint.id.key), .int(now.milliseconds)) {
        $0.int(0)
      }
      let nextAt = next == OutboxRow.waiting ? nil : next.map { Instant(milliseconds: $0) }
      return DuePage(due: rows.due, unreadable: rows.unreadable, nextAt: nextAt, end: nil)
    }
  }

  package func endpoint(key: Int64) throws(StoreError) -> Endpoint? {
    try readNow { db in try Endpoint.load(key: key, db, vault) }
  }

  /// How many messages wait for endpoints that are switched on, and since when the oldest does; and how many are kept for
  /// those that are off.
  package func outboxDepth() async throws(StoreError) -> (count: Int, oldest: Instant?, held: Int) {
    try await read { db in
      try db.first(OutboxSQL.depth) {
        (Int($0.int(0)), $0.optionalInt(1).map { Instant(milliseconds: $0) }, Int($0.int(2)))
      } ?? (0, nil, 0)
    }
  }
}

/// Rows of a queue as they were read.
private struct DueRows {
  var due: [DueDelivery] = []
  var unreadable: [DueDelivery] = []
  var last: QueueMark?
  /// A full page means that more may be due at once, and so does one that was cut short.
  var mayBeMore = false
  var count: Int { due.count + unreadable.count }
}

extension Database {
  /// Up to `limit` rows after `mark` that are due and not on their way. From the beginning, those that are lie before them.
  /// A row whose message cannot be made holds up its own request alone. Where the queue itself cannot be read, that holds
  /// up what is behind and nothing before: it cuts the page, or is told of as the first. So does a message for whose body
  /// there is no room.
  fileprivate func due(
    _ endpoint: Endpoint, _ outstanding: Set<Int64>, after mark: QueueMark?, _ now: Instant, limit: DueLimit,
    _ reference: Reference, _ damagedRows: DamagedRows
  ) throws -> DueRows {
    var (rows, bytes, isCut) = (DueRows(), limit.bytes, false)
    rows.due.reserveCapacity(limit.count)
    let most = mark == nil ? outstanding.count + limit.count : limit.count
    let place: [SQLValue] = [
      .int(endpoint.id.key), .int(mark?.nextAt ?? .min), .int(mark?.seq ?? .min), .int(now.milliseconds),
      .int(Int64(most)),
    ]
    do {
      try each(OutboxSQL.due, place) { row in
        let seq = row.int(1)
        guard !isCut, rows.count < limit.count, !outstanding.contains(seq) else { return }
        let message = try damagedRows.passing("event \(seq) is not sent to endpoint \(endpoint.id)") {
          let message = try CallbackMessage.load(
            seq: seq, endpoint.body, self, reference, format: endpoint.format, to: endpoint.organ)
          guard let message else { throw StoreError.unexpected("event \(seq) is missing") }
          return message
        }
        if let message, rows.due.count >= limit.room {
          bytes -= message.body.count
          isCut = bytes < 0
        }
        guard !isCut else { return }
        let delivery = DueDelivery(row, endpoint, message)
        if message == nil { rows.unreadable.append(delivery) } else { rows.due.append(delivery) }
        rows.last = QueueMark(nextAt: delivery.nextAt, seq: seq)
      }
    } catch {
      guard rows.last != nil, !StoreError.from(error).concernsAll else { throw error }
      rows.mayBeMore = true
      return rows
    }
    rows.mayBeMore = rows.last != nil && (isCut || rows.count == limit.count)
    return rows
  }
}

extension DueDelivery {
  /// Columns in the order of `OutboxSQL.due`.
  /// - Parameter message: nil when it cannot be made.
  fileprivate init(_ row: SQLRow, _ endpoint: Endpoint, _ message: CallbackMessage?) {
    let seq = row.int(1)
    self.init(
      endpoint: endpoint.id.key, url: endpoint.url, nextAt: row.int(0), seq: seq, request: row.int(2),
      createdAt: Instant(milliseconds: row.int(3)), attempts: Int(row.int(4)),
      webhookID: message.map { DerivedID.event(seq: seq, at: $0.at) } ?? "event \(seq)", trace: message?.trace,
      body: message?.body ?? [], cloudEvent: message?.cloudEvent, deliveredAt: row.optionalInt(5))
  }
}
