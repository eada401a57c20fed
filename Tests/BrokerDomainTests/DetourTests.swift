internal import BrokerDomain
internal import Testing

/// What a request may meet on its way: supplement, extension, return, transfer, ruling, disposal.
@Suite struct DetourTests {
  let reference: Reference

  init() throws { reference = try makeReference() }

  private func carry(
    _ request: AssistanceRequest, _ command: Command, _ organ: String, at moment: String
  ) throws -> Decision {
    try request.carryOut(
      command, by: try code(organ), now: try instant(moment), expectedVersions: nil, reference: reference)
  }

  private static let ask = Command.ask(text: "请补充结婚登记地")
  private static let supply = Command.supply(text: "登记地为启东市")
  private static let extend = Command.extend(.init(workingDays: 3, reason: "需调阅纸质档案", approver: "局长 周一"))
  private static let giveBack = Command.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil))
  private static func move(_ organ: String) throws -> Command {
    .transfer(.init(to: try code(organ), reason: "由其掌握登记信息"))
  }

  /// Received on Friday 20 November 2026, three working days by the list, due on the 25th.
  @Test func supplementStopsTheClockAndStartsItAnew() throws {
    let asked = try carry(sampleRequest(), Self.ask, Organs.responder, at: "2026-11-24T09:00:00+08:00")
    #expect(asked.request.state == .awaitingSupplement && asked.request.progress.supplement?.used == 2)
    #expect(asked.event.data == (try json(#"{"usedWorkingDays":2,"dueDate":"2026-11-25","provisional":false}"#)))
    let late = try instant("2026-12-10T09:00:00+08:00")
    #expect(asked.request.clockStatus(now: late) == .paused && !asked.request.isOverdue(now: late))

    // No rung of the first clock fires while it stands still, nor afterwards.
    let first = try #require(sampleRequest().nextTimer(after: nil, reference))
    #expect(asked.request.fire(first, now: first.at, reference: reference) == nil)
    let supplied = try carry(asked.request, Self.supply, Organs.requester, at: "2026-12-10T09:00:00+08:00")
    #expect(supplied.request.state == .acknowledged && supplied.request.progress.leg == 1)
    #expect(supplied.request.acknowledgement == nil, "nobody has acknowledged it")
    #expect(supplied.request.deadline.date == (try date("2026-12-15")))
    #expect(supplied.request.receivedAt == (try sampleRequest().receivedAt), "receipt stays what it was")
    #expect(supplied.request.fire(first, now: first.at, reference: reference) == nil)
    let timer = try #require(supplied.timer)
    let second = try instant("2026-12-11T00:00:00+08:00")
    #expect(timer.leg == 1 && timer.rung == .twoDaysLeft && timer.at == second)
    let fired = try #require(supplied.request.fire(timer, now: timer.at, reference: reference))
    #expect(fired.event.leg == 1 && fired.event.rung == .twoDaysLeft && fired.timer?.leg == 1)

    // What was approved as an extension was for the clock that ran then: the next one is as long as the first.
    let extended = try carry(sampleRequest(), Self.extend, Organs.responder, at: "2026-11-23T09:00:00+08:00").request
    let again = try carry(
      carry(extended, Self.ask, Organs.responder, at: "2026-11-24T09:00:00+08:00").request, Self.supply,
      Organs.requester, at: "2026-12-10T09:00:00+08:00"
    ).request
    #expect(extended.deadline.workingDays == 6 && again.deadline == supplied.request.deadline)
    #expect(again.progress.extended != nil, "it was used")

    #expect(throws: Refusal.notAllowed(.once(.ask))) {
      try carry(supplied.request, Self.ask, Organs.responder, at: "2026-12-10T10:00:00+08:00")
    }
  }

  @Test(arguments: [
    ("2026-11-25T23:59:59+08:00", nil),
    // The first instant after the last day.
    ("2026-11-26T00:00:00+08:00", "2026-11-26T00:00:00+08:00"),
  ]) func extensionIsAskedForBeforeTheDueMoment(_ moment: String, _ refused: String?) throws {
    guard let refused else {
      let decision = try carry(sampleRequest(), Self.extend, Organs.responder, at: moment)
      // Three working days on from Wednesday the 25th.
      #expect(decision.request.deadline.date == (try date("2026-11-30")))
      #expect(decision.request.deadline.workingDays == 6 && decision.request.progress.leg == 0)
      #expect(decision.timer?.rung == .twoDaysLeft)
      #expect(throws: Refusal.notAllowed(.once(.extend))) {
        try carry(decision.request, Self.extend, Organs.responder, at: moment)
      }
      return
    }
    #expect(throws: Refusal.notAllowed(.deadlinePassed(.extend, try instant(refused)))) {
      try carry(sampleRequest(), Self.extend, Organs.responder, at: moment)
    }
  }

  @Test func returnIsForTheFirstTwoWorkingDays() throws {
    let returned = try carry(sampleRequest(), Self.giveBack, Organs.responder, at: "2026-11-24T23:59:59+08:00").request
    #expect(returned.state == .returned && returned.pausedAt == returned.updatedAt)
    #expect(throws: Refusal.notAllowed(.returnPassed(try instant("2026-11-25T00:00:00+08:00"), mayDecline: true))) {
      try carry(sampleRequest(), Self.giveBack, Organs.responder, at: "2026-11-25T00:00:00+08:00")
    }
  }

  @Test func transferGivesTheNextOrganAClockOfItsOwn() throws {
    let returned = try carry(sampleRequest(), Self.giveBack, Organs.responder, at: "2026-11-24T09:00:00+08:00").request
    let moved = try carry(returned, try Self.move(Organs.stranger), Organs.requester, at: "2026-11-24T10:00:00+08:00")
    let request = moved.request
    #expect(request.responder == (try code(Organs.stranger)) && request.state == .submitted)
    #expect(request.deadline.date == (try date("2026-12-01")) && request.progress.leg == 1)
    #expect(request.acknowledgement == nil && request.progress.returned == nil)
    #expect(moved.alsoTell == [try code(Organs.responder)])
    #expect(request.party(try code(Organs.responder)) == nil, "who had it is no party any more")
    let back = Progress(encoded: request.progress.encoded)
    #expect(back == request.progress)
  }

  /// Back to who had it: nothing moves, a superior rules, and the ruling binds.
  @Test func pingPongIsRuledOn() throws {
    let at = "2026-11-24T09:00:00+08:00"
    var request = try carry(sampleRequest(), Self.giveBack, Organs.responder, at: at).request
    request = try carry(request, try Self.move(Organs.stranger), Organs.requester, at: at).request
    request = try carry(request, Self.giveBack, Organs.stranger, at: at).request
    let referred = try carry(request, try Self.move(Organs.responder), Organs.requester, at: at)
    #expect(referred.event.type == .escalated && referred.request.state == .returned)
    #expect(referred.request.responder == (try code(Organs.stranger)), "nothing has moved")
    let arbiter = try #require(referred.request.progress.referral?.to)
    #expect(referred.alsoTell == [arbiter])
    #expect(throws: Refusal.notAllowed(.referred)) {
      try carry(referred.request, try Self.move(Organs.supervisor), Organs.requester, at: at)
    }
    let ruled = try carry(referred.request, try Self.move(Organs.responder), arbiter.description, at: at).request
    #expect(ruled.responder == (try code(Organs.responder)) && ruled.progress.referral == nil)
    #expect(ruled.progress.transfers.last?.ruledBy == arbiter)
    #expect(throws: Refusal.notAllowed(.ruling)) { try carry(ruled, Self.giveBack, Organs.responder, at: at) }
    // Nor may anybody send it on: there is one ruling, and no second.
    for organ in [Organs.stranger, Organs.provincialSupervisor] {
      #expect(throws: Refusal.notAllowed(.ruling)) {
        try carry(ruled, try Self.move(organ), arbiter.description, at: at)
      }
    }
    #expect(Progress(encoded: referred.request.progress.encoded) == referred.request.progress)
    #expect(Progress(encoded: ruled.progress.encoded) == ruled.progress)
  }

  @Test(arguments: [Organs.requester, Organs.responder, "11320681014260292T", "not in the directory"])
  func transferGoesToAnotherOrgan(_ target: String) throws {
    let unknown = "91320681MA1MTYKT2T"
    let to = target == "not in the directory" ? unknown : target
    guard let organ = try? code(to) else { return }
    let error = #expect(throws: Refusal.self) {
      try carry(
        sampleRequest(), .transfer(.init(to: organ, reason: "由其掌握登记信息")), Organs.supervisor,
        at: "2026-11-24T09:00:00+08:00")
    }
    guard case .faults(let faults) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(faults.map(\.pointer) == ["/to"])
    #expect(faults.first?.code == (to == unknown ? "unknown-organ" : "same-organ"))
  }

  /// What is due on 18 December, received on 20 November 2026 by the supervisor.
  private static func filing() throws -> (AssistanceRequest, Reference) {
    let like = sampleProcedure(
      clock: .fixedDates(["12-18"].compactMap { MonthDay($0) }, roll: .following),
      outcomes: [.init(id: "done", title: Phrase("办结", "done"))])
    let filing = Procedure(
      id: "filing", title: like.title, clause: like.clause, openers: .roles([]), answerers: [.supervisor],
      clock: like.clock, acknowledgeDays: nil, returnDays: 2, supplement: false, allowsExtension: true,
      allowsTransfer: true, item: .none, subject: .none, questions: .none, answerKind: .outcome,
      outcomes: like.outcomes,
      declineReasons: [], fields: [], answerFields: [], isSealed: false, copies: [], ladder: Rung.allCases)
    let reference = try makeReference(procedures: [filing])
    let request = try AssistanceRequest.submit(
      Submission(
        procedure: "filing", item: nil, to: try code(Organs.supervisor), subject: nil,
        content: Content(questions: [], purpose: "总结")),
      by: try #require(reference.organ(code(Organs.requester))), id: sampleID,
      now: try instant("2026-11-20T10:00:00+08:00"), reference: reference
    ).request
    return (request, reference)
  }

  /// A day of the year is owed by whoever has it; an organ that may not answer does not get it.
  @Test func aDateStaysAndRolesAreKept() throws {
    let (request, reference) = try Self.filing()
    func carry(_ request: AssistanceRequest, _ command: Command, _ organ: String) throws -> Decision {
      try request.carryOut(
        command, by: try code(organ), now: try instant("2026-11-24T09:00:00+08:00"), expectedVersions: nil,
        reference: reference)
    }
    let returned = try carry(request, Self.giveBack, Organs.supervisor).request
    let error = #expect(throws: Refusal.self) { try carry(returned, try Self.move(Organs.responder), Organs.requester) }
    guard case .faults(let faults) = error else { throw Refusal.faults([]) }
    #expect(faults.map(\.code) == ["not-an-answerer"])
    let moved = try carry(returned, try Self.move(Organs.provincialSupervisor), Organs.requester)
    #expect(moved.request.deadline.date == request.deadline.date && moved.request.deadline.workingDays > 0)
    #expect(moved.request.deadline.workingDays < request.deadline.workingDays)
    #expect(moved.timer?.rung == .twoDaysLeft && moved.request.progress.leg == 1)
    #expect(moved.request.recomputed(now: moved.request.updatedAt, reference: reference) == nil, "it stays")
  }

  /// Due on Friday 18 December, extended by two working days to Tuesday. What is granted runs from that date: days before
  /// it that a notice changes are none of these.
  @Test(
    arguments: [
      (["2026-11-26 off"], nil), (["2026-12-12 work"], nil), (["2026-12-21 off"], "2026-12-23"),
      (["2026-12-19 work"], "2026-12-21"), (["2026-12-18 off"], "2026-12-23"),
    ] as [([String], String?)]) func anExtendedDateIsCountedFromTheDate(_ changes: [String], _ due: String?) throws
  {
    let (request, plain) = try Self.filing()
    let extended = try request.carryOut(
      .extend(.init(workingDays: 2, reason: "需调阅纸质档案", approver: "王主任")), by: try code(Organs.supervisor),
      now: try instant("2026-11-24T09:00:00+08:00"), expectedVersions: nil, reference: plain
    ).request
    #expect(extended.deadline.date.description == "2026-12-22")
    let days = try changes.map { text in
      let parts = text.split(separator: " ").map(String.init)
      return AnnouncedDay(
        date: try date(parts[0]), kind: parts[1] == "off" ? .off : .work, festival: "测试", notice: "国办发明电〔2026〕9号")
    }
    let changed = Reference(
      organs: plain.organs, items: plain.items, assistance: plain.assistance,
      calendar: plain.calendar.amended(by: days.map { ("", $0) }), procedures: Array(plain.procedures.values),
      lastDay: plain.lastDay)
    let moved = extended.recomputed(now: try instant("2026-11-25T09:00:00+08:00"), reference: changed)
    #expect((moved?.request.deadline.date ?? extended.deadline.date).description == due ?? "2026-12-22")
    // Where the date stays, nothing has moved, however many days lie before it now: nobody is told of a change.
    let stayed = request.recomputed(now: try instant("2026-11-25T09:00:00+08:00"), reference: changed)
    #expect((stayed == nil) == !changes.contains("2026-12-18 off"), "\(String(describing: stayed?.request.deadline))")
  }

  @Test func onlyWhatIsContradictedIsDisposedOf() throws {
    let at = "2026-11-24T09:00:00+08:00"
    let fine = try sampleRequest(.answered(sampleAnswer()))
    let command = Command.dispose(.init(measure: .rectify, by: try date("2026-12-31"), text: "限期整改"))
    #expect(throws: Refusal.notAllowed(.notContradicted)) { try carry(fine, command, Organs.requester, at: at) }
    let bad = try sampleRequest(sampleState(.answered))
    let disposed = try carry(bad, command, Organs.requester, at: at).request
    #expect(disposed.closedAt == bad.closedAt, "it was answered when it was answered")
    #expect(disposed.state.answer == bad.state.answer && disposed.clockStatus(now: disposed.updatedAt) == .met)
    #expect(Progress(encoded: disposed.progress.encoded) == disposed.progress)
    let state = AssistanceRequest.State(name: .closed, payload: disposed.state.payload)
    #expect(state == disposed.state)
  }

  @Test func damageIsNoProgress() {
    #expect(Progress(encoded: nil) == Progress.none && Progress.none.encoded == nil)
    for text in ["{", "{}", "[]", #"{"leg":"1"}"#, #"{"leg":1,"extension":{}}"#, #"{"leg":1,"transfers":[{}]}"#] {
      #expect(Progress(encoded: Array(text.utf8)) == nil, "\(text)")
    }
  }
}
