package import BrokerDomain
internal import GRDB

/// What a supervisor publishes: approved proposals, from when on, by which notice.
package struct PublicationDraft: Sendable {
  /// Nil where the text was no id of ours.
  package let proposals: [EntityID?]
  /// Nil: today.
  package let effectiveFrom: CalendarDate?
  package let notice: String

  package init(proposals: [EntityID?], effectiveFrom: CalendarDate?, notice: String) {
    self.proposals = proposals
    self.effectiveFrom = effectiveFrom
    self.notice = notice
  }
}

/// A publication with what it brought about.
package struct Publication: Sendable {
  package enum Part: String, Sendable { case proposal, filing, forms }

  package struct Request: Sendable {
    package let part: Part
    package let id: EntityID
    /// Organ numbers of the parties.
    package let parties: [Int64]
  }

  package let id: EntityID
  /// Organ number.
  package let supervisor: Int64
  package let at: Instant
  package let effectiveFrom: CalendarDate
  package let notice: String
  package fileprivate(set) var versions: [(list: CatalogueList, number: Int)] = []
  package fileprivate(set) var requests: [Request] = []

  package func ids(_ part: Part) -> [EntityID] { requests.filter { $0.part == part }.map(\.id) }
}

enum PublicationSQL: String, CaseIterable {
  case insert = """
    INSERT INTO publication (key, tail, supervisor, at, effective_from, notice) VALUES ($1, $2, $3, $4, $5, $6)
    """
  case insertRequest = "INSERT INTO publication_request (request, publication, part) VALUES ($1, $2, $3)"
  case isPublished = "SELECT 1 FROM publication_request WHERE request = $1"
  case list = """
    SELECT key, tail, supervisor, at, effective_from, notice FROM publication WHERE key < $1 ORDER BY key DESC LIMIT $2
    """
  case versions = "SELECT list, version FROM list_version WHERE publication = $1 ORDER BY list DESC"
  case requests = """
    SELECT p.part, r.key, r.tail, r.requester, r.responder
    FROM publication_request p JOIN request r ON r.key = p.request WHERE p.publication = $1 ORDER BY p.request
    """
}

extension WriteContext {
  /// Makes the new versions, marks the proposals, and opens what follows: the filing, and the forms that the departments
  /// owe. All in the caller's transaction.
  /// - Throws: `Refusal.faults` with everything that is wrong.
  package func publish(_ draft: PublicationDraft, by supervisor: Organ, trace: String?) throws -> Publication {
    let now = now
    let plan = try plan(draft, by: supervisor)
    guard plan.faults.isEmpty else { throw Refusal.faults(plan.faults) }
    let (effectiveFrom, lists, proposals) = (plan.stages[0].from, plan.stages[0].lists, plan.proposals)
    var publication = Publication(
      id: try newID(), supervisor: supervisor.number, at: now, effectiveFrom: effectiveFrom, notice: draft.notice)
    let key = publication.id.key
    try db.run(
      PublicationSQL.insert, .int(key), .int(publication.id.tail), .int(supervisor.number), .int(now.milliseconds),
      .int(Int64(effectiveFrom.dayNumber)), .text(draft.notice))
    for (place, stage) in plan.stages.enumerated() {
      for list in CatalogueList.allCases where stage.lists.changed.contains(list) {
        // What is waiting is made once more with what is published now, and stays what it was published as.
        let base = stage.version(of: list)
        guard place == 0 || base.effectiveFrom == stage.from else { continue }
        let version = try db.insertVersion(
          of: list, effectiveFrom: stage.from, at: now, notice: place == 0 ? draft.notice : base.notice,
          publication: place == 0 ? key : nil)
        try insert(stage.lists, list, over: base.number, version: version.number)
        if place == 0 { publication.versions.append((list, version.number)) }
      }
    }
    for proposal in proposals {
      try note(.proposal, proposal.proposal.id, [proposal.proposal.proposer, supervisor], in: &publication)
    }
    try openFilings(of: &publication, proposals.map(\.proposal), by: supervisor, trace: trace)
    for code in lists.owingForms {
      guard let department = reference.organ(code) else { continue }
      try open(
        .forms, CatalogueProposal.forms, from: department, to: nil, of: &publication, nil, by: supervisor, trace: trace)
    }
    try db.run(ReferenceSQL.bump)
    try rememberRehearsal()
    return publication
  }

  /// A row that is not changed keeps what its file said besides.
  private func insert(_ lists: CatalogueDraft, _ list: CatalogueList, over base: Int, version: Int) throws {
    switch list {
    case .items:
      let old = try db.items(version: base)
      let extra = Dictionary(old.map { ($0.value.code, $0.extra) }) { first, _ in first }
      try db.insert(items: lists.items.map { Kept($0, extra: extra[$0.code] ?? "{}") }, version: version)
    case .assistanceList:
      let old = try db.entries(version: base)
      func name(_ entry: AssistanceEntry) -> String { "\(entry.requester) \(entry.item)" }
      let extra = Dictionary(old.map { (name($0.value), $0.extra) }) { first, _ in first }
      try db.insert(entries: lists.entries.map { Kept($0, extra: extra[name($0)] ?? "{}") }, version: version)
    }
  }

  /// 崂山方案 3: the department files the published list with the 司法局 within 7 working days, and it is filed upward from
  /// there. A supervisor that has a superior files with that one, once for all. Where the directory has none above it, each
  /// department files what it proposed with the supervisor that published; who published files nothing with itself.
  private func openFilings(
    of publication: inout Publication, _ proposals: [CatalogueProposal], by supervisor: Organ, trace: String?
  ) throws {
    if let superior = reference.filingSuperior(of: supervisor) {
      return try open(
        .filing, CatalogueProposal.filing, from: supervisor, to: superior, of: &publication, proposals.first?.id,
        by: supervisor, trace: trace)
    }
    var done: Set<OrganCode> = [supervisor.code]
    for proposal in proposals where done.insert(proposal.proposer.code).inserted {
      try open(
        .filing, CatalogueProposal.filing, from: proposal.proposer, to: supervisor, of: &publication, proposal.id,
        by: supervisor, trace: trace)
    }
  }

  /// Opens a request that the publication brings about, if the place has its procedure.
  private func open(
    _ part: Publication.Part, _ procedure: String, from: Organ, to: Organ?, of publication: inout Publication,
    _ proposal: EntityID?, by actor: Organ, trace: String?
  ) throws {
    guard let definition = reference.procedures[procedure] else { return }
    let names = publication.versions.map { "\($0.list.title.zh)第\($0.number)版" }.joined(separator: "、")
    let known: [JSON.Member] =
      [
        .init("publishedOn", .string(publication.at.date.description)), .init("list", .string(names)),
      ] + (proposal.map { [.init("adjustment", .string($0.description))] } ?? [])
    let submission = Submission(
      procedure: procedure, item: nil, to: to?.code, subject: nil,
      content: Content(
        questions: [], purpose: definition.title.zh, basis: publication.notice,
        data: .object(known.filter { member in definition.fields.contains { $0.name == member.name } })))
    let decision: Decision
    do {
      decision = try AssistanceRequest.submit(
        submission, by: from, id: try newID(), now: publication.at, reference: reference)
    } catch Refusal.faults(let faults) {
      throw Self.impossible(
        definition, faults.map { Phrase("\($0.pointer) \($0.detail.zh)", "\($0.pointer) \($0.detail.en)") })
    } catch Refusal.mayNotOpen {
      throw Self.impossible(
        definition,
        [Phrase("\(from.name)不在可以提出的机关（openers）之列", "\(from.name) is none of those that may open it (openers)")])
    }
    // Whoever owes it, it is the publication that opened it.
    let event = decision.event
    try apply(
      Decision(
        request: decision.request,
        event: Event(
          type: event.type, at: event.at, actor: .organ(actor.code), version: event.version, state: event.state,
          rung: event.rung, leg: event.leg, data: event.data),
        timer: decision.timer, alsoTell: decision.alsoTell), previous: nil, trace: trace)
    try note(part, decision.request.id, [from, to ?? from], in: &publication)
  }

  private static func impossible(_ definition: Procedure, _ why: [Phrase]) -> Refusal {
    Refusal.faults([
      Fault(
        "", code: "follow-up-impossible",
        "公布后应提出的“\(definition.title.zh)”无法提出：\(why.map(\.zh).joined(separator: "；"))",
        "\"\(definition.title.en)\", which follows a publication, cannot be opened: "
          + why.map(\.en).joined(separator: "; "))
    ])
  }

  private func note(
    _ part: Publication.Part, _ id: EntityID, _ parties: [Organ], in publication: inout Publication
  ) throws {
    try db.run(
      PublicationSQL.insertRequest, .int(id.key), .int(publication.id.key), .text(part.rawValue))
    publication.requests.append(.init(part: part, id: id, parties: parties.map(\.number)))
  }
}

extension Store {
  /// Newest first.
  /// - Parameter before: the key after which a page goes on; nil begins with the newest.
  package func publications(
    before: Int64?, limit: Int
  ) async throws(StoreError) -> (items: [Publication], next: Int64?) {
    try await read { db in
      var all = try db.all(PublicationSQL.list, .int(before ?? Int64.max), .int(Int64(limit + 1))) {
        Publication(
          id: EntityID(key: $0.int(0), tail: $0.int(1)), supervisor: $0.int(2),
          at: Instant(milliseconds: $0.int(3)), effectiveFrom: CalendarDate(dayNumber: Int($0.int(4))),
          notice: $0.text(5))
      }
      let hasMore = all.count > limit
      if hasMore { all.removeLast() }
      for index in all.indices {
        let key = all[index].id.key
        all[index].versions = try db.all(PublicationSQL.versions, .int(key)) {
          (CatalogueList(rawValue: $0.text(0)) ?? .items, Int($0.int(1)))
        }
        all[index].requests = try db.all(PublicationSQL.requests, .int(key)) { row in
          Publication.Request(
            part: Publication.Part(rawValue: row.text(0)) ?? .proposal,
            id: EntityID(key: row.int(1), tail: row.int(2)), parties: [row.int(3), row.int(4)])
        }
      }
      return (all, hasMore ? all.last?.id.key : nil)
    }
  }
}

extension CalendarDate {
  /// After every day that a list can name.
  static let distantFuture = CalendarDate(dayNumber: Int(Int32.max))
}
