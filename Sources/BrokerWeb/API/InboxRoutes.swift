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
        "回调地址已停用：\(reason.zh)。待投消息在重试期内保留，逾期不再投递；修复后请及时重新启用（PATCH enabled: true），即按序补投。",
        "a callback endpoint was switched off: \(reason.en). What is owed to it is kept for as long as it would be retried, and"
          + " given up then; switch it on again (PATCH enabled: true) when it is mended, and it goes out in order"))
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
    if case .reminder(let by, _) = matter { organs.append(("by", by)) }
    for (member, code) in organs {
      w.object(member) { w in
        w.string("code", code.description)
        w.string("name", name(code))
      }
    }
    let title = reference.title(ofProcedure: procedure) ?? Phrase(procedure, procedure)
    w.phrase("text", text(title, asker: name(requester), answerer: name(responder), name))
  }

  /// Of whom the clock binds: nobody else has a deadline.
  private var ownDue: Phrase {
    let mark = Phrase.mark(provisional: provisional)
    return binds == .sender ? Phrase("", "") : Phrase("，期限 \(dueDate)\(mark.zh)", ", due on \(dueDate)\(mark.en)")
  }

  private func text(_ title: Phrase, asker: String, answerer: String, _ name: (OrganCode) -> String) -> Phrase {
    switch matter {
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
        "请裁定由哪个机关办理：\(asker)提出的“\(title.zh)”，各机关对由谁办理意见不一，现在\(answerer)手中，已报请贵机关裁定",
        "to rule who is to answer: the organs disagree about \"\(title.en)\", opened by \(asker); it lies with \(answerer) now"
      )
    case .reminder(let by, toSupply: true):
      Phrase(
        "请联络员尽快补正：\(name(by))催办\(asker)提出的“\(title.zh)”，期限停止计算，补正后重新计算",
        "for the contact: \(name(by)) reminds you to supply the particulars of \"\(title.en)\", opened by \(asker); the clock"
          + " stands still until then")
    case .reminder(let by, toSupply: false):
      Phrase(
        "请联络员尽快\(owesReceiptOnly ? "签收" : "办理")：\(name(by))催办\(asker)提出的“\(title.zh)”\(ownDue.zh)",
        "for the contact: \(name(by)) reminds you of \"\(title.en)\", opened by \(asker)\(ownDue.en)")
    }
  }
}
