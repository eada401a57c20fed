extension AssistanceRequest {
  /// Opens a request: routes it by the assistance list where the requester names no organ, and sets its deadline from
  /// the moment of receipt (电子签名法 第十一条: a data message is received when it enters the system).
  /// - Parameters:
  ///   - origin: the request that it follows.
  ///   - others: what else is wrong with it.
  package static func submit(
    _ submission: Submission, by requester: Organ, id: EntityID, now: Instant, reference: Reference,
    origin: EntityID? = nil, others: [Fault] = []
  ) throws(Refusal) -> Decision {
    let procedure = reference.procedures[submission.procedure]
    if let procedure, !procedure.mayBeOpened(by: requester) { throw .mayNotOpen(procedure.title) }
    let content = submission.content
    let responder = procedure.flatMap {
      Self.responder(
        procedure: $0, to: submission.to, item: submission.item, by: requester.code, reference: reference)
    }
    let faults =
      routingFaults(
        procedure: submission.procedure, item: submission.item, to: submission.to, by: requester.code,
        reference: reference)
      + itemFaults(
        procedure: procedure, item: submission.item, by: requester.code,
        byAgent: content.commitment?.byAgent == true, hasReason: content.reason != nil, reference: reference)
      + (procedure?.faults(
        item: submission.item != nil, subject: submission.subject != nil, questions: !content.questions.isEmpty,
        data: content.data, to: responder, by: requester, today: now.date, reference: reference) ?? [])
      + dateFaults(submission, today: now.date) + others
    guard faults.isEmpty, let procedure, let responder else { throw .faults(faults) }

    let entry =
      procedure.takesListedDays
      ? submission.item.flatMap { reference.route(item: $0, requester: requester.code) } : nil
    // The list binds the organ it names; asking another organ runs on the procedure's own days.
    let deadline = procedure.due(
      receivedAt: now, data: content.data, days: entry.flatMap { $0.obliged == responder.code ? $0.workingDays : nil },
      region: responder.region, calendar: reference.calendar, lastDay: reference.lastDay)
    var progress = Progress.none
    let start = procedure.clockStart(receivedAt: now, data: content.data)
    if start != now { progress.clockFrom = start }
    progress.origin = origin
    progress.recused = procedure.recused(by: content.data)
    if procedure.binds == .sender {
      progress.bindsSender = true
      progress.metAt = now
    }
    let request = AssistanceRequest(
      id: id, procedure: procedure.id, requester: requester.code, responder: responder.code,
      item: submission.item, receivedAt: now, deadline: deadline,
      content: submission.encoded, version: 1, updatedAt: now,
      acknowledgement: nil, state: .submitted, progress: progress, procedureVersion: procedure.version)
    let event = Event(
      type: .submitted, at: now, actor: .organ(requester.code), version: 1, state: .submitted,
      data: .object(
        [
          .init("from", .string(requester.code.description)),
          .init("to", .string(responder.code.description)),
          .init("item", submission.item.map(JSON.string) ?? .null),
          .init("dueDate", .string(deadline.date.description)),
          .init("workingDays", .int(deadline.workingDays)),
          .init("provisional", .bool(deadline.provisional)),
        ] + (request.isSentLate ? [.init("late", .bool(true))] : [])
          + (origin.map { [.init("origin", .string($0.description))] } ?? [])))
    return Decision(
      request: request, event: event,
      timer: request.isLadderRunning
        ? reference.calendar.next(
          after: nil, ladder: procedure.ladder, deadline: deadline, receivedAt: now, region: responder.region) : nil,
      alsoTell: request.copied(reference))
  }
}
