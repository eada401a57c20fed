internal import BrokerDomain
internal import Testing

/// 报请共同上一级行政机关确定: what is referred, what a ruling may say, and what it binds.
@Suite struct RulingTests {
  let reference: Reference

  init() throws { reference = try makeReference() }

  private static let at = "2026-11-24T09:00:00+08:00"
  private static let giveBack = Command.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil))
  private static func move(_ organ: String) throws -> Command {
    .transfer(.init(to: try code(organ), reason: "由其掌握登记信息"))
  }

  private func carry(
    _ request: AssistanceRequest, _ command: Command, _ organ: String, at moment: String = Self.at
  ) throws -> Decision {
    try request.carryOut(
      command, by: try code(organ), now: try instant(moment), expectedVersions: nil, reference: reference)
  }

  /// Moved to the stranger by the supervisor, who would then move it back: referred, while the stranger has it.
  private func referred(acknowledged: Bool) throws -> AssistanceRequest {
    var request = try carry(sampleRequest(), try Self.move(Organs.stranger), Organs.supervisor).request
    if acknowledged { request = try carry(request, .acknowledge(officer: "钱七"), Organs.stranger).request }
    return try carry(request, try Self.move(Organs.responder), Organs.supervisor).request
  }

  @Test(arguments: [false, true]) func itStaysWhereItIs(_ acknowledged: Bool) throws {
    let before = try referred(acknowledged: acknowledged)
    let arbiter = try #require(before.progress.referral?.to)
    let later = "2026-11-25T09:00:00+08:00"
    let decision = try carry(before, try Self.move(Organs.stranger), arbiter.description, at: later)
    let ruled = decision.request
    #expect(decision.event.type == .transferred && decision.timer == nil && ruled.version == before.version + 1)
    #expect(decision.event.data["ruling"] == .bool(true) && decision.event.data["kept"] == .bool(true))
    #expect(ruled.state == before.state && ruled.responder == before.responder)
    #expect(ruled.acknowledgement == before.acknowledgement && ruled.deadline == before.deadline)
    #expect(ruled.progress.leg == before.progress.leg && ruled.clockFrom == before.clockFrom)
    #expect(ruled.progress.referral == nil && ruled.progress.transfers.last?.ruledBy == arbiter)
    #expect(ruled.progress.turnStart(ruled.receivedAt) == before.progress.turnStart(before.receivedAt))
    #expect(ruled.countingStart(reference) == .transferred)
    #expect(Progress(encoded: ruled.progress.encoded) == ruled.progress)
    // And binds: whoever has it, whoever ruled, whoever asks.
    for (command, organ) in [
      (Self.giveBack, Organs.stranger), (try Self.move(Organs.responder), arbiter.description),
      (.decline(sampleDecline("not-competent")), Organs.stranger),
    ] {
      #expect(throws: Refusal.notAllowed(.ruling)) { try carry(ruled, command, organ, at: later) }
    }
    let declined = try carry(ruled, .decline(sampleDecline("holds-no-information")), Organs.stranger, at: later)
    #expect(declined.request.state.name == .declined, "for another reason it may still say no")
    #expect(try carry(before, .decline(sampleDecline("not-competent")), Organs.stranger).event.type == .declined)
  }

  /// What was returned is sent to whoever returned it: nothing moves, and a superior rules.
  @Test func backToWhoReturnedIt() throws {
    let returned = try carry(sampleRequest(), Self.giveBack, Organs.responder).request
    let decision = try carry(returned, try Self.move(Organs.responder), Organs.requester)
    let referral = try #require(decision.request.progress.referral)
    #expect(decision.event.type == .escalated && decision.request.state == .returned)
    #expect(referral.proposed == (try code(Organs.responder)) && decision.alsoTell == [referral.to])
    #expect(throws: Refusal.notAllowed(.referred)) {
      try carry(decision.request, try Self.move(Organs.responder), Organs.requester)
    }
    // It is that organ's to answer: it comes there anew, with what a transfer does to the clock.
    let later = "2026-11-30T09:00:00+08:00"
    let ruled = try carry(decision.request, try Self.move(Organs.responder), referral.to.description, at: later)
    #expect(ruled.request.responder == (try code(Organs.responder)) && ruled.request.state == .submitted)
    #expect(ruled.request.progress.returned == nil && ruled.request.progress.leg == 1)
    #expect(ruled.request.deadline.date == (try date("2026-12-03")) && ruled.event.data["kept"] == nil)
    #expect(ruled.request.progress.turnStart(ruled.request.receivedAt) == ruled.request.updatedAt)
    #expect(ruled.request.countingStart(reference) == .ruled)
    #expect(throws: Refusal.notAllowed(.ruling)) {
      try carry(ruled.request, Self.giveBack, Organs.responder, at: later)
    }
  }

  /// Who rules of two: the nearest organ above the one that returned it and the one that asked.
  @Test func theRequesterIsTheOtherSide() throws {
    let plain = try makeReference()
    func organ(_ text: String, under superior: String?) throws -> Organ {
      let like = try #require(plain.organ(code(text)))
      return Organ(
        number: like.number, code: like.code, name: like.name, shortName: like.shortName, region: like.region,
        superior: try superior.map(code), roles: like.roles)
    }
    let reference = Reference(
      organs: [
        try organ(Organs.requester, under: Organs.stranger), try organ(Organs.responder, under: Organs.supervisor),
        try organ(Organs.supervisor, under: Organs.stranger), try organ(Organs.stranger, under: nil),
      ], items: plain.items, assistance: plain.assistance, calendar: plain.calendar,
      procedures: Array(plain.procedures.values), lastDay: plain.lastDay)
    let returned = try carry(sampleRequest(), Self.giveBack, Organs.responder).request
    let decision = try returned.carryOut(
      try Self.move(Organs.responder), by: code(Organs.requester), now: instant(Self.at), expectedVersions: nil,
      reference: reference)
    #expect(decision.request.progress.referral?.to == (try code(Organs.stranger)))
  }

  /// Without superiors the supervisor of the nearest region that holds both is asked, wherever it stands in the directory,
  /// and rules alone: not who moved it, and not who supervises them as well.
  @Test(arguments: ["320681", "320583"], [false, true]) func onlyWhoIsAskedRules(_ region: String, _ isReversed: Bool)
    throws
  {
    let plain = try makeReference()
    let organs = try plain.organs.map { organ -> Organ in
      guard organ.code == (try code(Organs.stranger)) else { return organ }
      return Organ(
        number: organ.number, code: organ.code, name: organ.name, shortName: organ.shortName,
        region: try #require(RegionCode(region)), superior: organ.superior, roles: organ.roles)
    }
    let reference = Reference(
      organs: isReversed ? organs.reversed() : organs, items: plain.items, assistance: plain.assistance,
      calendar: plain.calendar, procedures: Array(plain.procedures.values), lastDay: plain.lastDay)
    func carry(_ request: AssistanceRequest, _ to: String, _ organ: String) throws -> AssistanceRequest {
      try request.carryOut(
        try Self.move(to), by: code(organ), now: instant(Self.at), expectedVersions: nil, reference: reference
      ).request
    }
    let moved = try carry(sampleRequest(.submitted, reference), Organs.stranger, Organs.supervisor)
    // Out of another city's organ only a supervisor of both takes it.
    let mover = region == "320681" ? Organs.supervisor : Organs.provincialSupervisor
    let referred = try carry(moved, Organs.responder, mover)
    let arbiter = region == "320681" ? Organs.supervisor : Organs.provincialSupervisor
    #expect(referred.progress.referral?.to == (try code(arbiter)))
    for other in [Organs.supervisor, Organs.provincialSupervisor] where other != arbiter {
      #expect(throws: Refusal.notAllowed(.referred)) { try carry(referred, Organs.responder, other) }
    }
    let ruled = try carry(referred, Organs.responder, arbiter)
    #expect(ruled.progress.transfers.last?.ruledBy == (try code(arbiter)))
  }

  /// Nobody is above both, and no supervisor's region holds both: that of one of them does not bind the other.
  @Test func nobodyRulesAcrossRegions() throws {
    let plain = try makeReference()
    let reference = Reference(
      organs: try plain.organs.map { organ in
        guard organ.code == (try code(Organs.requester)) else { return organ }
        return Organ(
          number: organ.number, code: organ.code, name: organ.name, shortName: organ.shortName,
          region: try region("450100"), superior: nil, roles: organ.roles)
      }, items: plain.items, assistance: plain.assistance, calendar: plain.calendar,
      procedures: Array(plain.procedures.values), lastDay: plain.lastDay)
    let returned = try carry(sampleRequest(), Self.giveBack, Organs.responder).request
    #expect(throws: Refusal.notAllowed(.noSuperior)) {
      try returned.carryOut(
        try Self.move(Organs.responder), by: code(Organs.requester), now: instant(Self.at), expectedVersions: nil,
        reference: reference)
    }
  }

  /// A supervisor that asks has its part in it: it is not the one to rule, and where there is nobody else nothing is.
  @Test func nobodyRulesInItsOwnMatter() throws {
    let opened = try AssistanceRequest.submit(
      submission(item: nil, to: Organs.responder), by: #require(reference.organ(code(Organs.supervisor))), id: sampleID,
      now: instant(Self.at), reference: reference
    ).request
    let returned = try carry(opened, Self.giveBack, Organs.responder).request
    let arbiter = reference.supervisors(of: try #require(reference.organ(code(Organs.responder))))
      .first { $0.code != opened.requester }
    guard let arbiter else {
      #expect(throws: Refusal.notAllowed(.noSuperior)) {
        try carry(returned, try Self.move(Organs.responder), Organs.supervisor)
      }
      return
    }
    let referred = try carry(returned, try Self.move(Organs.responder), Organs.supervisor).request
    #expect(referred.progress.referral?.to == arbiter.code)
    #expect(throws: Refusal.notAllowed(.referred)) {
      try carry(referred, try Self.move(Organs.responder), Organs.supervisor)
    }
    let ruled = try carry(referred, try Self.move(Organs.responder), arbiter.code.description).request
    #expect(ruled.progress.transfers.last?.ruledBy == arbiter.code)
  }
}
