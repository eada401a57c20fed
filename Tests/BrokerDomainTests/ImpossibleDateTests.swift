internal import BrokerDomain
internal import Testing

/// Dates that cannot be meant, and reasons that say nothing.
@Suite struct ImpossibleDateTests {
  let reference: Reference
  /// Of the moves, and of the request.
  private static let today = "2026-11-24"

  init() throws { reference = try makeReference() }

  private func pointers(_ work: () throws -> Decision) throws -> [String] {
    do {
      _ = try work()
      return []
    } catch Refusal.faults(let faults) {
      #expect(faults.allSatisfy { !$0.detail.zh.isEmpty && !$0.detail.en.isEmpty })
      return faults.map(\.pointer)
    }
  }

  private func carry(_ command: Command, of request: AssistanceRequest) throws -> [String] {
    let organ = command.verb.parties == [.responder] ? Organs.responder : Organs.requester
    return try pointers {
      try request.carryOut(
        command, by: code(organ), now: instant(Self.today + "T09:00:00+08:00"), expectedVersions: nil,
        reference: reference)
    }
  }

  @Test(arguments: [(today, true), ("1900-01-01", true), ("1899-12-31", false)])
  func aFindingHoldsAsOfADayThatARegisterHas(_ asOf: String, _ isFine: Bool) throws {
    let findings = try ["q1", "q2"].map {
      Finding(question: $0, result: "confirmed", source: "婚姻登记信息系统", asOf: try date(asOf), note: nil)
    }
    let answer = Answer(findings: findings, text: nil, reference: nil, signatory: "赵六")
    #expect(
      try carry(.answer(answer), of: sampleRequest()) == (isFine ? [] : ["/findings/0/asOf", "/findings/1/asOf"]))
  }

  /// The check character is looked at where the number is read.
  @Test(
    arguments: [("20261124", []), ("20261125", ["/subject/idNumber"]), ("19491231", [])] as [(String, [String])])
  func nobodyIsBornTomorrow(_ born: String, _ wrong: [String]) throws {
    let content = Content(questions: sampleContent().questions, purpose: "产前检查费支付", reference: nil)
    let submission = Submission(
      procedure: "verification", item: "47", to: nil,
      subject: Subject(kind: .person, name: "张三", idType: "resident-id", idNumber: "110105\(born)002X"),
      content: content)
    let found = try pointers {
      try AssistanceRequest.submit(
        submission, by: #require(reference.organ(code(Organs.requester))), id: sampleID,
        now: instant(Self.today + "T09:00:00+08:00"), reference: reference)
    }
    #expect(found == wrong)
  }

  /// As a decline's is: by what it says, without signs and blanks.
  @Test(arguments: [("。。。。", false), ("不知道", false), ("a - b.", false), ("不属本职", true), ("　不 属，本 职", true)])
  func aReasonSaysWhy(_ reason: String, _ isFine: Bool) throws {
    let returned = try sampleRequest(.returned)
    for (command, request) in [
      (.giveBack(.init(reason: reason, competentOrgan: nil)), try sampleRequest()),
      (.extend(.init(workingDays: 3, reason: reason, approver: "局长 周一")), try sampleRequest()),
      (.transfer(.init(to: try code(Organs.stranger), reason: reason)), returned),
    ] as [(Command, AssistanceRequest)] {
      #expect(try carry(command, of: request) == (isFine ? [] : ["/reason"]), "\(command.verb)")
    }
  }

  @Test(arguments: [
    ("启东市公安局", true), (Organs.stranger, true), (Organs.responder, false), ("11320681014260225X", false),
  ]) func whoIsCompetentIsAnotherOrgan(_ organ: String, _ isFine: Bool) throws {
    let command = Command.giveBack(.init(reason: "不属于本机关职权", competentOrgan: organ))
    #expect(try carry(command, of: sampleRequest()) == (isFine ? [] : ["/competentOrgan"]))
  }
}
