package import BrokerDomain
internal import GRDB

/// Sending once more: the retry of one, of all dead ones, and the replay of an endpoint.
enum RequeueSQL: String, CaseIterable {
  case owner = "SELECT organ, lease_until, enabled FROM endpoint WHERE key = $1 AND deleted_at IS NULL"
  case live = "SELECT key FROM endpoint WHERE deleted_at IS NULL ORDER BY key"
  /// By way of the event, which knows the request: the queue has no order by seq alone.
  case findPending = """
    SELECT o.next_at FROM event e CROSS JOIN outbox o ON o.endpoint = $1 AND o.request = e.request AND o.seq = e.seq
    WHERE e.seq = $2
    """
  case findFinished = "SELECT request, state FROM delivery WHERE endpoint = $1 AND seq = $2"
  case dead = """
    SELECT seq FROM delivery WHERE endpoint = $1 AND seq > $2 AND state = 'dead' ORDER BY seq LIMIT $3
    """
  /// What has failed before a moment and waits for its next attempt; not what waits for another message.
  case later = """
    SELECT next_at, seq FROM outbox
    WHERE endpoint = $1 AND next_at > $2 AND next_at < 9223372036854775807 AND coalesce(last_at, 0) < $3
    ORDER BY next_at LIMIT $4
    """
  case forget = "DELETE FROM delivery WHERE endpoint = $1 AND seq = $2"
  /// What its row tells of the attempt that arrived goes where the failed ones are.
  case keepLast = """
    INSERT INTO attempt (endpoint, seq, number, at, status, trip)
    SELECT endpoint, seq, attempts, finished_at, last_status, trip FROM delivery
    WHERE endpoint = $1 AND seq = $2 AND state = 'delivered' AND attempts > 0
    """
  case firstDelivered = """
    SELECT coalesce(delivered_at, CASE state WHEN 'delivered' THEN finished_at END) FROM delivery
    WHERE endpoint = $1 AND seq = $2
    """
  case insertAgain = """
    INSERT INTO outbox (endpoint, next_at, seq, request, created_at, delivered_at) VALUES ($1, $2, $3, $4, $5, $6)
    """
  /// The one message of a request that does not wait for another. Not "less than", which would be looked up by due time
  /// in the whole queue.
  case active = """
    SELECT seq, next_at FROM outbox WHERE endpoint = $1 AND request = $2 AND next_at <> 9223372036854775807 LIMIT 1
    """
  case attempts = "SELECT attempts FROM outbox WHERE endpoint = $1 AND next_at = $2 AND seq = $3"
  case isQueued = "SELECT 1 FROM outbox WHERE endpoint = $1 AND request = $2 AND seq = $3"
  /// As the feed is read: two sorted runs, what is filed under the organ and what is not filed yet.
  case replayable = """
    SELECT e.seq, e.request, e.type
    FROM (
      SELECT seq FROM (SELECT seq FROM filed_event WHERE organ = $1 AND seq > $2 ORDER BY seq LIMIT $3)
      UNION ALL
      SELECT seq FROM (
        SELECT seq FROM event WHERE seq > max($2, (SELECT through FROM filing)) AND (requester = $1 OR responder = $1)
        ORDER BY seq LIMIT $3)
      ORDER BY seq LIMIT $3
    ) f CROSS JOIN event e ON e.seq = f.seq
    ORDER BY e.seq
    """
}

/// What a replay came to.
package struct Replayed: Sendable, Equatable {
  package let queued: Int
  /// The event after which to go on, when there were more than one call looks at; nil when it is done.
  package let next: Int64?
}

extension Store {
  /// Rows in one transaction: large enough to share an fsync, small enough that a submission behind them hardly waits.
  static let requeueGroup = 256
  /// Events that one replay looks at, at most: its caller waits for it.
  package static let replayLimit = 20_000

  /// Queues the events of the endpoint's organ after `seq` once more, oldest first, as far as it takes their type. The
  /// events are looked for beside the writer, which is given a few hundred rows at a time.
  package func replay(
    _ endpoint: Endpoint, after seq: Int64, limit: Int = Store.replayLimit
  ) async throws(StoreError) -> Replayed {
    let newest = try await newestEvent()
    var (at, queued, left) = (seq, 0, limit)
    while at < newest, left > 0 {
      let (after, count) = (at, min(left, Self.requeueGroup))
      let page = try await read { db in
        try db.all(RequeueSQL.replayable, .int(endpoint.organ), .int(after), .int(Int64(count))) {
          (seq: $0.int(0), request: $0.int(1), type: $0.text(2))
        }
      }
      let wanted = page.filter { endpoint.events.contains("*") || endpoint.events.contains($0.type) }
        .map { (seq: $0.seq, request: $0.request) }
      if !wanted.isEmpty {
        queued += try await write { try $0.queueAgain(wanted, for: endpoint.id.key) }
      }
      guard let last = page.last, page.count == count else { return Replayed(queued: queued, next: nil) }
      at = last.seq
      left -= count
    }
    return Replayed(queued: queued, next: at < newest ? at : nil)
  }

  /// The place from which a replay starts that is to send everything since a moment.
  package func lastEvent(before moment: Instant) async throws(StoreError) -> Int64 {
    try await read { db in try max(0, db.firstEvent(after: moment + -1) - 1) }
  }

  /// Makes every dead delivery pending again, oldest first, so that the messages of a request go in their order. What
  /// was owed to a deleted endpoint stays dead: there is nowhere to send it.
  /// - Returns: how many.
  package func retryAllDead() async throws(StoreError) -> Int {
    var count = 0
    for endpoint in try await read({ db in try db.all(RequeueSQL.live) { $0.int(0) } }) {
      count += try await retryDead(of: endpoint, limit: .max).queued
    }
    return count
  }

  /// Makes due at once what has failed and waits for its next attempt: whoever asks knows that the receiver is mended.
  /// What fails again meanwhile waits for its turn. Of an endpoint that is off nothing is sent, and nothing is moved.
  /// - Parameter endpoint: nil for all.
  /// - Returns: how many.
  package func retryWaiting(of endpoint: Int64? = nil) async throws(StoreError) -> Int {
    let endpoints =
      if let endpoint { [endpoint] } else { try await read { db in try db.all(RequeueSQL.live) { $0.int(0) } } }
    let asked = clock.now
    var count = 0
    for endpoint in endpoints {
      while true {
        let some = try await write { try $0.retryWaiting(of: endpoint, asked: asked, most: Self.requeueGroup) }
        count += some
        guard some == Self.requeueGroup else { break }
      }
    }
    return count
  }

  /// Makes the dead deliveries of one endpoint pending again, oldest first. Done twice, it finds none the second time.
  /// - Returns: how many, and the event after which to go on when there were more than `limit`.
  package func retryDead(of endpoint: Int64, limit: Int = Store.replayLimit) async throws(StoreError) -> Replayed {
    var (at, queued, left): (Int64, Int, Int) = (0, 0, limit)
    while true {
      let (after, count) = (at, min(left, Self.requeueGroup))
      let page = try await read { db in
        try db.all(RequeueSQL.dead, .int(endpoint), .int(after), .int(Int64(count))) { $0.int(0) }
      }
      guard let last = page.last else { return Replayed(queued: queued, next: nil) }
      queued += try await write { try $0.retryDead(page, of: endpoint) }
      at = last
      left -= page.count
      guard page.count == count else { return Replayed(queued: queued, next: nil) }
      if left == 0 { return Replayed(queued: queued, next: last) }
    }
  }
}

extension WriteContext {
  /// Makes a dead delivery pending again, or a pending one due at once; one that arrived is sent once more, for a receiver
  /// that has lost it.
  /// - Parameter organ: whose it must be; nil for the operator.
  package func retry(endpoint: Int64, seq: Int64, organ: Int64?) throws {
    guard let owner = try owner(of: endpoint), organ == nil || owner.organ == organ else { throw StoreError.notFound }
    try ask(for: endpoint)
    let pending = try db.first(RequeueSQL.findPending, .int(endpoint), .int(seq)) { $0.int(0) }
    if let pending {
      // One that waits for an earlier message of its request goes on waiting: order before haste.
      guard pending != OutboxRow.waiting else { return }
      try db.run(OutboxSQL.move, .int(now.milliseconds), .int(endpoint), .int(pending), .int(seq))
      return noteDelivery(to: endpoint)
    }
    let request = try db.first(RequeueSQL.findFinished, .int(endpoint), .int(seq)) { $0.int(0) }
    guard let request else { throw StoreError.notFound }
    try enqueue(endpoint: endpoint, seq: seq, request: request, sent: owner.sent)
  }

  /// - Returns: how many.
  func retryWaiting(of endpoint: Int64, asked: Instant, most: Int) throws -> Int {
    guard try owner(of: endpoint) != nil, try db.first(OutboxSQL.isOn, .int(endpoint), body: { _ in true }) == true
    else { return 0 }
    let now = now.milliseconds
    let rows = try db.all(
      RequeueSQL.later, .int(endpoint), .int(now), .int(asked.milliseconds + 1), .int(Int64(most))
    ) { ($0.int(0), $0.int(1)) }
    guard !rows.isEmpty else { return 0 }
    try ask(for: endpoint)
    for (at, seq) in rows { try db.run(OutboxSQL.move, .int(now), .int(endpoint), .int(at), .int(seq)) }
    noteDelivery(to: endpoint)
    return rows.count
  }

  /// - Returns: how many of them were still dead.
  func retryDead(_ seqs: [Int64], of endpoint: Int64) throws -> Int {
    guard let owner = try owner(of: endpoint) else { return 0 }
    try ask(for: endpoint)
    var count = 0
    for seq in seqs {
      let found = try db.first(RequeueSQL.findFinished, .int(endpoint), .int(seq)) { ($0.int(0), $0.text(1)) }
      guard let (request, state) = found, state == Delivery.State.dead.rawValue else { continue }
      try enqueue(endpoint: endpoint, seq: seq, request: request, sent: owner.sent)
      count += 1
    }
    return count
  }

  /// - Returns: how many were not in the queue already.
  fileprivate func queueAgain(_ events: [(seq: Int64, request: Int64)], for endpoint: Int64) throws -> Int {
    guard let owner = try owner(of: endpoint) else { throw StoreError.notFound }
    var queued = 0
    for event in events {
      let there = try db.first(RequeueSQL.isQueued, .int(endpoint), .int(event.request), .int(event.seq)) { _ in true }
      guard there != true else { continue }
      try enqueue(endpoint: endpoint, seq: event.seq, request: event.request, sent: owner.sent)
      queued += 1
    }
    return queued
  }

  /// Nil when it was deleted. `sent`: what may be on the wire, because a dispatcher holds the lease of the endpoint. One that
  /// is off sends nothing that has come since.
  func owner(of endpoint: Int64) throws -> (organ: Int64, sent: SentBefore)? {
    let next = now.milliseconds + 1
    return try db.first(RequeueSQL.owner, .int(endpoint)) { row in
      let isServed = row.optionalInt(1).map { $0 > BrokerClock.wall.milliseconds } ?? false
      guard isServed else { return (row.int(0), .nothing) }
      let isOn = row.int(2) == 1
      return (row.int(0), isOn ? SentBefore(untried: next, tried: next) : offMoments.sent(endpoint).and(before: next))
    }
  }

  /// The message of a request that has its turn.
  func active(
    _ endpoint: SQLValue, request: SQLValue
  ) throws -> (seq: Int64, at: Int64, attempts: Int64)? {
    let found = try db.first(RequeueSQL.active, endpoint, request) { (seq: $0.int(0), at: $0.int(1)) }
    guard let (seq, at) = found else { return nil }
    return (seq, at, try db.first(RequeueSQL.attempts, endpoint, .int(at), .int(seq)) { $0.int(0) } ?? 0)
  }

  /// Puts a message in its place among those of its request: an earlier one takes the turn of a later one, unless that
  /// may be on the wire already. Counts its 15 days from now: somebody asked for it now.
  private func enqueue(endpoint: Int64, seq: Int64, request: Int64, sent: SentBefore) throws {
    let delivered =
      try db.first(RequeueSQL.firstDelivered, .int(endpoint), .int(seq)) { $0.optionalInt(0) } ?? nil
    try db.run(RequeueSQL.keepLast, .int(endpoint), .int(seq))
    try db.run(RequeueSQL.forget, .int(endpoint), .int(seq))
    var at = now.milliseconds
    if let active = try active(.int(endpoint), request: .int(request)) {
      let mayBeOnTheWire = sent.holds(at: active.at, attempts: active.attempts)
      if active.seq < seq || mayBeOnTheWire {
        at = OutboxRow.waiting
      } else {
        try db.run(OutboxSQL.move, .int(OutboxRow.waiting), .int(endpoint), .int(active.at), .int(active.seq))
      }
    }
    try db.run(
      RequeueSQL.insertAgain, .int(endpoint), .int(at), .int(seq), .int(request), .int(now.milliseconds),
      .optionalInt(delivered))
    noteDelivery(to: endpoint)
  }
}
