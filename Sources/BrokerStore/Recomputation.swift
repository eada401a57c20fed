internal import BrokerDomain
internal import GRDB

/// After a change of the calendar: every open request whose deadline it moves is moved, with an event that says from
/// when to when and by which notices.
extension Store {
  /// Requests that one look passes over, and those that one write moves: a submission waits for a few milliseconds.
  private static let page = 2000
  private static let group = 64

  /// Begins anew after a crash: what was moved already is found to be right.
  /// - Returns: how many deadlines moved.
  func recomputeDeadlines() async throws(StoreError) -> Int {
    // A group that began by the old calendar is on disk after this, and no later one knows it.
    try await write { _ in }
    var (after, moved): (Int64, Int) = (0, 0)
    while true {
      let (reference, now, from) = (reference, clock.now, after)
      let (last, keys) = try await read { db -> (Int64?, [Int64]) in
        let open = try db.all(RecomputationSQL.open, .int(from), .int(Int64(Self.page))) { $0.int(0) }
        let keys = try open.filter {
          try StoredRequest.load($0, db, reference)?.request.recomputed(now: now, reference: reference) != nil
        }
        return (open.last, keys)
      }
      guard let last else { return moved }
      var rest = keys[...]
      while !rest.isEmpty {
        let some = Array(rest.prefix(Self.group))
        rest = rest.dropFirst(some.count)
        moved += try await write { context in try context.recompute(some) }
      }
      after = last
    }
  }
}

extension WriteContext {
  fileprivate func recompute(_ keys: [Int64]) throws -> Int {
    var moved = 0
    for key in keys {
      guard let stored = try StoredRequest.load(key, db, reference),
        let decision = stored.request.recomputed(now: now, reference: reference)
      else { continue }
      try apply(decision, previous: stored.request)
      moved += 1
    }
    return moved
  }
}

enum RecomputationSQL: String, CaseIterable {
  case open = "SELECT key FROM request WHERE key > $1 AND open = 1 ORDER BY key LIMIT $2"
}
