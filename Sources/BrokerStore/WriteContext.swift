package import BrokerDomain
internal import GRDB
internal import Glibc
internal import Synchronization

/// What a commit brought about, for those who wait: long polls, the dispatcher, the keeper.
package struct CommitNotice: Sendable {
  package struct Change: Sendable {
    package let request: Int64
    package let version: Int
    package let seq: Int64
    /// Organ numbers whose feed has a new event.
    package let organs: [Int64]
    /// The event may be all that tells of an overdue request; see `OverdueSQL`.
    var mayBeOverdue = true
  }

  package var changes: [Change] = []
  /// Endpoints that have something new to deliver.
  package var endpoints: [Int64] = []
  /// The earliest timer that was armed.
  package var earliestTimer: Instant?
  /// Endpoints were created, changed or deleted.
  package var endpointsChanged = false
  /// Endpoints that the broker itself has switched off, and why.
  package var switchedOff: [(endpoint: EntityID, why: SwitchedOff)] = []
  /// The newest event that is filed, when some were.
  var filedThrough: Int64?
  /// Requests that changed without an event.
  var amended: [Int64] = []

  package init() {}

  package var isEmpty: Bool {
    changes.isEmpty && amended.isEmpty && endpoints.isEmpty && earliestTimer == nil && !endpointsChanged
  }
}

/// The writer's side of a group commit: the database inside its transaction, and what the transaction has brought
/// about so far. Lives on the writer's queue only, one batch after another, which is why it may be unchecked.
package final class WriteContext: @unchecked Sendable {
  private var database: Database?
  private(set) var notice = CommitNotice()
  private var tallies: [TallyDelta] = []
  /// Set when SQLite has rolled the whole transaction back.
  private(set) var broken: StoreError?
  private var hasSavepoints = false
  var offMoments = OffMoments()
  /// A job without a savepoint has left half of its work: the batch must be run again.
  private(set) var isSpoiled = false
  private var endpointCache: (targets: [Int64: [EndpointTarget]], keys: Set<Int64>)?
  let clock: BrokerClock
  let vault: Vault
  private var lastKey: Int64 = 0
  private var tails: [Int64] = []
  /// The earliest timer that this batch has armed.
  var earliestArmed: Instant? { notice.earliestTimer }
  /// The newest event of this batch.
  var notedSeq: Int64? { notice.changes.last?.seq }
  /// Up to where events are filed; nil until it was read.
  var filedThrough: Int64?
  /// Those after `filedThrough`, while all of them are known; see `Filing`.
  var unfiledEvents: [UnfiledEvent]?
  /// Subjects that this batch has written.
  private(set) var newSubjects: [SubjectFiling.Entry] = []
  /// Nil until it was read.
  var subjectFiling: SubjectFiling?
  let subjectsAtOnce: Int
  let damagedRows: DamagedRows
  private let currentReference: @Sendable () -> Reference

  struct TallyDelta {
    let procedure: String
    let state: String
    let change: Int
  }

  init(
    clock: BrokerClock, vault: Vault, subjectsAtOnce: Int, damagedRows: DamagedRows,
    reference: @escaping @Sendable () -> Reference
  ) {
    self.subjectsAtOnce = subjectsAtOnce
    self.damagedRows = damagedRows
    self.clock = clock
    self.vault = vault
    currentReference = reference
    snapshot = reference()
  }

  var db: Database {
    guard let database else { preconditionFailure("a write context outside its transaction") }
    return database
  }

  package var now: Instant { clock.now }
  /// One snapshot for a whole batch.
  private var snapshot: Reference
  package var reference: Reference { snapshot.successor == nil ? snapshot : snapshot.inForce(at: now) }
  /// The lists that hold at this very moment.
  package func reference(at moment: Instant) -> Reference { snapshot.inForce(at: moment) }

  func begin(_ db: Database, savepoints: Bool) {
    database = db
    hasSavepoints = savepoints
    isSpoiled = false
    snapshot = currentReference()
    offMoments.begin(at: now)
    broken = nil
    notice = CommitNotice()
    tallies.removeAll(keepingCapacity: true)
    newSubjects.removeAll(keepingCapacity: true)
  }

  func end() -> CommitNotice {
    database = nil
    defer { notice = CommitNotice() }
    return notice
  }

  /// After a rollback nothing remembered is true any more, but for what only a flush changes.
  /// - Parameter flushed: it may have been flushed.
  func forget(flushed: Bool) {
    endpointCache = nil
    filedThrough = nil
    unfiledEvents = nil
    if flushed { subjectFiling = nil }
  }

  /// Runs one job so that its failure spoils no other. A job that fails before it has written, as nearly all refusals
  /// do, needs nothing undone. The rare one that fails afterwards spoils a batch without savepoints, which is then run
  /// again with one for each job: they cost more than many a job.
  func attempt<T>(_ body: () throws -> T) throws -> T {
    if let broken { throw broken }
    guard !hasSavepoints else { return try savepoint(body) }
    let (changes, before) = (db.totalChangesCount, marks)
    do {
      return try body()
    } catch {
      if !db.isInsideTransaction {
        broken = StoreError.from(error)
      } else if db.totalChangesCount != changes || marks != before {
        isSpoiled = true
      }
      throw error
    }
  }

  private func savepoint<T>(_ body: () throws -> T) throws -> T {
    let before = marks
    try db.run(BatchSQL.savepoint)
    do {
      let value = try body()
      try db.run(BatchSQL.release)
      return value
    } catch {
      takeBack(to: before)
      guard db.isInsideTransaction else {
        broken = StoreError.from(error)
        throw error
      }
      do {
        try db.run(BatchSQL.rollback)
        try db.run(BatchSQL.release)
      } catch let undoing {
        // Half of the job would be committed with the others.
        broken = StoreError.from(undoing)
      }
      throw error
    }
  }

  /// How much a batch has noted so far.
  private struct Marks: Equatable {
    let changes: Int
    let amended: Int
    let endpoints: Int
    let tallies: Int
    let subjects: Int
    let timer: Instant?
    let endpointsChanged: Bool
    let switchedOff: Int
  }

  private var marks: Marks {
    Marks(
      changes: notice.changes.count, amended: notice.amended.count, endpoints: notice.endpoints.count,
      tallies: tallies.count, subjects: newSubjects.count, timer: notice.earliestTimer,
      endpointsChanged: notice.endpointsChanged, switchedOff: notice.switchedOff.count)
  }

  private func takeBack(to marks: Marks) {
    notice.changes.removeLast(notice.changes.count - marks.changes)
    notice.amended.removeLast(notice.amended.count - marks.amended)
    notice.endpoints.removeLast(notice.endpoints.count - marks.endpoints)
    tallies.removeLast(tallies.count - marks.tallies)
    newSubjects.removeLast(newSubjects.count - marks.subjects)
    unfiledEvents = nil
    notice.earliestTimer = marks.timer
    notice.endpointsChanged = marks.endpointsChanged
    notice.switchedOff.removeLast(notice.switchedOff.count - marks.switchedOff)
    endpointCache = nil
  }

  /// Writes what is kept once per batch rather than once per job.
  func flush() throws {
    try fileEvents()
    try fileSubjects()
    try writeTallies()
  }

  private func writeTallies() throws {
    guard !tallies.isEmpty else { return }
    var sums: [String: [String: Int]] = [:]
    for delta in tallies { sums[delta.procedure, default: [:]][delta.state, default: 0] += delta.change }
    for (procedure, states) in sums {
      for (state, change) in states where change != 0 {
        try db.run(BatchSQL.openTally, .text(procedure), .text(state))
        try db.run(BatchSQL.tally, .int(Int64(change)), .text(procedure), .text(state))
      }
    }
  }

  func count(_ procedure: String, _ state: String, _ change: Int) {
    tallies.append(TallyDelta(procedure: procedure, state: state, change: change))
  }

  func note(_ subject: Subject, of request: Int64) {
    newSubjects.append(SubjectFiling.Entry(idNumber: subject.idNumber, request: request))
  }

  func note(_ change: CommitNotice.Change) { notice.changes.append(change) }
  func noteAmended(_ request: Int64) { notice.amended.append(request) }
  func noteFiled(through seq: Int64) { notice.filedThrough = seq }
  func noteDelivery(to endpoint: Int64) { notice.endpoints.append(endpoint) }
  func noteTimer(at instant: Instant) {
    notice.earliestTimer = min(notice.earliestTimer ?? instant, instant)
  }

  func note(switchedOff endpoint: EntityID, _ why: SwitchedOff) { notice.switchedOff.append((endpoint, why)) }

  func endpointsChanged() {
    endpointCache = nil
    notice.endpointsChanged = true
  }

  /// Where each organ wants its events pushed; read once and kept until an endpoint changes.
  func targets(of organ: Int64) throws -> [EndpointTarget] { try endpoints().targets[organ] ?? [] }

  /// It has not been deleted.
  func isLive(_ endpoint: Int64) throws -> Bool { try endpoints().keys.contains(endpoint) }

  private func endpoints() throws -> (targets: [Int64: [EndpointTarget]], keys: Set<Int64>) {
    if let endpointCache { return endpointCache }
    let targets = try EndpointTarget.loadAll(db)
    let found = (targets, Set(targets.values.joined().map(\.key)))
    endpointCache = found
    return found
  }

  /// The next time-ordered key: the millisecond and a counter, never at or below an earlier one, also when the clock
  /// steps back and across restarts.
  package func newID() throws -> EntityID {
    if lastKey == 0 {
      lastKey = try db.first(BatchSQL.lastKey) { $0.int(0) } ?? 0
    }
    lastKey = max(lastKey + 1, now.milliseconds << 12)
    if tails.isEmpty { tails = Self.randomTails() }
    return EntityID(key: lastKey, tail: tails.removeLast())
  }

  /// Drawn from the system together: every call of it is one of the kernel.
  private static func randomTails() -> [Int64] {
    var bytes = [UInt64](repeating: 0, count: 32)
    bytes.withUnsafeMutableBytes { buffer in
      // 256 bytes are what it gives at once; it fails for more only.
      precondition(getentropy(buffer.baseAddress, buffer.count) == 0, "the system gives no random numbers")
    }
    return bytes.map { Int64($0 >> 1) }
  }
}

enum BatchSQL: String, CaseIterable {
  /// Prepared once, like any other statement; GRDB's own calls prepare theirs each time.
  case begin = "BEGIN IMMEDIATE"
  case beginReading = "BEGIN DEFERRED"
  case commit = "COMMIT"
  case savepoint = "SAVEPOINT job"
  case release = "RELEASE job"
  case rollback = "ROLLBACK TO job"
  /// First the row, then the change: a CHECK looks at what an upsert would have inserted, and a change may be negative.
  case openTally = "INSERT INTO tally (procedure, state, count) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING"
  case tally = "UPDATE tally SET count = count + $1 WHERE procedure = $2 AND state = $3"
  case lastKey = """
    SELECT max(coalesce((SELECT max(key) FROM request), 0), coalesce((SELECT max(key) FROM endpoint), 0),
      coalesce((SELECT max(key) FROM publication), 0))
    """
}
