internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// Opening requests and moving them on.
struct RequestRoutes {
  let broker: Broker

  /// How a command ended inside the writer: done now, or done before under the same idempotency key.
  private enum Outcome: Sendable {
    case done(AssistanceRequest, Subject?, at: Instant)
    case replayed(KeptReply)
  }

  func submit(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let organ = try call.requireOrgan()
    let claim = try call.idempotencyClaim()
    let submission: Submission
    do throws(Problem) {
      submission = try Submission.read(
        try call.json(), by: organ, today: broker.store.clock.now.date, reference: broker.store.reference)
    } catch {
      return try await replay(claim, otherwise: error)
    }
    let trace = call.trace
    let outcome = try await broker.store.write { context in
      if let claim, let kept = try context.replay(claim) { return Outcome.replayed(kept) }
      let decision = try AssistanceRequest.submit(
        submission, by: organ, id: try context.newID(), now: context.now,
        reference: context.reference)
      try context.apply(decision, previous: nil, subject: submission.subject, trace: trace)
      if let claim { try context.keep(Self.kept(decision, 201, context), for: claim) }
      return .done(decision.request, submission.subject, at: decision.event.at)
    }
    return reply(outcome, .created)
  }

  func transition(_ verb: Verb) -> @Sendable (Call) async throws -> Reply {
    { call in
      try call.checkQuery()
      let organ = try call.requireOrgan()
      let id = try call.id()
      let claim = try call.idempotencyClaim()
      let expected = call.expectedVersions()
      // Who is no party learns nothing, not even whether the body was right.
      let now: AssistanceRequest
      do {
        now = try await requireParty(id, organ, mayRead: true).request
      } catch let problem as Problem {
        // Who gave it away meanwhile still gets the answer to what it did before.
        return try await replay(claim, otherwise: problem)
      }
      let command: Command
      do throws(Problem) {
        // Whoever may not move it now is told so, whatever the body says. The writer judges once more, by what is then.
        if let refusal = now.refusal(
          of: verb, by: organ.code, expectedVersions: expected, reference: broker.store.reference)
        {
          throw Problem(refusal)
        }
        let json = verb.needsBody ? try call.json() : try call.jsonOrEmpty()
        command = try Command.read(verb, json, to: now, reference: broker.store.reference)
      } catch {
        return try await replay(claim, otherwise: error)
      }
      let trace = call.trace
      // A supervisor that reminds or rules is shown the request.
      let watcher = now.party(organ.code) == nil ? call.caller?.keyID : nil
      let outcome = try await broker.store.write { context in
        if let claim, let kept = try context.replay(claim) {
          if let watcher { try context.recordDisclosure(of: id, to: organ.number, key: watcher, .request) }
          return Outcome.replayed(kept)
        }
        guard let stored = try context.request(id) else { throw StoreError.notFound }
        let decision = try stored.request.carryOut(
          command, by: organ.code, now: context.now, expectedVersions: expected,
          reference: context.reference)
        try context.apply(decision, previous: stored.request, trace: trace)
        if let watcher { try context.recordDisclosure(of: id, to: organ.number, key: watcher, .request) }
        if let claim { try context.keep(Self.kept(decision, 200, context), for: claim) }
        return .done(decision.request, stored.subject, at: decision.event.at)
      }
      return reply(outcome, .ok)
    }
  }

  /// Parties read; so does the supervisor of either party's region. Anybody else is told that there is nothing.
  @discardableResult
  func requireParty(_ id: EntityID, _ organ: Organ, mayRead: Bool) async throws -> StoredRequest {
    guard let stored = try await broker.store.request(id) else { throw Problem.notFound }
    let parties = stored.request.parties(organ.code, broker.store.reference)
    guard mayRead ? !parties.isEmpty : stored.request.party(organ.code) != nil else { throw Problem.notFound }
    return stored
  }

  /// What a supervisor reads of a request to which it is no party is on record before it is given away: one more row in
  /// the next group commit. A party's own reading costs nothing.
  func recordWatching(_ request: AssistanceRequest, _ organ: Organ, _ call: Call, _ what: Disclosure.What) async throws
  {
    guard request.party(organ.code) == nil, let key = call.caller?.keyID else { return }
    try await broker.store.write { context in
      try context.recordDisclosure(of: request.id, to: organ.number, key: key, what)
    }
  }

  private func replay(_ claim: IdempotencyClaim?, otherwise problem: Problem) async throws -> Reply {
    guard let claim, let kept = try await broker.store.replay(claim) else { throw problem }
    return reply(.replayed(kept), .ok)
  }

  /// The reply as it is kept: without the subject, which has a table of its own.
  private static func kept(_ decision: Decision, _ status: Int, _ context: WriteContext) -> KeptReply {
    let request = decision.request
    return KeptReply(
      status: status, request: request.id.key, headers: headerLines(request, created: status == 201),
      body: Representation(
        request, subject: nil, now: decision.event.at, reference: context.reference
      ).bytes)
  }

  private static func headerLines(_ request: AssistanceRequest, created: Bool) -> [String] {
    var lines = ["ETag: \"\(request.version)\""]
    if created { lines.append("Location: /v1/requests/\(request.id)") }
    return lines
  }

  private func reply(_ outcome: Outcome, _ status: HTTPResponse.Status) -> Reply {
    switch outcome {
    case .done(let request, let subject, let now):
      var reply = Reply(
        status,
        Representation(
          request, subject: subject, now: now, reference: broker.store.reference
        ).bytes)
      reply.headers[.eTag] = "\"\(request.version)\""
      if status == .created { reply.headers[.location] = "/v1/requests/\(request.id)" }
      return reply
    case .replayed(let kept): return Reply(kept)
    }
  }
}

extension Verb {
  /// The others have no member that is required.
  fileprivate var needsBody: Bool { ![.acknowledge, .remind, .close].contains(self) }
}

extension Reply {
  private static let replayed = HTTPField.Name("Idempotency-Replayed")!

  init(_ kept: KeptReply, replayed: Bool = true) {
    self.init(HTTPResponse.Status(code: kept.status), kept.body)
    for line in kept.headers {
      let parts = line.split(separator: ": ", maxSplits: 1)
      guard parts.count == 2, let name = HTTPField.Name(String(parts[0])) else { continue }
      headers[name] = String(parts[1])
    }
    if replayed { headers[Self.replayed] = "true" }
  }
}
