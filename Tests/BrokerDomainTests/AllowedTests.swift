internal import BrokerDomain
internal import Testing

/// What a refusal says is possible instead: the caller's own verbs, and none that would be refused again.
@Suite struct AllowedTests {
  let reference: Reference

  init() throws { reference = try makeReference() }

  /// Nothing stands in the way of a request that is young: then it is the table, for each organ.
  @Test(arguments: StateName.allCases) func itIsTheTableOfTheCaller(_ state: StateName) throws {
    let request = try sampleRequest(try sampleState(state), reference)
    let now = try instant("2026-11-24T08:00:00+08:00")
    let rows = TransitionTableTests.rows.filter { $0.state == state }
    for actor in Set(rows.map(\.actor)) {
      let possible = Set(rows.filter { $0.actor == actor && $0.refusal == nil }.map(\.verb))
      let organ = try #require(rows.first { $0.actor == actor }).organ
      let allowed = request.allowed(to: organ, now: now, reference: reference)
      #expect(allowed == state.allowed.filter { possible.contains($0) }, "\(actor)")
    }
  }

  struct Situation: Sendable, CustomTestStringConvertible {
    let name: String
    /// What was done on 23 November: the verb, by whom, and where a transfer goes.
    let past: [(verb: Verb, by: String, to: String?)]
    let now: String
    let caller: String
    let allowed: [Verb]
    var testDescription: String { name }

    init(
      _ name: String, _ past: [(Verb, String, String?)], at now: String = "2026-11-24T08:00:00+08:00", _ caller: String,
      _ allowed: [Verb]
    ) {
      self.name = name
      self.past = past.map { ($0.0, $0.1, $0.2) }
      self.now = now
      self.caller = caller
      self.allowed = allowed
    }
  }

  private static let overdue = "2026-11-26T00:00:00+08:00"
  private static let wandering: [(Verb, String, String?)] = [
    (.transfer, Organs.supervisor, Organs.stranger), (.transfer, Organs.provincialSupervisor, Organs.supervisor),
    (.transfer, Organs.provincialSupervisor, Organs.otherSupervisor),
  ]
  /// Returned by the second organ, and about to go back to the first.
  private static let disputed: [(Verb, String, String?)] = [
    (.return, Organs.responder, nil), (.transfer, Organs.requester, Organs.stranger), (.return, Organs.stranger, nil),
    (.transfer, Organs.requester, Organs.responder),
  ]
  private static let ruled = disputed + [(.transfer, Organs.supervisor, Organs.responder)]

  static let situations = [
    Situation("overdue", [], at: overdue, Organs.responder, [.acknowledge, .answer, .decline]),
    Situation(
      "too late to return", [], at: "2026-11-25T00:00:00+08:00", Organs.responder,
      [.acknowledge, .answer, .decline, .ask, .extend]),
    Situation("overdue, who asked", [], at: overdue, Organs.requester, [.withdraw, .remind]),
    Situation("overdue, who supervises", [], at: overdue, Organs.supervisor, [.transfer, .remind]),
    Situation("nobody's business", [], Organs.stranger, []),
    Situation(
      "extended", [(.extend, Organs.responder, nil)], Organs.responder,
      [.acknowledge, .answer, .decline, .return, .ask]),
    Situation(
      "supplied", [(.ask, Organs.responder, nil), (.supply, Organs.requester, nil)], Organs.responder,
      [.answer, .decline, .return, .extend]),
    Situation("nothing contradicted", [(.answer, Organs.responder, nil)], Organs.requester, [.close]),
    Situation("answered it", [(.answer, Organs.responder, nil)], Organs.responder, []),
    // To who had it before, for a ruling.
    Situation("moved three times", wandering, Organs.provincialSupervisor, [.transfer, .remind]),
    Situation(
      "with an organ of another city", [(.transfer, Organs.provincialSupervisor, Organs.otherSupervisor)],
      Organs.supervisor, [.remind]),
    Situation("referred", disputed, Organs.requester, [.withdraw, .close]),
    Situation("to be ruled on", disputed, Organs.supervisor, [.transfer]),
    Situation("ruled", ruled, Organs.responder, [.acknowledge, .answer, .decline, .ask, .extend]),
    Situation("has ruled", ruled, Organs.supervisor, [.remind]),
  ]

  private func request(_ situation: Situation) throws -> AssistanceRequest {
    let at = try instant("2026-11-23T10:00:00+08:00")
    return try situation.past.reduce(try sampleRequest(.submitted, reference)) { request, step in
      let command =
        try step.to.map { Command.transfer(.init(to: try code($0), reason: "由其掌握登记信息")) } ?? sampleCommand(step.verb)
      return try request.carryOut(
        command, by: try code(step.by), now: at, expectedVersions: nil, reference: reference
      ).request
    }
  }

  @Test(arguments: situations) func whatWouldBeRefusedIsLeftOut(_ situation: Situation) throws {
    let request = try request(situation)
    let (organ, now) = (try code(situation.caller), try instant(situation.now))
    #expect(request.allowed(to: organ, now: now, reference: reference) == situation.allowed)
  }

  /// A procedure that knows next to nothing.
  @Test func whatTheProcedureDoesNotKnowIsLeftOut() throws {
    let like = Procedure.verification
    let bare = Procedure(
      id: like.id, title: like.title, clause: like.clause, openers: .roles([]), answerers: [], clock: like.clock,
      acknowledgeDays: nil, returnDays: nil, supplement: false, allowsExtension: false, allowsTransfer: false,
      item: .optional, subject: .required, questions: .required, answerKind: .findings, outcomes: like.outcomes,
      declineReasons: [], fields: [], answerFields: [], isSealed: false, copies: [], ladder: Rung.allCases)
    let reference = try makeReference(procedures: [bare])
    let request = try sampleRequest(.submitted, reference)
    let now = try instant("2026-11-20T11:00:00+08:00")
    for (organ, allowed) in [
      (Organs.responder, [Verb.acknowledge, .answer]), (Organs.requester, [.withdraw, .remind]),
      (Organs.supervisor, [.remind]),
    ] {
      #expect(request.allowed(to: try code(organ), now: now, reference: reference) == allowed)
    }
  }
}
