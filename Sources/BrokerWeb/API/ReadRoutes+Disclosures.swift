internal import BrokerDomain
internal import BrokerStore

/// Who has read personal data of a request: what an organ owes the citizen who asks, and what an audit looks at.
extension ReadRoutes {
  /// Shows nothing of the request itself, so that a supervisor's look at it is no reading.
  func disclosures(_ call: Call) async throws -> Reply {
    try call.checkQuery("limit", "cursor")
    let id = try call.id()
    let organ = try call.requireOrgan()
    let (cursor, limit) = (try call.cursor(), try call.limit())
    try await requests.requireParty(id, organ, mayRead: true)
    let page = try await broker.store.disclosures(of: id, cursor: cursor, limit: limit)
    let reference = broker.store.reference
    return await Reply.page(call, page.items, next: page.next) { w, read in
      w.string("at", read.at.rfc3339)
      w.object("organ") { w in
        let organ = reference.organ(number: read.organ)
        w.string("code", organ?.code.description)
        w.string("name", organ?.name)
      }
      w.int("key", read.key)
      w.string("what", read.what.rawValue)
    }
  }
}
