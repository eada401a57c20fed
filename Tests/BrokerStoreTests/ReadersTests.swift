import Dispatch
import GRDB
import Synchronization
import Testing

@testable import BrokerStore

/// Reads on threads of their own: in line, side by side, and none lost at the end.
@Suite(.timeLimit(.minutes(5))) struct ReadersTests {
  private struct Whim: Error {}
  private final class Flag: Sendable { let value = Atomic(false) }

  private static func requests(_ db: Database) throws -> Int {
    try Int.fetchOne(db, sql: "SELECT count(*) FROM request") ?? -1
  }

  private static func readers(_ store: Store, _ most: Int) -> Readers {
    Readers(path: Store.databasePath(store.directory), most: most, busyTimeout: 5)
  }

  @Test func aLongReadHoldsNobodyUpWhileAnotherThreadIsFree() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.submit()
    let readers = Self.readers(store, 2)
    defer { readers.close() }
    let barrier = Barrier()
    defer { barrier.open() }
    let long = Task { try await readers.read { _ in barrier.hold() } }
    try await barrier.reached()
    let short = (0..<3000).map { _ in Task { try await readers.read { try Self.requests($0) } } }
    for task in short { #expect(try await task.value == 1) }
    barrier.open()
    try await long.value
  }

  @Test func whoWaitsIsServedInTurnAndSeesOneMoment() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let readers = Self.readers(store, 1)
    defer { readers.close() }
    for round in 1...3 {
      let barrier = Barrier()
      defer { barrier.open() }
      let first = Task {
        try await readers.read { db in
          let before = try Self.requests(db)
          barrier.hold()
          return (before, try Self.requests(db))
        }
      }
      try await barrier.reached()
      // One that fails says so, and the connection is as good as before.
      let failing = Task { try await readers.read { _ in throw Whim() } }
      let wrong = Task { try await readers.read { db in try Int.fetchOne(db, sql: "SELECT * FROM nowhere") } }
      let next = Task { try await readers.read { try Self.requests($0) } }
      try await store.submit()
      barrier.open()
      let (before, after) = try await first.value
      #expect(before == round - 1 && after == round - 1)
      #expect(await failure { try await failing.value } != nil)
      #expect(await failure { _ = try await wrong.value } != nil)
      #expect(try await next.value == round)
    }
  }

  @Test func theEndWaitsForThoseLetInAndRefusesTheRest() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let readers = Self.readers(store, 2)
    let barrier = Barrier()
    defer { barrier.open() }
    let isClosed = Flag()
    let running = Task {
      try await readers.read { db in
        barrier.hold()
        return try Self.requests(db)
      }
    }
    try await barrier.reached()
    let closed = Task {
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
          readers.close()
          isClosed.value.store(true, ordering: .relaxed)
          continuation.resume()
        }
      }
    }
    // The other thread is free: what is let in still comes back at once.
    try await until("no more is let in") { await failure { try await readers.read { _ in } } == .closed }
    let ended = isClosed.value.load(ordering: .relaxed)
    #expect(!ended)
    barrier.open()
    await closed.value
    #expect(try await running.value == 0)
  }

  @Test func aFileThatCannotBeOpenedIsAnErrorEachTime() async throws {
    let readers = Readers(path: "/nowhere/xiecha.sqlite", most: 1, busyTimeout: 1)
    for _ in 0..<3 { #expect(await failure { try await readers.read { _ in } } != nil) }
    readers.close()
  }
}
