internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// One delivery with its attempts, what is sent again all at once, and whom to call when nothing gets through.
extension DeliveryRoutes {
  func get(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    guard let (endpoint, seq) = DerivedID.parseDelivery(call.parameter("id")),
      let trace = try await broker.store.trace(
        endpoint: endpoint, seq: seq, organ: try call.scope().organ,
        failingSince: broker.machinery.health(endpoint)?.failingSince)
    else { throw Problem.notFound }
    return Reply { w in
      Self.write(&w, trace.delivery)
      w.string("waitsFor", trace.wait?.name)
      w.string("failingSince", trace.failingSince?.rfc3339)
      w.array("history") { w in for attempt in trace.attempts { w.object { w in attempt.write(&w) } } }
    }
  }

  /// In many small writes, as a replay: done twice it finds nothing left, and the first to end decides the answer.
  func retryDead(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let scope = try call.scope()
    var reader = BodyReader()
    let m = reader.object(try call.json(), at: "", members: ["endpoint", "state"]) ?? Members()
    let text = reader.text(m["endpoint"], at: "/endpoint", required: true)
    let id = text.flatMap { EntityID($0) }
    if text != nil, id == nil {
      reader.fault("/endpoint", "应为回调地址的 id", "must be the id of an endpoint")
    }
    if m["state"]?.stringValue != Delivery.State.dead.rawValue {
      reader.fault("/state", "应为 dead", "must be dead")
    }
    guard let id, reader.faults.isEmpty else { throw Problem(reader.faults) }
    guard let endpoint = try await broker.store.endpoint(id)?.endpoint,
      scope.organ == nil || endpoint.organ == scope.organ
    else { throw Problem.notFound }
    if let claim = try call.idempotencyClaim(), let kept = try await broker.store.replay(claim) { return Reply(kept) }
    let retried = try await broker.store.retryDead(of: endpoint.id.key)
    return try await broker.once(call, .accepted) { _ in
      Reply { w in
        w.int("queued", retried.queued)
        w.bool("more", retried.next != nil)
      }.body
    }
  }

  /// Supervisors see what concerns their region, with the contact that the requester named; the operator sees all, and
  /// no names of persons.
  func callList(_ call: Call) async throws -> Reply {
    try call.checkQuery("limit", "cursor")
    let supervisor: Organ? = try call.scope().isOperator ? nil : try call.requireOrgan()
    guard supervisor.map({ $0.roles.contains(.supervisor) }) ?? true else {
      throw Problem(
        .forbidden, "forbidden", "只有监督机关和运行人员可以查看待联系名单", "the call list is for supervisors and the operator")
    }
    let page = try await broker.store.callList(
      supervisor: supervisor?.code, cursor: try call.cursor(), limit: try call.limit())
    let reference = broker.store.reference
    return await Reply.page(call, page.items, next: page.next) { w, line in line.write(&w, reference) }
  }
}

extension DeliveryTrace.Wait {
  /// What a pending delivery waits for besides its time.
  var name: String {
    switch self {
    case .earlier: "earlier-message"
    case .endpointOff: "endpoint-disabled"
    case .endpointFailing: "endpoint-failing"
    }
  }
}

extension Attempt {
  fileprivate func write(_ w: inout JSONWriter) {
    w.int("number", number)
    w.string("at", at.rfc3339)
    w.int("status", status)
    w.string("error", error)
    w.string("remoteAddress", trip.flatMap { $0.remoteAddress.isEmpty ? nil : $0.remoteAddress })
    guard let trip else { return w.null("timings") }
    w.object("timings") { w in
      w.int("dnsUs", trip.dnsUS)
      w.int("connectUs", trip.connectUS)
      w.int("tlsUs", trip.tlsUS)
      w.int("firstByteUs", trip.firstByteUS)
      w.int("totalUs", trip.totalUS)
    }
  }
}

extension CallLine {
  fileprivate func write(_ w: inout JSONWriter, _ reference: Reference) {
    w.string("request", request.description)
    w.string("procedure", procedure)
    w.string("type", type)
    w.object("requester") { w in
      w.string("code", requester.description)
      w.string("name", reference.organ(requester)?.name)
    }
    if let contact {
      w.object("contact") { w in
        w.string("name", contact.name)
        w.string("phone", contact.phone)
      }
    } else {
      w.null("contact")
    }
    w.string("undeliveredSince", since.rfc3339)
    w.string("neededBy", needed.description)
    w.string("listedAt", listedAt.rfc3339)
    w.int("attempts", attempts)
    w.string("lastAttemptAt", lastAttemptAt?.rfc3339)
    w.string("lastError", lastError)
  }
}
