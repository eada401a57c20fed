import BrokerDomain
import Synchronization
import TestSupport
import Testing

@testable import BrokerStore

/// What lists have shown is kept in memory, and nobody can tell but by the time it takes.
@Suite(.timeLimit(.minutes(5))) struct KnownRequestTests {
  private static let organs: [Qidong] = [.requester, .responder, .stranger, .credit]

  /// Holds every line of a first page against the database.
  private static func compare(_ store: Store, _ at: String) async throws {
    let supervisor = try #require(store.reference.organ(Qidong.supervisor.organ))
    for viewer in [Qidong.requester, .responder, .supervisor] {
      let page =
        viewer == .supervisor
        ? try await store.supervised(by: supervisor, RequestFilter(), cursor: nil, limit: 30)
        : try await store.requests(of: store.number(viewer), RequestFilter(), cursor: nil, limit: 30)
      let (now, reference) = (store.clock.now, store.reference)
      for listed in page.items {
        let key = listed.request.id.key
        let stored = try await store.read { db in try StoredRequest.load(key, db, reference) }
        let (request, subject) = (try #require(stored).request, try #require(stored).subject)
        let whole = Representation(request, subject: subject, now: now, reference: reference, viewer: viewer.organ)
          .bytes
        #expect(
          String(decoding: listed.members(for: viewer.organ, now: now), as: UTF8.self)
            == String(decoding: whole.dropFirst().dropLast(), as: UTF8.self), "\(viewer) \(at)")
      }
    }
  }

  private static func step(
    _ store: Store, _ kind: Int, _ id: EntityID, by pair: [Qidong], _ random: inout SeededGenerator
  ) async throws {
    switch kind {
    case 0, 1: try await store.submit(.marriage(to: pair[1], item: nil), by: pair[0])
    case 2: _ = try? await store.carryOut(.acknowledge(officer: nil), id, by: pair[1])
    case 3: _ = try? await store.carryOut(.confirm, id, by: pair[1])
    case 4: _ = try? await store.carryOut(.pullBack, id, by: pair[0])
    case 5: _ = try? await store.carryOut(.ask(text: "请补充婚姻登记日期"), id, by: pair[1])
    case 6:
      _ = try await DeadlineKeeper(store: store) { _ in }
        .rehearse(to: store.clock.now + Int64.random(in: 60_000...100_000_000, using: &random))
    default:
      // Changes without an event and without a version.
      try await store.write { context in
        guard var request = try context.request(id)?.request else { throw StoreError.notFound }
        request.progress.reversal = Reversal(by: id, at: context.now)
        try context.amend(request)
      }
    }
  }

  @Test(arguments: [0, 8, 4096]) func everyLineIsAsTheDatabaseHasIt(_ kept: Int) async throws {
    var options = StoreOptions()
    options.listedRequests = kept
    let fixture = try Fixture()
    let store = try fixture.open(options: options)
    defer { store.close() }
    var (random, opened): (SeededGenerator, [(EntityID, [Qidong])]) = (SeededGenerator(seed: 11), [])
    for round in 0..<150 {
      let pair = Self.organs.shuffled(using: &random)
      if round < 5 || round % 9 == 0 {
        opened.append((try await store.submit(.marriage(to: pair[1], item: nil), by: pair[0]).id, pair))
      }
      let (id, parties) = opened[Int.random(in: 0..<opened.count, using: &random)]
      let kind = Int.random(in: 0..<8, using: &random)
      try await Self.step(store, kind, id, by: parties, &random)
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

/// The rules by which it is kept, one by one.
@Suite struct KnownRequestRules {
  let store: Store
  let known = KnownRequests(capacity: 3)
  let listed: [ListedRequest]
  let reference: Reference

  init() async throws {
    store = try Fixture().open()
    var listed: [ListedRequest] = []
    for _ in 0..<5 {
      let request = try await store.submit()
      listed.append(ListedRequest(StoredRequest(request: request, subject: nil), store.reference))
    }
    (self.listed, reference) = (listed, store.reference)
    known.begin(newest: 10)
  }

  private func isKnown(_ index: Int, newest: Int64 = 10) -> Bool {
    known.requests([listed[index].request.id.key], newest: newest, reference)?[0] === listed[index]
  }

  private func keep(_ indices: Int..., newest: Int64 = 10) {
    known.keep(indices.map { listed[$0] }, newest: newest, reference)
  }

  private func notice(_ index: Int, _ seq: Int64) -> CommitNotice {
    var notice = CommitNotice()
    notice.changes = [.init(request: listed[index].request.id.key, version: 2, seq: seq, organs: [])]
    return notice
  }

  @Test func whatChangesIsTakenOutBeforeTheCommitAndKeptByNobodyUntilItsEnd() {
    keep(0, 1)
    #expect(isKnown(0) && isKnown(1) && !isKnown(2))
    known.willCommit(notice(0, 11))
    #expect(!isKnown(0) && !isKnown(0, newest: 11) && isKnown(1) && isKnown(1, newest: 11))
    keep(0, 2)
    #expect(!isKnown(0) && isKnown(2))
    known.didCommit(notice(0, 11))
    keep(0, newest: 10)
    #expect(!isKnown(0), "read before the commit")
    keep(0, newest: 11)
    #expect(isKnown(0))
  }

  @Test func aCommitThatFailedChangesNothing() {
    keep(1)
    known.willCommit(notice(0, 11))
    known.willCommit(notice(2, 11))
    known.didCommit(notice(2, 11))
    #expect(isKnown(1))
    keep(0, newest: 11)
    #expect(isKnown(0))
  }

  @Test func whatAnotherProcessWroteMayHaveChangedAnything() {
    keep(0, 1)
    #expect(!isKnown(0, newest: 12))
    known.willCommit(notice(2, 13))
    known.didCommit(notice(2, 13))
    #expect(!isKnown(0) && !isKnown(1, newest: 13))
  }

  @Test func afterAChangeWithoutAnEventNothingIsKeptUntilThereIsOne() {
    keep(0, 1)
    var notice = CommitNotice()
    notice.amended = [listed[0].request.id.key]
    known.willCommit(notice)
    known.didCommit(notice)
    #expect(!isKnown(0) && isKnown(1))
    keep(0)
    #expect(!isKnown(0))
    known.willCommit(self.notice(2, 11))
    known.didCommit(self.notice(2, 11))
    keep(0, newest: 11)
    #expect(isKnown(0))
  }

  @Test func theOldestMakesRoom() {
    keep(0, 1, 2)
    keep(3)
    #expect(!isKnown(0) && isKnown(1) && isKnown(2) && isKnown(3))
    // What is known already needs no more room, and what was taken out has left some.
    keep(2, 3)
    #expect(isKnown(1) && isKnown(2) && isKnown(3))
    known.willCommit(notice(3, 11))
    known.didCommit(notice(3, 11))
    keep(3, newest: 11)
    #expect(!isKnown(1) && isKnown(2) && isKnown(3))
    keep(0, 4, newest: 11)
    #expect(isKnown(0) && isKnown(3) && isKnown(4))
  }

  @Test func underOtherListsNothingIsKnown() {
    keep(0)
    let other = Reference(
      organs: reference.organs, items: [], assistance: [], calendar: reference.calendar, procedures: [],
      lastDay: .midnight)
    #expect(known.requests([listed[0].request.id.key], newest: 10, other) == nil)
    known.keep([listed[1]], newest: 10, other)
    #expect(!isKnown(0))
  }
}
