/// An organ 机关 of the directory. A class, because every call hands it on and nobody changes it.
package final class Organ: Sendable, Equatable {
  package enum Role: String, Sendable, CaseIterable { case member, supervisor, credit, hotline }

  /// The small integer by which rows refer to it.
  package let number: Int64
  package let code: OrganCode
  package let name: String
  package let shortName: String
  package let region: RegionCode
  package let superior: OrganCode?
  package let roles: [Role]
  /// At most one of each role. Personal data: for the organ itself and its supervisor.
  package let contacts: [OrganContact]
  /// Where it belonged before, in order of time.
  package let pastRegions: [PastRegion]

  package init(
    number: Int64, code: OrganCode, name: String, shortName: String, region: RegionCode,
    superior: OrganCode?, roles: [Role], contacts: [OrganContact] = [], pastRegions: [PastRegion] = []
  ) {
    self.number = number
    self.code = code
    self.name = name
    self.shortName = shortName
    self.region = region
    self.superior = superior
    self.roles = roles
    self.contacts = contacts
    self.pastRegions = pastRegions
  }

  /// It is a 司法局 whose region covers the other.
  package func supervises(_ other: Organ) -> Bool {
    roles.contains(.supervisor) && region.covers(other.region) && code != other.code
  }

  package func contact(_ role: OrganContact.Role) -> OrganContact? { contacts.first { $0.role == role } }

  package static func == (a: Organ, b: Organ) -> Bool {
    a.number == b.number && a.code == b.code && a.name == b.name && a.shortName == b.shortName && a.region == b.region
      && a.superior == b.superior && a.roles == b.roles && a.contacts == b.contacts && a.pastRegions == b.pastRegions
  }
}

/// Whom to turn to in an organ (阿拉善右旗方案 附件2): the 联络员 or the 分管领导, and who stands in.
package struct OrganContact: Sendable, Equatable {
  package enum Role: String, Sendable, CaseIterable { case liaison, leader }

  package let role: Role
  package let name: String
  package let phone: String?
  package let substituteName: String?
  package let substitutePhone: String?

  package init(role: Role, name: String, phone: String?, substituteName: String?, substitutePhone: String?) {
    self.role = role
    self.name = name
    self.phone = phone
    self.substituteName = substituteName
    self.substitutePhone = substitutePhone
  }
}

/// Everything that requests refer to, as one immutable snapshot that is swapped whole on change.
package final class Reference: Sendable {
  package let organs: [Organ]
  package let items: [Item]
  package let assistance: [AssistanceEntry]
  package let calendar: WorkingCalendar
  /// As it was announced before each change, in order of time.
  let pastCalendars: [PastCalendar]
  /// Those that a new request may be opened under.
  package let procedures: [String: Procedure]
  package let lastDay: LastDayPolicy
  package let itemsVersion: ListVersion
  package let assistanceVersion: ListVersion
  package let history: ItemHistory
  /// What takes this snapshot's place, and when: versions of the lists that are waiting for their day.
  package let successor: Successor?

  package struct Successor: Sendable {
    package let from: Instant
    package let reference: Reference
    package init(from: Instant, reference: Reference) {
      self.from = from
      self.reference = reference
    }
  }

  /// Definitions, also earlier ones, under which nothing tells that a request is overdue.
  package let withoutOverdue: [Procedure]

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
    pastCalendars: [PastCalendar] = [], procedures: [Procedure], earlier: [Procedure] = [], lastDay: LastDayPolicy,
    itemsVersion: ListVersion = .none, assistanceVersion: ListVersion = .none, history: ItemHistory = ItemHistory(),
    successor: Successor? = nil
  ) {
    self.organs = organs
    self.items = items
    self.assistance = assistance
    self.calendar = calendar
    self.pastCalendars = pastCalendars
    self.procedures = Dictionary(procedures.map { ($0.id, $0) }) { first, _ in first }
    self.lastDay = lastDay
    withoutOverdue = (procedures + earlier).filter { !$0.ladder.contains(.overdue) }
    self.earlier = earlier.reduce(into: [:]) { $0[$1.id, default: [:]][$1.version] = $1 }
    self.itemsVersion = itemsVersion
    self.assistanceVersion = assistanceVersion
    self.history = history
    self.successor = successor
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

  /// Of the list as it holds for an organ, on which nothing of another region is.
  package func item(_ code: String, for organ: OrganCode) -> Item? {
    guard let item = item(code), item.region != nil else { return item(code) }
    return self.organ(organ).flatMap { item.isListed(for: $0) ? item : nil }
  }

  /// The definition under which a request was opened.
  package func procedure(of request: AssistanceRequest) -> Procedure? {
    procedure(request.procedure, version: request.procedureVersion)
  }

  package func procedure(_ id: String, version: Int) -> Procedure? {
    if let now = procedures[id], now.version == version { return now }
    return earlier[id]?[version]
  }

  /// There is or was a definition of it, and there may be requests.
  package func knows(procedure id: String) -> Bool { procedures[id] != nil || earlier[id] != nil }

  /// Also of one whose file has gone, as it was called last.
  package func title(ofProcedure id: String) -> Phrase? {
    procedures[id]?.title ?? earlier[id]?.max { $0.key < $1.key }?.value.title
  }

  /// Earlier ones first, so that what is said later holds.
  package var everyDefinition: [Procedure] {
    let before = earlier.values.flatMap(\.values).sorted { ($0.version, $1.id) < ($1.version, $0.id) }
    return before + procedures.values.sorted { $0.id > $1.id }
  }

  package var knownProcedures: [String] { Set(procedures.keys).union(earlier.keys).sorted() }

  /// By any of its definitions, also of one whose file is gone: requests opened under a sealed one stay sealed.
  package func isSealed(_ procedure: String) -> Bool {
    procedures[procedure]?.isSealed == true || earlier[procedure]?.values.contains { $0.isSealed } == true
  }

  /// As the list had it then, also when it is listed no more.
  package func item(_ code: String, at moment: Instant) -> Item? { history.item(code, at: moment) ?? itemByCode[code] }

  /// The snapshot that holds at a moment which is not before this one's own time.
  package func inForce(at moment: Instant) -> Reference {
    var reference = self
    while let next = reference.successor, next.from <= moment { reference = next.reference }
    return reference
  }

  /// Whom the list obliges to answer this requester about this item.
  package func route(item: String, requester: OrganCode) -> AssistanceEntry? {
    routes[Route(item: item, requester: requester)]
  }

  /// An entry of the assistance list by which nobody can ask: its item is on no list of the requester's region.
  package struct UnusableEntry: Sendable, Hashable {
    package let item: String
    package let requester: OrganCode
    /// When a version that waits comes into force; nil of what is so already.
    package let from: CalendarDate?
  }

  /// Of the lists in force, and of those that wait where it comes to that then.
  package var unusableEntries: [UnusableEntry] {
    var (found, seen): ([UnusableEntry], Set<UnusableEntry>) = ([], [])
    var (reference, from): (Reference, CalendarDate?) = (self, nil)
    while true {
      for entry in reference.assistance where reference.item(entry.item, for: entry.requester) == nil {
        let known = UnusableEntry(item: entry.item, requester: entry.requester, from: nil)
        guard seen.insert(known).inserted else { continue }
        found.append(UnusableEntry(item: entry.item, requester: entry.requester, from: from))
      }
      guard let next = reference.successor else { return found }
      (reference, from) = (next.reference, next.from.date)
    }
  }

  /// The supervisors 司法局 whose region covers an organ, other than the organ itself.
  package func supervisors(of organ: Organ) -> [Organ] {
    organs.filter { $0.supervises(organ) }
  }

  /// The supervisor of an organ, who alone is told of what is escalated: the first 司法局 among its superiors in the
  /// directory, else that of the nearest region; those further up may read, and are not told.
  /// - Parameter recused: who has no part in the matter.
  package func supervisor(of organ: Organ, without recused: OrganCode? = nil) -> Organ? {
    superiors(of: organ.code).lazy.filter { $0 != recused }.compactMap { self.organ($0) }.first { $0.supervises(organ) }
      ?? Self.nearest(supervisors(of: organ).filter { $0.code != recused })
  }

  /// Organs whose superior is none: themselves, or one that is not in the directory.
  package var withoutRealSuperior: [Organ] {
    organs.filter { organ in
      guard let superior = organ.superior else { return false }
      return self.organ(superior) == nil || Self.isAboveItself(organ.code) { self.organ($0)?.superior }
    }
  }

  /// Whether who goes from superior to superior comes back to the same organ.
  package static func isAboveItself(_ code: OrganCode, superior: (OrganCode) -> OrganCode?) -> Bool {
    var seen: Set<OrganCode> = []
    var next = superior(code)
    while let organ = next, organ != code, seen.insert(organ).inserted { next = superior(organ) }
    return next == code
  }

  /// The 司法局 to which a supervisor files its lists: its superior in the directory, otherwise the supervisor of the
  /// nearest region above its own.
  package func filingSuperior(of supervisor: Organ) -> Organ? {
    if let superior = supervisor.superior.flatMap({ organ($0) }), superior.roles.contains(.supervisor) {
      return superior
    }
    return Self.nearest(supervisors(of: supervisor).filter { $0.region != supervisor.region })
  }

  /// Of those that supervise one organ, the one of the nearest region: it has the fewest zeros at its end, and so the
  /// greatest code.
  static func nearest(_ supervisors: [Organ]) -> Organ? {
    supervisors.max { $0.region.description < $1.region.description }
  }
}
