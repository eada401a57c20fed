internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// Reading requests: one, a list, its timeline and its 算式; and the organ's feed.
struct ReadRoutes {
  let broker: Broker
  let requests: RequestRoutes

  func get(_ call: Call) async throws -> Reply {
    try call.checkQuery("wait", "reveal")
    let organ = try call.requireOrgan()
    let id = try call.id()
    let seconds = try call.wait(broker.limits)
    let reveal = try revealed(call)
    var stored = try await requests.requireParty(id, organ, mayRead: true)
    if let known = call.knownVersions(), known.match(stored.request.version) {
      // Every version matches `*`: none that is worth waiting for will come.
      guard seconds > 0, !known.isAny else { return unchanged(stored.request.version) }
      let changed = try await broker.waiters.wait(
        for: .request(id.key), by: organ.number, seconds: seconds, while: call.presence
      ) {
        try await broker.store.request(id).flatMap { known.match($0.request.version) ? nil : $0 }
      }
      try call.checkKey(broker.store)
      guard let changed else { return unchanged(stored.request.version) }
      // Meanwhile it may have gone to another organ.
      guard !changed.request.parties(organ.code, broker.store.reference).isEmpty else { throw Problem.notFound }
      stored = changed
    }
    if reveal {
      guard stored.request.party(organ.code) != nil, let caller = call.caller else {
        throw Problem(.forbidden, "forbidden", "只有当事机关可以查看证件号码全文", "only a party may see the id number unmasked")
      }
      try await broker.store.write { context in
        try context.recordDisclosure(of: id, to: organ.number, key: caller.keyID)
      }
    } else {
      try await requests.recordWatching(stored.request, organ, call, .request)
    }
    if call.isShown, stored.request.requester == organ.code, stored.request.state.name.isResult {
      broker.store.noteRead(CollectionOfOne((request: id.key, version: stored.request.version)))
    }
    return reply(stored, reveal: reveal, organ.code)
  }

  private func revealed(_ call: Call) throws(Problem) -> Bool {
    guard let text = call.queryValue("reveal") else { return false }
    guard text == "subject" else { throw call.badParameter("reveal", "应为 subject", "must be subject") }
    return true
  }

  private func unchanged(_ version: Int) -> Reply {
    var reply = Reply(.notModified)
    reply.headers[.eTag] = "\"\(version)\""
    return reply
  }

  private func reply(_ stored: StoredRequest, reveal: Bool, _ viewer: OrganCode) -> Reply {
    var reply = Reply(
      .ok,
      Representation(
        stored.request, subject: stored.subject, reveal: reveal, now: broker.store.clock.now,
        reference: broker.store.reference, viewer: viewer
      ).bytes)
    reply.headers[.eTag] = "\"\(stored.request.version)\""
    return reply
  }

  func list(_ call: Call) async throws -> Reply {
    try call.checkQuery(
      "role", "state", "procedure", "overdue", "dueBefore", "updatedAfter", "subject", "limit", "cursor",
      lists: ["state"])
    let organ = try call.requireOrgan()
    var filter = RequestFilter()
    filter.role = try call.queryChoice("role", RequestFilter.Role.self)
    filter.states = try states(call)
    filter.procedure = try procedure(call)
    if let text = call.queryValue("overdue") {
      guard ["true", "false"].contains(text) else {
        throw call.badParameter("overdue", "应为 true 或 false", "must be true or false")
      }
      filter.overdue = text == "true"
    }
    // The last day of what is due before a date ends with that date's first moment, at the latest.
    filter.dueBefore =
      try call.queryValue("dueBefore").flatMap { CalendarDate($0) }.map { $0.midnight + 1 }
      ?? call.queryInstant("dueBefore", orDate: true)
    filter.updatedAfter = try dateOrInstant(call, "updatedAfter")
    filter.subject = call.queryValue("subject")?.uppercased()
    let page = try await page(call, organ, filter)
    let now = broker.store.clock.now
    // By index: to look at two members of a request is no reason to copy it.
    let (items, own) = (page.items, organ.code)
    broker.store.noteRead(
      items.indices.lazy
        .filter { call.isShown && items[$0].request.state.name.isResult && items[$0].request.requester == own }
        .map { (request: items[$0].request.id.key, version: items[$0].request.version) })
    return await Reply.page(call, page.items, next: page.next, each: ListedRequest.bytes) { w, listed in
      w.splice(listed.members(for: own, now: now)[...])
    }
  }

  /// What a supervisor reads of others is on record before it is given away.
  private func page(_ call: Call, _ organ: Organ, _ filter: RequestFilter) async throws -> Page<ListedRequest> {
    let (cursor, limit) = (try call.cursor(), try call.limit())
    guard filter.role == .supervisor else {
      return try await broker.store.requests(of: organ.number, filter, cursor: cursor, limit: limit)
    }
    guard organ.roles.contains(.supervisor) else {
      throw Problem(.forbidden, "forbidden", "只有司法局可以查看本地区的请求", "only a supervisor reads the requests of a region")
    }
    guard filter.subject == nil else {
      throw call.badParameter(
        "subject", "监督查询不按证件号码进行", "supervision does not search by the id number of a person")
    }
    let page = try await broker.store.supervised(by: organ, filter, cursor: cursor, limit: limit)
    try await requests.recordWatching(page.items.map(\.request), organ, call, .request)
    return page
  }

  /// Also one whose file is gone: requests may have been opened under it.
  private func procedure(_ call: Call) throws(Problem) -> String? {
    guard let id = call.queryValue("procedure") else { return nil }
    let reference = broker.store.reference
    guard reference.knows(procedure: id) else {
      let list = reference.knownProcedures.joined(separator: ", ")
      throw call.badParameter("procedure", "“\(id)”应为 \(list) 之一", "\"\(id)\" must be one of \(list)")
    }
    return id
  }

  /// Nil when none is asked for; empty when those that are asked for are not in use yet.
  private func states(_ call: Call) throws(Problem) -> [StateName]? {
    let names = (call.queryValue("state") ?? "").split(separator: ",").map(String.init)
    let known = StateName.allCases.map(\.rawValue)
    for name in names where !known.contains(name) {
      let list = known.joined(separator: ", ")
      throw call.badParameter("state", "“\(name)”应为 \(list) 之一", "\"\(name)\" must be one of \(list)")
    }
    return names.isEmpty ? nil : names.compactMap { StateName(rawValue: $0) }
  }

  private func dateOrInstant(_ call: Call, _ name: String) throws(Problem) -> Instant? {
    if let date = call.queryValue(name).flatMap({ CalendarDate($0) }) { return date.midnight }
    return try call.queryInstant(name, orDate: true)
  }

  func timeline(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let id = try call.id()
    let organ = try call.requireOrgan()
    let request = try await requests.requireParty(id, organ, mayRead: true).request
    let events = try await broker.store.timeline(id)
    try await requests.recordWatching(request, organ, call, .timeline)
    let reference = broker.store.reference
    let arrivals = try await broker.store.arrivals(of: events)
    return await Reply.page(call, events, next: nil, head: { Self.write(&$0, arrivals) }) { w, event in
      w.int("seq", event.seq)
      w.string("id", event.id)
      w.string("type", event.type)
      w.string("at", event.at.rfc3339)
      w.int("version", event.version)
      w.string("state", event.state)
      w.object("actor") { w in
        w.string("kind", event.actor == nil ? "clock" : "organ")
        if let actor = event.actor {
          w.string("code", actor.description)
          w.string("name", reference.organ(actor)?.name)
        }
      }
      w.raw("data", event.data)
    }
  }

  /// When each result reached the requester: 送达, and read by asking for it.
  private static func write(_ w: inout JSONWriter, _ arrivals: [ResultArrival]) {
    w.array("results") { w in
      for result in arrivals {
        w.object { w in
          w.int("seq", result.seq)
          w.string("type", result.type)
          w.string("at", result.at.rfc3339)
          w.array("delivered") { w in
            for arrival in result.delivered {
              w.object { w in
                w.string("endpoint", arrival.endpoint.description)
                w.string("at", arrival.at.rfc3339)
              }
            }
          }
          w.string("firstReadAt", result.firstReadAt?.rfc3339)
        }
      }
    }
  }

  func feed(_ call: Call) async throws -> Reply {
    try call.checkQuery("after", "limit", "wait")
    let organ = try call.requireOrgan()
    let given = try call.queryInt("after", 0...Int64.max) ?? 0
    // Beyond the newest one only where a backup was restored since: what happens from here on bears numbers that were
    // given away before, and is news all the same.
    let after = given == 0 ? 0 : min(given, try await broker.store.newestEvent())
    let limit = try call.limit()
    let seconds = try call.wait(broker.limits)
    let events =
      try await broker.waiters.wait(
        for: .feed(organ: organ.number), by: organ.number, seconds: seconds, while: call.presence
      ) {
        () -> [StoredEvent]? in
        let events = try await broker.store.feed(organ: organ.number, after: after, limit: limit)
        return events.isEmpty ? nil : events
      } ?? []
    if seconds > 0 { try call.checkKey(broker.store) }
    // Who was no party to what happened reads of it here as in the timeline.
    let watched = events.filter { $0.requester != organ.number && $0.responder != organ.number }.map(\.request)
    try await requests.recordWatching(Set(watched), organ, call, .timeline)
    broker.store.noteRead(
      events.lazy.filter {
        call.isShown && $0.requester == organ.number && EventType(rawValue: $0.type)?.isResult == true
      }
      .map { (request: $0.request.key, version: $0.version) })
    return await Reply.long(events.count) { w in
      w.array("items") { w in
        for event in events {
          w.object { w in
            w.int("seq", event.seq)
            w.string("id", event.id)
            w.string("type", event.type)
            w.string("at", event.at.rfc3339)
            w.string("request", event.request.description)
            w.int("version", event.version)
            w.raw("data", event.data)
          }
        }
      }
      // What to pass as `after` next time, also when there was nothing: polling never has to think.
      w.int("next", events.last?.seq ?? after)
    }
  }
}
