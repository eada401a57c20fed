package import BrokerDomain
internal import GRDB

/// The list of a supervisor 司法局: what the organs of its region ask each other and others. The lists of those organs are
/// merged, so that no request needs a row more for those who watch.
extension Store {
  /// Requests of other organs in the supervisor's region, sent or received by them, that are not sealed; newest first.
  /// - Parameters:
  ///   - filter: its role and its subject are not looked at.
  ///   - limit: 1…500.
  package func supervised(
    by supervisor: Organ, _ filter: RequestFilter, cursor: Int64?, limit: Int
  ) async throws(StoreError) -> Page<ListedRequest> {
    let memory = listMemory
    let organs = memory.reference.organs.filter {
      $0.number != supervisor.number && supervisor.region.covers($0.region)
    }
    var filter = filter
    (filter.role, filter.subject) = (.supervisor, nil)
    let query = ListQuery(
      filter: filter, organs: organs.map(\.number), among: Set(organs.map(\.code)), supervisor: supervisor.code,
      before: cursor ?? .max, limit: limit + 1, now: clock.now)
    return try await read { db in
      let (found, isCut) = try db.requests(query, memory)
      let items = Array(found.prefix(limit))
      return Page(items: items, next: found.count > limit || isCut ? items.last?.request.id.key : nil)
    }
  }
}
