/// A proof item 证明事项: the key is (proof, administrative matter); the code is its number in the published list.
package struct Item: Sendable, Equatable {
  /// How what was promised is checked (核查方式).
  package enum Method: String, Sendable, CaseIterable {
    case online, assistance
    case onSite = "on-site"
    /// 免于核查
    case exempt
  }

  /// Whether a text can be the rule that excludes an item: 无, 否, / and no are what people write where there is none.
  package static func namesARule(_ text: String) -> Bool {
    text.count { $0.isLetter || $0.isNumber } >= 3
      && !["yes", "true", "false", "none", "null", "不排除", "未排除", "不适用"].contains(text.lowercased())
  }

  package var code: String
  package var proof: String
  package var matter: String
  /// The demanding department at province, prefecture and county; empty where the list names none.
  package var departments: [String]
  package var method: Method
  /// The rule that sets the method; nil where the list names none.
  package var methodBasis: String?
  /// The rule of the negative list 负面清单 by which commitment is out of the question; nil: it is not excluded.
  package var exclusion: String?
  /// Whether the commitment is made public (向社会公开告知承诺书).
  package var isPublic: Bool
  /// Whether an agent may commit in the applicant's place.
  package var agentAllowed: Bool
  /// Whose list it is of: for the organs that this region covers, and for no others. Nil: shared by every region of the
  /// database.
  package var region: RegionCode?

  package init(
    code: String, proof: String, matter: String, departments: [String], method: Method = .assistance,
    methodBasis: String? = nil, exclusion: String? = nil, isPublic: Bool = true, agentAllowed: Bool = true,
    region: RegionCode? = nil
  ) {
    self.code = code
    self.proof = proof
    self.matter = matter
    self.departments = departments
    self.method = method
    self.methodBasis = methodBasis
    self.exclusion = exclusion
    self.isPublic = isPublic
    self.agentAllowed = agentAllowed
    self.region = region
  }

  package var label: String { "\(code)“\(proof)”（\(matter)）" }

  package func isListed(for organ: Organ) -> Bool { region?.covers(organ.region) ?? true }

  /// Some organ could not tell the two apart: the key is (proof, matter), within each region.
  package func clashes(with other: Item) -> Bool {
    guard proof == other.proof, matter == other.matter else { return false }
    guard let region, let others = other.region else { return true }
    return region.covers(others) || others.covers(region)
  }
}

/// A line of the assistance list 行政协助事项清单: who must answer whom about which item, in how many working days.
package struct AssistanceEntry: Sendable, Equatable {
  package var item: String
  package var requester: OrganCode
  package var obliged: OrganCode
  package var workingDays: Int

  package init(item: String, requester: OrganCode, obliged: OrganCode, workingDays: Int) {
    self.item = item
    self.requester = requester
    self.obliged = obliged
    self.workingDays = workingDays
  }
}

/// The lists that are kept in versions.
package enum CatalogueList: String, Sendable, CaseIterable {
  case items
  case assistanceList = "assistance-list"

  package var title: Phrase {
    switch self {
    case .items: Phrase("证明事项清单", "list of proof items")
    case .assistanceList: Phrase("行政协助事项清单", "assistance list")
    }
  }
}

/// One version of a list. It comes into force at 00:00 of its day and stays until the next one does.
package struct ListVersion: Sendable, Equatable {
  /// 1 and up; 0 where there is no list yet.
  package let number: Int
  /// Nil: since before versions were kept.
  package let effectiveFrom: CalendarDate?
  package let madeAt: Instant
  /// By what it was published; nil of an import that names nothing.
  package let notice: String?

  package init(number: Int, effectiveFrom: CalendarDate?, madeAt: Instant, notice: String?) {
    self.number = number
    self.effectiveFrom = effectiveFrom
    self.madeAt = madeAt
    self.notice = notice
  }

  package static let none = ListVersion(
    number: 0, effectiveFrom: nil, madeAt: Instant(milliseconds: 0), notice: nil)

  package func isInForce(on date: CalendarDate) -> Bool { effectiveFrom.map { $0 <= date } ?? true }

  /// The first moment at which it can have been applied: made during its first day, it was not there before.
  package var appliedFrom: Instant {
    guard let effectiveFrom else { return Instant(milliseconds: 0) }
    return max(effectiveFrom.midnight, madeAt)
  }

  /// In words: which version, since when, by what.
  package func rule(_ list: CatalogueList) -> Phrase {
    guard number > 0 else { return list.title }
    let since = effectiveFrom.map { Phrase("，自\($0)起施行", ", in force since \($0)") } ?? Phrase("", "")
    let by = notice.map { Phrase("，\($0)", ", \($0)") } ?? Phrase("", "")
    return Phrase(
      "\(list.title.zh)第\(number)版\(since.zh)\(by.zh)", "\(list.title.en), version \(number)\(since.en)\(by.en)")
  }
}

/// What an item was called at an earlier time, or will be: only of items that have more than one form, or are listed
/// no more.
package struct ItemHistory: Sendable {
  private var forms: [String: [(from: Instant, item: Item)]] = [:]

  package init() {}

  /// - Parameter versions: of the list of items, oldest first.
  package init(_ versions: [(version: ListVersion, items: [Item])], current: [Item]) {
    for (version, items) in versions {
      for item in items where forms[item.code]?.last?.item != item {
        forms[item.code, default: []].append((version.appliedFrom, item))
      }
    }
    for item in current where forms[item.code]?.count == 1 { forms[item.code] = nil }
  }

  func item(_ code: String, at moment: Instant) -> Item? {
    guard let forms = forms[code] else { return nil }
    return (forms.last { $0.from <= moment } ?? forms.first)?.item
  }
}
