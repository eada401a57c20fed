internal import BrokerDomain

/// What a supervisor may publish: what its own organs proposed, about items of a region that it covers and entries of its
/// own organs. An item that is shared is for whoever covers every organ that depends on it.
struct District {
  let supervisor: Organ
  /// The directory, and the entries in force.
  let reference: Reference
  /// The newest versions, which a publication changes; they may be waiting for their day.
  let items: [Item]
  let entries: [AssistanceEntry]

  /// - Returns: an organ or an item outside the supervisor's region that a proposal concerns; nil: there is none.
  func stranger(in proposal: AssistanceRequest, _ proposer: Organ) -> Phrase? {
    if isOutside(proposer) { return name(proposer) }
    let named = proposal.data["requester"]?.stringValue.flatMap { try? OrganCode($0) }
    if let named = named.flatMap({ reference.organ($0) }), isOutside(named) { return name(named) }
    let list = proposal.data["list"]?.stringValue.flatMap { CatalogueList(rawValue: $0) } ?? .items
    guard list == .items, let code = proposal.item else { return nil }
    if let item = items.first(where: { $0.code == code }), let region = item.region {
      guard !supervisor.region.covers(region) else { return nil }
      return Phrase("事项\(item.label)（\(region)的清单）", "item \(item.label) of the list of region \(region)")
    }
    let organs = (reference.assistance + entries).filter { $0.item == code }
      .compactMap { reference.organ($0.requester) }
    return organs.first(where: isOutside).map(name)
  }

  private func isOutside(_ organ: Organ) -> Bool { !supervisor.region.covers(organ.region) }

  private func name(_ organ: Organ) -> Phrase { Phrase("机关\(organ.name)", organ.name) }
}
