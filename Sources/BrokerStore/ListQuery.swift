internal import BrokerDomain

/// What a page is to hold.
struct ListQuery {
  let filter: RequestFilter
  /// Of whose requests: numbers of one organ, or of those that a supervisor covers.
  let organs: [Int64]
  /// The one.
  var organ: OrganCode?
  /// Those that a supervisor covers: one of them is a party.
  var among: Set<OrganCode>?
  /// The supervisor.
  var supervisor: OrganCode?
  /// The key behind which the page begins.
  let before: Int64
  let limit: Int
  let now: Instant

  /// Whether a request belongs on the page, wherever it was read. What a supervisor may not read has no place there, not
  /// even one that is left empty: a page and the cursor behind it would tell that it is there, and since when.
  func accepts(_ listed: ListedRequest, _ reference: Reference) -> Bool {
    accepts(listed.request) && (filter.subject.map { $0 == listed.subject?.idNumber } ?? true)
      && (supervisor.map { listed.request.parties($0, reference).contains(.supervisor) } ?? true)
  }

  private func accepts(_ request: borrowing AssistanceRequest) -> Bool {
    if let states = filter.states, !states.contains(request.state.name) { return false }
    if let procedure = filter.procedure, procedure != request.procedure { return false }
    if let overdue = filter.overdue, overdue != request.isOverdue(now: now) { return false }
    if let dueBefore = filter.dueBefore, request.deadline.at >= dueBefore { return false }
    if let updatedAfter = filter.updatedAfter, request.updatedAt <= updatedAfter { return false }
    return isParty(request)
  }

  private func isParty(_ request: borrowing AssistanceRequest) -> Bool {
    if let among { return among.contains(request.requester) || among.contains(request.responder) }
    return switch filter.role {
    case nil: request.requester == organ || request.responder == organ
    case .requester: request.requester == organ
    case .responder: request.responder == organ
    case .supervisor: false
    }
  }
}

extension ListQuery {
  func newestFirst(_ keys: Set<Int64>) -> [Int64] { keys.sorted(by: >) }

  /// Where the requests are filed; what came since is no part of it.
  /// - Parameter readsOverdue: what is overdue is read from a list of its own.
  func sources(readsOverdue: Bool) -> [KeySource] {
    let roles: [Int64] =
      switch filter.role {
      case .requester: [0]
      case .responder: [1]
      case .supervisor, nil: [0, 1]
      }
    let open = openFlags
    return organs.flatMap { organ in
      roles.flatMap { role -> [KeySource] in
        readsOverdue
          ? [.overdue(organ: organ, role: role)] : open.map { .filed(organ: organ, role: role, open: $0) }
      }
    }
  }

  /// Open and closed requests lie apart; a filter that can only match one of them reads only that.
  private var openFlags: [Int64] {
    if filter.overdue == true { return [1] }
    guard let states = filter.states else { return [1, 0] }
    return Set(states.map { $0.isOpen ? Int64(1) : 0 }).sorted(by: >)
  }

  /// From the second parameter of `ListSQL.matching` on.
  var conditions: [SQLValue] {
    let states = filter.states.map { " " + $0.map(\.rawValue).joined(separator: " ") + " " }
    return [
      .text(among != nil ? "region" : filter.role?.rawValue ?? ""), .optionalInt(organs.first), .optionalText(states),
      .optionalText(filter.procedure), .optionalInt(filter.overdue == true ? now.milliseconds : nil),
      .optionalInt(filter.dueBefore?.milliseconds), .optionalInt(filter.overdue == false ? now.milliseconds : nil),
      .optionalInt(filter.updatedAfter?.milliseconds), .optionalText(filter.subject),
    ]
  }
}
