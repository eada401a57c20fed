import Testing

@testable import BrokerDomain

/// What the list of items has against a request, and what proposals may do to the lists.
@Suite struct CatalogueTests {
  static let items = [
    Item(code: "1", proof: "甲", matter: "子", departments: []),
    Item(code: "2", proof: "乙", matter: "子", departments: [], method: .online),
    Item(code: "3", proof: "丙", matter: "子", departments: [], method: .onSite, agentAllowed: false),
    Item(code: "4", proof: "丁", matter: "子", departments: [], method: .exempt, methodBasis: "方案三"),
    Item(code: "5", proof: "戊", matter: "子", departments: [], exclusion: "方案二(七)", agentAllowed: false),
  ]

  private static func reference() throws -> Reference {
    let base = try makeReference()
    return Reference(
      organs: base.organs, items: items, assistance: base.assistance, calendar: base.calendar,
      procedures: [.verification], lastDay: .midnight,
      itemsVersion: ListVersion(
        number: 3, effectiveFrom: CalendarDate("2026-03-01"), madeAt: Instant(milliseconds: 0), notice: "8号文"))
  }

  @Test(
    arguments: [
      ("1", true, false, []), ("2", false, false, ["/reason item-online"]), ("2", false, true, []),
      ("3", false, false, []), ("3", true, false, ["/commitment/byAgent agent-not-allowed"]),
      ("4", false, true, ["/item item-exempt"]),
      ("5", true, true, ["/item item-excluded", "/commitment/byAgent agent-not-allowed"]), ("9", true, false, []),
    ] as [(String, Bool, Bool, [String])])
  func rules(_ item: String, _ byAgent: Bool, _ hasReason: Bool, _ expected: [String]) throws {
    let reference = try Self.reference()
    let faults = AssistanceRequest.itemFaults(
      procedure: reference.procedures["verification"], item: item, by: try code(Organs.requester),
      byAgent: byAgent, hasReason: hasReason, reference: reference)
    #expect(faults.map { "\($0.pointer) \($0.code)" } == expected)
    for fault in faults {
      for part in ["第3版", "2026-03-01", "8号文"] { #expect(fault.detail.zh.contains(part)) }
      for part in ["version 3", "2026-03-01"] { #expect(fault.detail.en.contains(part)) }
    }
    if item == "5" { #expect(faults.first?.detail.zh.contains("方案二(七)") == true) }
    #expect(
      AssistanceRequest.itemFaults(
        procedure: nil, item: item, by: try code(Organs.requester), byAgent: byAgent, hasReason: hasReason,
        reference: reference) == [])
  }

  /// What is no verification and is about a commitment that is to be given, and what is about none.
  @Test(
    arguments: [
      ("1", true, true, []), ("2", false, true, []), ("4", false, true, []), ("3", false, true, []),
      ("3", true, true, ["/commitment/byAgent agent-not-allowed"]), ("5", false, true, ["/item item-excluded"]),
      ("5", true, true, ["/item item-excluded", "/commitment/byAgent agent-not-allowed"]), ("9", true, true, []),
      ("3", true, false, []), ("5", true, false, []),
    ] as [(String, Bool, Bool, [String])])
  func commitments(_ item: String, _ byAgent: Bool, _ commits: Bool, _ expected: [String]) throws {
    let faults = AssistanceRequest.itemFaults(
      procedure: sampleProcedure(commits: commits), item: item, by: try code(Organs.requester), byAgent: byAgent,
      hasReason: false, reference: try Self.reference())
    #expect(faults.map { "\($0.pointer) \($0.code)" } == expected)
    for fault in faults { #expect(fault.detail.zh.contains("第3版") && fault.detail.en.contains("version 3")) }
  }

  /// A definition may say that what is answered by findings is about no commitment.
  @Test func findingsAreAboutACommitmentUnlessTheDefinitionSaysOtherwise() {
    #expect(Procedure.verification.commits && !sampleProcedure().commits && sampleProcedure(commits: true).commits)
  }

  private typealias Case = (item: String?, data: String)

  /// Proposals, and what is wrong with them by index; where nothing is, the items that come of it.
  static let drafts: [(proposals: [(String?, String)], expected: [String])] = [
    (
      [("1", #"{"change": "amend", "method": "exempt"}"#)],
      ["1 exempt", "2 online", "3 on-site", "4 exempt", "5 assistance"]
    ),
    (
      [("5", #"{"change": "include"}"#), ("2", #"{"change": "remove"}"#)],
      ["1 assistance", "3 on-site", "4 exempt", "5 assistance"]
    ),
    (
      [(nil, #"{"change": "add", "proof": "己", "matter": "丑", "method": "online"}"#)],
      ["1 assistance", "2 online", "3 on-site", "4 exempt", "5 assistance", "6 online"]
    ),
    ([(nil, "{}")], ["0 invalid-proposal"]), ([(nil, #"{"change": "remove"}"#)], ["0 invalid-proposal"]),
    ([("9", #"{"change": "exclude"}"#)], ["0 invalid-proposal"]),
    ([(nil, #"{"change": "add", "proof": "甲"}"#)], ["0 invalid-proposal"]),
    ([(nil, #"{"change": "add", "proof": "甲", "matter": "子"}"#)], ["0 invalid-proposal"]),
    ([(nil, #"{"change": "add", "proof": "新", "matter": "子", "code": "3"}"#)], ["0 invalid-proposal"]),
    ([("1", #"{"change": "amend"}"#)], ["0 invalid-proposal"]),
    ([("1", #"{"change": "amend", "public": true}"#)], ["0 invalid-proposal"]),
    (
      [("1", #"{"change": "remove"}"#), ("1", #"{"change": "exclude", "exclusion": "某规定"}"#), ("2", "{}")],
      ["1 contradictory-proposals", "2 invalid-proposal"]
    ),
    (
      [
        (nil, #"{"change": "add", "proof": "己", "matter": "丑"}"#),
        (nil, #"{"change": "add", "proof": "己", "matter": "丑"}"#),
      ], ["1 contradictory-proposals"]
    ),
    ([("47", #"{"change": "exclude", "list": "assistance-list"}"#)], ["0 invalid-proposal"]),
    ([("1", #"{"change": "add", "list": "assistance-list"}"#)], ["0 invalid-proposal"]),
    ([("1", #"{"change": "amend", "list": "assistance-list", "workingDays": 3}"#)], ["0 invalid-proposal"]),
  ]

  @Test(arguments: drafts) func draft(_ proposals: [(String?, String)], _ expected: [String]) throws {
    let reference = try Self.reference()
    let proposer = try #require(reference.organ(try OrganCode(Organs.requester)))
    var draft = CatalogueDraft(items: Self.items, entries: [], reference: reference)
    let faults = draft.apply(
      try proposals.enumerated().map { index, proposal in
        (
          index,
          CatalogueProposal(
            id: EntityID(key: Int64(index), tail: 0), proposer: proposer, item: proposal.0,
            data: try JSON.parse(Array(proposal.1.utf8)))
        )
      })
    let found =
      faults.isEmpty
      ? draft.items.map { "\($0.code) \($0.method.rawValue)" }
      : faults.map { "\($0.pointer.dropFirst("/proposals/".count)) \($0.code)" }
    #expect(found == expected)
    for fault in faults { #expect(!fault.detail.zh.isEmpty && !fault.detail.en.isEmpty) }
  }

  /// Region of the item, region of the organ that names it → whether it is on that organ's list.
  @Test(
    arguments: [
      (nil, Organs.requester, true), ("320681", Organs.requester, true), ("320600", Organs.requester, true),
      ("320000", Organs.requester, true), ("320682", Organs.requester, false),
      ("320681", Organs.otherSupervisor, false),
      ("320681", Organs.provincialSupervisor, false), ("320000", Organs.provincialSupervisor, true),
    ] as [(String?, String, Bool)])
  func aListIsOfItsRegion(_ place: String?, _ organ: String, _ isListed: Bool) throws {
    let base = try makeReference()
    let item = Item(
      code: "1", proof: "甲", matter: "子", departments: [], exclusion: "方案", region: try place.map { try region($0) })
    let reference = Reference(
      organs: base.organs, items: [item], assistance: [], calendar: base.calendar, procedures: [.verification],
      lastDay: .midnight,
      itemsVersion: ListVersion(number: 3, effectiveFrom: nil, madeAt: .init(milliseconds: 0), notice: nil))
    let requester = try code(organ)
    #expect((reference.item("1", for: requester) != nil) == isListed)
    let faults = AssistanceRequest.routingFaults(
      procedure: "verification", item: "1", to: try code(Organs.responder), by: requester, reference: reference)
    #expect(faults.map { "\($0.pointer) \($0.code)" } == (isListed ? [] : ["/item unknown-item"]))
    for fault in faults {
      for part in [place ?? "?", "第3版"] { #expect(fault.detail.zh.contains(part), "\(fault.detail.zh)") }
      for part in [place ?? "?", "version 3"] { #expect(fault.detail.en.contains(part), "\(fault.detail.en)") }
    }
    // What is not on the list is said once.
    let more = AssistanceRequest.itemFaults(
      procedure: .verification, item: "1", by: requester, byAgent: false, hasReason: true, reference: reference)
    #expect(more.map(\.code) == (isListed ? ["item-excluded"] : []))
  }

  @Test(
    arguments: [
      (nil, nil, true), (nil, "320681", true), ("320681", "320681", true), ("320600", "320681", true),
      ("320681", "320000", true), ("320681", "320682", false), ("320681", "152922", false),
    ] as [(String?, String?, Bool)])
  func theKeyIsWithinARegion(_ one: String?, _ other: String?, _ clashes: Bool) throws {
    let items = try [one, other].enumerated().map { index, place in
      Item(
        code: "\(index)", proof: "甲", matter: "子", departments: [], region: try place.map { try region($0) })
    }
    #expect(items[0].clashes(with: items[1]) == clashes && items[1].clashes(with: items[0]) == clashes)
    var renamed = items[1]
    renamed.matter = "丑"
    #expect(!items[0].clashes(with: renamed))
  }

  @Test func whatADepartmentAddsIsOfItsRegion() throws {
    let reference = try Self.reference()
    let (requester, obliged) = (try code(Organs.requester), try code(Organs.responder))
    let proposer = try #require(reference.organ(requester))
    var foreign = Item(code: "6", proof: "己", matter: "丑", departments: [])
    foreign.region = try region("320682")
    var draft = CatalogueDraft(items: Self.items + [foreign], entries: [], reference: reference)
    func proposal(_ index: Int, _ item: String?, _ data: String) throws -> (Int, CatalogueProposal) {
      (
        index,
        CatalogueProposal(
          id: EntityID(key: Int64(index), tail: 0), proposer: proposer, item: item,
          data: try JSON.parse(Array(data.utf8)))
      )
    }
    let entry = #"{"change": "add", "list": "assistance-list", "obliged": "\#(obliged)"}"#
    let faults = draft.apply([
      try proposal(0, nil, #"{"change": "add", "proof": "己", "matter": "丑"}"#), try proposal(1, "7", entry),
      try proposal(2, "6", entry), try proposal(3, "1", entry),
    ])
    #expect(faults.map(\.pointer) == ["/proposals/2"] && faults[0].detail.zh.contains("其他地区"), "\(faults)")
    let own = try region("320681")
    #expect(draft.items.last?.code == "7" && draft.items.last?.region == own)
    #expect(draft.entries.map(\.item) == ["7", "1"])
  }

  @Test func anItemThatIsStillAskedAboutCannotGo() throws {
    let reference = try Self.reference()
    let (requester, obliged) = (try OrganCode(Organs.requester), try OrganCode(Organs.responder))
    let proposer = try #require(reference.organ(requester))
    let entry = AssistanceEntry(item: "1", requester: requester, obliged: obliged, workingDays: 5)
    func proposal(_ data: String) throws -> CatalogueProposal {
      CatalogueProposal(
        id: EntityID(key: 1, tail: 0), proposer: proposer, item: "1", data: try JSON.parse(Array(data.utf8)))
    }
    var alone = CatalogueDraft(items: Self.items, entries: [entry], reference: reference)
    let removal = try proposal(#"{"change": "remove"}"#)
    #expect(alone.apply([(0, removal)]).map(\.code) == ["invalid-proposal"])
    var both = CatalogueDraft(items: Self.items, entries: [entry], reference: reference)
    let second = try proposal(#"{"change": "remove", "list": "assistance-list"}"#)
    #expect(both.apply([(0, removal), (1, second)]) == [])
    #expect(both.entries == [] && both.changed == [.items, .assistanceList] && both.owingForms == [])
  }

  @Test func listsAreFiledWithTheNearestSupervisorAbove() throws {
    let reference = try makeReference()
    let own = try #require(reference.organ(try OrganCode(Organs.supervisor)))
    #expect(reference.filingSuperior(of: own)?.code == (try OrganCode(Organs.provincialSupervisor)))
    let province = try #require(reference.organ(try OrganCode(Organs.provincialSupervisor)))
    #expect(reference.filingSuperior(of: province) == nil)
  }
}
