internal import GRDB
internal import Synchronization

/// What was still owed to an endpoint when it was deleted. From that moment nobody sends it, lists it or counts it; its rows
/// go afterwards, a few at a time, because a queue may be a million long and every submission would wait for it.
enum DeletedQueueSQL: String, CaseIterable {
  case endpoints = """
    SELECT n.key FROM endpoint n
    WHERE n.deleted_at IS NOT NULL AND EXISTS (SELECT 1 FROM outbox o WHERE o.endpoint = n.key)
    """
  /// The last row of a group.
  case end = "SELECT next_at, seq FROM outbox WHERE endpoint = $1 ORDER BY next_at, seq LIMIT 1 OFFSET $2"
  /// One that arrived and waits to be sent once more has arrived. What has come of an attempt meanwhile is on record already.
  case keepTried = """
    INSERT INTO delivery (endpoint, seq, state, request, created_at, finished_at, attempts, last_status, last_error,
      delivered_at)
    SELECT o.endpoint, o.seq, iif(o.delivered_at IS NULL, 'dead', 'delivered'), o.request, o.created_at,
      coalesce(o.delivered_at, o.last_at, n.deleted_at), o.attempts, iif(o.delivered_at IS NULL, o.last_status, NULL),
      iif(o.delivered_at IS NULL, $1, NULL), o.delivered_at
    FROM endpoint n CROSS JOIN outbox o ON o.endpoint = n.key
    WHERE n.key = $2 AND (o.next_at, o.seq) <= ($3, $4) AND (o.attempts > 0 OR o.delivered_at IS NOT NULL)
    ON CONFLICT DO NOTHING
    """
  case drop = "DELETE FROM outbox WHERE endpoint = $1 AND (next_at, seq) <= ($2, $3)"
}

/// Whether somebody drops queues just now, and whether more were left to him meanwhile.
final class DeletedQueues: Sendable {
  private let state = Mutex((isBusy: false, isAsked: false))

  /// - Returns: whether the one who asks has to do it.
  func ask() -> Bool {
    state.withLock { state in
      guard state.isBusy else {
        state.isBusy = true
        return true
      }
      state.isAsked = true
      return false
    }
  }

  /// - Returns: false when somebody has asked since he looked.
  func mayEnd() -> Bool {
    state.withLock { state in
      defer { state = (state.isAsked, false) }
      return !state.isAsked
    }
  }

  func giveUp() { state.withLock { $0 = (false, false) } }
}

extension Store {
  /// Rows in one transaction.
  package static let dropGroup: Int64 = 256

  /// Begins to drop what was owed to deleted endpoints, and returns at once. What a daemon that ended has left is dropped by
  /// the next one, which asks again and again.
  package func clearDeletedQueues() {
    guard deletedQueues.ask() else { return }
    Task {
      repeat {
        do throws(StoreError) {
          try await dropDeletedQueues()
        } catch {
          // A full disk or a foreign lock passes: who asks next goes on.
          return deletedQueues.giveUp()
        }
      } while !deletedQueues.mayEnd()
    }
  }

  func dropDeletedQueues() async throws(StoreError) {
    for endpoint in try await read({ db in try db.all(DeletedQueueSQL.endpoints) { $0.int(0) } }) {
      try await group.submit(endpoint) { context, endpoint in
        try context.dropQueue(of: endpoint, rows: Self.dropGroup) ? .rest(endpoint) : .done(())
      }
    }
  }
}

extension WriteContext {
  /// - Parameter rows: at most so many.
  /// - Returns: whether there may be more.
  @discardableResult
  package func dropQueue(of endpoint: Int64, rows: Int64) throws -> Bool {
    let key = SQLValue.int(endpoint)
    let end = try db.first(DeletedQueueSQL.end, key, .int(rows - 1)) { (at: $0.int(0), seq: $0.int(1)) }
    let (at, seq) = (SQLValue.int(end?.at ?? .max), SQLValue.int(end?.seq ?? .max))
    try db.run(DeletedQueueSQL.keepTried, .text(Endpoint.deletedReason), key, at, seq)
    try db.run(DeletedQueueSQL.drop, key, at, seq)
    return end != nil
  }
}
