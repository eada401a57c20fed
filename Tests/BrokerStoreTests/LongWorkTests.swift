import BrokerDomain
import Synchronization
import TestSupport
import Testing

@testable import BrokerStore

/// Work that takes one group after the other.
@Suite(.timeLimit(.minutes(5))) struct LongWorkTests {
  private struct Whim: Error {}

  /// Submitters come back as soon as they have heard, and yet no group is written for them alone in between.
  @Test func theNextStepIsInTheNextGroup() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let submitters = (0..<3).map { _ in
      Task { while !Task.isCancelled { _ = try await store.submit() } }
    }
    let groups = try await store.group.submit([BatchSizes.Counts]()) { context, before in
      _ = try context.submit(.marriage())
      let all = before + [store.batchSizes]
      // Until enough of the others were in the same groups.
      return all[all.count - 1].sum - all[0].sum > all.count + 20 ? .done(all) : .rest(all)
    }
    for submitter in submitters {
      submitter.cancel()
      try await submitter.value
    }
    #expect(groups.map(\.count) == Array(groups[0].count..<groups[0].count + groups.count))
    #expect(try store.verify() == [])
  }

  /// A group that is run a second time gives the step the same rest again.
  @Test func aGroupThatIsRunAgainCountsOnce() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let barrier = Barrier()
    let holder = Task { try await store.write { _ in barrier.hold() } }
    try await barrier.reached()
    let runs = Mutex<[Int]>([])
    let work = Task {
      try await store.group.submit(0) { context, done -> GroupCommit.Step<Int, Int> in
        runs.withLock { $0.append(done) }
        _ = try context.submit(.marriage())
        return done == 2 ? .done(done + 1) : .rest(done + 1)
      }
    }
    try await until("it waits") { store.commitQueueDepth == 1 }
    let spoiler = Task {
      try await store.write { context in
        _ = try context.submit(.marriage())
        throw Whim()
      }
    }
    try await until("both wait") { store.commitQueueDepth == 2 }
    barrier.open()
    try await holder.value
    await #expect(throws: StoreError.self) { try await spoiler.value }
    #expect(try await work.value == 3)
    #expect(runs.withLock { $0 } == [0, 0, 1, 2])
    #expect(try store.scalar("SELECT count(*) FROM request") == 3)
    #expect(try store.verify() == [])
  }

  /// What earlier steps have done stays, and the failure is told.
  @Test func aStepThatFailsEndsIt() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    await #expect(throws: StoreError.self) {
      try await store.group.submit(0) { context, done -> GroupCommit.Step<Int, Int> in
        _ = try context.submit(.marriage())
        if done == 2 { throw Whim() }
        return .rest(done + 1)
      }
    }
    #expect(try store.scalar("SELECT count(*) FROM request") == 2)
    _ = try await store.submit()
    #expect(try store.scalar("SELECT count(*) FROM request") == 3)
    #expect(try store.verify() == [])
  }

  @Test func aClosedStoreEndsIt() async throws {
    let store = try Fixture().open()
    let steps = Mutex(0)
    let barrier = Barrier()
    let work = Task {
      try await store.group.submit(0) { _, done -> GroupCommit.Step<Int, Int> in
        steps.withLock { $0 = done }
        if done == 1 { barrier.hold() }
        return .rest(done + 1)
      }
    }
    try await barrier.reached()
    barrier.open()
    await Task.detached { store.close() }.value
    await #expect(throws: StoreError.closed) { try await work.value }
    let taken = steps.withLock { $0 }
    try await Task.sleep(for: .milliseconds(50))
    #expect(steps.withLock { $0 } == taken)
  }

  /// Who is let in is not sent away half-way because others wait.
  @Test func aFullQueueDoesNotEndIt() async throws {
    var options = StoreOptions()
    options.queueLimit = 4
    options.batchLimit = 1
    let store = try Fixture().open(options: options)
    defer { store.close() }
    let barrier = Barrier()
    let work = Task {
      try await store.group.submit(0) { _, done -> GroupCommit.Step<Int, Int> in
        if done == 0 { barrier.hold() }
        return done == 3 ? .done(done) : .rest(done + 1)
      }
    }
    try await barrier.reached()
    let others = (0..<4).map { _ in Task { try await store.submit() } }
    try await until("the queue is full") { store.commitQueueDepth == 4 }
    await #expect(throws: StoreError.queueFull) { try await store.submit() }
    barrier.open()
    #expect(try await work.value == 3)
    for other in others { _ = try await other.value }
  }
}
