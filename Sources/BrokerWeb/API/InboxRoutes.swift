internal import BrokerDomain
internal import BrokerStore

/// What an organ's people are told in office hours: its contact, its leader, and of a supervisor what was escalated.
struct InboxRoutes {
  let broker: Broker

  func list(_ call: Call) async throws -> Reply {
    try call.checkQuery("after", "audience", "limit")
    let organ = try call.requireOrgan()
    let after = try call.queryInt("after", 0...Int64.max) ?? 0
    let audience = try call.queryChoice("audience", Audience.self)
    let notices = try await broker.store.inbox(
      organ: organ.number, audience: audience, after: after, limit: try call.limit())
    let reference = broker.store.reference
    return await Reply.long(notices.count) { w in
      w.array("items") { w in
        for notice in notices { w.object { w in notice.write(&w, reference) } }
      }
      // What to pass as `after` next time, as the feed does.
      w.int("next", notices.last?.seq ?? after)
    }
  }
}

extension InboxNotice {
  fileprivate func write(_ w: inout JSONWriter, _ reference: Reference) {
    func name(_ code: OrganCode) -> String { reference.organ(code)?.name ?? code.description }
    w.int("seq", seq)
    w.string("at", at.rfc3339)
    w.string("audience", audience.rawValue)
    w.string("rung", rung.name)
    w.string("request", request.description)
    w.string("procedure", procedure)
    w.string("state", state)
    w.string("reference", self.reference)
    w.string("dueDate", dueDate.description)
    for (member, code) in [("from" as StaticString, requester), ("to", responder)] {
      w.object(member) { w in
        w.string("code", code.description)
        w.string("name", name(code))
      }
    }
    w.phrase(
      "text",
      rung.notice(
        to: audience, title: reference.procedures[procedure]?.title ?? Phrase(procedure, procedure),
        asker: name(requester), answerer: name(responder), due: dueDate, left: daysLeft))
  }
}
