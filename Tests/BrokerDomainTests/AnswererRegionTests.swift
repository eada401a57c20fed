internal import BrokerDomain
internal import Testing

/// Where the organ that is asked must stand: below whoever takes it to task, above whoever files with it.
@Suite struct AnswererRegionTests {
  private static func procedure(_ place: Procedure.AnswererRegion, _ answerers: [Organ.Role]) -> Procedure {
    let like = Procedure.verification
    return Procedure(
      id: "sample", title: like.title, clause: like.clause, openers: like.openers, answerers: answerers,
      clock: like.clock, acknowledgeDays: 1, returnDays: 2, supplement: false, allowsExtension: false,
      allowsTransfer: true, item: .optional, subject: .optional, questions: .optional, answerKind: .findings,
      outcomes: like.outcomes, declineReasons: [], fields: [], answerFields: [], isSealed: false, copies: [],
      ladder: [], answererRegion: place)
  }

  /// 启东's organs, of which the 医保局 is made the superior of the 司法局 and 苏州's bureau the superior of the 民政局.
  private func reference(_ procedure: Procedure) throws -> Reference {
    let plain = try makeReference(procedures: [procedure])
    let above = [Organs.supervisor: Organs.requester, Organs.responder: Organs.otherSupervisor]
    return Reference(
      organs: try plain.organs.map {
        Organ(
          number: $0.number, code: $0.code, name: $0.name, shortName: $0.shortName, region: $0.region,
          superior: try above[$0.code.description].map(code), roles: $0.roles)
      }, items: plain.items, assistance: plain.assistance, calendar: plain.calendar, procedures: [procedure],
      lastDay: plain.lastDay)
  }

  @Test(arguments: [
    (Procedure.AnswererRegion.within, Organs.supervisor, Organs.responder, true),
    // Its own superior, though of the same region; a bureau above; a bureau elsewhere.
    (.within, Organs.supervisor, Organs.requester, false),
    (.within, Organs.supervisor, Organs.provincialSupervisor, false),
    (.within, Organs.supervisor, Organs.otherSupervisor, false),
    (.within, Organs.provincialSupervisor, Organs.supervisor, true),
    (.covering, Organs.requester, Organs.supervisor, true),
    (.covering, Organs.requester, Organs.provincialSupervisor, true),
    (.covering, Organs.requester, Organs.otherSupervisor, false),
    (.covering, Organs.supervisor, Organs.provincialSupervisor, true),
    (.covering, Organs.provincialSupervisor, Organs.supervisor, false),
    // Named as its superior, whatever the regions say.
    (.covering, Organs.responder, Organs.otherSupervisor, true),
    (.any, Organs.supervisor, Organs.otherSupervisor, true),
  ]) func addressee(_ rule: Procedure.AnswererRegion, _ by: String, _ to: String, _ isFine: Bool) throws {
    let reference = try reference(Self.procedure(rule, []))
    func submit() throws -> Decision {
      try AssistanceRequest.submit(
        try submission(procedure: "sample", item: nil, to: to), by: try #require(reference.organ(code(by))),
        id: sampleID, now: try instant("2026-11-20T10:00:00+08:00"), reference: reference)
    }
    guard !isFine else {
      #expect(try submit().request.responder == (try code(to)))
      return
    }
    let error = #expect(throws: Refusal.self) { try submit() }
    guard case .faults(let faults) = error else { throw Refusal.faults([]) }
    #expect(faults.map(\.pointer) == ["/to"] && faults.map(\.code) == ["not-an-answerer"])
    #expect(faults.first?.detail.zh.contains(rule == .within ? "本行政区域" : "所在地区") == true)
  }

  /// Whom the assistance list finds is held to the same as whom the body names.
  @Test func alsoWhoIsFoundByTheList() throws {
    let reference = try reference(Self.procedure(.covering, [.supervisor]))
    let error = #expect(throws: Refusal.self) {
      try AssistanceRequest.submit(
        try submission(procedure: "sample"), by: try #require(reference.organ(code(Organs.requester))), id: sampleID,
        now: try instant("2026-11-20T10:00:00+08:00"), reference: reference)
    }
    guard case .faults(let faults) = error else { throw Refusal.faults([]) }
    #expect(faults.map(\.code) == ["not-an-answerer"])
  }
}
