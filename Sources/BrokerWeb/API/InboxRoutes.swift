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
    let items = try await broker.store.inbox(
      organ: organ.number, audience: audience, after: after, limit: try call.limit())
    let reference = broker.store.reference
    return await Reply.long(items.count) { w in
      w.array("items") { w in
        for item in items {
          w.object { w in
            switch item {
            case .request(let notice): notice.write(&w, reference)
            case .endpoint(let notice): notice.write(&w)
            }
            // By the directory of today, so that a notice of last year finds whoever sits there now.
            organ.contact(item.audience.role)?.write(&w, as: "person")
          }
        }
      }
      // What to pass as `after` next time, as the feed does.
      w.int("next", items.last?.seq ?? after)
    }
  }
}

extension InboxItem {
  fileprivate var audience: Audience {
    switch self {
    case .request(let notice): notice.audience
    case .endpoint: .contact
    }
  }
}

extension Audience {
  /// Who in the organ that reads the notice: of a supervising one its own liaison officer.
  fileprivate var role: OrganContact.Role { self == .leader ? .leader : .liaison }
}

extension EndpointNotice {
  fileprivate func write(_ w: inout JSONWriter) {
    w.int("seq", seq)
    w.string("at", at.rfc3339)
    w.string("audience", Audience.contact.rawValue)
    w.string("kind", "endpoint-disabled")
    w.string("endpoint", endpoint.description)
    w.string("cause", cause)
    w.phrase(
      "text",
      Phrase(
        "回调地址已停用：\(reason.zh)。待投消息保留，修复后请重新启用（PATCH enabled: true），即按序补投。",
        "a callback endpoint was switched off: \(reason.en). What is owed to it is kept; switch it on again"
          + " (PATCH enabled: true) when it is mended, and it goes out in order"))
  }
}

extension InboxNotice {
  fileprivate func write(_ w: inout JSONWriter, _ reference: Reference) {
    func name(_ code: OrganCode) -> String { reference.organ(code)?.name ?? code.description }
    w.int("seq", seq)
    w.string("at", at.rfc3339)
    w.string("audience", audience.rawValue)
    switch matter {
    case .rung(let rung):
      w.string("kind", "deadline")
      w.string("rung", rung.name)
    case .undelivered: w.string("kind", "result-undelivered")
    case .ruling: w.string("kind", "ruling-wanted")
    case .reminder: w.string("kind", "reminder")
    }
    w.string("request", request.description)
    w.string("procedure", procedure)
    w.string("state", state)
    w.string("reference", self.reference)
    w.string("dueDate", dueDate.description)
    w.bool("provisional", provisional)
    if binds == .sender { w.string("binds", binds.rawValue) }
    var organs = [("from" as StaticString, requester), ("to", responder)]
    if case .reminder(let by) = matter { organs.append(("by", by)) }
    for (member, code) in organs {
      w.object(member) { w in
        w.string("code", code.description)
        w.string("name", name(code))
      }
    }
    let title = reference.title(ofProcedure: procedure) ?? Phrase(procedure, procedure)
    w.phrase("text", text(title, asker: name(requester), answerer: name(responder), name))
  }

  private func text(_ title: Phrase, asker: String, answerer: String, _ name: (OrganCode) -> String) -> Phrase {
    let mark = Phrase.mark(provisional: provisional)
    return switch matter {
    case .rung(let rung) where binds == .sender:
      rung.senderNotice(
        to: audience, title: title, asker: asker, answerer: answerer, due: dueDate, provisional: provisional,
        supervisorIsTold: supervisorIsTold)
    case .rung(let rung):
      rung.notice(
        to: audience, title: title, asker: asker, answerer: answerer, due: dueDate, provisional: provisional,
        left: daysLeft, owesReceiptOnly: owesReceiptOnly, supervisorIsTold: supervisorIsTold)
    case .undelivered: undeliveredNotice(title: title, answerer: answerer, needed: dueDate, provisional: provisional)
    case .ruling:
      Phrase(
        "请裁定由哪个机关办理：\(asker)提出的\(title.zh)在机关之间来回移送，现在\(answerer)，已报请贵机关确定",
        "to rule who is to answer: \(title.en), asked by \(asker), went back and forth between organs; \(answerer) has it now"
      )
    case .reminder(let by):
      Phrase(
        "请联络员尽快办理：\(name(by))催办\(asker)的\(title.zh)，期限 \(dueDate)\(mark.zh)",
        "for the contact: \(name(by)) reminds you of \(title.en) asked by \(asker), due on \(dueDate)\(mark.en)")
    }
  }
}
