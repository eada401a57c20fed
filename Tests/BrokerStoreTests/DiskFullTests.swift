import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// A real SQLITE_FULL: the database may not grow beyond the pages it has.
@Suite(.timeLimit(.minutes(5))) struct DiskFullTests {
  private static func limit(_ store: Store, extraPages: Int) throws {
    try store.pool.writeWithoutTransaction { db in
      let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages + extraPages)")
    }
  }

  /// Of a size that needs pages of its own.
  private static let large = Submission.marriage(reference: String(repeating: "号", count: 20_000))

  private static func expectStorage(_ error: StoreError?) {
    guard case .storage(let text) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(text.contains("full"))
  }

  @Test(arguments: [0, 1, 2, 5, 9, 14]) func nothingIsHalfWritten(extraPages: Int) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.submit()
    let before = try store.countsText
    let tallies = try await store.tallies().map(\.count)
    try Self.limit(store, extraPages: extraPages)
    Self.expectStorage(await failure { try await store.submit(Self.large) })
    #expect(try store.countsText == before)
    #expect(try await store.tallies().map(\.count) == tallies)
    #expect(try store.verify() == [])
    try Self.limit(store, extraPages: 10_000)
    let request = try await store.submit(Self.large)
    #expect(try await store.request(request.id)?.request == request)
    #expect(try store.verify() == [])
  }

  /// Those who share a commit with the one that broke it are told the truth: committed and there, or failed and not.
  @Test func everyAnswerOfASharedCommitIsTrue() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.submit()
    try Self.limit(store, extraPages: 6)
    let barrier = Barrier()
    let holder = Task { try await store.write { _ in barrier.hold() } }
    try await barrier.reached()
    let tasks = (0..<20).map { index in
      Task { () async -> EntityID? in
        try? await store.submit(index == 10 ? Self.large : .marriage(reference: "第\(index)号")).id
      }
    }
    try await until("20 writes wait") { store.commitQueueDepth == 20 }
    barrier.open()
    try await holder.value
    var accepted = 0
    for task in tasks {
      guard let id = await task.value else { continue }
      accepted += 1
      #expect(try await store.request(id) != nil)
    }
    #expect(accepted < 20)
    #expect(try store.scalar("SELECT count(*) FROM request") == Int64(accepted + 1))
    #expect(try store.verify() == [])
    try Self.limit(store, extraPages: 10_000)
    try await store.submit(Self.large)
    #expect(try store.verify() == [])
  }

  @Test func probeFailsWhileTheDiskIsFull() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.probe()
    try Self.limit(store, extraPages: 0)
    var error: StoreError?
    // Small rows still find room in pages that are there; fill them.
    for _ in 0..<2000 where error == nil { error = await failure { try await store.submit() } }
    Self.expectStorage(error)
    try Self.limit(store, extraPages: 1000)
    try await store.probe()
    #expect(try store.verify() == [])
  }
}
