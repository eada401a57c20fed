import BrokerDomain
import Dispatch
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import BrokerStore

@Suite(.timeLimit(.minutes(5))) struct GroupCommitTests {
  /// Keeps the writer busy so that what follows gathers behind it.
  static func hold(_ store: Store) async throws -> (Barrier, Task<Void, any Error>) {
    let barrier = Barrier()
    let holder = Task { try await store.write { _ in barrier.hold() } }
    try await barrier.reached()
    return (barrier, holder)
  }

  @Test func everyJobGetsItsOwnValueFromASharedCommit() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (barrier, holder) = try await Self.hold(store)
    let tasks = (0..<200).map { index in
      Task { try await store.write { context in (index, try context.submit(.marriage(reference: "第\(index)号"))) } }
    }
    try await until("200 writes wait") { store.commitQueueDepth == 200 }
    barrier.open()
    try await holder.value
    for (index, task) in tasks.enumerated() {
      let (own, request) = try await task.value
      #expect(own == index)
      let stored = try #require(try await store.request(request.id))
      #expect(stored.request == request)
      #expect(stored.request.content.reference == "第\(index)号")
    }
    #expect(store.batchSizes.count == 2)
    #expect(store.batchSizes.sum == 201)
    #expect(store.batchSizes.buckets[8] == 1, "129…256 writes in one commit")
    #expect(try store.scalar("SELECT count(*) FROM request") == 200)
    #expect(try store.verify() == [])
  }

  @Test func batchLimitBoundsACommit() async throws {
    var options = StoreOptions()
    options.batchLimit = 16
    let store = try Fixture().open(options: options)
    defer { store.close() }
    let (barrier, holder) = try await Self.hold(store)
    let tasks = (0..<40).map { _ in Task { try await store.submit() } }
    try await until("40 writes wait") { store.commitQueueDepth == 40 }
    barrier.open()
    try await holder.value
    for task in tasks { _ = try await task.value }
    // The holder, 16, 16, 8.
    #expect(store.batchSizes.count == 4)
    #expect(store.batchSizes.buckets[4] == 2)
  }

  private struct Whim: Error {}

  @Test func failingJobsSpoilNoOther() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let notices = Mutex<[CommitNotice]>([])
    store.onCommit { notice in notices.withLock { $0.append(notice) } }
    let (barrier, holder) = try await Self.hold(store)
    let tasks = (0..<60).map { index in
      Task { () async -> Result<EntityID, StoreError> in
        do throws(StoreError) {
          return .success(
            try await store.write { context in
              let request = try context.submit(.marriage(reference: "第\(index)号"))
              switch index % 4 {
              case 1: _ = try context.carryOut(.pullBack, request.id, by: .responder)
              case 2: try context.db.execute(sql: "UPDATE request SET state = 'lost' WHERE key = \(request.id.key)")
              case 3: throw Whim()
              default: break
              }
              return request.id
            })
        } catch {
          return .failure(error)
        }
      }
    }
    try await until("60 writes wait") { store.commitQueueDepth == 60 }
    barrier.open()
    try await holder.value
    for (index, task) in tasks.enumerated() {
      let result = await task.value
      switch (index % 4, result) {
      case (0, .success(let id)): #expect(try await store.request(id) != nil)
      case (1, .failure(let error)): #expect(error == .refused(.notYours(.withdraw)))
      case (2, .failure(.unexpected(let text))): #expect(text.contains("CHECK constraint failed"))
      case (3, .failure(.unexpected(let text))): #expect(text.contains("Whim"))
      default: Issue.record("\(index): \(result)")
      }
    }
    #expect(store.batchSizes.count == 2, "all sixty shared a commit")
    for table in ["request", "event", "timer", "subject"] {
      #expect(try store.scalar("SELECT count(*) FROM \(table)") == 15, "\(table)")
    }
    #expect(try store.scalar("SELECT count FROM tally WHERE state = 'submitted'") == 15)
    #expect(notices.withLock { $0.flatMap(\.changes).count } == 15, "nobody hears of what was undone")
    #expect(try store.verify() == [])
  }

  @Test func fullQueueRefuses() async throws {
    var options = StoreOptions()
    options.queueLimit = 10
    let store = try Fixture().open(options: options)
    defer { store.close() }
    let (barrier, holder) = try await Self.hold(store)
    let tasks = (0..<10).map { _ in Task { try await store.submit() } }
    try await until("10 writes wait") { store.commitQueueDepth == 10 }
    let refusals = await withTaskGroup { group in
      for _ in 0..<5 { group.addTask { await failure { try await store.submit() } } }
      return await group.reduce(into: [StoreError?]()) { $0.append($1) }
    }
    #expect(refusals == Array(repeating: .queueFull, count: 5))
    barrier.open()
    try await holder.value
    for task in tasks { _ = try await task.value }
    #expect(try store.scalar("SELECT count(*) FROM request") == 10)
    try await store.submit()
  }

  @Test func lockHeldElsewhereIsToldToEverybody() async throws {
    let fixture = try Fixture()
    var options = StoreOptions()
    options.busyTimeoutSeconds = 1
    let store = try fixture.open(options: options)
    defer { store.close() }
    let foreigner = try DatabaseQueue(path: fixture.database)
    let barrier = Barrier()
    let other = Task.detached {
      foreigner.asyncWriteWithoutTransaction { db in
        try? db.execute(sql: "BEGIN IMMEDIATE")
        barrier.hold()
        try? db.execute(sql: "ROLLBACK")
      }
    }
    await other.value
    try await barrier.reached()
    let tasks = (0..<20).map { _ in Task { await failure { try await store.submit() } } }
    for task in tasks {
      guard case .busy = await task.value else {
        Issue.record("not told that the lock is held: \(String(describing: await task.value))")
        continue
      }
    }
    #expect(try store.scalar("SELECT count(*) FROM request") == 0)
    barrier.open()
    try await until("the lock is free") { await failure { try await store.submit() } == nil }
    #expect(try store.scalar("SELECT count(*) FROM request") == 1)
    #expect(try store.verify() == [])
  }

  @Test func closingFinishesWhatWasAcceptedAndRefusesTheRest() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    let (barrier, holder) = try await Self.hold(store)
    let tasks = (0..<8).map { _ in Task { try await store.submit() } }
    try await until("8 writes wait") { store.commitQueueDepth == 8 }
    // Not a task: closing blocks a thread that tasks may need.
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.05) { barrier.open() }
    try onThreads(1) { _ in store.close() }
    try await holder.value
    for task in tasks { _ = try await task.value }
    #expect(await failure { try await store.submit() } == .closed)
    let log = fixture.database + "-wal"
    let left = Fixture.exists(log) ? try Fixture.size(log) : 0
    #expect(left == 0, "the log is folded into the database")
    let again = try fixture.open(.command)
    #expect(try again.scalar("SELECT count(*) FROM request") == 8)
    again.close()
  }

  /// Ids grow, also within one millisecond, across a restart and when the clock stands still.
  @Test func idsGrow() async throws {
    let fixture = try Fixture()
    var last: Int64 = 0
    for _ in 0..<2 {
      last = try await fixture.life { store in
        let keys = try await store.write { context in
          try (0..<5000).map { _ in try context.newID().key }
        }
        #expect(keys[0] > last)
        #expect(zip(keys, keys.dropFirst()).allSatisfy { $0 < $1 })
        return try await store.submit().id.key
      }
    }
  }
}
