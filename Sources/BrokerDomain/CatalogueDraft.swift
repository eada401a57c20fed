/// A change of a list as a department proposed it: a request of the procedure `list-adjustment`, whose `data` says what
/// is to become of which item or entry.
package struct CatalogueProposal: Sendable {
  /// The procedures on which the life of the lists runs. A place may write them anew, not under another name.
  package static let procedure = "list-adjustment"
  package static let filing = "list-filing"
  package static let forms = "format-text-publication"
  /// The outcome that lets a proposal be published.
  package static let approval = "approved"
  /// The field that says what is to become of the item or entry.
  package static let changeField = "change"

  package let id: EntityID
  package let proposer: Organ
  package let item: String?
  package let data: JSON

  package init(id: EntityID, proposer: Organ, item: String?, data: JSON) {
    self.id = id
    self.proposer = proposer
    self.item = item
    self.data = data
  }

  package enum Change: String, Sendable, CaseIterable { case add, amend, remove, exclude, include }

  fileprivate func text(_ name: String) -> String? { data[name]?.stringValue?.trimmingSpaces() }
  fileprivate func organ(_ name: String) -> OrganCode? { text(name).flatMap { try? OrganCode($0) } }
}

/// Both lists while proposals are worked into them, one after the other.
package struct CatalogueDraft: Sendable {
  package private(set) var items: [Item]
  package private(set) var entries: [AssistanceEntry]
  package private(set) var changed: Set<CatalogueList> = []
  /// Departments whose items are new or changed, and which owe the forms for them.
  package private(set) var owingForms: [OrganCode] = []
  private let reference: Reference
  /// Codes of items of other versions, which a new item does not get.
  private let taken: Set<String>
  /// What was touched, and by which proposal: two that touch the same contradict each other.
  private var touched: [String: Int] = [:]
  private var removed: [String: Int] = [:]
  private var faults: [Fault] = []

  /// - Parameter reference: the directory.
  package init(items: [Item], entries: [AssistanceEntry], taken: Set<String> = [], reference: Reference) {
    self.items = items
    self.entries = entries
    self.taken = taken
    self.reference = reference
  }

  /// Works all of them in, or says what is wrong with each, at `/proposals/<index>`.
  package mutating func apply(_ proposals: [(index: Int, proposal: CatalogueProposal)]) -> [Fault] {
    for (index, proposal) in proposals {
      let change = proposal.text(CatalogueProposal.changeField).flatMap { CatalogueProposal.Change(rawValue: $0) }
      guard let change else {
        fault(index, code: "invalid-proposal", "未写明调整内容（data.change）", "it does not say what to change (data.change)")
        continue
      }
      if let rule = proposal.text("exclusion"), !Item.namesARule(rule) {
        fault(
          index, code: "invalid-proposal", "exclusion 应写明所据规定，不是“\(rule)”",
          "exclusion names the rule that excludes the item; it is not \"\(rule)\"")
        continue
      }
      switch proposal.text("list").flatMap({ CatalogueList(rawValue: $0) }) ?? .items {
      case .items: apply(change, item: proposal, index)
      case .assistanceList: apply(change, entry: proposal, index)
      }
    }
    for (code, index) in removed.sorted(by: { $0.value < $1.value }) where entries.contains(where: { $0.item == code })
    {
      fault(
        index, code: "invalid-proposal", "事项\(code)仍在行政协助事项清单中，请一并取消",
        "item \(code) is still in the assistance list; remove its entries as well")
    }
    return faults
  }

  private mutating func fault(_ index: Int, code: String, _ zh: String, _ en: String) {
    faults.append(Fault("/proposals/\(index)", code: code, zh, en))
  }

  /// - Returns: false, with a fault, when another proposal has touched the same.
  private mutating func touch(_ key: String, _ what: Phrase, _ index: Int) -> Bool {
    guard let other = touched[key] else {
      touched[key] = index
      return true
    }
    fault(
      index, code: "contradictory-proposals", "与 /proposals/\(other) 都涉及\(what.zh)，不能同时公布",
      "it and /proposals/\(other) both concern \(what.en) and cannot be published together")
    return false
  }

  // MARK: Items

  private mutating func apply(_ change: CatalogueProposal.Change, item proposal: CatalogueProposal, _ index: Int) {
    if change == .add { return add(item: proposal, index) }
    guard let code = proposal.item else {
      return fault(index, code: "invalid-proposal", "未指明清单中的事项（item）", "it names no item of the list (item)")
    }
    guard touch("item \(code)", Phrase("事项\(code)", "item \(code)"), index) else { return }
    guard let at = items.firstIndex(where: { $0.code == code }) else {
      return fault(index, code: "invalid-proposal", "清单中没有事项\(code)", "the list has no item \(code)")
    }
    switch change {
    case .add: break
    case .remove:
      items.remove(at: at)
      removed[code] = index
    case .exclude: items[at].exclusion = proposal.text("exclusion") ?? proposal.text("grounds") ?? "负面清单"
    case .include: items[at].exclusion = nil
    case .amend:
      let before = items[at]
      amend(&items[at], proposal)
      guard items[at] != before else {
        return fault(
          index, code: "invalid-proposal", "未写明对事项\(code)的修改，或与现行清单相同", "it changes nothing of item \(code)")
      }
      guard unique(items[at], except: code, index) else { return }
      owe(proposal.proposer.code)
    }
    changed.insert(.items)
  }

  private static let longestList = 1_000_000

  private mutating func add(item proposal: CatalogueProposal, _ index: Int) {
    guard let proof = proposal.text("proof"), let matter = proposal.text("matter") else {
      return fault(
        index, code: "invalid-proposal", "新增事项应写明证明事项名称（data.proof）和行政事项名称（data.matter）",
        "a new item has a proof (data.proof) and a matter (data.matter)")
    }
    // A list counts no further; a longer number is a name like any other.
    let codes = taken.union(items.map(\.code))
    let next = (codes.compactMap { Int($0) }.filter { $0 < Self.longestList }.max() ?? 0) + 1
    let code = proposal.text("code") ?? String(next)
    guard touch("item \(code)", Phrase("事项\(code)", "item \(code)"), index) else { return }
    guard !items.contains(where: { $0.code == code }) else {
      return fault(index, code: "invalid-proposal", "编号\(code)已在清单中", "the list has an item \(code) already")
    }
    // What a department adds is its own region's; only a file makes an item that every region shares.
    var item = Item(
      code: code, proof: proof, matter: matter, departments: ["", "", proposal.proposer.shortName],
      region: proposal.proposer.region)
    amend(&item, proposal)
    guard unique(item, except: code, index) else { return }
    items.append(item)
    owe(proposal.proposer.code)
    changed.insert(.items)
  }

  private func amend(_ item: inout Item, _ proposal: CatalogueProposal) {
    if let proof = proposal.text("proof") { item.proof = proof }
    if let matter = proposal.text("matter") { item.matter = matter }
    if let method = proposal.text("method").flatMap({ Item.Method(rawValue: $0) }) {
      item.method = method
      // The rule of another method is none of this one.
      item.methodBasis = proposal.text("methodBasis")
    } else if let basis = proposal.text("methodBasis") {
      item.methodBasis = basis
    }
    if let exclusion = proposal.text("exclusion") { item.exclusion = exclusion }
    if let isPublic = proposal.data["public"]?.boolValue { item.isPublic = isPublic }
    if let allowed = proposal.data["agentAllowed"]?.boolValue { item.agentAllowed = allowed }
  }

  private mutating func unique(_ item: Item, except code: String, _ index: Int) -> Bool {
    let same = items.first { $0.code != code && $0.clashes(with: item) }
    guard let same else { return true }
    let clash = touched["item \(same.code)"].map { $0 != index } ?? false
    fault(
      index, code: clash ? "contradictory-proposals" : "invalid-proposal",
      "（\(item.proof)，\(item.matter)）已是编号\(same.code)", "(\(item.proof), \(item.matter)) is item \(same.code) already")
    return false
  }

  private mutating func owe(_ organ: OrganCode) {
    if !owingForms.contains(organ) { owingForms.append(organ) }
  }

  // MARK: Assistance

  private mutating func apply(_ change: CatalogueProposal.Change, entry proposal: CatalogueProposal, _ index: Int) {
    let requester = proposal.organ("requester") ?? proposal.proposer.code
    let obliged = proposal.organ("obliged")
    let days = proposal.data["workingDays"]?.intValue
    guard let code = proposal.item else {
      return fault(index, code: "invalid-proposal", "未指明协助事项的编号（item）", "it names no item (item)")
    }
    for organ in [requester, obliged].compactMap({ $0 }) where reference.organ(organ) == nil {
      return fault(index, code: "invalid-proposal", "机关目录中没有 \(organ)", "the directory has no organ \(organ)")
    }
    guard
      touch(
        "entry \(code) \(requester)", Phrase("\(requester)就事项\(code)的协助", "\(requester)'s entry for item \(code)"),
        index)
    else { return }
    let at = entries.firstIndex { $0.item == code && $0.requester == requester }
    switch (change, at) {
    case (.add, nil):
      guard items.contains(where: { $0.code == code }), let obliged, obliged != requester else {
        return fault(
          index, code: "invalid-proposal", "新增协助事项应指明清单中的事项（item）和另一被请求机关（data.obliged）",
          "a new entry names an item of the list and another organ that is obliged (data.obliged)")
      }
      let isListed = reference.organ(requester).map { organ in
        items.contains { $0.code == code && $0.isListed(for: organ) }
      }
      guard isListed == true else {
        return fault(
          index, code: "invalid-proposal", "事项\(code)是其他地区清单中的事项，\(requester)不能就其请求协助",
          "item \(code) is of another region's list: \(requester) cannot ask about it")
      }
      entries.append(
        AssistanceEntry(
          item: code, requester: requester, obliged: obliged, workingDays: days ?? Self.defaultDays))
    case (.amend, .some(let at)) where obliged != requester && (obliged != nil || days != nil):
      if let obliged { entries[at].obliged = obliged }
      if let days { entries[at].workingDays = days }
    case (.remove, .some(let at)): entries.remove(at: at)
    case (.add, .some):
      return fault(index, code: "invalid-proposal", "该协助事项已在清单中", "the list has this entry already")
    case (.exclude, _), (.include, _):
      return fault(index, code: "invalid-proposal", "负面清单只适用于证明事项", "only an item can be excluded or included")
    case (.amend, .some):
      return fault(
        index, code: "invalid-proposal", "应写明新的被请求机关（data.obliged）或工作日数（data.workingDays）",
        "it names neither another organ (data.obliged) nor other working days (data.workingDays)")
    case (_, nil):
      return fault(index, code: "invalid-proposal", "行政协助事项清单中没有该协助事项", "the assistance list has no such entry")
    }
    changed.insert(.assistanceList)
  }

  /// As in the plans' own procedure of verification.
  private static let defaultDays = 5
}
