internal import BrokerDomain
internal import GRDB

/// What comes before an endpoint that was off is on again: its queue is put in order, and what it answered 410 is owed to it
/// once more. All of it is looked for beside the writer, because a queue may be long.
enum SwitchingOnSQL: String, CaseIterable {
  /// What waits while a later one of its request does not, oldest first.
  case overtaken = """
    SELECT w.seq, w.request
    FROM outbox w CROSS JOIN outbox a
      ON a.endpoint = w.endpoint AND a.request = w.request AND a.next_at <> 9223372036854775807 AND a.seq > w.seq
    WHERE w.endpoint = $1 AND w.next_at = 9223372036854775807 AND w.seq > $2
    ORDER BY w.seq LIMIT $3
    """
  /// What was answered 410 and given up with the endpoint, as long as it would have been tried. Left to itself SQLite reads
  /// whatever was delivered as well.
  case gone = """
    SELECT seq FROM delivery INDEXED BY delivery_dead
    WHERE endpoint = $1 AND seq > $2 AND state = 'dead' AND last_status = 410 AND created_at > $3 ORDER BY seq LIMIT $4
    """
}

/// When endpoints were switched off, as far as this process has done it. For the writer only.
struct OffMoments {
  private var moments: [Int64: SentBefore] = [:]
  private var unknown: [Int64] = []

  /// It is switched off by the group that is being written. When that will be on disk nobody knows yet, and until then what
  /// falls due may still be sent; but nothing that this group itself makes due.
  mutating func note(_ endpoint: Int64, at now: Instant) {
    moments[endpoint] = SentBefore(untried: now.milliseconds, tried: .max)
    unknown.append(endpoint)
  }

  /// The groups before this moment are on disk. One that failed has switched nothing off, and the next one tells anew.
  mutating func begin(at now: Instant) {
    for endpoint in unknown { moments[endpoint]?.tried = now.milliseconds }
    unknown.removeAll()
  }

  func sent(_ endpoint: Int64) -> SentBefore { moments[endpoint] ?? SentBefore(untried: .max, tried: .max) }
}

/// What was due before these moments may be on the wire. What was never tried fell due when it was written or when its turn
/// came; what was tried falls due at any time.
struct SentBefore {
  var untried: Int64
  var tried: Int64

  static let nothing = SentBefore(untried: .min, tried: .min)

  func holds(at: Int64, attempts: Int64) -> Bool { at < (attempts == 0 ? untried : tried) }

  func and(before moment: Int64) -> SentBefore { SentBefore(untried: min(untried, moment), tried: min(tried, moment)) }
}

extension Store {
  /// What is sent again of what was answered 410: no more than was on the wire together.
  private static let goneTogether = 1024

  /// Makes a change that switches an endpoint on. What it was owed meanwhile goes in the order of its requests, behind what is
  /// on the wire still; and so does what it refused because it was gone.
  /// - Parameter owedSeconds: for how long a message is owed.
  package func switchOn<T: Sendable>(
    _ endpoint: Int64, owedSeconds: Int = RetrySchedule.standard.giveUpAfterSeconds,
    _ change: @escaping @Sendable (WriteContext) throws -> T
  ) async throws(StoreError) -> T {
    while true {
      let wasOff = try await read { db in try db.isOff(endpoint) }
      if wasOff {
        // From here on a 410 of before is no more the end of its message; those until now are found below.
        try await write { try $0.ask(for: endpoint) }
        try await putInOrder(endpoint)
        try await retryGone(endpoint, owedSeconds)
      }
      let changed: (T, due: Int)? = try await write { context in
        // Somebody has switched it off meanwhile: there is something to be put in order.
        let isOff = try context.db.isOff(endpoint)
        guard wasOff || !isOff else { return nil }
        let changed = try change(context)
        guard isOff else { return (changed, 0) }
        try context.ask(for: endpoint)
        // Whoever switches it on knows that it is mended: nothing waits for the attempt that was next before.
        return (changed, try context.retryWaiting(of: endpoint, asked: context.now, most: Self.requeueGroup))
      }
      guard let changed else { continue }
      // It is on, whatever becomes of the rest: that would come at its time.
      if changed.due == Self.requeueGroup { _ = try? await retryWaiting(of: endpoint) }
      return changed.0
    }
  }

  /// What was asked for while something might have been on the wire had to go behind that.
  private func putInOrder(_ endpoint: Int64) async throws(StoreError) {
    var at: Int64 = 0
    while true {
      let after = at
      let page = try await read { db in
        try db.all(SwitchingOnSQL.overtaken, .int(endpoint), .int(after), .int(Int64(Self.requeueGroup))) {
          (seq: $0.int(0), request: $0.int(1))
        }
      }
      guard let last = page.last else { return }
      try await write { try $0.putInOrder(page, of: endpoint) }
      at = last.seq
    }
  }

  private func retryGone(_ endpoint: Int64, _ owedSeconds: Int) async throws(StoreError) {
    let oldest = clock.now.milliseconds - Int64(owedSeconds) * 1000
    var (at, left): (Int64, Int) = (0, Self.goneTogether)
    while left > 0 {
      let (after, count) = (at, min(left, Self.requeueGroup))
      let page = try await read { db in
        try db.all(SwitchingOnSQL.gone, .int(endpoint), .int(after), .int(oldest), .int(Int64(count))) { $0.int(0) }
      }
      guard let last = page.last else { return }
      _ = try await write { try $0.retryDead(page, of: endpoint) }
      at = last
      left -= page.count
    }
  }
}

extension WriteContext {
  /// Each takes the turn of the later one, if that has it still and is not on the wire.
  fileprivate func putInOrder(_ waiting: [(seq: Int64, request: Int64)], of endpoint: Int64) throws {
    guard let owner = try owner(of: endpoint) else { return }
    let key = SQLValue.int(endpoint)
    for (seq, request) in waiting {
      let active = try active(key, request: .int(request))
      let at = try db.first(ApplySQL.outboxMoment, key, .int(request), .int(seq)) { $0.int(0) }
      guard let active, active.seq > seq, !owner.sent.holds(at: active.at, attempts: active.attempts),
        at == OutboxRow.waiting
      else { continue }
      try db.run(OutboxSQL.move, .int(OutboxRow.waiting), key, .int(active.at), .int(active.seq))
      try db.run(OutboxSQL.move, .int(active.at), key, .int(OutboxRow.waiting), .int(seq))
    }
  }
}

extension Database {
  func isOff(_ endpoint: Int64) throws -> Bool {
    try first(ExpirySQL.isOff, .int(endpoint)) { _ in true } ?? false
  }
}
