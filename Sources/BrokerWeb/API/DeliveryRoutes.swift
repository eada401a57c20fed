internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// What became of each callback. Organs see their own; the operator sees all: it is machinery.
struct DeliveryRoutes {
  let broker: Broker

  func list(_ call: Call) async throws -> Reply {
    try call.checkQuery("endpoint", "state", "limit", "cursor")
    var endpoint: Int64?
    if let text = call.queryValue("endpoint") {
      guard let id = EntityID(text) else {
        throw call.badParameter("endpoint", "应为回调地址的 id", "must be the id of an endpoint")
      }
      endpoint = id.key
    }
    let page = try await broker.store.deliveries(
      organ: try call.scope().organ, endpoint: endpoint,
      state: try call.queryChoice("state", Delivery.State.self), cursor: try call.deliveryCursor(),
      limit: try call.limit())
    return await Reply.page(call, page.items, cursor: page.next?.text, Self.write)
  }

  func retry(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    guard let (endpoint, seq) = DerivedID.parseDelivery(call.parameter("id")) else { throw Problem.notFound }
    try call.checkEmptyBody()
    let organ = try call.scope().organ
    do {
      return try await broker.once(call, .accepted) { context in
        try context.retry(endpoint: endpoint, seq: seq, organ: organ)
        let found = try context.pendingDelivery(endpoint: endpoint, seq: seq)
        guard let delivery = found else { throw StoreError.notFound }
        return Reply { w in Self.write(&w, delivery) }.body
      }
    } catch let error as StoreError where error == .notFound {
      // It is on record, so what is missing is its endpoint.
      guard try await broker.store.trace(endpoint: endpoint, seq: seq, organ: organ) != nil else { throw error }
      throw Problem(
        .conflict, "endpoint-deleted", "该投递的接收地址已删除，无处可投", "its endpoint was deleted: there is nowhere to send it")
    }
  }

  static func write(_ w: inout JSONWriter, _ delivery: Delivery) {
    w.string("id", delivery.id)
    w.string("endpoint", delivery.endpoint.description)
    w.string("event", delivery.event)
    w.int("seq", delivery.seq)
    w.string("request", delivery.request.description)
    w.string("type", delivery.type)
    w.string("state", delivery.state.rawValue)
    w.int("attempts", delivery.attempts)
    w.string("createdAt", delivery.createdAt.rfc3339)
    w.string("nextAttemptAt", delivery.nextAttemptAt?.rfc3339)
    w.string("lastAttemptAt", delivery.lastAttemptAt?.rfc3339)
    w.int("lastStatus", delivery.lastStatus)
    w.string("lastError", delivery.lastError)
    w.string(
      "deliveredAt", delivery.state == .delivered ? delivery.lastAttemptAt?.rfc3339 : nil)
  }
}
