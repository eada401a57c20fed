package import BrokerDomain
internal import GRDB

/// A publication as it would be: the lists with the proposals worked in, and everything that is wrong with it.
struct PublicationPlan {
  /// The lists as they will be from a day on.
  struct Stage {
    let from: CalendarDate
    /// What holds on that day without the publication.
    let items: ListVersion
    let entries: ListVersion
    var lists: CatalogueDraft

    func version(of list: CatalogueList) -> ListVersion { list == .items ? items : entries }
  }

  /// The day from which it holds; and then each on which a version that is waiting comes into force, for that has to know
  /// of it as well.
  let stages: [Stage]
  let proposals: [(index: Int, proposal: CatalogueProposal)]
  let faults: [Fault]
}

extension WriteContext {
  /// What is wrong with a publication, as far as a faulty body could be read of it. Writes nothing.
  package func faults(of draft: PublicationDraft, by supervisor: Organ) throws -> [Fault] {
    try plan(draft, by: supervisor).faults
  }

  func plan(_ draft: PublicationDraft, by supervisor: Organ) throws -> PublicationPlan {
    let today = now.date
    let effectiveFrom = draft.effectiveFrom ?? today
    var faults: [Fault] = []
    if effectiveFrom < today {
      faults.append(
        Fault(
          "/effectiveFrom", code: "effective-date-past", "施行日期 \(effectiveFrom) 已过，应为 \(today) 或以后",
          "\(effectiveFrom) is past; a list comes into force on \(today) or later"))
    }
    // A typing error in the year would keep every later version waiting.
    if effectiveFrom > today + ListTerms.longestAhead {
      faults.append(
        Fault(
          "/effectiveFrom", code: "effective-date-far", "施行日期不得晚于\(ListTerms.longestAhead)日以后",
          "a list comes into force within \(ListTerms.longestAhead) days"))
    }
    let base = try Catalogue(db, today: today)
    let (items, entries) = (base.items(on: .distantFuture), base.entries(on: .distantFuture))
    let district = District(supervisor: supervisor, reference: reference, items: items.rows, entries: entries.rows)
    let proposals = try proposals(draft.proposals, of: district, &faults)
    let first = max(effectiveFrom, today)
    let days = [first] + base.days(after: first)
    let taken = Set(days.flatMap { base.items(on: $0).rows.map(\.code) })
    let stages = days.map { day in
      let (items, entries) = (base.items(on: day), base.entries(on: day))
      var lists = CatalogueDraft(items: items.rows, entries: entries.rows, taken: taken, reference: reference)
      for fault in lists.apply(proposals) where !faults.contains(fault) { faults.append(fault) }
      return PublicationPlan.Stage(from: day, items: items.version, entries: entries.version, lists: lists)
    }
    return PublicationPlan(stages: stages, proposals: proposals, faults: faults)
  }

  /// Those that may be published, each with its place in the body.
  private func proposals(
    _ ids: [EntityID?], of district: District, _ faults: inout [Fault]
  ) throws -> [(index: Int, proposal: CatalogueProposal)] {
    var found: [(index: Int, proposal: CatalogueProposal)] = []
    for (index, id) in ids.enumerated() {
      let pointer = "/proposals/\(index)"
      // What was proposed to somebody else is told like what is not there.
      guard let id, let stored = try request(id), stored.request.procedure == CatalogueProposal.procedure,
        stored.request.responder == district.supervisor.code, let proposer = reference.organ(stored.request.requester)
      else {
        faults.append(
          Fault(pointer, code: "unknown-proposal", "没有向本机关提出的这一清单调整", "no such proposal was made to your organ"))
        continue
      }
      if found.contains(where: { $0.proposal.id == id }) {
        faults.append(Fault(pointer, code: "contradictory-proposals", "同一调整列了两次", "it is named twice"))
      } else if try db.first(PublicationSQL.isPublished, .int(id.key), body: { _ in true }) == true {
        faults.append(Fault(pointer, code: "already-published", "该调整已经公布", "it has been published already"))
      } else if stored.request.state.answer?.outcome != CatalogueProposal.approval {
        faults.append(
          Fault(
            pointer, code: "not-approved", "该调整未经审核同意（状态 \(stored.request.state.name.rawValue)）",
            "it has not been approved (it is \(stored.request.state.name.rawValue))"))
      } else if let stranger = district.stranger(in: stored.request, proposer) {
        faults.append(
          Fault(
            pointer, code: "invalid-proposal", "涉及辖区外的\(stranger.zh)，不由本机关公布",
            "it concerns \(stranger.en), which is outside your region"))
      } else {
        found.append(
          (
            index,
            CatalogueProposal(
              id: id, proposer: proposer, item: stored.request.item, data: stored.request.data)
          ))
      }
    }
    return found
  }
}
