internal import BrokerDomain
internal import GRDB
internal import Synchronization

/// Shares the price of an fsync. Writes queue here; one writer takes all that wait into one transaction, in which none
/// can spoil another, and answers them after the commit is on disk. While one commit is under way the next batch gathers
/// by itself: no timer, no added latency when there is little to do.
final class GroupCommit: Sendable {
  /// One write: run inside the transaction, then told how the transaction ended.
  struct Job: Sendable {
    /// Returns what to call once the outcome is known: nil for committed, or the error. May be run a second time, after
    /// a rollback; what it returned the first time is then never called.
    let run: @Sendable (WriteContext) -> (@Sendable (StoreError?) -> Void)
    /// Called instead when the transaction could not begin.
    let refuse: @Sendable (StoreError) -> Void
  }

  private struct State {
    var waiting: [Job] = []
    var draining = false
    var closed = false
  }

  private let pool: DatabasePool
  private let state = Mutex(State())
  private let queueLimit: Int
  private let batchLimit: Int
  private let context: WriteContext
  /// Nil where SQLite's own checkpoints are good enough.
  private let checkpointer: Checkpointer?
  /// Called after each commit, before anybody is told of it.
  private let committed: @Sendable () -> Void
  /// Told what a commit is about to change, and with nil that it failed.
  private let committing: @Sendable (CommitNotice?) -> Void
  private let onCommit: @Sendable (CommitNotice) -> Void
  let sizes = BatchSizes()

  init(
    pool: DatabasePool, queueLimit: Int, batchLimit: Int, context: WriteContext, checkpointer: Checkpointer? = nil,
    committed: @escaping @Sendable () -> Void = {},
    committing: @escaping @Sendable (CommitNotice?) -> Void = { _ in },
    onCommit: @escaping @Sendable (CommitNotice) -> Void
  ) {
    self.pool = pool
    self.queueLimit = queueLimit
    self.batchLimit = batchLimit
    self.context = context
    self.checkpointer = checkpointer
    self.committed = committed
    self.committing = committing
    self.onCommit = onCommit
  }

  var depth: Int { state.withLock { $0.waiting.count } }

  /// Runs `work` in the next group. Returns after the commit; throws what `work` threw, or why the commit failed.
  func submit<T: Sendable>(_ work: @escaping @Sendable (WriteContext) throws -> T) async throws(StoreError)
    -> T
  {
    let result: Result<T, StoreError> = await withCheckedContinuation { continuation in
      let job = Job(
        run: { context in
          do {
            let value = try context.attempt { try work(context) }
            return { failure in
              continuation.resume(returning: failure.map { .failure($0) } ?? .success(value))
            }
          } catch {
            let own = StoreError.from(error)
            return { failure in continuation.resume(returning: .failure(failure ?? own)) }
          }
        },
        refuse: { continuation.resume(returning: .failure($0)) })
      if let refusal = enqueue(job) { continuation.resume(returning: .failure(refusal)) }
    }
    return try result.get()
  }

  /// - Parameter isAdmitted: goes on with what has been let in already, however many wait by now.
  func enqueue(_ job: Job, isAdmitted: Bool = false) -> StoreError? {
    let (refusal, start): (StoreError?, Bool) = state.withLock { state in
      if state.closed { return (.closed, false) }
      if state.waiting.count >= queueLimit, !isAdmitted { return (.queueFull, false) }
      state.waiting.append(job)
      defer { state.draining = true }
      return (nil, !state.draining)
    }
    if start { pool.asyncWriteWithoutTransaction { db in self.drain(db) } }
    return refusal
  }

  /// Refuses new work and returns when what was accepted is committed: of a long work the step that it is at.
  func close() {
    state.withLock { $0.closed = true }
    pool.writeWithoutTransaction { db in drain(db) }
  }

  private func drain(_ db: Database) {
    while true {
      let batch: [Job] = state.withLock { state in
        if state.waiting.isEmpty {
          state.draining = false
          return []
        }
        if state.waiting.count <= batchLimit {
          defer { state.waiting = [] }
          return state.waiting
        }
        let batch = Array(state.waiting[..<batchLimit])
        state.waiting.removeFirst(batchLimit)
        return batch
      }
      if batch.isEmpty { return }
      commit(batch, db)
      checkpointer?.committed(db)
    }
  }

  private func commit(_ batch: [Job], _ db: Database) {
    sizes.record(batch.count)
    var answers: [@Sendable (StoreError?) -> Void] = []
    answers.reserveCapacity(batch.count)
    var failure: StoreError?
    do {
      try WriterTurn.taking {
        if try !run(batch, db, savepoints: false, &answers) {
          try db.rollback()
          context.forget(flushed: false)
          answers.removeAll(keepingCapacity: true)
          _ = try run(batch, db, savepoints: true, &answers)
        }
        try context.flush()
        committing(context.notice)
        try db.commitGathered()
        committed()
      }
    } catch {
      failure = StoreError.from(error)
      context.forget(flushed: true)
      if db.isInsideTransaction { try? db.rollback() }
      committing(nil)
    }
    let notice = context.end()
    if failure == nil, !notice.isEmpty { onCommit(notice) }
    for answer in answers { answer(failure) }
    // BEGIN failed, or the transaction broke half-way: who has not run is told as well.
    if let failure { for job in batch[answers.count...] { job.refuse(failure) } }
  }
}

extension GroupCommit {
  /// - Returns: false when a job has left half of its work in the transaction.
  private func run(
    _ batch: [Job], _ db: Database, savepoints: Bool, _ answers: inout [@Sendable (StoreError?) -> Void]
  ) throws -> Bool {
    try db.run(BatchSQL.begin)
    context.begin(db, savepoints: savepoints)
    for job in batch {
      answers.append(job.run(context))
      if context.broken != nil || context.isSpoiled { break }
    }
    // A full disk may have rolled the whole transaction back inside a job.
    if let broken = context.broken { throw broken }
    return !context.isSpoiled
  }
}

/// How many writes shared a commit, in powers of two: 1, 2, 4 … 1024 and more.
package final class BatchSizes: Sendable {
  package struct Counts: Sendable {
    package var buckets = [Int](repeating: 0, count: 11)
    package var sum = 0
    package var count = 0
  }

  private let counts = Mutex(Counts())

  func record(_ size: Int) {
    counts.withLock {
      let bucket = min(10, Int.bitWidth - (max(1, size) - 1).leadingZeroBitCount)
      $0.buckets[bucket] += 1
      $0.sum += size
      $0.count += 1
    }
  }

  package var snapshot: Counts { counts.withLock { $0 } }
}
