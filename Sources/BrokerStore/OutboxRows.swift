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

  init(_ delivery: DueDelivery) { (nextAt, seq) = (delivery.nextAt, delivery.seq) }
}

/// What one read of a queue found.
package struct DuePage: Sendable {
  package let due: [DueDelivery]
  /// When the queue is due again after those; nil when nothing is left but what waits for an earlier one.
  package let nextAt: Instant?
  /// Where to read on; nil when all that was due is in this page.
  package let end: QueueMark?
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
    FROM endpoint n CROSS JOIN outbox o ON o.endpoint = n.key
    """
}

extension Store {
  /// Endpoints that have anything queued, with the moment at which the first of it is due.
  package func queueHeads() throws(StoreError) -> [(endpoint: Int64, at: Instant)] {
    try readNow { db in
      try db.all(OutboxSQL.heads) { ($0.int(0), Instant(milliseconds: $0.int(1))) }
    }
  }

  /// The next messages for one endpoint that are due, in order, with their bodies.
  /// - Parameters:
  ///   - outstanding: sequence numbers that are on their way already; their rows are still there.
  ///   - mark: where the page before ended, while those before it need not be looked at: a long queue is read on and on,
  ///     past rows that are on their way. Nil reads from the beginning.
  package func dueDeliveries(
    _ endpoint: Endpoint, outstanding: Set<Int64>, after mark: QueueMark? = nil, limit: Int
  ) throws(StoreError) -> DuePage {
    let reference = reference
    let now = clock.now
    return try readPage { db in
      if let mark {
        let (due, isCut) = try db.due(endpoint, outstanding, after: mark, now, limit: limit, reference)
        if let last = due.last, due.count == limit || isCut {
          return DuePage(due: due, nextAt: now, end: QueueMark(last))
        }
      }
      let (due, isCut) = try db.due(endpoint, outstanding, after: nil, now, limit: limit, reference)
      // A full page means that more may be due at once.
      if let last = due.last, due.count == limit || isCut {
        return DuePage(due: due, nextAt: now, end: QueueMark(last))
      }
      let next = try db.first(OutboxSQL.nextDue, .int(endpoint.id.key), .int(now.milliseconds)) {
        $0.int(0)
      }
      let nextAt = next == OutboxRow.waiting ? nil : next.map { Instant(milliseconds: $0) }
      return DuePage(due: due, nextAt: nextAt, end: nil)
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

extension Database {
  /// Up to `limit` rows after `mark` that are due and not on their way. From the beginning, those that are lie before them.
  /// A row that cannot be read holds up those behind it and none before: it cuts the page, or is told of as the first.
  fileprivate func due(
    _ endpoint: Endpoint, _ outstanding: Set<Int64>, after mark: QueueMark?, _ now: Instant, limit: Int,
    _ reference: Reference
  ) throws -> (rows: [DueDelivery], isCut: Bool) {
    var due: [DueDelivery] = []
    due.reserveCapacity(limit)
    let rows = mark == nil ? outstanding.count + limit : limit
    let place: [SQLValue] = [
      .int(endpoint.id.key), .int(mark?.nextAt ?? .min), .int(mark?.seq ?? .min), .int(now.milliseconds),
      .int(Int64(rows)),
    ]
    do {
      try each(OutboxSQL.due, place) { row in
        let seq = row.int(1)
        guard due.count < limit, !outstanding.contains(seq) else { return }
        let message = try CallbackMessage.load(
          seq: seq, endpoint.body, self, reference, format: endpoint.format, to: endpoint.organ)
        guard let message else {
          throw StoreError.unexpected("event \(seq) is missing")
        }
        due.append(
          DueDelivery(
            endpoint: endpoint.id.key, url: endpoint.url, nextAt: row.int(0), seq: seq, request: row.int(2),
            createdAt: Instant(milliseconds: row.int(3)), attempts: Int(row.int(4)),
            webhookID: DerivedID.event(seq: seq, at: message.at), trace: message.trace,
            body: message.body, cloudEvent: message.cloudEvent, deliveredAt: row.optionalInt(5)))
      }
    } catch {
      guard !due.isEmpty, !StoreError.from(error).concernsAll else { throw error }
      return (due, true)
    }
    return (due, false)
  }
}

extension Store {
  package typealias Unrecorded = (result: AttemptResult, error: StoreError)

  /// Records how attempts ended, together. When that fails for another reason than the disk or the lock, one of them is
  /// at fault, and each is recorded by itself.
  /// - Returns: those that cannot be recorded. Their rows are still in the outbox.
  package func settle(_ results: [AttemptResult]) async throws(StoreError) -> [Unrecorded] {
    do throws(StoreError) {
      try await write { context in for result in results { try context.settle(result) } }
      return []
    } catch {
      guard !error.concernsAll else { throw error }
      guard results.count > 1 else { return results.map { ($0, error) } }
    }
    var failed: [Unrecorded] = []
    for result in results { failed += try await settle([result]) }
    return failed
  }
}

extension WriteContext {
  /// Records how an attempt ended and lets the next message of the same request go.
  package func settle(_ result: AttemptResult) throws {
    let delivery = result.delivery
    let (endpoint, seq) = (delivery.endpoint, delivery.seq)
    var verdict = result.verdict
    if case .off(.gone) = result.mark, try isSetRight(result) {
      verdict = .retry(at: result.at)
    } else if let mark = result.mark {
      // Whatever has become of the row: the mark is told once.
      try self.mark(endpoint, mark, at: delivery.url)
    }
    // Nil when the endpoint was deleted, or another dispatcher was faster.
    guard let place = try taken(delivery) else { return }
    // Somebody has asked for it meanwhile, and gets the next attempt at once.
    let isAskedFor = place != delivery.nextAt && place != OutboxRow.waiting
    if isAskedFor, verdict != .delivered, result.mark != .off(.gone) {
      verdict = .retry(at: Instant(milliseconds: place))
    }
    let attempts = Int64(delivery.attempts + 1)
    switch verdict {
    case .delivered, .dead:
      try db.run(
        OutboxSQL.finish, .int(endpoint), .int(seq),
        .text(verdict == .delivered ? "delivered" : "dead"), .int(delivery.request),
        .int(delivery.createdAt.milliseconds), .int(result.at.milliseconds), .int(attempts),
        .optionalInt(result.status.map { Int64($0) }), .optionalText(result.error),
        .optionalUTF8(verdict == .delivered ? result.trip?.packed : nil), .optionalInt(delivery.deliveredAt))
      try promote(endpoint: endpoint, request: delivery.request)
    case .retry(let at):
      // One that was put back meanwhile may come before it, and goes first now that this one is off the wire.
      let first = try db.first(OutboxSQL.successor, .int(endpoint), .int(delivery.request)) { $0.int(0) }
      let isLater = first.map { $0 < seq } ?? false
      if isLater { try promote(endpoint: endpoint, request: delivery.request) }
      try db.run(
        OutboxSQL.requeue, .int(endpoint), .int(isLater ? OutboxRow.waiting : at.milliseconds), .int(seq),
        .int(delivery.request), .int(delivery.createdAt.milliseconds), .int(attempts),
        .int(result.at.milliseconds), .optionalInt(result.status.map { Int64($0) }),
        .optionalText(result.error), .optionalInt(delivery.deliveredAt))
    }
    if verdict != .delivered {
      try keepFailure(result, isDead: verdict == .dead)
    } else if delivery.attempts > 0 || delivery.nextAt != delivery.createdAt.milliseconds {
      try arrivedAfterAll(seq: seq, request: delivery.request, endpoint: endpoint)
    }
  }

  /// Takes the row of a message out of the queue. A retry may have moved it while it was on the wire: what came of the
  /// attempt counts all the same.
  /// - Returns: when it was due there; nil when there is none.
  private func taken(_ delivery: DueDelivery) throws -> Int64? {
    let (endpoint, seq) = (SQLValue.int(delivery.endpoint), SQLValue.int(delivery.seq))
    try db.run(OutboxSQL.delete, endpoint, .int(delivery.nextAt), seq)
    if db.changesCount == 1 { return delivery.nextAt }
    guard let moved = try db.first(ApplySQL.outboxMoment, endpoint, .int(delivery.request), seq, body: { $0.int(0) })
    else { return nil }
    try db.run(OutboxSQL.delete, endpoint, .int(moved), seq)
    return moved
  }

  /// Lets the earliest waiting message of a request go.
  func promote(endpoint: Int64, request: Int64) throws {
    let next = try db.first(OutboxSQL.successor, .int(endpoint), .int(request)) {
      (seq: $0.int(0), at: $0.int(1))
    }
    guard let next, next.at == OutboxRow.waiting else { return }
    try db.run(
      OutboxSQL.move, .int(now.milliseconds), .int(endpoint), .int(next.at), .int(next.seq))
    noteDelivery(to: endpoint)
  }

  /// Takes or renews the right to deliver to an endpoint. One lease covers the whole queue of the endpoint, so order
  /// survives a change of dispatcher; a lease that ran out may be taken by another.
  /// - Returns: false when another dispatcher holds it.
  package func lease(endpoint: Int64, owner: String, until: Instant) throws -> Bool {
    try db.run(
      OutboxSQL.lease, .text(owner), .int(until.milliseconds), .int(endpoint),
      .int(BrokerClock.wall.milliseconds))
    return db.changesCount == 1
  }
}
