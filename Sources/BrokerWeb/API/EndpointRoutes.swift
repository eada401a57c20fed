internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// Where an organ wants its events pushed.
struct EndpointRoutes {
  let broker: Broker

  private static let overlapMilliseconds: Int64 = 24 * 3_600_000
  private static let testRetrySeconds = 2
  private static let members = ["url", "events", "body", "description"] + EndpointSecurity.members
  /// What null takes back; anything else an endpoint cannot be without.
  private static let clearable = ["description", "tls"]

  func create(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let organ = try call.requireOrgan()
    let claim = try call.idempotencyClaim()
    var reader = BodyReader()
    let json = try call.json()
    guard let m = reader.object(json, at: "", members: Self.members) else {
      throw Problem(reader.faults)
    }
    let url = url(m["url"], required: true, &reader)
    let events = events(m["events"], &reader) ?? ["*"]
    let body = reader.choice(m["body"], at: "/body", Endpoint.Body.self) ?? .thin
    let description = reader.text(m["description"], at: "/description")
    let security = EndpointSecurity(m, in: json, broker.machinery, &reader)
    guard let url, reader.faults.isEmpty else { throw Problem(reader.faults) }
    let secret = broker.machinery.newSecret()
    return try await broker.store.write { context in
      if let claim, let kept = try context.replay(claim) { return try showAgain(kept, context) }
      guard try context.endpointCount(organ: organ.number) < WriteContext.endpointsPerOrgan else {
        throw StoreError.refused(
          .faults([
            Fault(
              "", code: "too-many-endpoints", "每个机关最多\(WriteContext.endpointsPerOrgan)个回调地址",
              "an organ has at most \(WriteContext.endpointsPerOrgan) endpoints")
          ]))
      }
      var endpoint = Endpoint(
        id: try context.newID(), organ: organ.number, url: url, events: events, body: body,
        description: description, secret: secret, createdAt: context.now)
      security.apply(to: &endpoint)
      try context.insert(endpoint)
      return try show(endpoint, Figures(), keptFor: claim, context)
    }
  }

  func list(_ call: Call) async throws -> Reply {
    try call.checkQuery("limit", "cursor")
    let organ = try call.requireOrgan()
    let page = try await broker.store.endpoints(
      of: organ.number, cursor: try call.cursor(), limit: try call.limit())
    return await Reply.page(call, page.items, next: page.next) { w, status in
      Self.write(
        &w, status.endpoint, pending: status.pending, lastDeliveredAt: status.lastDeliveredAt,
        broker.machinery.health(status.endpoint.id.key))
    }
  }

  func get(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    return reply(try await own(call))
  }

  func change(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let id = try await own(call).endpoint.id
    var reader = BodyReader()
    let json = try call.json()
    guard let m = reader.object(json, at: "", members: Self.members + ["enabled"]) else {
      throw Problem(reader.faults)
    }
    for name in Self.members + ["enabled"] where !Self.clearable.contains(name) && json[name]?.isNull == true {
      reader.fault("/\(name)", "不能为 null；不修改的，请不要填写", "must not be null; leave out what is not to change")
    }
    let url = url(m["url"], required: false, &reader)
    let events = events(m["events"], &reader)
    let body = reader.choice(m["body"], at: "/body", Endpoint.Body.self)
    let description = reader.text(m["description"], at: "/description")
    let enabled = reader.bool(m["enabled"], at: "/enabled")
    let security = EndpointSecurity(m, in: json, broker.machinery, &reader)
    guard reader.faults.isEmpty else { throw Problem(reader.faults) }
    let clearsDescription = json["description"]?.isNull == true
    if enabled == true, try await own(call).endpoint.isDataKeyLost {
      throw Self.secretLost("再启用", "then enable")
    }
    let change: @Sendable (WriteContext) throws -> Void = { context in
      guard var endpoint = try context.endpoint(id) else { throw StoreError.notFound }
      if let url { endpoint.url = url }
      if let events { endpoint.events = events }
      if let body { endpoint.body = body }
      if description != nil || clearsDescription { endpoint.description = description }
      security.apply(to: &endpoint)
      if let enabled {
        endpoint.enabled = enabled
        if !endpoint.isDataKeyLost { endpoint.disabledReason = enabled ? nil : Endpoint.switchedOffByOrgan }
      }
      try context.update(endpoint)
    }
    if enabled == true {
      try await broker.store.switchOn(id.key, owedSeconds: broker.machinery.owedSeconds, change)
    } else {
      try await broker.store.write(change)
    }
    return reply(try await own(call))
  }

  func delete(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let id = try await own(call).endpoint.id
    try await broker.store.write { context in
      guard let endpoint = try context.endpoint(id) else { throw StoreError.notFound }
      try context.delete(endpoint)
      // Nearly every queue is short, and what was tried is on record with the answer.
      try context.dropQueue(of: endpoint.id.key, rows: Store.dropGroup)
    }
    broker.store.clearDeletedQueues()
    return Reply(.noContent)
  }

  func test(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    try call.checkEmptyBody()
    let endpoint = try await own(call).endpoint
    // Signed with a secret that stands in for the lost one, it would be refused for that alone.
    if endpoint.isDataKeyLost { throw Self.secretLost("再试投递", "then test") }
    guard let report = await broker.machinery.test(endpoint) else {
      var problem = Problem(
        .tooManyRequests, "rate-limited", "该地址的上一次试投递尚未结束，或同时进行的试投递过多，请稍后再试",
        "the last test of this endpoint is still under way, or too many others are; try again shortly")
      problem.retryAfterSeconds = Self.testRetrySeconds
      throw problem
    }
    return Reply { w in
      w.bool("delivered", report.delivered)
      w.int("status", report.status)
      w.string("error", report.error)
      w.int("durationMs", report.durationMS)
      w.object("timings") { w in
        w.int("dnsMs", report.timingsMS.dns)
        w.int("connectMs", report.timingsMS.connect)
        w.int("tlsMs", report.timingsMS.tls)
        w.int("firstByteMs", report.timingsMS.firstByte)
      }
      w.string("remoteAddress", report.remoteAddress.isEmpty ? nil : report.remoteAddress)
      w.string("reply", report.reply)
      guard let certificate = report.certificate else { return w.null("certificate") }
      w.object("certificate") { w in
        w.string("subject", certificate.subject)
        w.string("issuer", certificate.issuer)
        w.string("expiresAt", certificate.expiresAt?.rfc3339)
        // Certificates run out by the real clock, also in rehearsal.
        w.int(
          "daysLeft", certificate.expiresAt.map { ($0.milliseconds - BrokerClock.wall.milliseconds) / 86_400_000 })
      }
    }
  }

  /// A new secret; the old one signs beside it for 24 hours, so that a receiver can change over without losing any, and so
  /// do those before it until theirs are over.
  func rotate(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    try call.checkEmptyBody()
    let status = try await own(call)
    let id = status.endpoint.id
    let figures = Figures(
      pending: status.pending, lastDeliveredAt: status.lastDeliveredAt, health: broker.machinery.health(id.key))
    let claim = try call.idempotencyClaim()
    let secret = broker.machinery.newSecret()
    let turned = try await broker.store.write { context -> Rotation in
      if let claim, let kept = try context.replay(claim) { return .done(try showAgain(kept, context)) }
      guard var endpoint = try context.endpoint(id) else { throw StoreError.notFound }
      let now = context.now
      if let again = endpoint.rotate(to: secret, now: now, oldUntil: now + Self.overlapMilliseconds) {
        return .notBefore(again)
      }
      try context.update(endpoint)
      return .done(
        try show(endpoint, figures, until: endpoint.oldSecrets.first?.until ?? now, keptFor: claim, context))
    }
    switch turned {
    case .done(let reply): return reply
    case .notBefore(let again):
      throw Problem(
        .conflict, "too-many-secrets",
        "仍在有效期内的旧密钥已有\(Endpoint.oldSecretsAtOnce)个，\(again.rfc3339) 起可再次更换",
        "\(Endpoint.oldSecretsAtOnce) old secrets are valid still; rotate again from \(again.rfc3339)")
    }
  }

  /// In many small writes: a repetition that meets the first one half-way queues nothing twice, and the first to end
  /// decides the answer.
  func replay(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let endpoint = try await own(call).endpoint
    var reader = BodyReader()
    let start = replayStart(try call.json(), &reader)
    guard let start, reader.faults.isEmpty else { throw Problem(reader.faults) }
    if let claim = try call.idempotencyClaim(), let kept = try await broker.store.replay(claim) { return Reply(kept) }
    let after: Int64 =
      switch start {
      case .seq(let seq): seq
      case .moment(let moment): try await broker.store.lastEvent(before: moment)
      }
    let replayed = try await broker.store.replay(endpoint, after: after)
    return try await broker.once(call, .accepted) { _ in
      Reply { w in
        w.int("queued", replayed.queued)
        w.int("next", replayed.next)
      }.body
    }
  }

  private enum ReplayStart {
    case seq(Int64)
    case moment(Instant)
  }

  /// Exactly one of the two.
  private func replayStart(_ json: JSON, _ reader: inout BodyReader) -> ReplayStart? {
    let m = reader.object(json, at: "", members: ["after", "since"]) ?? Members()
    switch (m["after"], m["since"]) {
    case (nil, let since?):
      if let moment = since.stringValue.flatMap({ Instant(rfc3339: $0) }) { return .moment(moment) }
      reader.fault("/since", "应为 RFC 3339 时刻", "must be a moment of RFC 3339")
    case (let after?, nil):
      if let seq = after.intValue, seq >= 0 { return .seq(Int64(seq)) }
      reader.fault("/after", "应为事件序号（0或更大的整数）", "must be the sequence number of an event, 0 or more")
    case (nil, nil): reader.fault("/after", "应写明 after 或 since", "after or since must be given")
    case (_?, _?): reader.fault("/since", "after 与 since 只能写一个", "give after or since, not both")
    }
    return nil
  }

  private func own(_ call: Call) async throws -> EndpointStatus {
    let organ = try call.requireOrgan()
    guard let status = try await broker.store.endpoint(try call.id()),
      status.endpoint.organ == organ.number
    else { throw Problem.notFound }
    return status
  }

  private func url(_ json: JSON?, required: Bool, _ reader: inout BodyReader) -> String? {
    guard let url = reader.text(json, at: "/url", required: required, longest: 2048) else { return nil }
    guard let fault = broker.machinery.urlFault(url) else { return url }
    reader.fault("/url", fault.zh, fault.en)
    return nil
  }

  private func events(_ json: JSON?, _ reader: inout BodyReader) -> [String]? {
    guard let values = reader.array(json, at: "/events", required: false, 1...50) else { return nil }
    let known = EventType.allCases.map(\.rawValue)
    var events: [String] = []
    for (index, value) in values.enumerated() {
      guard let name = reader.text(value, at: "/events/\(index)") else { continue }
      if name != "*", !known.contains(name) {
        reader.fault(
          "/events/\(index)", "应为 * 或 \(known.joined(separator: ", ")) 之一",
          "must be * or one of \(known.joined(separator: ", "))")
      } else if events.contains(name) {
        reader.fault("/events/\(index)", "“\(name)”重复", "\"\(name)\" occurs twice")
      } else {
        events.append(name)
      }
    }
    return events
  }

  private func reply(_ status: EndpointStatus) -> Reply {
    Reply { w in
      Self.write(
        &w, status.endpoint, pending: status.pending, lastDeliveredAt: status.lastDeliveredAt,
        broker.machinery.health(status.endpoint.id.key))
    }
  }

  static func write(
    _ w: inout JSONWriter, _ endpoint: Endpoint, pending: Int, lastDeliveredAt: Instant?, _ health: EndpointHealth?
  ) {
    w.string("id", endpoint.id.description)
    w.string("url", endpoint.url)
    w.array("events") { w in for event in endpoint.events { w.string(nil, event) } }
    w.string("body", endpoint.body.rawValue)
    EndpointSecurity.write(&w, endpoint)
    w.string("description", endpoint.description)
    w.bool("enabled", endpoint.enabled)
    w.string("disabledReason", endpoint.loss.map { "\($0.zh) / \($0.en)" } ?? endpoint.disabledReason)
    w.string("createdAt", endpoint.createdAt.rfc3339)
    w.string("secretRotatedAt", endpoint.rotatedAt?.rfc3339)
    w.int("pending", pending)
    w.string("lastDeliveredAt", lastDeliveredAt?.rfc3339)
    let health = health ?? EndpointHealth()
    w.object("breaker") { w in health.writeBreaker(&w) }
    w.string("failingSince", health.failingSince?.rfc3339)
  }
}
