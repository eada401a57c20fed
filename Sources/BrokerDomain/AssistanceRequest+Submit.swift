extension AssistanceRequest {
  /// Opens a request: routes it by the assistance list where the requester names no organ, and sets its deadline from
  /// the moment of receipt (电子签名法 第十一条: a data message is received when it enters the system).
  package static func submit(
    _ submission: Submission, by requester: Organ, id: EntityID, now: Instant, reference: Reference
  ) throws(Refusal) -> Decision {
    var faults: [Fault] = []
    let procedure = reference.procedures[submission.procedure]
    if procedure == nil {
      let known = reference.procedures.keys.sorted().joined(separator: ", ")
      faults.append(
        Fault(
          "/procedure", code: "unknown-procedure", "没有事项“\(submission.procedure)”；现有：\(known)",
          "there is no procedure \"\(submission.procedure)\"; known: \(known)"))
    }
    if let item = submission.item, reference.item(item) == nil {
      faults.append(
        Fault(
          "/item", code: "unknown-item", "证明事项清单中没有编号“\(item)”",
          "the list of proof items has no item \"\(item)\""))
    }
    let responder = route(submission, requester: requester, reference: reference, faults: &faults)
    guard let procedure, let responder, faults.isEmpty else { throw .faults(faults) }

    let entry = submission.item.flatMap { reference.route(item: $0, requester: requester.code) }
    // The list binds the organ it names; asking another organ runs on the procedure's own days.
    let days =
      entry.flatMap { $0.obliged == responder.code ? $0.workingDays : nil } ?? procedure.workingDays
    let deadline = reference.calendar.deadline(
      receivedAt: now, workingDays: days, region: responder.region, lastDay: reference.lastDay)
    let request = AssistanceRequest(
      id: id, procedure: procedure.id, requester: requester.code, responder: responder.code,
      item: submission.item, receivedAt: now, deadline: deadline,
      content: EncodedContent(submission.content), version: 1, updatedAt: now,
      acknowledgement: nil, state: .submitted)
    let event = Event(
      type: .submitted, at: now, actor: .organ(requester.code), version: 1, state: .submitted,
      data: .object([
        .init("from", .string(requester.code.description)),
        .init("to", .string(responder.code.description)),
        .init("item", submission.item.map(JSON.string) ?? .null),
        .init("dueDate", .string(deadline.date.description)),
        .init("workingDays", .int(days)),
        .init("provisional", .bool(deadline.provisional)),
      ]))
    return Decision(
      request: request, event: event,
      timer: reference.calendar.next(
        after: nil, ladder: procedure.ladder, deadline: deadline, receivedAt: now,
        region: responder.region))
  }

  private static func route(
    _ submission: Submission, requester: Organ, reference: Reference, faults: inout [Fault]
  ) -> Organ? {
    if let to = submission.to {
      guard to != requester.code else {
        faults.append(
          Fault(
            "/to", code: "same-organ", "不能请求本机关协助", "an organ cannot ask itself for assistance"))
        return nil
      }
      guard let organ = reference.organ(to) else {
        faults.append(
          Fault(
            "/to", code: "unknown-organ", "机关目录中没有“\(to)”",
            "the directory has no organ \"\(to)\""))
        return nil
      }
      return organ
    }
    guard let item = submission.item else {
      faults.append(
        Fault(
          "/to", code: "no-route", "未指明被请求机关（to），也未指明可据以确定机关的证明事项（item）",
          "name the requested organ (to), or an item from which the assistance list finds it"))
      return nil
    }
    guard let entry = reference.route(item: item, requester: requester.code),
      let organ = reference.organ(entry.obliged)
    else {
      if reference.item(item) != nil {
        faults.append(
          Fault(
            "/to", code: "no-route", "行政协助事项清单中没有本机关就事项“\(item)”的协助机关，请指明 to",
            "the assistance list names no organ for item \"\(item)\" and your organ: say whom to ask in to"
          ))
      }
      return nil
    }
    return organ
  }
}
