internal import BrokerDomain
internal import Testing

/// What the 算式 says of where a clock began.
@Suite struct CountingStartTests {
  private func text(_ request: AssistanceRequest, _ reference: Reference) -> Phrase {
    reference.calendar.summary(
      receivedAt: request.clockFrom, deadline: request.deadline, region: request.calendarRegion(reference),
      start: request.countingStart(reference))
  }

  private func submit(_ clock: Procedure.Clock, data: String) throws -> Phrase {
    let field = Procedure.Field(
      name: "day", label: Phrase("清单公布日期", "When the list was published"), kind: .date(.any), required: false)
    let procedure = sampleProcedure(clock: clock, fields: [field])
    let reference = try makeReference(procedures: [procedure])
    var content = Content(questions: [], purpose: "备案")
    content.data = try json(data)
    let request = try AssistanceRequest.submit(
      Submission(
        procedure: "sample", item: nil, to: try code(Organs.responder), subject: nil, content: content),
      by: try #require(reference.organ(code(Organs.requester))), id: sampleID,
      now: try instant("2026-03-02T10:00:00+08:00"), reference: reference
    ).request
    return text(request, reference)
  }

  private static let onDay = Procedure.Clock.workingDays(7, from: .field("day"))
  private static let byDay = Procedure.Clock.statedDate(field: "day", roll: .following, otherwise: 20)

  @Test(arguments: [
    (
      onDay, #"{"day": "2026-02-27"}"#, "清单公布日期 2026-02-27（当日不计），自次日起计7个工作日",
      "When the list was published: 2026-02-27 ("
    ),
    // A Sunday, which moves forward; a Monday, which does not.
    (byDay, #"{"day": "2026-03-08"}"#, "限期之日 2026-03-08（清单公布日期），非工作日，顺延至 2026-03-09，自", "moves forward to 2026-03-09"),
    (byDay, #"{"day": "2026-03-09"}"#, "限期之日 2026-03-09（清单公布日期），为工作日，自", "2026-03-09, is a working day"),
    (byDay, "{}", "收到 2026-03-02T10:00:00+08:00（当日不计），自次日起计20个工作日", "received 2026-03-02"),
    (
      .fixedDates(["03-08"].compactMap { MonthDay($0) }, roll: .preceding), "{}", "限期之日 2026-03-08，非工作日，提前至 2026-03-06",
      "moves back to 2026-03-06"
    ),
  ]) func datesAreNamed(_ clock: Procedure.Clock, _ data: String, _ zh: String, _ en: String) throws {
    let found = try submit(clock, data: data)
    #expect(found.zh.hasPrefix(zh), "\(found.zh)")
    #expect(found.en.contains(en), "\(found.en)")
    #expect(found.zh.hasPrefix("收到") == zh.hasPrefix("收到"))
  }

  @Test func anewIsSaid() throws {
    let reference = try makeReference()
    func carry(_ request: AssistanceRequest, _ command: Command, _ organ: String) throws -> AssistanceRequest {
      try request.carryOut(
        command, by: try code(organ), now: try instant("2026-11-24T09:00:00+08:00"), expectedVersions: nil,
        reference: reference
      ).request
    }
    let fresh = try sampleRequest()
    #expect(text(fresh, reference).zh.hasPrefix("收到 2026-11-20T10:00:00+08:00"))
    let asked = try carry(fresh, sampleCommand(.ask), Organs.responder)
    let supplied = text(try carry(asked, sampleCommand(.supply), Organs.requester), reference)
    #expect(supplied.zh.hasPrefix("补正之日 2026-11-24T09:00:00+08:00（当日不计）") && supplied.en.hasPrefix("supplied "))
    let moved = text(try carry(fresh, sampleCommand(.transfer), Organs.supervisor), reference)
    #expect(moved.zh.hasPrefix("移送之日 2026-11-24T09:00:00+08:00（当日不计）") && moved.en.hasPrefix("transferred "))
  }
}
