internal import BrokerDomain
internal import Testing

/// Every state × every verb × every actor, against the table in vectors/transitions.csv.
@Suite struct TransitionTableTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let state: StateName
    let verb: Verb
    let actor: String
    let outcome: String
    var testDescription: String { "\(state.rawValue) \(verb.rawValue) by \(actor): \(outcome)" }

    var organ: OrganCode {
      get throws {
        let codes = [
          "requester": Organs.requester, "responder": Organs.responder, "stranger": Organs.stranger,
          "supervisor": Organs.supervisor,
        ]
        return try code(try #require(codes[actor]))
      }
    }

    /// What `carryOut` throws for a fresh version, or nil where it succeeds.
    var refusal: Refusal? {
      switch outcome {
      case "not-yours": .notYours(verb)
      case "illegal": .illegalTransition(verb, from: state)
      case "clock-stopped": .notAllowed(.clockStopped)
      default: nil
      }
    }
  }

  static let rows = ((try? Vectors.rows("transitions")) ?? []).compactMap { row -> Row? in
    guard let state = row["state"].flatMap({ StateName(rawValue: $0) }),
      let verb = row["verb"].flatMap({ Verb(rawValue: $0) }), let actor = row["actor"],
      let outcome = row["outcome"]
    else { return nil }
    return Row(state: state, verb: verb, actor: actor, outcome: outcome)
  }

  let now: Instant
  let reference: Reference

  init() throws {
    now = try instant("2026-11-24T08:00:00+08:00")
    reference = try makeReference()
  }

  private func decide(_ row: Row, expectedVersions: [Int]?) throws -> Decision {
    try sampleRequest(try sampleState(row.state), reference).carryOut(
      try sampleCommand(row.verb), by: try row.organ, now: now, expectedVersions: expectedVersions,
      reference: reference)
  }

  @Test func tableIsWhole() {
    #expect(Self.rows.count == StateName.allCases.count * Verb.allCases.count * 4)
    #expect(Set(Self.rows.map(\.testDescription)).count == Self.rows.count)
  }

  @Test(arguments: rows) func outcome(_ row: Row) throws {
    let before = try sampleRequest(try sampleState(row.state), reference)
    for versions in [nil, [before.version], [7, before.version, 9]] {
      #expect(
        before.refusal(of: row.verb, by: try row.organ, expectedVersions: versions, reference: reference)
          == row.refusal)
      if let refusal = row.refusal {
        #expect(throws: refusal) { try decide(row, expectedVersions: versions) }
        continue
      }
      let decision = try decide(row, expectedVersions: versions)
      let (after, event) = (decision.request, decision.event)
      #expect(after.state.name.rawValue == row.outcome)
      // A reminder changes nothing.
      #expect(after.version == before.version + (row.verb == .remind ? 0 : 1))
      #expect(after.updatedAt == (row.verb == .remind ? before.updatedAt : now))
      #expect(event.actor == .organ(try row.organ) && event.at == now && event.version == after.version)
      #expect(event.state == after.state.name && event.rung == nil)
      #expect(event.type == Self.eventTypes[row.verb])
      // Only what moves the clock arms its ladder.
      #expect((decision.timer != nil) == [.supply, .extend, .transfer].contains(row.verb))
      #expect(decision.alsoTell == (row.verb == .transfer ? [before.responder] : []))
      if after.state.name.isOpen { #expect(after.closedAt == nil) }
    }
  }

  private static let eventTypes: [Verb: EventType] = [
    .acknowledge: .acknowledged, .answer: .answered, .decline: .declined, .return: .returned,
    .ask: .supplementAsked, .supply: .supplied, .extend: .extended, .transfer: .transferred,
    .withdraw: .withdrawn, .remind: .reminded, .dispose: .closed, .close: .closed,
  ]

  /// A stale If-Match is said before the state is judged, but never to one who may not ask at all.
  @Test(arguments: rows) func staleVersion(_ row: Row) throws {
    let before = try sampleRequest(try sampleState(row.state), reference)
    let current = before.version
    let refusal: Refusal =
      row.outcome == "not-yours" ? .notYours(row.verb) : .staleVersion(current: current)
    for stale in [[], [0], [current - 1], [current + 1], [-1, Int.max]] {
      #expect(
        before.refusal(of: row.verb, by: try row.organ, expectedVersions: stale, reference: reference) == refusal)
      #expect(throws: refusal) { try decide(row, expectedVersions: stale) }
    }
  }

  /// What the 409 says is allowed is what is allowed; what depends on the clock may be.
  @Test(arguments: StateName.allCases) func allowedIsTheTable(_ state: StateName) {
    let possible = Set(
      Self.rows.filter { $0.state == state && ($0.refusal == nil || $0.outcome == "clock-stopped") }.map(\.verb))
    #expect(Set(state.allowed) == possible && state.allowed.count == possible.count)
    #expect(state.isOpen == possible.contains(.withdraw), "what is open can be withdrawn")
    for verb in Verb.allCases {
      let owners = Set(Self.rows.filter { $0.verb == verb && $0.outcome != "not-yours" }.map(\.actor))
      #expect(owners == Set(verb.parties.map(\.rawValue)))
    }
  }

  @Test func parties() throws {
    let request = try sampleRequest()
    #expect(request.party(try code(Organs.requester)) == .requester)
    #expect(request.party(try code(Organs.responder)) == .responder)
    #expect(request.party(try code(Organs.stranger)) == nil)
    #expect(request.party(try code(Organs.supervisor)) == nil)
  }

  @Test func eventData() throws {
    func data(_ command: Command, _ organ: String, at now: Instant) throws -> JSON {
      try sampleRequest(.submitted, reference).carryOut(
        command, by: try code(organ), now: now, expectedVersions: nil, reference: reference
      ).event.data
    }
    let due = try sampleRequest(.submitted, reference).deadline.at
    #expect(try data(.acknowledge(officer: "钱七"), Organs.responder, at: now) == json(#"{"officer":"钱七"}"#))
    #expect(try data(.acknowledge(officer: nil), Organs.responder, at: now) == .object([]))
    let findings =
      #""findings":[{"question":"q1","result":"confirmed"},{"question":"q2","result":"no-record"}]"#
    for (at, late) in [(due + -1, false), (due, true)] {
      let expected = try json("{\(findings),\"reference\":\"启民协复〔2026〕1号\",\"late\":\(late)}")
      #expect(try data(.answer(try sampleAnswer()), Organs.responder, at: at) == expected)
    }
    let declined = try data(
      .decline(sampleDecline(competent: Organs.stranger)), Organs.responder, at: now)
    #expect(
      try declined
        == json(
          #"{"reasonCode":"not-competent","reason":"依法不掌握相关信息","competentOrgan":"11320681014260225W"}"#))
    #expect(
      try data(.withdraw(Withdrawal(reason: "承诺退出")), Organs.requester, at: now) == json(#"{"reason":"承诺退出"}"#)
    )
  }

  /// The payload of each state is read back as it was written; one that does not fit its state is damage.
  @Test(arguments: StateName.allCases) func payloadRoundTrip(_ name: StateName) throws {
    let state = try sampleState(name)
    #expect(AssistanceRequest.State(name: name, payload: state.payload) == state)
    #expect((state.payload == nil) == name.isOpen)
    if !name.isOpen {
      #expect(AssistanceRequest.State(name: name, payload: nil) == nil)
      #expect(AssistanceRequest.State(name: name, payload: Array("{}".utf8)) == nil)
      #expect(AssistanceRequest.State(name: name, payload: Array("{".utf8)) == nil)
    }
  }
}
