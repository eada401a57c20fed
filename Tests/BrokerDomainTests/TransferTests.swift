internal import BrokerDomain
internal import Testing

/// Which supervisor may take a request from the organ that has it, against the table in vectors/transfers.csv. It is asked
/// by a county's organ; `elsewhere` an organ of another city has it.
@Suite struct TransferTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let holder: String
    let state: StateName
    let actor: String
    let outcome: String
    var testDescription: String { "\(state.rawValue), \(holder) has it, by \(actor): \(outcome)" }
  }

  static let rows = ((try? Vectors.rows("transfers")) ?? []).compactMap { row -> Row? in
    guard let state = row["state"].flatMap({ StateName(rawValue: $0) }), let holder = row["has-it"],
      let actor = row["actor"], let outcome = row["outcome"]
    else { return nil }
    return Row(holder: holder, state: state, actor: actor, outcome: outcome)
  }

  static let actors = [
    "requester": Organs.requester, "supervisor": Organs.supervisor, "otherSupervisor": Organs.otherSupervisor,
    "provincialSupervisor": Organs.provincialSupervisor,
  ]

  /// The responder is an organ of the city of `otherSupervisor` where it is elsewhere.
  private func reference(_ row: Row) throws -> Reference {
    let plain = try makeReference()
    guard row.holder == "elsewhere" else { return plain }
    let organs = try plain.organs.map { organ -> Organ in
      guard organ.code == (try code(Organs.responder)) else { return organ }
      return Organ(
        number: organ.number, code: organ.code, name: organ.name, shortName: organ.shortName,
        region: try region("320583"), superior: organ.superior, roles: organ.roles)
    }
    return Reference(
      organs: organs, items: plain.items, assistance: plain.assistance, calendar: plain.calendar,
      procedures: Array(plain.procedures.values), lastDay: plain.lastDay)
  }

  @Test func theTableIsRead() { #expect(Self.rows.count == 14) }

  @Test(arguments: rows) func outcome(_ row: Row) throws {
    let reference = try reference(row)
    let request = try sampleRequest(try sampleState(row.state), reference)
    let actor = try code(try #require(Self.actors[row.actor]))
    let now = try instant("2026-11-24T08:00:00+08:00")
    let refusal: Refusal? =
      switch row.outcome {
      case "not-supervised": .notAllowed(.notSupervised)
      case "not-yours": .notYours(.transfer)
      case "illegal": .illegalTransition(.transfer, from: row.state)
      default: nil
      }
    #expect(request.refusal(of: .transfer, by: actor, expectedVersions: nil, reference: reference) == refusal)
    let mayMove = request.allowed(to: actor, now: now, reference: reference).contains(.transfer)
    #expect(mayMove == (row.outcome == "moved"))
    guard row.outcome == "moved" else { return }
    let moved = try request.carryOut(
      .transfer(.init(to: try code(Organs.stranger), reason: "由其掌握登记信息")), by: actor, now: now, expectedVersions: nil,
      reference: reference
    ).request
    #expect(moved.responder == (try code(Organs.stranger)) && moved.state == .submitted)
  }

  /// Whoever was asked to rule rules, whether it supervises the organ that has it or not.
  @Test func whoWasAskedToRuleMoves() throws {
    let plain = try makeReference()
    let arbiter = try code(Organs.otherSupervisor)
    let organs = try plain.organs.map { organ -> Organ in
      guard [try code(Organs.responder), try code(Organs.stranger)].contains(organ.code) else { return organ }
      return Organ(
        number: organ.number, code: organ.code, name: organ.name, shortName: organ.shortName, region: organ.region,
        superior: arbiter, roles: organ.roles)
    }
    let reference = Reference(
      organs: organs, items: plain.items, assistance: plain.assistance, calendar: plain.calendar,
      procedures: Array(plain.procedures.values), lastDay: plain.lastDay)
    func move(_ request: AssistanceRequest, _ to: String, _ organ: OrganCode) throws -> AssistanceRequest {
      try request.carryOut(
        .transfer(.init(to: try code(to), reason: "由其掌握登记信息")), by: organ,
        now: try instant("2026-11-24T08:00:00+08:00"), expectedVersions: nil, reference: reference
      ).request
    }
    let county = try code(Organs.supervisor)
    let moved = try move(sampleRequest(.submitted, reference), Organs.stranger, county)
    let referred = try move(moved, Organs.responder, county)
    #expect(referred.progress.referral?.to == arbiter)
    #expect(try move(referred, Organs.responder, arbiter).progress.transfers.last?.ruledBy == arbiter)
  }

  /// Returned by the fourth organ: it goes to no fifth one. The refusal names those to whom a transfer has a superior rule,
  /// and so it does; where there is none it says that.
  @Test(arguments: [true, false]) func afterThreeTransfersASuperiorRules(_ hasSuperior: Bool) throws {
    let plain = try makeReference()
    let province = try code(Organs.provincialSupervisor)
    let reference = Reference(
      organs: plain.organs.map { organ in
        // Without its role it is an organ like any other.
        organ.code == province && !hasSuperior
          ? Organ(
            number: organ.number, code: organ.code, name: organ.name, shortName: organ.shortName, region: organ.region,
            superior: nil, roles: [.member]) : organ
      }, items: plain.items, assistance: plain.assistance, calendar: plain.calendar,
      procedures: Array(plain.procedures.values), lastDay: plain.lastDay)
    let (requester, now) = (try code(Organs.requester), try instant("2026-11-20T11:00:00+08:00"))
    func move(_ request: AssistanceRequest, to: OrganCode) throws -> AssistanceRequest {
      try request.carryOut(
        .transfer(.init(to: to, reason: "由其掌握登记信息")), by: requester, now: now, expectedVersions: nil,
        reference: reference
      ).request
    }
    func returned(_ request: AssistanceRequest) throws -> AssistanceRequest {
      try request.carryOut(
        .giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil)), by: request.responder, now: now,
        expectedVersions: nil, reference: reference
      ).request
    }
    var request = try returned(sampleRequest(.submitted, reference))
    let others = try [Organs.stranger, Organs.supervisor, Organs.otherSupervisor].map(code)
    for other in others { request = try returned(move(request, to: other)) }
    let refusal = #expect(throws: Refusal.self) { try move(request, to: province) }
    let had = try [code(Organs.responder)] + others
    #expect(refusal == .notAllowed(.transferLimit(back: hasSuperior ? had : [])))
    guard case .notAllowed(let obstacle)? = refusal else { return }
    let (zh, en) = (obstacle.detail.zh, obstacle.detail.en)
    #expect(obstacle.code == "transfer-limit" && zh.contains("撤回") && en.contains("withdraw"))
    #expect(
      zh.contains("即报请共同上一级行政机关") == hasSuperior && en.contains("asks the common superior, or where") == hasSuperior)
    for organ in had { #expect(zh.contains("\(organ)") == hasSuperior && en.contains("\(organ)") == hasSuperior) }
    let allowed = request.allowed(to: requester, now: now, reference: reference)
    #expect(allowed == (hasSuperior ? [.transfer, .withdraw, .close] : [.withdraw, .close]))
    guard hasSuperior else { return }
    for organ in had { #expect(try move(request, to: organ).progress.referral?.to == province) }
  }
}
