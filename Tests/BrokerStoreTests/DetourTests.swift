import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// Supplements, extensions, returns and transfers as the rows know them.
@Suite(.timeLimit(.minutes(5))) struct DetourTests {
  private static let ask = Command.ask(text: "请补充结婚登记地")
  private static let supply = Command.supply(text: "启东市")
  private static let giveBack = Command.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil))
  private static let extend = Command.extend(.init(workingDays: 3, reason: "需调阅纸质档案", approver: "局长"))
  private static func move(_ to: Qidong) -> Command { .transfer(.init(to: to.organ, reason: "由其掌握登记信息")) }

  private static func list(_ store: Store, _ organ: Qidong, _ states: [StateName]? = nil) async throws -> [EntityID] {
    var filter = RequestFilter()
    filter.states = states
    return try await store.requests(of: store.number(organ), filter, cursor: nil, limit: 100).items.map(\.request.id)
  }

  private static func rungs(_ store: Store, _ id: EntityID) async throws -> [String] {
    try await store.timeline(id).map(\.type).filter {
      ["request.due-soon", "request.overdue", "request.escalated"].contains($0)
    }
  }

  /// No rung fires while the clock stands still, all of them on the next one, and each only once.
  @Test func aPausedClockIsSilentAndTheNextOneIsNot() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let keeper = DeadlineKeeper(store: store) { _ in }
    let id = try await store.submit().id
    try await store.carryOut(Self.ask, id)
    _ = try await keeper.rehearse(to: store.clock.now + 20 * Instant.millisecondsPerDay)
    #expect(try await Self.rungs(store, id) == [])
    #expect(try await store.tallies().first { $0.state == Store.overdueTally }?.count ?? 0 == 0)
    try await store.carryOut(Self.supply, id, by: .requester)
    _ = try await keeper.rehearse(to: store.clock.now + 20 * Instant.millisecondsPerDay)
    #expect(
      try await Self.rungs(store, id) == [
        "request.due-soon", "request.due-soon", "request.overdue", "request.escalated",
      ])
    #expect(try await store.tallies().first { $0.state == Store.overdueTally }?.count == 1)
    #expect(try store.verify() == [])
  }

  /// Overdue at one organ, transferred, and overdue again at the next.
  @Test func everyOrganHasALadderOfItsOwn() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let keeper = DeadlineKeeper(store: store) { _ in }
    let id = try await store.submit().id
    _ = try await keeper.rehearse(to: store.clock.now + 12 * Instant.millisecondsPerDay)
    #expect(try await Self.rungs(store, id).count == 4)
    try await store.carryOut(Self.move(.stranger), id, by: .supervisor)
    #expect(try await store.tallies().first { $0.state == Store.overdueTally }?.count == 0, "nobody is late any more")
    #expect(try store.verify() == [])
    _ = try await keeper.rehearse(to: store.clock.now + 12 * Instant.millisecondsPerDay)
    #expect(try await Self.rungs(store, id).count == 8)
    #expect(try await store.tallies().first { $0.state == Store.overdueTally }?.count == 1)
    #expect(try store.verify() == [])
  }

  /// An extension moves what is still to come and repeats nothing.
  @Test func anExtensionMovesTheLadder() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let keeper = DeadlineKeeper(store: store) { _ in }
    let request = try await store.submit()
    let second = store.reference.calendar.moment(of: .twoDaysLeft, deadline: request.deadline, region: nil)
    _ = try await keeper.rehearse(to: second)
    #expect(try await Self.rungs(store, request.id) == ["request.due-soon"])
    let extended = try await store.carryOut(Self.extend, request.id)
    _ = try await keeper.rehearse(to: request.deadline.at)
    #expect(try await Self.rungs(store, request.id).count <= 2, "not overdue at the old moment")
    _ = try await keeper.rehearse(to: extended.deadline.at + 5 * Instant.millisecondsPerDay)
    #expect(
      try await Self.rungs(store, request.id) == [
        "request.due-soon", "request.due-soon", "request.overdue", "request.escalated",
      ])
    #expect(try store.verify() == [])
  }

  /// Who gave it away finds it neither in the unfiled nor in the filed part of its list.
  @Test func aTransferredRequestChangesLists() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let id = try await store.submit().id
    for _ in 0..<Filing.every { try await store.submit(by: .credit) }
    #expect(try store.scalar("SELECT count(*) FROM filed_request WHERE request = \(id.key)") == 2)
    try await store.carryOut(Self.giveBack, id)
    try await store.carryOut(Self.move(.stranger), id, by: .requester)
    for _ in 0..<2 {
      #expect(try await !Self.list(store, .responder).contains(id))
      #expect(try await Self.list(store, .stranger) == [id])
      #expect(try await Self.list(store, .requester, [.submitted]) == [id])
      for _ in 0..<Filing.every { try await store.submit(by: .credit) }
    }
    #expect(try store.verify() == [])
  }

  /// The first message of a request says what was so then, whatever came in between.
  @Test(arguments: [Endpoint.Body.thin, .full]) func bodiesTellThePastAsItWas(_ kind: Endpoint.Body) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let reference = store.reference
    func body(_ seq: Int64) throws -> String {
      let message = try store.readNow { db in try CallbackMessage.load(seq: seq, kind, db, reference) }
      return String(decoding: try #require(message).body, as: UTF8.self)
    }
    let id = try await store.submit().id
    var told: [Int64: String] = [:]
    func remember() async throws {
      for event in try await store.timeline(id) where told[event.seq] == nil { told[event.seq] = try body(event.seq) }
    }
    try await remember()
    let steps: [(Command, Qidong)] = [
      (.acknowledge(officer: "钱七"), .responder), (Self.ask, .responder), (Self.supply, .requester),
      (Self.extend, .responder), (Self.giveBack, .responder), (Self.move(.stranger), .requester),
      (.remind(text: nil), .requester), (.confirm, .stranger), (.close(text: nil), .requester),
    ]
    // Another one that is let go while the clock stands still.
    let other = try await store.submit().id
    try await store.carryOut(Self.giveBack, other)
    let returned = try #require(try await store.timeline(other).last).seq
    let before = try body(returned)
    try await store.carryOut(.pullBack, other, by: .requester)
    #expect(try body(returned) == before)
    for (command, organ) in steps {
      store.clock.advance(to: store.clock.now + 60_000)
      try await store.carryOut(command, id, by: organ)
      try await remember()
      for (seq, before) in told { #expect(try body(seq) == before, "event \(seq) after \(command.verb)") }
    }
    #expect(told.count == 10)
    #expect(try store.verify() == [])
  }
}
