internal import BrokerDomain
internal import GRDB

/// A change of the calendar that takes as many days as it gives (the holiday with its make-up days) leaves a deadline and
/// moves the reminders before it, or the escalation after it. A timer is only looked at when it is due: one that has come
/// to lie too late is therefore joined by the right one. The other finds out when it fires that it has been told.
extension Database {
  /// The rung to arm, where the one that comes next is not armed for its moment; nil where it is.
  func rungToArm(_ request: AssistanceRequest, now: Instant, _ reference: Reference) throws -> LadderTimer? {
    guard let (next, toArm) = request.rungs(now: now, reference: reference) else { return nil }
    let isArmed = try first(
      RearmingSQL.armed, .int(next.at.milliseconds), .int(request.id.key),
      .int(Int64(RungCode(next.rung, leg: next.leg).code))
    ) { _ in true }
    return isArmed == nil ? toArm : nil
  }
}

extension Store {
  func rearm(_ keys: [Int64], within microseconds: Int64) async throws(StoreError) {
    guard !keys.isEmpty else { return }
    try await group.submit(0) { context, done in
      let done = try context.rearm(keys[done...], within: microseconds)
      return done == keys.count ? .done(()) : .rest(done)
    }
  }
}

extension WriteContext {
  /// Goes on until the time is over, past one at least.
  /// - Returns: where to go on.
  fileprivate func rearm(_ keys: ArraySlice<Int64>, within microseconds: Int64) throws -> Int {
    let start = monotonicMicroseconds()
    for (index, key) in zip(keys.indices, keys) {
      let stored = try damagedRows.passing(Store.notMoved) { try StoredRequest.load(key, db, reference) }
      if let request = (stored ?? nil)?.request, let timer = try db.rungToArm(request, now: now, reference) {
        try arm(timer, of: key)
      }
      if monotonicMicroseconds() - start >= microseconds { return index + 1 }
    }
    return keys.endIndex
  }
}

enum RearmingSQL: String, CaseIterable {
  case armed = "SELECT 1 FROM timer WHERE due_at = $1 AND request = $2 AND rung = $3"
}
