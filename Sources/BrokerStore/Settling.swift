package import BrokerDomain
internal import GRDB

extension Store {
  package typealias Unrecorded = (result: AttemptResult, error: StoreError)

  package struct Settled: Sendable {
    /// Those that cannot be recorded, whose rows are still in the outbox.
    package var failed: [Unrecorded] = []
    /// How many were to be given up and go on all the same.
    package var revived = 0
    /// The last ones, which are not recorded because of `trouble`; those before them are.
    package var left: ArraySlice<AttemptResult> = []
    package var trouble: StoreError?
  }

  /// Records how attempts ended, together. When that fails for another reason than the disk or the lock, one of them is
  /// at fault, and each is recorded by itself.
  /// - Throws: what concerns the whole database, when none is recorded.
  package func settle(_ results: [AttemptResult]) async throws(StoreError) -> Settled {
    do throws(StoreError) {
      let revived = try await write { context in
        try results.count { try context.settle($0) != .dead && $0.verdict == .dead }
      }
      return Settled(revived: revived)
    } catch {
      guard !error.concernsAll else { throw error }
      guard results.count > 1 else { return Settled(failed: results.map { ($0, error) }) }
    }
    var settled = Settled()
    for (at, result) in results.enumerated() {
      do throws(StoreError) {
        let one = try await settle([result])
        settled.failed += one.failed
        settled.revived += one.revived
      } catch  where at > 0 {
        // Those before it are on disk: settled twice, they would count as asked for again.
        settled.left = results[at...]
        settled.trouble = error
        break
      }
    }
    return settled
  }
}

extension WriteContext {
  /// Records how an attempt ended and lets the next message of the same request go.
  /// - Returns: what becomes of the message: it goes on where its endpoint has been set right, or somebody has asked for it,
  ///   since the attempt began.
  @discardableResult
  package func settle(_ result: AttemptResult) throws -> AttemptResult.Verdict {
    let delivery = result.delivery
    let (endpoint, seq) = (delivery.endpoint, delivery.seq)
    var verdict = result.verdict
    if case .off(let why) = result.mark, try isSetRight(result) {
      if why == .gone { verdict = .retry(at: result.at) }
    } else if let mark = result.mark {
      // Whatever has become of the row: the mark is told once.
      try self.mark(endpoint, mark, at: delivery.url)
    }
    // Nil when another dispatcher was faster. What was owed to a deleted endpoint may be in the queue still, or not.
    guard let place = try taken(delivery), try isLive(endpoint) else {
      try keepLateArrival(result)
      return verdict
    }
    // Somebody has asked for it meanwhile, and gets the next attempt at once.
    let isAskedFor = place != delivery.nextAt && place != OutboxRow.waiting
    if isAskedFor, verdict != .delivered, result.mark != .off(.gone) {
      verdict = .retry(at: Instant(milliseconds: place))
    }
    let attempts = Int64(delivery.attempts + 1)
    switch verdict {
    case .delivered, .dead:
      try finish(result, isDelivered: verdict == .delivered)
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
    return verdict
  }

  private func finish(_ result: AttemptResult, isDelivered: Bool, error: String? = nil) throws {
    let delivery = result.delivery
    try db.run(
      OutboxSQL.finish, .int(delivery.endpoint), .int(delivery.seq), .text(isDelivered ? "delivered" : "dead"),
      .int(delivery.request), .int(delivery.createdAt.milliseconds), .int(result.at.milliseconds),
      .int(Int64(delivery.attempts + 1)), .optionalInt(result.status.map { Int64($0) }),
      .optionalText(error ?? result.error), .optionalUTF8(isDelivered ? result.trip?.packed : nil),
      .optionalInt(delivery.deliveredAt))
  }

  /// Of an endpoint that was deleted while the attempt was on the wire: what its receiver has taken was taken, and the
  /// timeline says so. One that failed is on record as all attempts are, and nobody is called for it.
  private func keepLateArrival(_ result: AttemptResult) throws {
    let delivery = result.delivery
    let (endpoint, seq) = (SQLValue.int(delivery.endpoint), SQLValue.int(delivery.seq))
    guard try db.first(EndpointSQL.isDeleted, endpoint, body: { _ in true }) == true else { return }
    let known = try db.first(RequeueSQL.findFinished, endpoint, seq) { $0.text(1) }
    guard known != Delivery.State.delivered.rawValue else { return }
    if result.verdict != .delivered, let before = delivery.deliveredAt {
      // It was sent once more, and had arrived.
      try db.run(
        OutboxSQL.finish, endpoint, seq, .text("delivered"), .int(delivery.request),
        .int(delivery.createdAt.milliseconds), .int(before), .int(Int64(delivery.attempts + 1)), .optionalInt(nil),
        .optionalText(nil), .optionalText(nil), .int(before))
      try record(result)
    } else if result.verdict == .delivered {
      try finish(result, isDelivered: true)
      try arrivedAfterAll(seq: delivery.seq, request: delivery.request, endpoint: delivery.endpoint)
    } else {
      try finish(result, isDelivered: false, error: Endpoint.deletedReason)
      try record(result)
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
