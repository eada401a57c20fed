internal import Testing

@testable internal import BrokerDomain

/// Opening a request: whom it goes to, by when, and everything that can be wrong with it.
@Suite struct SubmitTests {
  let reference: Reference
  let now: Instant

  init() throws {
    reference = try makeReference()
    now = try instant("2026-11-20T10:00:00+08:00")
  }

  private func submit(_ submission: Submission, by organ: String = Organs.requester) throws -> Decision {
    try AssistanceRequest.submit(
      submission, by: try #require(reference.organ(try code(organ))), id: sampleID, now: now,
      reference: reference)
  }

  /// item, to, procedure → responder, working days, due date.
  static let routes: [(String?, String?, String, String, Int, String)] = [
    // The list names the organ and the days.
    ("47", nil, "verification", Organs.responder, 3, "2026-11-25"),
    ("47", Organs.responder, "verification", Organs.responder, 3, "2026-11-25"),
    // Another organ than the list's runs on the procedure's own days.
    ("47", Organs.stranger, "verification", Organs.stranger, 5, "2026-11-27"),
    // An item that the list does not route, or none: to and the procedure decide.
    ("2", Organs.responder, "verification", Organs.responder, 5, "2026-11-27"),
    (nil, Organs.responder, "verification", Organs.responder, 5, "2026-11-27"),
    (nil, Organs.responder, "credit-check", Organs.responder, 1, "2026-11-23"),
    ("47", nil, "credit-check", Organs.responder, 3, "2026-11-25"),
    // The list's obliged organ has left the directory, but another one was named.
    ("3", Organs.stranger, "verification", Organs.stranger, 5, "2026-11-27"),
  ]

  @Test(arguments: routes)
  func routing(
    _ item: String?, _ to: String?, _ procedure: String, _ responder: String, _ days: Int, _ due: String
  ) throws {
    let decision = try submit(try submission(procedure: procedure, item: item, to: to))
    let request = decision.request
    #expect(request.responder.description == responder)
    #expect(request.deadline.workingDays == days && request.deadline.date.description == due)
    #expect(decision.event.data["workingDays"]?.intValue == days)
    #expect(decision.event.data["to"]?.stringValue == responder)
    #expect(decision.event.data["item"] == item.map { .string($0) } ?? .null)
  }

  /// procedure, item, to, routable → codes. What could not be read is not judged.
  static let parts: [(String?, String?, String?, Bool, [String])] = [
    (nil, nil, nil, false, []), (nil, nil, nil, true, ["no-route"]),
    ("divination", nil, nil, false, ["unknown-procedure"]),
    ("verification", "47", nil, true, []), ("verification", "9999", nil, true, ["unknown-item"]),
    (nil, "9999", nil, false, ["unknown-item"]), (nil, "2", nil, true, ["no-route"]), (nil, "2", nil, false, []),
    (nil, nil, Organs.requester, false, ["same-organ"]),
    (nil, "9999", Organs.unlisted, true, ["unknown-item", "unknown-organ"]),
    ("divination", "9999", Organs.requester, true, ["unknown-procedure", "unknown-item", "same-organ"]),
  ]

  @Test(arguments: parts)
  func partOfASubmission(
    _ procedure: String?, _ item: String?, _ to: String?, _ routable: Bool, _ expected: [String]
  ) throws {
    let found = AssistanceRequest.routingFaults(
      procedure: procedure, item: item, to: try to.map(code), routable: routable, by: try code(Organs.requester),
      reference: reference)
    #expect(found.map(\.code) == expected)
  }

  /// The list says how long a verification may take; a complaint about the same item keeps its five days.
  @Test(arguments: [(Procedure.AnswerKind.findings, 3), (.outcome, 5)])
  func theListBindsVerificationsOnly(_ kind: Procedure.AnswerKind, _ days: Int) throws {
    let sample = Procedure.verification
    let procedure = Procedure(
      id: "sample", title: sample.title, clause: sample.clause, openers: .roles([]), answerers: [],
      clock: .workingDays(5, from: .receipt), acknowledgeDays: 1, returnDays: 2, supplement: false,
      allowsExtension: false, allowsTransfer: true, item: .optional, subject: .required, questions: .optional,
      answerKind: kind, outcomes: sample.outcomes, declineReasons: [], fields: [], answerFields: [], isSealed: false,
      copies: [], ladder: Rung.allCases)
    let reference = try makeReference(procedures: [procedure])
    let request = try AssistanceRequest.submit(
      try submission(procedure: "sample"), by: try #require(reference.organ(try code(Organs.requester))), id: sampleID,
      now: now, reference: reference
    ).request
    #expect(request.deadline.workingDays == days)
    // Nor does it where the request goes back to the organ of the list.
    let law = Law(procedure, nil, reference)
    #expect(law.days(for: request, to: try code(Organs.responder)) == days)
  }

  @Test func decision() throws {
    let decision = try submit(try submission())
    let deadline = reference.calendar.deadline(
      receivedAt: now, workingDays: 3, region: try region("320681"))
    #expect(
      decision.request
        == AssistanceRequest(
          id: sampleID, procedure: "verification", requester: try code(Organs.requester),
          responder: try code(Organs.responder), item: "47", receivedAt: now, deadline: deadline,
          content: EncodedContent(sampleContent()), version: 1, updatedAt: now, acknowledgement: nil,
          state: .submitted))
    let data = try json(
      """
      {"from":"\(Organs.requester)","to":"\(Organs.responder)","item":"47","dueDate":"2026-11-25",
       "workingDays":3,"provisional":false}
      """)
    #expect(
      decision.event
        == Event(
          type: .submitted, at: now, actor: .organ(try code(Organs.requester)), version: 1, state: .submitted,
          data: data))
    #expect(decision.timer == LadderTimer(rung: .twoDaysLeft, at: try date("2026-11-23").midnight))
    #expect(decision.alsoTell == [])
  }

  /// The procedure's ladder decides what is armed.
  @Test func timerKeepsToTheLadder() throws {
    let decision = try submit(try submission(procedure: "credit-check", item: nil, to: Organs.responder))
    #expect(decision.timer == LadderTimer(rung: .overdue, at: decision.request.deadline.at))
  }

  @Test func lastDayPolicyOfTheReference() throws {
    let reference = try makeReference(lastDay: LastDayPolicy(endMinute: 1050))
    let decision = try AssistanceRequest.submit(
      try submission(), by: try #require(reference.organ(try code(Organs.requester))), id: sampleID, now: now,
      reference: reference)
    #expect(decision.request.deadline.at.rfc3339 == "2026-11-25T17:30:00+08:00")
  }

  @Test func deadlineIntoAnUnknownYearIsSaidInTheEvent() throws {
    let decision = try AssistanceRequest.submit(
      try submission(), by: try #require(reference.organ(try code(Organs.requester))), id: sampleID,
      now: try instant("2026-12-31T10:00:00+08:00"), reference: reference)
    #expect(decision.event.data["provisional"]?.boolValue == true && decision.request.deadline.provisional)
  }

  /// procedure, item, to → every fault, in order.
  static let faulty: [(String, String?, String?, [String])] = [
    ("nonesuch", "47", nil, ["/procedure unknown-procedure"]),
    ("verification", "999", Organs.responder, ["/item unknown-item"]),
    // An unknown item is one fault, not also a missing route.
    ("verification", "999", nil, ["/item unknown-item"]),
    ("verification", "47", Organs.unlisted, ["/to unknown-organ"]),
    ("verification", "47", Organs.requester, ["/to same-organ"]),
    ("verification", nil, nil, ["/to no-route"]),
    ("verification", "2", nil, ["/to no-route"]),
    ("verification", "3", nil, ["/to no-route"]),
    ("nonesuch", nil, nil, ["/procedure unknown-procedure", "/to no-route"]),
    ("nonesuch", "999", nil, ["/procedure unknown-procedure", "/item unknown-item"]),
    (
      "nonesuch", "999", Organs.unlisted,
      ["/procedure unknown-procedure", "/item unknown-item", "/to unknown-organ"]
    ),
    (
      "nonesuch", "999", Organs.requester,
      ["/procedure unknown-procedure", "/item unknown-item", "/to same-organ"]
    ),
    ("Verification", "047", Organs.responder, ["/procedure unknown-procedure", "/item unknown-item"]),
  ]

  @Test(arguments: faulty)
  func faults(_ procedure: String, _ item: String?, _ to: String?, _ expected: [String]) throws {
    let refusal = #expect(throws: Refusal.self) {
      try submit(try submission(procedure: procedure, item: item, to: to))
    }
    guard case .faults(let faults) = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    #expect(faults.map { "\($0.pointer) \($0.code)" } == expected)
    #expect(faults.allSatisfy { !$0.detail.zh.isEmpty && !$0.detail.en.isEmpty })
  }

  /// The list is the requester's own: another organ with the same item has no route.
  @Test func routeBelongsToTheRequester() throws {
    let refusal = #expect(throws: Refusal.self) { try submit(try submission(), by: Organs.stranger) }
    guard case .faults(let faults) = refusal else { return }
    #expect(faults.map(\.code) == ["no-route"])
    let asked = try submit(try submission(to: Organs.responder), by: Organs.stranger)
    #expect(asked.request.deadline.workingDays == 5)
  }

  @Test func faultNamesWhatIsKnown() throws {
    let refusal = #expect(throws: Refusal.self) { try submit(try submission(procedure: "x")) }
    guard case .faults(let faults) = refusal, let fault = faults.first else { return }
    #expect(fault.detail.text(.zh) == "没有程序“x”；现有：credit-check, verification")
    #expect(fault.detail.text(.en) == "there is no procedure \"x\"; known: credit-check, verification")
  }
}
