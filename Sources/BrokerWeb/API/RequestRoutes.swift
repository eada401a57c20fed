internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// Opening requests and moving them on.
struct RequestRoutes {
  let broker: Broker

  /// How a command ended inside the writer: done now, or done before under the same idempotency key. It is handed from
  /// hand to hand on its way out, so that one reference does for the two dozen that it holds.
  private indirect enum Outcome: Sendable {
    /// With the representation without its subject, where it was made to be kept.
    case done(Shown, Subject?, kept: [UInt8]?)
    case replayed(KeptReply)
  }

  /// What is replied with: a request, whom it is shown to and the moment as of which.
  private struct Shown: Sendable {
    let request: AssistanceRequest
    let viewer: OrganCode
    let now: Instant

    init(_ request: AssistanceRequest, _ viewer: OrganCode, at now: Instant) {
      self.request = request
      self.viewer = viewer
      self.now = now
    }
  }

  func submit(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let organ = try call.requireOrgan()
    let claim = try call.idempotencyClaim()
    let submission: Submission
    do {
      submission = try await Submission.read(
        try call.json(), by: organ, today: broker.store.clock.now.date, reference: broker.store.reference
      ) { draft, unread in
        // Without a writer, what the body says of itself has to do.
        (try? await broker.store.write { try $0.linkFaults(of: draft, by: organ, unread: unread) }) ?? []
      }
    } catch let problem as Problem {
      return try await replay(claim, otherwise: problem)
    }
    let trace = call.trace
    let outcome = try await broker.store.write { context in
      if let claim, let kept = try context.replay(claim) { return Outcome.replayed(kept) }
      let request = try context.open(submission, by: organ, trace: trace)
      let shown = Shown(request, organ.code, at: request.updatedAt)
      let kept = try claim.map { try Self.keep(shown, 201, for: $0, context) }
      return .done(shown, submission.subject, kept: kept)
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
        // Who gave it away meanwhile still gets the answer to what it did before, which shows a request that it has no
        // more: that is on record.
        let kept = try await replay(claim, otherwise: problem)
        if let key = call.caller?.keyID {
          try await broker.store.write { try $0.recordDisclosure(of: id, to: organ.number, key: key, .request) }
        }
        return kept
      }
      let command: Command
      do {
        // Whoever may not move it now is told so, whatever the body says. The writer judges once more, by what is then.
        if let refusal = now.refusal(
          of: verb, by: organ.code, expectedVersions: expected, reference: broker.store.reference)
        {
          throw problem(refusal, of: now, to: organ)
        }
        let json = verb.needsBody ? try call.json() : try call.jsonOrEmpty()
        command = try await Command.read(
          verb, json, to: now, by: organ.code, now: broker.store.clock.now, reference: broker.store.reference
        ) { data in
          (try? await broker.store.write { try $0.linkFaults(of: data, suppliedTo: id, by: organ.code) }) ?? []
        }
      } catch let problem as Problem {
        let kept = try await replay(claim, otherwise: problem)
        try await recordWatching(now, organ, call, .request)
        return kept
      }
      let trace = call.trace
      // A supervisor that reminds or rules is shown the request.
      let watcher = now.party(organ.code) == nil ? call.caller?.keyID : nil
      do throws(StoreError) {
        let outcome = try await broker.store.write { context in
          if let claim, let kept = try context.replay(claim) {
            if let watcher { try context.recordDisclosure(of: id, to: organ.number, key: watcher, .request) }
            return Outcome.replayed(kept)
          }
          guard let stored = try context.request(id) else { throw StoreError.notFound }
          let request = try context.carryOut(
            command, on: stored, by: organ.code, expectedVersions: expected, trace: trace)
          if let watcher { try context.recordDisclosure(of: id, to: organ.number, key: watcher, .request) }
          // A reminder changes nothing, and is answered as things stand by now.
          let isChanged = request.version != stored.request.version
          let shown = Shown(request, organ.code, at: isChanged ? request.updatedAt : context.now)
          let kept = try claim.map { try Self.keep(shown, 200, for: $0, context) }
          return .done(shown, stored.subject, kept: kept)
        }
        return reply(outcome, .ok)
      } catch {
        // Somebody was faster: what the request has become is on disk by now, and may be none of this organ's business.
        guard case .refused(let refusal) = error else { throw error }
        throw problem(refusal, of: try await requireParty(id, organ, mayRead: true).request, to: organ)
      }
    }
  }

  private func problem(_ refusal: Refusal, of request: AssistanceRequest, to organ: Organ) -> Problem {
    Problem(refusal, of: request, to: organ.code, now: broker.store.clock.now, broker.store.reference)
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
    try await recordWatching([request], organ, call, what)
  }

  /// The same of a page of them, in one write.
  func recordWatching(
    _ requests: [AssistanceRequest], _ organ: Organ, _ call: Call, _ what: Disclosure.What
  ) async throws {
    try await recordWatching(Set(requests.filter { $0.party(organ.code) == nil }.map(\.id)), organ, call, what)
  }

  /// - Parameter read: requests to which the organ is no party.
  func recordWatching(_ read: Set<EntityID>, _ organ: Organ, _ call: Call, _ what: Disclosure.What) async throws {
    guard !read.isEmpty, let key = call.caller?.keyID else { return }
    try await broker.store.write { context in
      for id in read.sorted(by: { $0.key < $1.key }) {
        try context.recordDisclosure(of: id, to: organ.number, key: key, what)
      }
    }
  }

  private func replay(_ claim: IdempotencyClaim?, otherwise problem: Problem) async throws -> Reply {
    guard let claim, let kept = try await broker.store.replay(claim) else { throw problem }
    return Reply(kept)
  }

  /// Keeps the reply for its repetition, without the subject, which has a table of its own.
  /// - Returns: its body as it is kept.
  private static func keep(
    _ shown: Shown, _ status: Int, for claim: IdempotencyClaim, _ context: WriteContext
  ) throws -> [UInt8] {
    let body = Representation(
      shown.request, subject: nil, now: shown.now, reference: context.reference, viewer: shown.viewer
    ).bytes
    let headers = headerLines(shown.request, created: status == 201)
    try context.keep(
      KeptReply(status: status, request: shown.request.id.key, headers: headers, body: body), for: claim)
    return body
  }

  private static func headerLines(_ request: AssistanceRequest, created: Bool) -> [String] {
    var lines = ["ETag: \"\(request.version)\""]
    if created { lines.append("Location: /v1/requests/\(request.id)") }
    return lines
  }

  private func reply(_ outcome: Outcome, _ status: HTTPResponse.Status) -> Reply {
    switch outcome {
    case .done(let shown, let subject, let kept):
      let request = shown.request
      // What was made to be kept is not made twice.
      let body =
        kept.map { bytes in subject.map { Representation.restore($0, in: bytes) } ?? bytes }
        ?? Representation(
          request, subject: subject, now: shown.now, reference: broker.store.reference, viewer: shown.viewer
        ).bytes
      var reply = Reply(status, body)
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
      // That it is private every answer says by itself.
      guard parts.count == 2, let name = HTTPField.Name(String(parts[0])), name != .cacheControl else { continue }
      headers[name] = String(parts[1])
    }
    if replayed { headers[Self.replayed] = "true" }
  }
}
