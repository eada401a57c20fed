internal import BrokerDomain
internal import Testing

/// A clock that runs on whoever has the request: five working days from receipt (阿拉善右旗方案 三(二)). Received on Tuesday
/// 17 March 2026, due on Tuesday the 24th.
@Suite struct HandoverTests {
  private static let complaint: Procedure = {
    let like = Procedure.verification
    return Procedure(
      id: "complaint", title: like.title, clause: like.clause, openers: like.openers, answerers: [], clock: like.clock,
      acknowledgeDays: 1, returnDays: 2, supplement: true, allowsExtension: false, allowsTransfer: true,
      item: .optional, subject: .optional, questions: .optional, answerKind: .findings, outcomes: like.outcomes,
      declineReasons: [], fields: [], answerFields: [], isSealed: false, copies: [], ladder: Rung.allCases,
      handover: .keeps)
  }()

  let reference: Reference

  init() throws { reference = try makeReference(procedures: [Self.complaint]) }

  private static let giveBack = Command.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil))
  private static func move(_ organ: String) throws -> Command {
    .transfer(.init(to: try code(organ), reason: "由其管辖该投诉"))
  }

  private func carry(
    _ request: AssistanceRequest, _ command: Command, _ organ: String, _ moment: String
  ) throws -> Decision {
    try request.carryOut(
      command, by: try code(organ), now: try instant("2026-\(moment):00+08:00"), expectedVersions: nil,
      reference: reference)
  }

  private func received() throws -> AssistanceRequest {
    try AssistanceRequest.submit(
      try submission(procedure: "complaint", item: nil, to: Organs.responder),
      by: try #require(reference.organ(code(Organs.requester))), id: sampleID,
      now: try instant("2026-03-17T10:00:00+08:00"), reference: reference
    ).request
  }

  @Test func aReturnDoesNotStopIt() throws {
    let request = try received()
    let returned = try carry(request, Self.giveBack, Organs.responder, "03-18T09:00").request
    #expect(returned.deadline == request.deadline && returned.progress.leg == 0 && returned.pausedAt == nil)
    #expect(returned.clockStatus(now: try instant("2026-03-24T23:59:59+08:00")) == .running)
    let late = try instant("2026-03-25T00:00:00+08:00")
    #expect(returned.clockStatus(now: late) == .missed && returned.isOverdue(now: late))
    #expect(Progress(encoded: returned.progress.encoded) == returned.progress)
    #expect(returned.holder == (try code(Organs.requester)), "who asked has it in hand")
    // Its rungs go on where it lies.
    let first = try #require(returned.nextTimer(after: nil, reference))
    let fired = try #require(returned.fire(first, now: first.at, reference: reference))
    #expect(fired.event.rung == .twoDaysLeft && fired.event.state == .returned && fired.timer?.rung == .oneDayLeft)
    let pulled = Command.withdraw(Withdrawal(reason: "投诉人撤回投诉"))
    for (moment, status) in [("03-24T10:00", AssistanceRequest.ClockStatus.met), ("04-02T10:00", .missed)] {
      let ended = try carry(returned, pulled, Organs.requester, moment).request
      #expect(ended.clockStatus(now: ended.updatedAt) == status && !ended.isOverdue(now: late))
    }
  }

  @Test func aTransferGoesOnWithIt() throws {
    let request = try received()
    var moved = try carry(request, try Self.move(Organs.stranger), Organs.supervisor, "03-23T10:00")
    #expect(moved.request.deadline == request.deadline && moved.request.progress.leg == 0)
    #expect(moved.timer?.rung == .overdue && moved.timer?.leg == 0, "what was due earlier has fired")
    // To an organ of another region, by whose calendar nothing is counted anew.
    moved = try carry(moved.request, try Self.move(Organs.provincialSupervisor), Organs.supervisor, "03-27T10:00")
    #expect(moved.request.deadline == request.deadline)
    #expect(moved.request.calendarRegion(reference) == (try region("320681")))
    #expect(moved.request.countingStart(reference) == .receipt)
    let answered = try carry(
      moved.request, .answer(try sampleAnswer()), Organs.provincialSupervisor, "04-08T10:00"
    ).request
    #expect(answered.clockStatus(now: answered.updatedAt) == .missed)
  }

  @Test func afterAReturnItGoesOn() throws {
    let returned = try carry(try received(), Self.giveBack, Organs.responder, "03-18T09:00").request
    let moved = try carry(returned, try Self.move(Organs.stranger), Organs.requester, "03-26T10:00")
    #expect(moved.request.state == .submitted && moved.request.progress.returned == nil)
    #expect(!moved.request.progress.runsOn && moved.request.deadline == returned.deadline)
    #expect(moved.request.isOverdue(now: moved.request.updatedAt) && moved.request.holder == moved.request.responder)
    // The next one may send it back, counted from when it came there.
    let back = try carry(moved.request, Self.giveBack, Organs.stranger, "03-30T23:00").request
    #expect(back.progress.runsOn && back.isOverdue(now: back.updatedAt))
    #expect(throws: Refusal.notAllowed(.returnPassed(try instant("2026-03-31T00:00:00+08:00"), mayDecline: false))) {
      try carry(moved.request, Self.giveBack, Organs.stranger, "03-31T00:00")
    }
  }

  /// Who lets it lie is reminded by the supervisor, and does not remind itself or whoever returned it.
  @Test func theHolderIsRemindedByTheSupervisor() throws {
    let returned = try carry(try received(), Self.giveBack, Organs.responder, "03-18T09:00").request
    let remind = Command.remind(text: "请尽快移送")
    let reminded = try carry(returned, remind, Organs.supervisor, "03-26T10:00")
    #expect(reminded.event.type == .reminded && reminded.request == returned)
    #expect(try reminded.event.data == json(#"{"text":"请尽快移送","holder":"\#(Organs.requester)"}"#))
    #expect(throws: Refusal.illegalTransition(.remind, from: .returned)) {
      try carry(returned, remind, Organs.requester, "03-26T10:00")
    }
    #expect(throws: Refusal.notYours(.remind)) { try carry(returned, remind, Organs.responder, "03-26T10:00") }
    for (organ, verbs) in [
      (Organs.supervisor, [Verb.transfer, .remind]), (Organs.requester, [.transfer, .withdraw, .close]),
      (Organs.responder, []),
    ] {
      let now = try instant("2026-03-26T10:00:00+08:00")
      #expect(returned.allowed(to: try code(organ), now: now, reference: reference) == verbs, "\(organ)")
    }
    let moved = try carry(returned, try Self.move(Organs.stranger), Organs.requester, "03-26T10:00").request
    let told = try carry(moved, remind, Organs.requester, "03-26T11:00").event.data
    #expect(try told == json(#"{"text":"请尽快移送"}"#), "it is with the organ that was asked")
  }

  /// A supervisor that asked and has it back is the one that holds it.
  @Test func aSupervisorDoesNotRemindItself() throws {
    let request = try AssistanceRequest.submit(
      try submission(procedure: "complaint", item: nil, to: Organs.responder),
      by: try #require(reference.organ(code(Organs.supervisor))), id: sampleID,
      now: try instant("2026-03-17T10:00:00+08:00"), reference: reference
    ).request
    let returned = try carry(request, Self.giveBack, Organs.responder, "03-18T09:00").request
    #expect(throws: Refusal.illegalTransition(.remind, from: .returned)) {
      try carry(returned, .remind(text: nil), Organs.supervisor, "03-26T10:00")
    }
    let other = try carry(returned, .remind(text: nil), Organs.provincialSupervisor, "03-26T10:00")
    #expect(try other.event.data == json(#"{"holder":"\#(Organs.supervisor)"}"#))
  }

  /// What is supplied starts the clock anew, and not the days in which a misrouted request goes back.
  @Test func theReturnWindowIsOpenOnce() throws {
    let asked = try carry(try received(), .ask(text: "投诉的窗口"), Organs.responder, "03-18T09:00").request
    let supplied = try carry(asked, .supply(text: "三号窗口"), Organs.requester, "03-30T09:00").request
    #expect(throws: Refusal.notAllowed(.returnPassed(try instant("2026-03-20T00:00:00+08:00"), mayDecline: false))) {
      try carry(supplied, Self.giveBack, Organs.responder, "03-30T10:00")
    }
  }
}
