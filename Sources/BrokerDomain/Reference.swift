/// An organ 机关 of the directory.
package struct Organ: Sendable, Equatable {
  package enum Role: String, Sendable, CaseIterable { case member, supervisor, credit, hotline }

  /// The small integer by which rows refer to it.
  package let number: Int64
  package let code: OrganCode
  package let name: String
  package let shortName: String
  package let region: RegionCode
  package let superior: OrganCode?
  package let roles: [Role]

  package init(
    number: Int64, code: OrganCode, name: String, shortName: String, region: RegionCode,
    superior: OrganCode?, roles: [Role]
  ) {
    self.number = number
    self.code = code
    self.name = name
    self.shortName = shortName
    self.region = region
    self.superior = superior
    self.roles = roles
  }
}

/// A proof item 证明事项: the key is (proof, administrative matter); the code is its number in the published list.
package struct Item: Sendable, Equatable {
  package let code: String
  package let proof: String
  package let matter: String
  /// The demanding department at province, prefecture and county; empty where the list names none.
  package let departments: [String]

  package init(code: String, proof: String, matter: String, departments: [String]) {
    self.code = code
    self.proof = proof
    self.matter = matter
    self.departments = departments
  }
}

/// A line of the assistance list 行政协助事项清单: who must answer whom about which item, in how many working days.
package struct AssistanceEntry: Sendable, Equatable {
  package let item: String
  package let requester: OrganCode
  package let obliged: OrganCode
  package let workingDays: Int

  package init(item: String, requester: OrganCode, obliged: OrganCode, workingDays: Int) {
    self.item = item
    self.requester = requester
    self.obliged = obliged
    self.workingDays = workingDays
  }
}

/// Everything that requests refer to, as one immutable snapshot that is swapped whole on change.
package final class Reference: Sendable {
  package let organs: [Organ]
  package let items: [Item]
  package let assistance: [AssistanceEntry]
  package let calendar: WorkingCalendar
  /// Those that a new request may be opened under.
  package let procedures: [String: Procedure]
  package let lastDay: LastDayPolicy

  /// Definitions that were in force before, by id and version.
  private let earlier: [String: [Int: Procedure]]
  private let byCode: [OrganCode: Organ]
  private let byNumber: [Int64: Organ]
  private let itemByCode: [String: Item]
  private let routes: [Route: AssistanceEntry]

  private struct Route: Hashable {
    let item: String
    let requester: OrganCode
  }

  package init(
    organs: [Organ], items: [Item], assistance: [AssistanceEntry], calendar: WorkingCalendar,
    procedures: [Procedure], earlier: [Procedure] = [], lastDay: LastDayPolicy
  ) {
    self.organs = organs
    self.items = items
    self.assistance = assistance
    self.calendar = calendar
    self.procedures = Dictionary(procedures.map { ($0.id, $0) }) { first, _ in first }
    self.lastDay = lastDay
    self.earlier = earlier.reduce(into: [:]) { $0[$1.id, default: [:]][$1.version] = $1 }
    byCode = Dictionary(organs.map { ($0.code, $0) }) { first, _ in first }
    byNumber = Dictionary(organs.map { ($0.number, $0) }) { first, _ in first }
    itemByCode = Dictionary(items.map { ($0.code, $0) }) { first, _ in first }
    routes = Dictionary(assistance.map { (Route(item: $0.item, requester: $0.requester), $0) }) {
      first, _ in first
    }
  }

  package func organ(_ code: OrganCode) -> Organ? { byCode[code] }
  package func organ(number: Int64) -> Organ? { byNumber[number] }
  package func item(_ code: String) -> Item? { itemByCode[code] }

  /// The definition under which a request was opened.
  package func procedure(of request: AssistanceRequest) -> Procedure? {
    procedure(request.procedure, version: request.procedureVersion)
  }

  package func procedure(_ id: String, version: Int) -> Procedure? {
    if let now = procedures[id], now.version == version { return now }
    return earlier[id]?[version]
  }

  /// Also of a procedure whose file is gone.
  package func isSealed(_ procedure: String) -> Bool {
    procedures[procedure]?.isSealed ?? earlier[procedure]?.values.contains { $0.isSealed } ?? false
  }

  /// Whom the list obliges to answer this requester about this item.
  package func route(item: String, requester: OrganCode) -> AssistanceEntry? {
    routes[Route(item: item, requester: requester)]
  }

  /// The supervisors 司法局 whose region covers an organ, other than the organ itself.
  package func supervisors(of organ: Organ) -> [Organ] {
    organs.filter {
      $0.roles.contains(.supervisor) && $0.region.covers(organ.region) && $0.code != organ.code
    }
  }
}
