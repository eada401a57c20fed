internal import BrokerDomain
internal import Testing

/// What is wrong with an answer or a decline: every fault at once, each with its pointer.
@Suite struct ReplyFaultTests {
  let reference: Reference

  init() throws { reference = try makeReference() }

  private func faults(_ command: Command, of request: AssistanceRequest? = nil) throws -> [Fault] {
    let request = try request ?? sampleRequest(.submitted, reference)
    do {
      _ = try request.carryOut(
        command, by: request.responder, now: request.receivedAt + 1000, expectedVersions: nil,
        reference: reference)
      return []
    } catch Refusal.faults(let faults) { return faults }
  }

  private func pointers(_ command: Command) throws -> [String] {
    try faults(command).map { "\($0.pointer) \($0.code)" }
  }

  /// findings → pointers; the questions are q1 and q2.
  static let answers: [([(String, String)], [String])] = [
    ([("q1", "confirmed"), ("q2", "no-record")], []),
    ([("q2", "partly"), ("q1", "contradicted")], []),
    ([("q1", "confirmed")], ["/findings"]),
    ([], ["/findings", "/findings"]),
    ([("q1", "yes"), ("q2", "no-record")], ["/findings/0/result"]),
    ([("q1", "Confirmed"), ("q2", "")], ["/findings/0/result", "/findings/1/result"]),
    ([("q1", "confirmed"), ("q2", "partly"), ("q3", "partly")], ["/findings/2/question"]),
    ([("q1", "confirmed"), ("q2", "partly"), ("q1", "partly")], ["/findings/2/question"]),
    (
      [("q1", "confirmed"), ("q1", "no"), ("q9", "no")],
      [
        "/findings/1/question", "/findings/1/result", "/findings/2/question", "/findings/2/result",
        "/findings",
      ]
    ),
    (
      [("", "confirmed"), ("Q1", "confirmed")],
      ["/findings/0/question", "/findings/1/question", "/findings", "/findings"]
    ),
  ]

  @Test(arguments: answers)
  func answer(_ findings: [(String, String)], _ expected: [String]) throws {
    let found = try faults(.answer(try sampleAnswer(findings)))
    #expect(found.map(\.pointer) == expected)
    #expect(found.allSatisfy { $0.code == "invalid-body" && !$0.detail.zh.isEmpty && !$0.detail.en.isEmpty })
  }

  @Test func answerFaultNamesTheQuestion() throws {
    let found = try faults(.answer(try sampleAnswer([("q3", "maybe")])))
    #expect(
      found.map(\.detail.en) == [
        "there is no question \"q3\"; the questions are q1, q2",
        "the result is one of confirmed, partly, contradicted, no-record",
        "the question \"q1\" has no finding", "the question \"q2\" has no finding",
      ])
  }

  /// An outcome is the procedure's own: "clear" is one of the credit check, not of a verification.
  @Test func outcomesBelongToTheProcedure() throws {
    #expect(
      try pointers(.answer(try sampleAnswer([("q1", "clear"), ("q2", "clear")]))) == [
        "/findings/0/result invalid-body", "/findings/1/result invalid-body",
      ])
    let request = try AssistanceRequest.submit(
      try submission(procedure: "credit-check"),
      by: try #require(reference.organ(try code(Organs.requester))), id: sampleID,
      now: try instant("2026-11-20T10:00:00+08:00"), reference: reference
    ).request
    #expect(try faults(.answer(try sampleAnswer([("q1", "clear"), ("q2", "clear")])), of: request) == [])
    // A procedure without reasons to decline cannot be declined at all.
    #expect(throws: Refusal.notAllowed(.procedure(.decline))) {
      try faults(.decline(sampleDecline()), of: request)
    }
  }

  static let declines: [(String, String?, [String])] = [
    ("not-competent", nil, []), ("holds-no-information", nil, []), ("forbidden-by-law", nil, []),
    ("state-secret", nil, []), ("other", nil, []), ("not-competent", Organs.stranger, []),
    ("no-staff", nil, ["/reasonCode invalid-body"]),
    ("", nil, ["/reasonCode invalid-body"]),
    // An organ outside the directory, by its code or by its name.
    ("not-competent", Organs.unlisted, []), ("not-competent", "江苏省民政厅", []),
    ("not-competent", "Ministry of Health", []), ("not-competent", "一二三四五六七八九十一二三四五六七八", []),
    // What looks like a code must be one.
    ("not-competent", "11320681014260292A", ["/competentOrgan invalid-body"]),
    ("not-competent", Organs.responder, ["/competentOrgan same-organ"]),
    ("not-competent", "11320681014260292t", ["/competentOrgan same-organ"]),
    ("system-broken", "11320681014260292A", ["/reasonCode invalid-body", "/competentOrgan invalid-body"]),
    ("system-broken", Organs.responder, ["/reasonCode invalid-body", "/competentOrgan same-organ"]),
  ]

  @Test(arguments: declines)
  func decline(_ reasonCode: String, _ competent: String?, _ expected: [String]) throws {
    #expect(try pointers(.decline(sampleDecline(reasonCode, competent: competent))) == expected)
  }

  /// Findings of which only part could be read (question, result) → pointers.
  static let drafts: [([(String?, String?)], [String])] = [
    ([(nil, nil)], []), ([(nil, "maybe")], ["/findings/0/result"]),
    ([("q9", nil)], ["/findings/0/question", "/findings", "/findings"]),
    // Whatever the unreadable one answers may be the one that is wanting.
    ([("q1", "confirmed"), (nil, "no")], ["/findings/1/result"]),
    ([("q1", nil), ("q1", "no"), (nil, nil)], ["/findings/1/question", "/findings/1/result"]),
    ([("q1", nil), ("q2", nil)], []),
  ]

  @Test(arguments: drafts)
  func partOfAnAnswer(_ findings: [(String?, String?)], _ expected: [String]) throws {
    let found = try sampleRequest(.submitted, reference).faults(
      of: findings.map { FindingDraft(question: $0.0, result: $0.1) }, reference: reference)
    #expect(found.map(\.pointer) == expected)
  }

  @Test(
    arguments: [
      (nil, nil, []), ("busy", nil, ["/reasonCode"]), (nil, Organs.responder, ["/competentOrgan"]),
      ("busy", Organs.responder, ["/reasonCode", "/competentOrgan"]), ("other", nil, []),
    ] as [(String?, String?, [String])])
  func partOfADecline(_ reasonCode: String?, _ competent: String?, _ expected: [String]) throws {
    let found = try sampleRequest(.submitted, reference).faults(
      reasonCode: reasonCode, competentOrgan: competent, reference: reference)
    #expect(found.map(\.pointer) == expected)
  }

  @Test func declineFaultSaysWhatIsNoReason() throws {
    let fault = try #require(try faults(.decline(sampleDecline("no-staff"))).first)
    #expect(fault.detail.zh.contains("人手不足、系统故障、材料不全不是不能协助的理由"))
    #expect(fault.detail.zh.contains("not-competent、holds-no-information、forbidden-by-law、state-secret、other"))
  }
}
