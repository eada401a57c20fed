package import BrokerDomain
internal import GRDB

/// The list of a supervisor 司法局: what the organs of its region ask each other and others. The lists of those organs are
/// merged, so that no request needs a row more for those who watch.
extension Store {
  /// Requests of other organs in the supervisor's region, sent or received by them, that are not sealed; newest first. A
  /// page may hold fewer than the limit and have a next one.
  /// - Parameters:
  ///   - filter: its role and its subject are not looked at.
  ///   - limit: 1…500.
  package func supervised(
    by supervisor: Organ, _ filter: RequestFilter, cursor: Int64?, limit: Int
  ) async throws(StoreError) -> Page<StoredRequest> {
    let (reference, unfiled) = (reference, unfiled)
    let now = clock.now
    let organs = reference.organs.filter { $0.number != supervisor.number && supervisor.region.covers($0.region) }
      .map(\.number)
    return try await read { db in
      let keys = try Self.keys(
        db, organs, filter, cursor: cursor ?? .max, limit: limit + 1, now: now,
        candidates: try db.unfiled(unfiled, of: nil))
      // What is sealed is for its two parties.
      let items = try StoredRequest.load(keys.prefix(limit), db, reference).filter {
        $0.request.parties(supervisor.code, reference).contains(.supervisor)
      }
      return Page(items: items, next: keys.count > limit ? keys[limit - 1] : nil)
    }
  }

  private static func keys(
    _ db: Database, _ organs: [Int64], _ filter: RequestFilter, cursor: Int64, limit: Int, now: Instant,
    candidates: Set<Int64>
  ) throws -> [Int64] {
    let known = Set(organs)
    var (candidates, keys): (Set<Int64>, Set<Int64>) = (candidates, [])
    if let since = filter.updatedAfter {
      let first = try db.firstEvent(after: since)
      for organ in organs {
        try db.each(ListSQL.changed, [.int(organ), .int(first)]) { candidates.insert($0.int(0)) }
      }
    } else {
      let conditions = filter.conditions(now, limit: limit)
      let readsOverdue = try db.readsOverdue(filter, now)
      for organ in organs {
        for role in [Int64(0), 1] {
          if readsOverdue {
            try db.each(OverdueSQL.filed, [.int(organ), .int(role), .int(cursor)] + conditions) {
              keys.insert($0.int(0))
            }
            continue
          }
          for open in filter.openFlags {
            try db.each(ListSQL.filed, [.int(organ), .int(role), .int(open), .int(cursor)] + conditions) {
              keys.insert($0.int(0))
            }
          }
        }
      }
      if readsOverdue {
        try db.fallenDue(now, before: cursor, conditions) { key, requester, responder in
          if known.contains(requester) || known.contains(responder) { keys.insert(key) }
        }
      }
    }
    var tested = 0
    for key in candidates.sorted(by: >) where key < cursor && tested < limit && !keys.contains(key) {
      guard let row = try db.first(ListSQL.probe, .int(key), body: ListRow.init), row.matches(filter, now),
        known.contains(row.requester) || known.contains(row.responder)
      else { continue }
      keys.insert(key)
      tested += 1
    }
    return Array(keys.sorted(by: >).prefix(limit))
  }
}
