import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// A broker, its operator and its keeper.
struct OverdueOffice {
  static let organs: [Qidong] = [.requester, .responder, .stranger, .credit]

  private static func procedure(
    _ id: String, _ clock: Procedure.Clock = .workingDays(5, from: .receipt), ladder: [Rung] = Rung.allCases,
    openers: Procedure.Openers = .roles([])
  ) -> Procedure {
    Procedure(
      id: id, title: Phrase("事项", "procedure"), clause: "启东方案 二(五)", openers: openers, answerers: [],
      clock: clock, acknowledgeDays: 1, returnDays: 9, supplement: true, allowsExtension: true, allowsTransfer: true,
      item: .optional, subject: .optional, questions: .required, answerKind: .findings,
      outcomes: ["confirmed", "contradicted"].map { .init(id: $0, title: Phrase($0, $0)) },
      declineReasons: [.init(id: "not-competent", title: Phrase("不属于本机关职权", "not competent"))],
      fields: [.init(name: "day", label: Phrase("日期", "day"), kind: .date(.any), required: false)], answerFields: [],
      isSealed: false, copies: [], ladder: ladder)
  }

  /// Every clock, and ladders that leave out the step by which a request is told to be overdue, or all steps.
  static let procedures = [
    procedure("verification"), procedure("dated", .statedDate(field: "day", roll: .following, otherwise: 3)),
    procedure("published", .workingDays(3, from: .field("day"))), procedure("receipt", .acknowledge(workingDays: 1)),
    procedure("silent", ladder: [.twoDaysLeft, .escalated]),
    procedure("mute", .workingDays(1, from: .receipt), ladder: []),
    procedure("own", .workingDays(2, from: .receipt), openers: .itself),
  ]

  let fixture: Fixture
  let store: Store

  init() async throws {
    fixture = try Fixture()
    store = try Store.open(directory: fixture.directory, role: .daemon, procedures: Self.procedures)
    // There is always one that stays open; the supervisor reminds of it, so that there is something to file.
    try await submit("silent", by: .credit, to: .stranger)
  }

  /// A later life of the daemon.
  init(reopening fixture: Fixture) throws {
    self.fixture = fixture
    store = try Store.open(directory: fixture.directory, role: .daemon, procedures: Self.procedures)
  }

  @discardableResult
  func submit(
    _ procedure: String = "verification", day: String? = nil, by requester: Qidong = .requester,
    to: Qidong = .responder
  ) async throws -> EntityID {
    let content = Content(
      questions: [Question(id: "q1", text: "申请人是否已办理结婚登记", asOf: nil)], purpose: "产前检查费支付",
      data: .object(day.map { [.init("day", .string($0))] } ?? []))
    return try await store.submit(
      Submission(
        procedure: procedure, item: nil, to: procedure == "own" ? nil : to.organ, subject: nil, content: content),
      by: requester
    ).id
  }

  /// Moves the clock; the keeper is asleep.
  func sleep(days: Double) { store.clock.advance(to: store.clock.now + Int64(days * 86_400_000)) }

  /// Moves the clock and records what falls due.
  func pass(days: Double) async throws {
    let later = store.clock.now + Int64(days * 86_400_000)
    _ = try await DeadlineKeeper(store: store) { _ in }.rehearse(to: later)
  }

  /// Files every event.
  func file() async throws {
    let first = try store.scalar("SELECT min(key) FROM request")
    try await store.write { context in
      guard let stored = try context.request(key: first) else { throw StoreError.notFound }
      _ = try context.carryOut(.remind(text: nil), on: stored, by: Qidong.supervisor.organ)
      try context.fileEvents(every: 1)
    }
    #expect(try store.scalar("SELECT through FROM filing") == store.newestEventNow())
  }

  func announce(_ days: [(date: String, kind: String)]) async throws {
    let rows = days.map { "\($0.date),\($0.kind),测试,通知\n" }.joined()
    let command = try Store.open(
      directory: fixture.directory, role: .command, procedures: Self.procedures)
    defer { command.close() }
    _ = try command.importFile(.calendar, Array(("date,kind,festival,notice\n" + rows).utf8))
    try await store.refresh()
  }

  /// Newest first, by a look at every row.
  func overdue() async throws -> [AssistanceRequest] {
    let reference = store.reference
    let now = store.clock.now
    return try await store.read { db in
      try db.all(KeysSQL.all) { $0.int(0) }.compactMap { try StoredRequest.load($0, db, reference)?.request }
        .filter { $0.isOverdue(now: now) }
    }
  }

  /// Each organ's lists, whole and by pages, and that of the supervisor.
  func check(_ what: String) async throws {
    let all = try await overdue()
    var filter = RequestFilter()
    filter.overdue = true
    for organ in Self.organs {
      let number = try store.number(organ)
      for role in [nil, RequestFilter.Role.requester, .responder] {
        filter.role = role
        let expected = all.filter { request in
          (role != .responder && request.requester == organ.organ)
            || (role != .requester && request.responder == organ.organ)
        }.map(\.id)
        let found = try await store.requests(of: number, filter, cursor: nil, limit: 500)
        #expect(found.items.map(\.request.id) == expected, "\(what): \(organ) \(String(describing: role))")
        let first = try await store.requests(of: number, filter, cursor: nil, limit: 2)
        #expect(first.items.map(\.request.id) == Array(expected.prefix(2)), "\(what): \(organ), a page")
        guard let next = first.next else { continue }
        let second = try await store.requests(of: number, filter, cursor: next, limit: 500)
        #expect(second.items.map(\.request.id) == Array(expected.dropFirst(2)), "\(what): \(organ), next page")
      }
    }
    let supervisor = try #require(store.reference.organ(Qidong.supervisor.organ))
    let watched = try await store.supervised(by: supervisor, filter, cursor: nil, limit: 500)
    #expect(watched.items.map(\.request.id) == all.map(\.id), "\(what): supervisor")
  }

  private enum KeysSQL: String { case all = "SELECT key FROM request ORDER BY key DESC" }
}
