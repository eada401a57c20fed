package import BrokerDomain
internal import GRDB

/// Opening and moving requests with what hangs on it: a new one may follow another, an answer may open or undo others.
/// All of it in the caller's transaction, each through `apply`.
extension WriteContext {
  package func open(_ submission: Submission, by organ: Organ, trace: String? = nil) throws -> AssistanceRequest {
    // The lists that hold at the moment of receipt, to the millisecond.
    let now = now
    let reference = reference(at: now)
    let procedure = reference.procedures[submission.procedure]
    let routed = submission.item.flatMap { reference.route(item: $0, requester: organ.code)?.obliged }
    let links = try links(
      of: submission.content.data, procedure, by: organ.code, to: submission.to ?? routed, subject: submission.subject)
    let decision = try AssistanceRequest.submit(
      submission, by: organ, id: try newID(), now: now, reference: reference, origin: links.origin?.request.id,
      others: links.faults)
    try apply(decision, previous: nil, subject: submission.subject, trace: trace)
    try link(decision.request, to: links.origin, trace: trace)
    return decision.request
  }

  package func carryOut(
    _ command: Command, on stored: StoredRequest, by organ: OrganCode, expectedVersions: [Int]? = nil,
    trace: String? = nil
  ) throws -> AssistanceRequest {
    let request = stored.request
    var links = Links()
    if case .supply(_, let data) = command { links = try self.links(of: data, suppliedTo: stored, by: organ) }
    let decision: Decision
    do throws(Refusal) {
      decision = try request.carryOut(
        command, by: organ, now: now, expectedVersions: expectedVersions, reference: reference)
    } catch {
      guard case .faults(let faults) = error else { throw error }
      throw Refusal.faults(faults + links.faults)
    }
    guard links.faults.isEmpty else { throw Refusal.faults(links.faults) }
    if command.verb == .remind { try checkReminders(of: request, by: organ) }
    // By the moment of the decision: what is late by it is told before it.
    if request.deadline.at <= decision.event.at { try fireMissed(request, at: decision.event.at) }
    guard !decision.owes.isEmpty else {
      try apply(decision, previous: request, trace: trace)
      try link(decision.request, to: links.origin, trace: trace)
      if decision.request.state.name == .withdrawn { try offerAgain(after: decision.request, trace: trace) }
      return decision.request
    }
    let (undone, standing) = try reversals(by: decision, subject: stored.subject)
    var (whole, opened) = try decision.opening(subject: stored.subject, now: now, reference: reference) { try newID() }
    whole.request.progress.followUps += standing
    try apply(whole, previous: request, trace: trace)
    for new in opened { try apply(new.decision, previous: nil, subject: new.subject, trace: trace) }
    for report in undone {
      try apply(
        report.reversed(by: whole.request, now: now, reference: reference), previous: report, trace: trace)
    }
    return whole.request
  }

  /// What is wrong with what the `data` of a faulty submission names, as far as the rest could be read.
  /// - Parameter unread: pointers of what could not be read. What depends on it is not judged.
  package func linkFaults(of submission: Submission, by organ: Organ, unread: Set<String>) throws -> [Fault] {
    let routed = submission.item.flatMap { reference.route(item: $0, requester: organ.code)?.obliged }
    let isWhole = unread.allSatisfy { pointer in
      !["/to", "/item", "/subject"].contains { pointer == $0 || pointer.hasPrefix($0 + "/") }
    }
    return try links(
      of: submission.content.data, reference.procedures[submission.procedure], by: organ.code,
      to: submission.to ?? routed, subject: submission.subject, reverses: isWhole
    ).faults
  }

  /// The same of fields that are supplied.
  package func linkFaults(of data: JSON, suppliedTo id: EntityID, by organ: OrganCode) throws -> [Fault] {
    guard let stored = try request(id) else { return [] }
    return try links(of: data, suppliedTo: stored, by: organ).faults
  }

  private func links(of data: JSON, suppliedTo stored: StoredRequest, by organ: OrganCode) throws -> Links {
    guard !data.members.isEmpty else { return Links() }
    return try links(
      of: data, reference.procedure(of: stored.request), by: organ, to: stored.request.responder,
      subject: stored.subject)
  }

  /// What the `data` of a request names.
  private struct Links {
    var origin: StoredRequest?
    var faults: [Fault] = []
  }

  /// Looks up what a request says that it follows or undoes. Costs nothing where the procedure has no such field.
  /// - Parameter reverses: whether what it would undo is looked up too.
  private func links(
    of data: JSON, _ procedure: Procedure?, by organ: OrganCode, to: OrganCode?, subject: Subject?,
    reverses: Bool = true
  ) throws -> Links {
    var links = Links()
    guard let procedure, !procedure.fields.isEmpty else { return links }
    if procedure.hasOrigin, let id = data[Procedure.originField]?.stringValue.flatMap({ EntityID($0) }) {
      let named = try request(id)
      if let named, named.request.party(organ) != nil {
        links.origin = named
        if let fault = fault(of: named, as: procedure, by: organ, subject: subject) { links.faults.append(fault) }
      } else {
        links.faults.append(
          Fault(
            "/data/" + Procedure.originField, code: "unknown-request", "没有这一请求，或者本机关不是当事方",
            "there is no such request, or your organ is no party to it"))
      }
    }
    for rule in procedure.reversals where reverses {
      guard let field = rule.field, let id = data[field]?.stringValue.flatMap({ EntityID($0) }),
        !links.faults.contains(where: { $0.pointer == "/data/" + field })
      else { continue }
      guard let named = try report(id, rule, to: to, subject: subject) else {
        let title = reference.procedures[rule.procedure]?.title ?? Phrase(rule.procedure, rule.procedure)
        links.faults.append(
          Fault(
            "/data/" + field, code: "unknown-request", "没有关于同一主体、由该机关办理的“\(title.zh)”请求",
            "there is no request of \"\(title.en)\" about this subject that this organ handles"))
        continue
      }
      if let reversal = named.progress.reversal {
        let detail = try obstacle(of: reversal, to: organ).detail
        links.faults.append(Fault("/data/" + field, code: "already-reversed", detail.zh, detail.en))
      }
    }
    return links
  }

  /// What an outcome offers follows such an outcome, of the same organ's request about the same subject: nobody is held
  /// to have promised falsely because of what was found about somebody else, or was not found.
  private func fault(
    of origin: StoredRequest, as procedure: Procedure, by organ: OrganCode, subject: Subject?
  ) -> Fault? {
    guard reference.isOffered(procedure.id) else { return nil }
    let pointer = "/data/" + Procedure.originField
    guard origin.request.leads(to: procedure.id, for: organ, reference) else {
      return Fault(
        pointer, code: "invalid-origin", "所指请求应由本机关提出，且其答复结论可据以提出“\(procedure.title.zh)”",
        "it is no request of your organ whose answer leads to \"\(procedure.title.en)\"")
    }
    guard let subject, let known = origin.subject, known.idNumber != subject.idNumber else { return nil }
    return Fault(pointer, code: "invalid-origin", "所指请求的当事人不是本请求的当事人", "that request is about somebody else")
  }

  /// The request that a field names, when it is what it should be: of this procedure, about this subject, and held by
  /// the organ that is asked to undo it. Whoever names another is not told which of these it was.
  private func report(
    _ id: EntityID, _ rule: Procedure.Next, to: OrganCode?, subject: Subject?
  ) throws -> AssistanceRequest? {
    guard let named = try request(id), named.request.procedure == rule.procedure, let subject,
      named.subject?.idNumber == subject.idNumber, to == nil || named.request.responder == to,
      named.request.state.name != .withdrawn
    else { return nil }
    return named.request
  }

  /// That a report was undone is for everybody to know who would undo it; by which request, for who may read that.
  private func obstacle(of reversal: Reversal, to organ: OrganCode) throws -> Obstacle {
    let mayRead = try request(reversal.by).map { !$0.request.parties(organ, reference).isEmpty } ?? false
    return .reversed(mayRead ? reversal : nil)
  }

  /// What an answer undoes, and what it should undo and cannot: it was withdrawn since it was named, or handed to another
  /// organ. Refused when another has undone it meanwhile.
  private func reversals(
    by decision: Decision, subject: Subject?
  ) throws -> (undone: [AssistanceRequest], standing: [FollowUp]) {
    let request = decision.request
    var (undone, standing): ([AssistanceRequest], [FollowUp]) = ([], [])
    for owed in decision.owes where owed.next.how == .reverses {
      guard let id = owed.next.field.flatMap({ request.data[$0]?.stringValue }).flatMap({ EntityID($0) }) else {
        continue
      }
      guard let report = try report(id, owed.next, to: request.responder, subject: subject) else {
        let reason = Phrase(
          "所指请求已撤回或者已转由其他机关办理，未予撤销",
          "the request that it names was withdrawn or is handled by another organ now, and stands as it is")
        standing.append(
          FollowUp(
            procedure: owed.next.procedure, how: .reverses, reason: reason,
            isSealed: reference.isSealed(owed.next.procedure)))
        continue
      }
      if let reversal = report.progress.reversal {
        throw Refusal.notAllowed(try obstacle(of: reversal, to: request.responder))
      }
      undone.append(report)
    }
    return (undone, standing)
  }

  /// What a withdrawn request followed offers it again.
  private func offerAgain(after request: AssistanceRequest, trace: String?) throws {
    guard let id = request.progress.origin, let origin = try self.request(id)?.request,
      let decision = origin.unfollowed(by: request, now: now, reference: reference)
    else { return }
    try tell(decision, of: origin, isSealed: reference.isSealed(request.procedure), trace: trace)
  }

  /// Takes up an offer of the request that a new one follows. Of what is sealed nobody else is told.
  private func link(_ request: AssistanceRequest, to origin: StoredRequest?, trace: String?) throws {
    guard let origin, let decision = origin.request.followed(by: request, now: now, reference: reference) else {
      return
    }
    try tell(decision, of: origin.request, isSealed: reference.isSealed(request.procedure), trace: trace)
  }

  private func tell(_ decision: Decision, of origin: AssistanceRequest, isSealed: Bool, trace: String?) throws {
    guard isSealed else {
      try apply(decision, previous: origin, trace: trace)
      return
    }
    var silent = origin
    silent.progress.followUps = decision.request.progress.followUps
    try amend(silent)
  }
}
