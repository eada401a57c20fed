package import BrokerDomain
internal import GRDB

/// After a change of the calendar: every open request whose deadline it moves is moved, with an event that says from
/// when to when and by which notices.
extension Store {
  /// Rows that one look passes over, and how long one write may hold the writer, because submissions wait behind it.
  static let recomputationPage = 2000
  private static let holdMicroseconds: Int64 = 20_000
  /// What was asked, of the requests that are worked out ahead: a page ends where it is more.
  private static let aheadBytes = 16 << 20
  static let notMoved = "its deadline is not moved"

  /// Begins anew after a crash: what was moved already is found to be right.
  /// - Parameter since: the calendar by which all of them were right; nil when that is not known.
  /// - Returns: how many deadlines moved.
  func recomputeDeadlines(since old: WorkingCalendar?) async throws(StoreError) -> Int {
    // A group that began by the old calendar is on disk after this, and no later one knows it.
    try await write { _ in }
    let reference = reference
    let scan = DeadlineScan(reference, by: reference.calendar, since: old, now: clock.now)
    var page = try await work(scan, after: 0)
    var moved = 0
    while let last = page.last {
      // The next page is read and worked out while this one is written.
      async let next = work(scan, after: last)
      moved += try await move(page.work, by: reference)
      try await rearm(page.misarmed, within: Self.holdMicroseconds)
      do { page = try await next } catch { throw StoreError.from(error) }
      try await refreshKeys()
    }
    return moved
  }

  private func work(
    _ scan: DeadlineScan, after key: Int64
  ) async throws(StoreError) -> DeadlineWork {
    let damagedRows = damagedRows
    return try await read { db in
      let page = try scan.page(db, after: key)
      for error in page.unreadable { damagedRows.note(error, Self.notMoved) }
      var (work, bytes): ([MovedRequest], Int) = ([], 0)
      for moved in page.moved {
        let item = try damagedRows.passing(Self.notMoved) { try MovedRequest(moved, db, scan.reference) }
        guard let item = item ?? nil else { continue }
        work.append(item)
        bytes += item.request.content.bytes.count
        if bytes > Self.aheadBytes { return DeadlineWork(work: work, misarmed: page.misarmed, last: moved.key) }
      }
      return DeadlineWork(work: work, misarmed: page.misarmed, last: page.last)
    }
  }

  private func move(_ work: [MovedRequest], by reference: Reference) async throws(StoreError) -> Int {
    guard !work.isEmpty else { return 0 }
    return try await group.submit((done: 0, moved: 0)) { context, before in
      let (done, moved) = try context.recompute(work[before.done...], by: reference, within: Self.holdMicroseconds)
      let after = (done: before.done + done, moved: before.moved + moved)
      return after.done == work.count ? .done(after.moved) : .rest(after)
    }
  }
}

extension Reference {
  /// An organ belongs to another region than it did, whose calendar counts from now on.
  func hasMovedOrgan(since old: Reference) -> Bool {
    old.organs.contains { organ in self.organ(organ.code).map { $0.region != organ.region } ?? false }
  }
}

/// Goes over the open requests and finds those whose deadline a calendar moves. Reads narrow rows: what was asked stays
/// on its page, unless a date in it decides.
struct DeadlineScan: Sendable {
  struct Page {
    var moved: [MovedDeadline] = []
    /// Keys of requests whose deadline stays and whose next rung does not.
    var misarmed: [Int64] = []
    var open = 0
    /// What is wrong with those that were passed over.
    var unreadable: [StoreError] = []
    /// The last key that was looked at; nil when there was none.
    var last: Int64?
  }

  let reference: Reference
  private let calendar: WorkingCalendar
  /// No deadline can move that does not run over one of these; nil when nothing is known about it.
  private let changed: ClosedRange<CalendarDate>?
  /// Nothing counts otherwise than before.
  private let isSame: Bool
  /// From when on rungs are to come; nil to look at deadlines alone.
  private let now: Instant?

  init(_ reference: Reference, by calendar: WorkingCalendar, since old: WorkingCalendar?, now: Instant? = nil) {
    self.reference = reference
    self.calendar = calendar
    self.now = now
    changed = old.flatMap { calendar.changedDates(since: $0) }
    isSame = old != nil && changed == nil
  }

  func page(_ db: Database, after key: Int64) throws -> Page {
    var page = Page()
    try db.each(RecomputationSQL.open, [.int(key), .int(Int64(Store.recomputationPage))]) { row in
      page.last = row.int(0)
      page.open += 1
      do {
        if mayMove(row), let moved = try moved(row, db) {
          page.moved.append(moved)
        } else if let now, mayMoveRungs(row), try db.rungToArm(narrow(row), now: now, reference) != nil {
          page.misarmed.append(row.int(0))
        }
      } catch {
        let error = StoreError.from(error)
        if error.concernsAll { throw error }
        page.unreadable.append(error)
      }
    }
    return page
  }

  private func moved(_ row: SQLRow, _ db: Database) throws -> MovedDeadline? {
    var request = try narrow(row)
    if let procedure = reference.procedure(of: request), request.isBoundToDate(procedure),
      let whole = try StoredRequest.load(row.int(0), db, reference)
    {
      request = whole.request
    }
    guard let deadline = request.movedDeadline(by: calendar, reference) else { return nil }
    return MovedDeadline(
      key: row.int(0), id: request.id, procedure: request.procedure, organ: request.responder,
      before: request.deadline, after: deadline)
  }

  /// Cheap and never wrong in one direction only: a clock that counts days from receipt, and over none that changed, is
  /// passed over. A date that decides, or a clock that began anew, is looked at closely.
  private func mayMove(_ row: SQLRow) -> Bool {
    if isSame { return false }
    guard let changed, row.isNull(12) else { return true }
    switch reference.procedure(row.text(2), version: Int(row.int(14)))?.clock {
    case .workingDays(_, .receipt), .acknowledge: break
    default: return true
    }
    return Int(row.int(10)) >= changed.lowerBound.dayNumber
      && Instant(milliseconds: row.int(7)).date < changed.upperBound
  }

  /// How far from the last day a change may lie that moves a rung by one working day or two: no holiday is that long.
  private static let rungDays = 20

  private func mayMoveRungs(_ row: SQLRow) -> Bool {
    if isSame { return false }
    guard let changed else { return true }
    let due = Int(row.int(10))
    return due + Self.rungDays >= changed.lowerBound.dayNumber && due - Self.rungDays <= changed.upperBound.dayNumber
  }

  /// A request without its content. Columns in the order of `RecomputationSQL.open`.
  private func narrow(_ row: SQLRow) throws -> AssistanceRequest {
    let id = EntityID(key: row.int(0), tail: row.int(1))
    guard let state = StateName(rawValue: row.text(3)).flatMap({ AssistanceRequest.State(name: $0, payload: nil) }),
      let requester = reference.organ(number: row.int(5)), let responder = reference.organ(number: row.int(6)),
      let progress = Progress(encoded: row.optionalBytes(12))
    else { throw StoreError.damaged(file: StoreError.database, "request \(id) cannot be read") }
    return AssistanceRequest(
      id: id, procedure: row.text(2), requester: requester.code, responder: responder.code, item: nil,
      receivedAt: Instant(milliseconds: row.int(7)),
      deadline: Deadline(
        at: Instant(milliseconds: row.int(9)), date: CalendarDate(dayNumber: Int(row.int(10))),
        workingDays: Int(row.int(11)), provisional: row.int(13) == 1),
      content: EncodedContent(bytes: []), version: Int(row.int(4)), updatedAt: Instant(milliseconds: row.int(8)),
      acknowledgement: nil, state: state, progress: progress, procedureVersion: Int(row.int(14)))
  }
}

/// An open request whose deadline a calendar moves.
package struct MovedDeadline: Sendable {
  let key: Int64
  package let id: EntityID
  package let procedure: String
  /// Who is to answer; its region decides.
  package let organ: OrganCode
  package let before: Deadline
  package let after: Deadline
}

/// What a page of open requests asks of the writer.
private struct DeadlineWork: Sendable {
  var work: [MovedRequest]
  var misarmed: [Int64]
  /// The last key that was looked at; nil when there was none.
  var last: Int64?
}

/// A request as a reader found it, and where its deadline moves to: worked out beside the writer.
struct MovedRequest: Sendable {
  let request: AssistanceRequest
  /// Of the row: it changes without a new version where only one organ knows of it.
  let progress: [UInt8]?
  let change: AssistanceRequest.DeadlineChange

  init?(_ moved: MovedDeadline, _ db: Database, _ reference: Reference) throws {
    guard
      let found = try db.first(
        RequestSQL.get, .int(moved.key), body: { (try StoredRequest($0, reference), $0.optionalBytes(22)) }),
      let change = found.0.request.deadlineChange(to: moved.after, reference)
    else { return nil }
    (request, progress) = (found.0.request, found.1)
    self.change = change
  }
}

extension WriteContext {
  /// Moves as many as fit into the time, at least one.
  func recompute(
    _ work: ArraySlice<MovedRequest>, by calculated: Reference, within microseconds: Int64
  ) throws -> (done: Int, moved: Int) {
    let start = monotonicMicroseconds()
    var (done, moved) = (0, 0)
    for item in work {
      done += 1
      if try recompute(item, calculated) { moved += 1 }
      if monotonicMicroseconds() - start >= microseconds { break }
    }
    return (done, moved)
  }

  /// What was worked out holds while the request and the lists are as they were then; otherwise it is done anew.
  /// - Returns: whether its deadline moved.
  private func recompute(_ item: MovedRequest, _ calculated: Reference) throws -> Bool {
    let reference = reference
    if reference === calculated,
      let decision = item.request.recomputed(by: item.change, now: now, reference: reference),
      try applyMove(decision, previous: item.request, progress: item.progress)
    {
      return true
    }
    let found = try damagedRows.passing(Store.notMoved) {
      try StoredRequest.load(item.request.id.key, db, reference)
    }
    guard let stored = found ?? nil, let decision = stored.request.recomputed(now: now, reference: reference)
    else { return false }
    try apply(decision, previous: stored.request)
    return true
  }
}

enum RecomputationSQL: String, CaseIterable {
  case open = """
    SELECT key, tail, procedure, state, version, requester, responder, received_at, updated_at, due_at, due_day,
      working_days, progress, provisional, procedure_version
    FROM request WHERE key > $1 AND open = 1 ORDER BY key LIMIT $2
    """
  case movedAfter = "SELECT count(*) FROM event WHERE seq > $1 AND type = 'request.deadline-changed'"
}
