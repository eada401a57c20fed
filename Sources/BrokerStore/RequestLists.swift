package import BrokerDomain
internal import GRDB

/// What a polling organ asks for. All conditions hold together.
package struct RequestFilter: Sendable {
  package enum Role: String, Sendable, CaseIterable {
    case requester, responder
    /// Neither: the requests of other organs of its region; see `Store.supervised`.
    case supervisor
  }

  package var role: Role?
  /// Nil for any; a request is in none of an empty list.
  package var states: [StateName]?
  package var procedure: String?
  package var overdue: Bool?
  package var dueBefore: Instant?
  package var updatedAfter: Instant?
  /// Exact id number of the subject.
  package var subject: String?

  package init() {}
}

package struct Page<Item: Sendable>: Sendable {
  package let items: [Item]
  /// Where the next page starts; nil when this one is the last.
  package let next: Int64?
}

/// Newest first, by key, so that inserts never shift a page. What is filed under the organ is narrowed by the condition
/// that narrows most; the other conditions (states, procedure, overdue at, due before, not overdue at) are tested row
/// by row. Parameters are introduced in order, because SQLite numbers `$n` by first appearance.
enum ListSQL: String, CaseIterable {
  case filed = """
    SELECT f.request FROM filed_request f CROSS JOIN request r ON r.key = f.request
    WHERE f.organ = $1 AND f.role = $2 AND f.open = $3 AND f.request < $4
      AND CASE $2 WHEN 0 THEN r.requester ELSE r.responder END = $1
      AND ($5 IS NULL OR instr($5, ' ' || r.state || ' ') > 0)
      AND ($6 IS NULL OR r.procedure = $6) AND ($7 IS NULL OR ((r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL) AND r.due_at <= $7
        AND json_extract(r.progress, '$.metAt') IS NULL))
      AND ($8 IS NULL OR r.due_at < $8) AND ($9 IS NULL OR NOT ((r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL) AND r.due_at <= $9
        AND json_extract(r.progress, '$.metAt') IS NULL))
    ORDER BY f.request DESC LIMIT $10
    """
  case bySubject = """
    SELECT s.request FROM subject_run n CROSS JOIN filed_subject s ON s.run = n.run
    CROSS JOIN request r ON r.key = s.request
    WHERE s.id_number = $1 AND ((r.requester = $2 AND $3 <> 'responder') OR (r.responder = $2 AND $3 <> 'requester'))
      AND s.request < $4 AND ($5 IS NULL OR instr($5, ' ' || r.state || ' ') > 0)
      AND ($6 IS NULL OR r.procedure = $6) AND ($7 IS NULL OR ((r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL) AND r.due_at <= $7
        AND json_extract(r.progress, '$.metAt') IS NULL))
      AND ($8 IS NULL OR r.due_at < $8) AND ($9 IS NULL OR NOT ((r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND json_extract(r.progress, '$.runsOn') IS NOT NULL) AND r.due_at <= $9
        AND json_extract(r.progress, '$.metAt') IS NULL))
    ORDER BY n.run DESC, s.request DESC LIMIT $10
    """
  case changed = """
    SELECT e.request FROM filed_event f CROSS JOIN event e ON e.seq = f.seq WHERE f.organ = $1 AND f.seq >= $2
    """
  /// Open requests of a requester under one commitment. Rare, and bounded by how many the organ has open.
  case commitment = """
    SELECT f.request FROM filed_request f CROSS JOIN request r ON r.key = f.request
    WHERE f.organ = $1 AND f.role = 0 AND f.open = 1 AND r.open = 1
      AND json_extract(r.content, '$.commitment.number') = $2
    """
  case unfiledCommitment = """
    SELECT r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > (SELECT through FROM filing) AND r.requester = $1 AND r.open = 1
      AND json_extract(r.content, '$.commitment.number') = $2
    """
  case probe = """
    SELECT r.requester, r.responder, r.state, r.procedure, r.due_at, r.updated_at, s.id_number,
      json_extract(r.progress, '$.metAt') IS NULL, json_extract(r.progress, '$.runsOn') IS NOT NULL
    FROM request r LEFT JOIN subject s ON s.request = r.key WHERE r.key = $1
    """
}

extension Store {
  /// - Parameters:
  ///   - cursor: the key of the last request of the page before; nil for the first page.
  ///   - limit: 1…500.
  package func requests(
    of organ: Int64, _ filter: RequestFilter, cursor: Int64?, limit: Int
  ) async throws(StoreError) -> Page<StoredRequest> {
    let (reference, unfiled) = (reference, unfiled)
    let now = clock.now
    return try await read { db in
      var keys = try Self.keys(
        db, organ: organ, filter, cursor: cursor ?? .max, limit: limit + 1, now: now,
        candidates: try db.unfiled(unfiled, of: organ))
      let more = keys.count > limit
      keys = Array(keys.prefix(limit))
      let items = try StoredRequest.load(keys, db, reference)
      return Page(items: items, next: more ? keys.last : nil)
    }
  }

  /// The open requests that an organ made under a commitment (承诺书文号), oldest first.
  package func openRequests(of organ: Int64, commitment number: String) async throws(StoreError) -> [Int64] {
    try await read { db in
      var keys: Set<Int64> = []
      for statement in [ListSQL.commitment, .unfiledCommitment] {
        try db.each(statement, [.int(organ), .text(number)]) { keys.insert($0.int(0)) }
      }
      return keys.sorted()
    }
  }

  private static func keys(
    _ db: Database, organ: Int64, _ filter: RequestFilter, cursor: Int64, limit: Int, now: Instant,
    candidates: Set<Int64>
  ) throws -> [Int64] {
    let conditions = filter.conditions(now, limit: limit)
    // To be tested one by one, and those of which SQLite has tested every condition.
    var (candidates, keys): (Set<Int64>, Set<Int64>) = (candidates, [])
    if let since = filter.updatedAfter {
      // Read from the events, which are in order of time, rather than from an index on `updated_at` that every
      // transition would have to move.
      try db.each(ListSQL.changed, [.int(organ), .int(try db.firstEvent(after: since))]) {
        candidates.insert($0.int(0))
      }
    } else if let subject = filter.subject {
      try db.each(SubjectFilingSQL.ofPerson, [.text(subject)]) { candidates.insert($0.int(0)) }
      let role = filter.role?.rawValue ?? ""
      try db.each(
        ListSQL.bySubject, [.text(subject), .int(organ), .text(role), .int(cursor)] + conditions
      ) { keys.insert($0.int(0)) }
    } else {
      let readsOverdue = try db.readsOverdue(filter, now)
      for role in filter.role.map({ [$0] }) ?? [.requester, .responder] {
        let list: [SQLValue] = [.int(organ), .int(role == .requester ? 0 : 1)]
        if readsOverdue {
          try db.each(OverdueSQL.filed, list + [.int(cursor)] + conditions) { keys.insert($0.int(0)) }
          continue
        }
        for open in filter.openFlags {
          try db.each(ListSQL.filed, list + [.int(open), .int(cursor)] + conditions) { keys.insert($0.int(0)) }
        }
      }
      if readsOverdue {
        try db.fallenDue(now, before: cursor, conditions) { key, requester, responder in
          if filter.isParty(organ, requester: requester, responder: responder) { keys.insert(key) }
        }
      }
    }
    var tested = 0
    for key in candidates.sorted(by: >) where key < cursor && tested < limit && !keys.contains(key) {
      guard let row = try db.first(ListSQL.probe, .int(key), body: ListRow.init),
        filter.isParty(organ, requester: row.requester, responder: row.responder), row.matches(filter, now)
      else { continue }
      keys.insert(key)
      tested += 1
    }
    return Array(keys.sorted(by: >).prefix(limit))
  }
}

extension RequestFilter {
  /// States … limit, as the statements of `ListSQL` take them.
  func conditions(_ now: Instant, limit: Int) -> [SQLValue] {
    let states = states.map { " " + $0.map(\.rawValue).joined(separator: " ") + " " }
    return [
      .optionalText(states), .optionalText(procedure), .optionalInt(overdue == true ? now.milliseconds : nil),
      .optionalInt(dueBefore?.milliseconds), .optionalInt(overdue == false ? now.milliseconds : nil),
      .int(Int64(limit)),
    ]
  }

  /// The organ is to a request what the filter asks for.
  func isParty(_ organ: Int64, requester: Int64, responder: Int64) -> Bool {
    switch role {
    case .requester: requester == organ
    case .responder: responder == organ
    case .supervisor: false
    case nil: requester == organ || responder == organ
    }
  }

  /// Open and closed requests lie apart; a filter that can only match one of them reads only that.
  var openFlags: [Int64] {
    if overdue == true { return [1] }
    guard let states else { return [1, 0] }
    return Set(states.map { $0.isOpen ? Int64(1) : 0 }).sorted(by: >)
  }
}

/// What a filter looks at. Columns in the order of `ListSQL.probe`.
struct ListRow {
  let requester: Int64
  let responder: Int64
  let state: StateName?
  let procedure: String
  let dueAt: Int64
  let updatedAt: Int64
  let idNumber: String?
  let isOwed: Bool
  let runsOn: Bool

  init(_ row: SQLRow) {
    requester = row.int(0)
    responder = row.int(1)
    state = StateName(rawValue: row.text(2))
    procedure = row.text(3)
    dueAt = row.int(4)
    updatedAt = row.int(5)
    idNumber = row.optionalText(6)
    isOwed = row.int(7) == 1
    runsOn = row.int(8) == 1
  }

  func matches(_ filter: RequestFilter, _ now: Instant) -> Bool {
    guard let state else { return false }
    let isRunning = (state.isRunning || state == .returned && runsOn) && isOwed
    return (filter.states.map { $0.contains(state) } ?? true)
      && (filter.procedure.map { $0 == procedure } ?? true)
      && (filter.updatedAfter.map { updatedAt > $0.milliseconds } ?? true)
      && (filter.dueBefore.map { dueAt < $0.milliseconds } ?? true)
      && (filter.overdue.map { $0 == (isRunning && dueAt <= now.milliseconds) } ?? true)
      && (filter.subject.map { $0 == idNumber } ?? true)
  }
}
