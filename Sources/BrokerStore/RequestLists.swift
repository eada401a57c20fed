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

/// Newest first, by key, so that inserts never shift a page: the keys are read where they lie in that order
/// (`RequestKeys`), and the row of each is held against every condition. Parameters are introduced in order, because
/// SQLite numbers `$n` by first appearance.
enum ListSQL: String, CaseIterable {
  case filed = """
    SELECT request FROM filed_request WHERE organ = $1 AND role = $2 AND open = $3 AND request < $4
    ORDER BY request DESC LIMIT $5
    """
  /// The columns of `RequestSQL.get`, if the request is what the filter asks for. A clock runs out at its due moment,
  /// unless it is met already. What does not belong on the page is not read into a value: `ListQuery.accepts` says the
  /// same of values, and of a region which organs are in it.
  case matching = """
    SELECT r.key, r.tail, r.procedure, r.state, r.version, r.requester, r.responder, r.item, r.received_at,
      r.updated_at, r.due_at, r.due_day, r.working_days, r.provisional, r.acknowledged_at, r.officer,
      r.outcome, r.content, s.kind, s.name, s.id_type, s.id_number, r.progress, r.procedure_version
    FROM request r LEFT JOIN subject s ON s.request = r.key
    WHERE r.key = $1
      AND CASE $2 WHEN 'requester' THEN r.requester = $3 WHEN 'responder' THEN r.responder = $3
        WHEN 'region' THEN 1 WHEN 'supervisor' THEN 0 ELSE r.requester = $3 OR r.responder = $3 END
      AND ($4 IS NULL OR instr($4, ' ' || r.state || ' ') > 0)
      AND ($5 IS NULL OR r.procedure = $5) AND ($6 IS NULL OR ((r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL) AND r.due_at <= $6
        AND iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NULL))
      AND ($7 IS NULL OR r.due_at < $7) AND ($8 IS NULL OR NOT ((r.state IN ('submitted', 'acknowledged')
        OR r.state = 'returned' AND iif(json_valid(r.progress), json_extract(r.progress, '$.runsOn'), NULL) IS NOT NULL) AND r.due_at <= $8
        AND iif(json_valid(r.progress), json_extract(r.progress, '$.metAt'), NULL) IS NULL))
      AND ($9 IS NULL OR r.updated_at > $9) AND ($10 IS NULL OR s.id_number = $10)
    """
  case changed = """
    SELECT e.request FROM filed_event f CROSS JOIN event e ON e.seq = f.seq WHERE f.organ = $1 AND f.seq >= $2
    """
  /// Open requests of a requester under one commitment. Rare, and bounded by how many the organ has open.
  case commitment = """
    SELECT f.request FROM filed_request f CROSS JOIN request r ON r.key = f.request
    WHERE f.organ = $1 AND f.role = 0 AND f.open = 1 AND r.open = 1
      AND iif(json_valid(r.content), json_extract(r.content, '$.commitment.number'), NULL) = $2
    """
  case unfiledCommitment = """
    SELECT r.key FROM event e CROSS JOIN request r ON r.key = e.request
    WHERE e.seq > (SELECT through FROM filing) AND r.requester = $1 AND r.open = 1
      AND iif(json_valid(r.content), json_extract(r.content, '$.commitment.number'), NULL) = $2
    """
}

extension Store {
  /// - Parameters:
  ///   - cursor: the key of the last request of the page before; nil for the first page.
  ///   - limit: 1…500.
  /// - Returns: fewer than the limit where they are large, and a next page then.
  package func requests(
    of organ: Int64, _ filter: RequestFilter, cursor: Int64?, limit: Int
  ) async throws(StoreError) -> Page<ListedRequest> {
    let memory = listMemory
    let query = ListQuery(
      filter: filter, organs: [organ], organ: memory.reference.organ(number: organ)?.code, before: cursor ?? .max,
      limit: limit + 1, now: clock.now)
    return try await read { db in
      let (found, isCut) = try db.requests(query, memory)
      guard found.count > limit || isCut else { return Page(items: found, next: nil) }
      let items = Array(found.prefix(limit))
      return Page(items: items, next: items.last?.request.id.key)
    }
  }

  var listMemory: ListMemory {
    ListMemory(
      reference: reference, unfiled: unfiled, filters: subjectFilters, known: listed, damagedRows: damagedRows,
      pageBytes: options.pageBytes)
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
}

extension Database {
  /// Requests that are what is asked for, newest first; and whether they are so large that there may be more.
  func requests(_ query: ListQuery, _ memory: ListMemory) throws -> (found: [ListedRequest], isCut: Bool) {
    var page = PageReader(query, memory)
    let filter = query.filter
    if let subject = filter.subject {
      let known = Set(try all(SubjectFilingSQL.ofPerson, .text(subject)) { $0.int(0) })
      let runs = try memory.filters.runs(of: subject, self)
      try page.read(
        [.subject(idNumber: subject, runs: runs), .known(query.newestFirst(known))], before: query.before, self)
      return (page.found, page.isCut)
    }
    let organ = query.among == nil ? query.organs.first : nil
    let readsOverdue = try readsOverdue(filter, query.now)
    var (known, newest) = try unfiled(memory.unfiled, of: organ, overdue: readsOverdue)
    page.newest = newest
    if readsOverdue { try fallenDue(query.now, of: organ, &known) }
    let sources = query.sources(readsOverdue: readsOverdue) + [.known(query.newestFirst(known))]
    if let since = filter.updatedAfter {
      // What was opened since lies at the head of the lists. What is older has an event since, and those are only read
      // when the page is not full: of who asks often they are few, of who asks for long ago they are many.
      let opened = EntityID.firstKey(after: since)
      if query.before > opened { try page.read(sources, before: query.before, after: opened - 1, self) }
      if !page.isFull {
        try changed(after: since, of: query.organs, &known)
        try page.read([.known(query.newestFirst(known))], before: min(query.before, opened), self)
      }
    } else {
      try page.read(sources, before: query.before, self)
    }
    // Who pages on reads each request once.
    if query.before == .max { memory.known.keep(page.new, newest: newest, memory.reference) }
    return (page.found, page.isCut)
  }

  /// Adds the requests of filed events. They are read from the events, which are in order of time, rather than from an
  /// index on `updated_at` that every transition would have to move.
  private func changed(after since: Instant, of organs: [Int64], _ keys: inout Set<Int64>) throws {
    let first = try firstEvent(after: since)
    for organ in organs {
      try each(ListSQL.changed, [.int(organ), .int(first)]) { keys.insert($0.int(0)) }
    }
  }
}
