import BrokerDomain
import Synchronization
import TestSupport
import Testing

@testable import BrokerStore

/// What lists have shown is kept in memory, and nobody can tell but by the time it takes.
@Suite(.timeLimit(.minutes(5))) struct KnownRequestTests {
  private static let organs: [Qidong] = [.requester, .responder, .stranger, .credit]

  private enum KeysSQL: String { case all = "SELECT key FROM request ORDER BY key DESC LIMIT 500" }

  private static func all(_ store: Store) async throws -> [StoredRequest] {
    try await store.read { [reference = store.reference] db in
      try db.all(KeysSQL.all) { $0.int(0) }.compactMap { try StoredRequest.load($0, db, reference) }
    }
  }

  private static var filters: [RequestFilter] {
    var (overdue, open, asked) = (RequestFilter(), RequestFilter(), RequestFilter())
    overdue.overdue = true
    open.states = [.submitted, .acknowledged, .awaitingSupplement]
    asked.role = .responder
    return [RequestFilter(), overdue, open, asked]
  }

  private static func isAsked(_ request: AssistanceRequest, _ filter: RequestFilter, _ now: Instant) -> Bool {
    (filter.overdue == nil || request.isOverdue(now: now))
      && (filter.states.map { $0.contains(request.state.name) } ?? true)
  }

  /// Holds first pages against the database, line by line.
  private static func compare(_ store: Store, _ at: String) async throws {
    let supervisor = try #require(store.reference.organ(Qidong.supervisor.organ))
    let (now, reference, all) = (store.clock.now, store.reference, try await all(store))
    for filter in filters {
      for viewer in [Qidong.requester, .responder, .supervisor] {
        let page =
          viewer == .supervisor
          ? try await store.supervised(by: supervisor, filter, cursor: nil, limit: 30)
          : try await store.requests(of: store.number(viewer), filter, cursor: nil, limit: 30)
        let expected = all.filter { stored in
          let request = stored.request
          let isSeen =
            viewer == .supervisor || request.responder == viewer.organ
            || filter.role == nil && request.requester == viewer.organ
          return isSeen && isAsked(request, filter, now)
        }.prefix(30)
        #expect(page.items.map(\.request.id) == expected.map(\.request.id), "\(viewer) \(filter) \(at)")
        for (listed, stored) in zip(page.items, expected) {
          let whole = Representation(
            stored.request, subject: stored.subject, now: now, reference: reference, viewer: viewer.organ
          ).bytes
          #expect(
            String(decoding: listed.members(for: viewer.organ, now: now), as: UTF8.self)
              == String(decoding: whole.dropFirst().dropLast(), as: UTF8.self), "\(viewer) \(at)")
        }
      }
    }
  }

  /// - Returns: whether it was allowed.
  private static func step(
    _ store: Store, _ kind: Int, _ id: EntityID, by pair: [Qidong], _ random: inout SeededGenerator
  ) async throws -> Bool {
    func isDone(_ command: Command, by organ: Qidong) async -> Bool {
      await failure { try await store.carryOut(command, id, by: organ) } == nil
    }
    switch kind {
    case 0, 1: try await store.submit(.marriage(to: pair[1], item: nil), by: pair[0])
    case 2: return await isDone(.acknowledge(officer: nil), by: pair[1])
    case 3: return await isDone(.confirm, by: pair[1])
    case 4: return await isDone(.pullBack, by: pair[0])
    case 5: return await isDone(.ask(text: "请补充婚姻登记日期"), by: pair[1])
    case 6:
      _ = try await DeadlineKeeper(store: store) { _ in }
        .rehearse(to: store.clock.now + Int64.random(in: 60_000...100_000_000, using: &random))
    default:
      // Changes without an event and without a version.
      try await store.write { context in
        guard var request = try context.request(id)?.request else { throw StoreError.notFound }
        request.progress.reversal = Reversal(
          by: id, at: context.now, parties: [request.requester, request.responder], isSealed: false)
        try context.amend(request)
      }
    }
    return true
  }

  @Test(arguments: [0, 8, 4096]) func everyLineIsAsTheDatabaseHasIt(_ kept: Int) async throws {
    var options = StoreOptions()
    options.listedRequests = kept
    let fixture = try Fixture()
    let store = try fixture.open(options: options)
    defer { store.close() }
    var (random, opened): (SeededGenerator, [(EntityID, [Qidong])]) = (SeededGenerator(seed: 11), [])
    var done: [Int: Int] = [:]
    for round in 0..<150 {
      let pair = Self.organs.shuffled(using: &random)
      if round < 5 || round % 9 == 0 {
        opened.append((try await store.submit(.marriage(to: pair[1], item: nil), by: pair[0]).id, pair))
      }
      let (id, parties) = opened[Int.random(in: 0..<opened.count, using: &random)]
      let kind = Int.random(in: 0..<8, using: &random)
      if try await Self.step(store, kind, id, by: parties, &random) { done[kind, default: 0] += 1 }
      try await Self.compare(store, "after step \(round) of kind \(kind)")
      guard round % 50 == 49 else { continue }
      // Other names for the same organs.
      let command = try fixture.open(.command)
      let lines = String(decoding: try Fixture.config("examples/qidong/organs.csv"), as: UTF8.self)
      _ = try command.importFile(.organs, Array(lines.replacing("市", with: "市市").utf8))
      command.close()
      #expect(try await store.refresh())
      try await Self.compare(store, "under other names after \(round)")
    }
    #expect(done.count == 8, "each kind was allowed at least once: \(done)")
    let keys = opened.map(\.0.key)
    let known = try await store.read { [listed = store.listed, reference = store.reference] db in
      let newest = try db.first(EventSQL.newest) { $0.int(0) } ?? 0
      return listed.requests(keys, newest: newest, reference)?.count { $0 != nil } ?? 0
    }
    #expect(kept == 0 ? known == 0 : known > (kept == 8 ? 0 : 3), "\(known) known")
  }

  private final class Promised: Sendable {
    let versions = Mutex<[EntityID: Int]>([:])
    let isOver = Atomic(false)
  }

  /// Readers and a writer at once: what was promised before a list began is on it.
  @Test func aPageIsNeverOlderThanWhatWasPromised() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var ids: [EntityID] = []
    for _ in 0..<30 { ids.append(try await store.submit().id) }
    let promised = Promised()
    let number = try store.number(.requester)
    try await withThrowingTaskGroup { group in
      for _ in 0..<4 {
        group.addTask {
          var lists = 0
          while !promised.isOver.load(ordering: .relaxed) || lists == 0 {
            let before = promised.versions.withLock { $0 }
            let page = try await store.requests(of: number, RequestFilter(), cursor: nil, limit: 100)
            #expect(page.items.count == 30)
            for listed in page.items {
              let version = before[listed.request.id] ?? 0
              #expect(listed.request.version >= version, "\(listed.request.version) after \(version)")
            }
            lists += 1
          }
        }
      }
      defer { promised.isOver.store(true, ordering: .relaxed) }
      for round in 0..<3 {
        for id in ids {
          let command = [Command.acknowledge(officer: "王五"), .ask(text: "请补充"), .pullBack][round]
          let version = try await store.carryOut(command, id, by: round == 2 ? .requester : .responder).version
          promised.versions.withLock { $0[id] = version }
        }
      }
      promised.isOver.store(true, ordering: .relaxed)
      try await group.waitForAll()
    }
  }
}
