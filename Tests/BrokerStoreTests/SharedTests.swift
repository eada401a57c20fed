import BrokerDomain
import Synchronization
import TestSupport
import Testing

@testable import BrokerStore

@Suite(.timeLimit(.minutes(5))) struct SharedTests {
  @Test func manyWhoAskPayOneCommit() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let writable = Shared(milliseconds: 60_000) {
      do { try await store.probe() } catch { return false }
      return true
    }
    let before = store.batchSizes
    let answers = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<50 { group.addTask { await writable.value } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(answers == [Bool](repeating: true, count: 50))
    #expect(store.batchSizes.sum == before.sum + 1 && store.batchSizes.count == before.count + 1)
  }

  @Test func anAnswerIsFoundAnewWhenItIsOld() async throws {
    let asked = Mutex(0)
    let shared = Shared(milliseconds: 20) {
      asked.withLock { count -> Int in
        count += 1
        return count
      }
    }
    #expect(await shared.value == 1)
    try await until("it has gone stale") { await shared.value == 2 }
  }
}
