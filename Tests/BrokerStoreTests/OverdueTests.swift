import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// `overdue=true` is read from a list of its own, which must leave nothing out: held against every request there is.
@Suite(.timeLimit(.minutes(5))) struct OverdueTests {
  @Test(arguments: OverdueCourse.all.indices) func noneIsMissing(_ index: Int) async throws {
    let course = OverdueCourse.all[index]
    let office = try await OverdueOffice()
    defer { office.store.close() }
    let id = try await course.course(office)
    #expect(try await office.overdue().contains { $0.id == id } == course.isOverdue, "\(course.name)")
    try await office.check(course.name)
    try await office.file()
    try await office.check("\(course.name), filed")
    try await office.pass(days: 0)
    try await office.check("\(course.name), recorded")
    try await office.file()
    try await office.check("\(course.name), recorded and filed")
    #expect(try office.store.verify() == [])
    if try await office.store.request(id)?.request.state.name.isOpen == true {
      try await office.store.carryOut(.pullBack, id, by: .requester)
      try await office.check("\(course.name), withdrawn")
      try await office.file()
      try await office.check("\(course.name), withdrawn and filed")
    }
    #expect(try office.store.scalar("SELECT count(*) FROM filed_overdue WHERE request = \(id.key)") == 0)
    #expect(try office.store.verify() == [])
  }

  /// Anything in any order, filed and recorded now and then.
  @Test(arguments: [UInt64(1), 2, 3]) func anyMixAgreesWithAFullScan(_ seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    let office = try await OverdueOffice()
    defer { office.store.close() }
    var (ids, most): ([EntityID], Int) = ([], 0)
    let names = OverdueOffice.procedures.map(\.id)
    for step in 0..<170 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0, 1, 2:
        let pair = OverdueOffice.organs.shuffled(using: &random)
        let name = try #require(names.randomElement(using: &random))
        let back =
          Instant(milliseconds: office.store.clock.now.milliseconds).date + Int.random(in: -9...9, using: &random)
        let day = name == "published" || name == "dated" ? back.description : nil
        ids.append(try await office.submit(name, day: day, by: pair[0], to: pair[1]))
      case 3: office.sleep(days: Double.random(in: 0...2, using: &random))
      case 4: try await office.pass(days: Double.random(in: 0...3, using: &random))
      case 5: try await office.file()
      case 6 where step % 5 == 0:
        let day = office.store.clock.now.date + Int.random(in: -6...6, using: &random)
        try await office.announce([(day.description, Bool.random(using: &random) ? "off" : "work")])
      default:
        guard let id = ids.randomElement(using: &random), let request = try await office.store.request(id)?.request
        else { continue }
        try await Self.moveSomehow(request, office.store, &random)
      }
      try await office.check("seed \(seed), step \(step)")
      most = max(most, try await office.overdue().count)
    }
    #expect(most > 5, "some must have been overdue")
    #expect(try office.store.verify() == [])
    try await office.file()
    try await office.check("seed \(seed), at the end")
    #expect(try office.store.verify() == [])
  }

  /// One of the moves that the state allows; the law may still refuse it.
  private static func moveSomehow(
    _ request: AssistanceRequest, _ store: Store, _ random: inout SeededGenerator
  ) async throws {
    let target = OverdueOffice.organs.randomElement(using: &random)?.organ ?? request.responder
    let moves: [(Command, OrganCode)] = [
      (.acknowledge(officer: nil), request.responder), (.ask(text: "请补充"), request.responder),
      (.supply(text: "已补充"), request.requester),
      (.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil)), request.responder),
      (.transfer(.init(to: target, reason: "由其保管")), Qidong.supervisor.organ),
      (.transfer(.init(to: target, reason: "由其保管")), request.requester),
      (.extend(.init(workingDays: 2, reason: "档案移交", approver: "钱七")), request.responder),
      (.confirm, request.responder), (.pullBack, request.requester), (.remind(text: nil), request.requester),
    ]
    for (command, organ) in moves.filter({ request.state.name.allowed.contains($0.0.verb) }).shuffled(using: &random) {
      let refusal = await failure {
        _ = try await store.write { context in
          guard let stored = try context.request(request.id) else { throw StoreError.notFound }
          return try context.carryOut(command, on: stored, by: organ)
        }
      }
      guard let refusal else { return }
      guard case .refused = refusal else { throw refusal }
    }
  }

  /// Where more timers are due than a reader looks at, it goes through what is open.
  @Test func aStormIsReadAnotherWay() async throws {
    let office = try await OverdueOffice()
    defer { office.store.close() }
    let id = try await office.submit()
    try await office.file()
    office.sleep(days: 20)
    let now = office.store.clock.now.milliseconds
    try office.store.plant(
      """
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= \(OverdueSQL.timersRead))
      INSERT INTO timer (due_at, request, rung) SELECT \(now) - 20000 + i, \(id.key), 13 FROM n
      """)
    var filter = RequestFilter()
    filter.overdue = true
    let isFew = try await office.store.read { [filter] db in
      (try db.readsOverdue(filter, Instant(milliseconds: now)), try db.readsOverdue(filter, Instant(milliseconds: 1)))
    }
    #expect(isFew == (false, true))
    #expect(try await office.overdue().contains { $0.id == id })
    try await office.check("a storm")
  }

  @Test func theMigrationIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue)
    let made = try queue.read { db in
      try String.fetchOne(db, sql: "SELECT sql || ';' FROM sqlite_schema WHERE name = 'filed_overdue'")
    }
    #expect(made == GoldenSchema.filedOverdue)
  }

  /// A database of the version before opens with its rows kept, and lists what was overdue in it.
  @Test(arguments: [false, true]) func anOlderDatabaseGetsIt(definitionsAreLost: Bool) async throws {
    let (fixture, closed, before, now) = try await Self.leaveAnOlderDatabase(definitionsAreLost)
    let later = try OverdueOffice(reopening: fixture)
    defer { later.store.close() }
    later.store.clock.advance(to: now)
    #expect(try later.store.countsText == before)
    #expect(try await later.overdue().count == 8)
    try await later.check("after the migration")
    try await later.pass(days: 0)
    try await later.file()
    try await later.check("and filed")
    #expect(try later.store.scalar("SELECT count(*) FROM filed_overdue WHERE request = \(closed.key)") == 0)
    #expect(try later.store.verify() == [])
  }

  /// The lock of a daemon goes with its store.
  private static func leaveAnOlderDatabase(
    _ definitionsAreLost: Bool
  ) async throws -> (Fixture, closed: EntityID, counts: String, now: Instant) {
    let office = try await OverdueOffice()
    defer { office.store.close() }
    for name in ["verification", "mute", "receipt", "verification", "silent"] { try await office.submit(name) }
    let given = try await office.submit()
    try await office.store.carryOut(
      .transfer(.init(to: Qidong.credit.organ, reason: "由其保管")), given, by: .supervisor)
    let closed = try await office.submit()
    try await office.pass(days: 20)
    try await office.store.carryOut(.confirm, closed)
    try await office.file()
    try await office.submit("verification")
    office.sleep(days: 20)
    try office.store.plant("DROP TABLE filed_overdue")
    try office.store.plant("DELETE FROM grdb_migrations WHERE identifier = '10 what is overdue'")
    // As an upgrade from a version that kept none would find it.
    if definitionsAreLost { try office.store.plant("DELETE FROM procedure_version") }
    let before = try office.store.countsText
    let now = office.store.clock.now
    return (office.fixture, closed, before, now)
  }

  @Test func verifyFindsWhatIsMissing() async throws {
    let office = try await OverdueOffice()
    defer { office.store.close() }
    let id = try await office.submit()
    try await office.pass(days: 20)
    try await office.file()
    #expect(try office.store.verify() == [])
    try office.store.plant("DELETE FROM filed_overdue WHERE request = \(id.key) AND role = 1")
    #expect(try office.store.verify().map(\.en) == ["requests that are not filed as overdue as they are: 1 row"])
  }
}
