import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// What is not filed yet is known without looking into the table, and only where all of it is known.
@Suite(.timeLimit(.minutes(5))) struct UnfiledTests {
  private static func notice(_ events: [(seq: Int64, organ: Int64)], filed: Int64? = nil) -> CommitNotice {
    var notice = CommitNotice()
    notice.changes = events.map { .init(request: $0.seq * 10, version: 1, seq: $0.seq, organs: [$0.organ, 9]) }
    notice.filedThrough = filed
    return notice
  }

  @Test func knowsWhatIsWhole() {
    let unfiled = Unfiled()
    #expect(unfiled.requests(after: 0, through: 1, of: nil) == nil, "nothing is known of event 1")
    unfiled.begin(filed: 3, [.init(seq: 4, request: 40, organs: [1, 9]), .init(seq: 5, request: 50, organs: [2, 9])])
    #expect(unfiled.requests(after: 3, through: 5, of: 1) == [40])
    #expect(unfiled.requests(after: 3, through: 5, of: nil) == [40, 50])
    #expect(unfiled.requests(after: 4, through: 5, of: nil) == [50])
    #expect(unfiled.requests(after: 2, through: 5, of: 1) == nil, "filed again before the start: a reader of the past")
    #expect(unfiled.requests(after: 3, through: 6, of: 1) == nil, "6 is committed and not told yet")
    unfiled.note(Self.notice([(6, 1), (7, 2)]))
    #expect(unfiled.requests(after: 3, through: 6, of: 1)?.isSuperset(of: [40, 60]) == true)
    #expect(unfiled.requests(after: 3, through: 7, of: 2) == [50, 70])
    #expect(unfiled.requests(after: 3, through: 7, of: 3) == [])
    // What was merely opened is looked at by nobody who asks for what is overdue.
    var opened = Self.notice([(8, 2), (9, 2)])
    opened.changes[0].mayBeOverdue = false
    unfiled.note(opened)
    #expect(unfiled.requests(after: 3, through: 9, of: 2) == [50, 70, 80, 90])
    #expect(unfiled.requests(after: 3, through: 9, of: 2, overdue: true) == [50, 70, 90])
  }

  /// Filing takes away what was filed the time before: a reader that began in between still finds all of its own.
  @Test func isShortenedOneFilingLate() {
    let unfiled = Unfiled()
    unfiled.begin(filed: 0, [])
    unfiled.note(Self.notice([(1, 1), (2, 1)], filed: 2))
    #expect(unfiled.requests(after: 0, through: 2, of: 1) == [10, 20])
    unfiled.note(Self.notice([(3, 1)]))
    unfiled.note(Self.notice([(4, 1)], filed: 4))
    #expect(unfiled.requests(after: 0, through: 4, of: 1) == nil)
    #expect(unfiled.requests(after: 2, through: 4, of: 1) == [30, 40])
    unfiled.note(Self.notice([(5, 1)], filed: 5))
    #expect(unfiled.requests(after: 2, through: 5, of: 1) == nil)
    #expect(unfiled.requests(after: 4, through: 5, of: 1) == [50])
  }

  /// Another process wrote 3 and 4: nothing is known until they are filed.
  @Test func aGapIsNoKnowledge() {
    let unfiled = Unfiled()
    unfiled.begin(filed: 0, [])
    unfiled.note(Self.notice([(1, 1), (2, 1)]))
    unfiled.note(Self.notice([(5, 1)]))
    for filed in Int64(0)...3 { #expect(unfiled.requests(after: filed, through: 5, of: nil) == nil) }
    #expect(unfiled.requests(after: 4, through: 5, of: nil) == [50])
    unfiled.note(Self.notice([(6, 1)], filed: 6))
    #expect(unfiled.requests(after: 6, through: 6, of: nil) == [])
  }

  /// Page by page the same as what the table says, while it grows, is filed, is changed, and after a start.
  @Test func listsAreThoseOfTheTable() async throws {
    let fixture = try Fixture()
    let first = try await Self.grow(try fixture.open())
    let store = try fixture.open()
    defer { store.close() }
    let reached = try await store.read { [unfiled = store.unfiled] db in
      try db.first(UnfiledSQL.reach) { unfiled.requests(after: $0.int(0), through: $0.int(1), of: nil) }
    }
    #expect(reached.flatMap { $0 }?.contains(first.key) == true, "known from the start")
    try await Self.compare(store, "after a start")
  }

  private static func grow(_ store: Store) async throws -> EntityID {
    defer { store.close() }
    let first = try await store.submit().id
    try await compare(store, "at first")
    for round in 0..<3 {
      for _ in 0..<(Filing.every - 40) { try await store.submit(by: round == 1 ? .credit : .requester) }
      try await compare(store, "in round \(round)")
      for _ in 0..<50 { try await store.submit() }
      try await compare(store, "filed in round \(round)")
    }
    try await store.carryOut(.confirm, first, by: .responder)
    try await compare(store, "answered")
    return first
  }

  private static func compare(_ store: Store, _ at: String) async throws {
    for organ in [Qidong.requester, .responder, .credit, .stranger] {
      let number = try store.number(organ)
      let (known, table) = try await store.read { [unfiled = store.unfiled] db in
        (try db.unfiled(unfiled, of: number).requests, try db.unfiled(Unfiled(), of: number).requests)
      }
      #expect(known == table, "\(organ) \(at)")
      // The table was not needed.
      let reach = try await store.read { db in try db.first(UnfiledSQL.reach) { ($0.int(0), $0.int(1)) } }
      let (filed, newest) = try #require(reach)
      #expect(store.unfiled.requests(after: filed, through: newest, of: number) != nil, "\(organ) \(at)")
    }
  }
}
