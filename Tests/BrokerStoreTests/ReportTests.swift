import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// Reports agree with the events to the last one: filed or not, before and after a restart, and when they are built for
/// a database that had no tallies.
@Suite(.timeLimit(.minutes(5))) struct ReportTests {
  /// A sealed procedure, one in which receipt is all that is owed, one whose clock a transfer leaves as it is and one whose
  /// clock binds the sender, besides the two of every fixture.
  static let procedures =
    Fixture.procedures + [
      variant("sealed", clock: .workingDays(3, from: .receipt), isSealed: true),
      variant(Recount.receiptOnly, clock: .acknowledge(workingDays: 1), isSealed: false),
      variant(Recount.clockKept, clock: .workingDays(5, from: .receipt), isSealed: false, handover: .keeps),
      variant(Recount.filing, clock: .workingDays(3, from: .field("on")), isSealed: false, binds: .sender),
    ]

  private static func variant(
    _ id: String, clock: Procedure.Clock, isSealed: Bool, handover: Procedure.Handover = .restarts,
    binds: Procedure.Bound = .receiver
  ) -> Procedure {
    let base = Fixture.procedures[0]
    let isFree = binds == .receiver
    let on = Procedure.Field(name: "on", label: Phrase("日期", "date"), kind: .date(.any), required: true)
    return Procedure(
      id: id, title: base.title, clause: base.clause, openers: .roles([]), answerers: [], clock: clock,
      acknowledgeDays: Recount.acknowledgeDays(id), returnDays: 2, supplement: isFree, allowsExtension: isFree,
      allowsTransfer: isFree,
      item: .optional,
      subject: .optional, questions: .required, answerKind: .findings, outcomes: base.outcomes,
      declineReasons: base.declineReasons + [.init(id: "other", title: Phrase("其他", "other"))],
      fields: isFree ? [] : [on], answerFields: [], isSealed: isSealed, copies: [], ladder: Rung.allCases,
      handover: handover, binds: binds)
  }

  private static func open(_ fixture: Fixture) throws -> Store {
    try Store.open(directory: fixture.directory, role: .daemon, procedures: procedures)
  }

  private static let organs: [Qidong] = [.市医保局, .市民政局, .市公安局, .市财政局, .市税务局]

  /// Moves requests at random for some months, with every verb that a turn knows.
  private static func populate(_ store: Store, seed: UInt64, steps: Int) async throws {
    var random = SeededGenerator(seed: seed)
    let keeper = DeadlineKeeper(store: store) { _ in }
    var ids: [EntityID] = []
    for _ in 0..<steps {
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<5:
        let pair = organs.shuffled(using: &random)
        let item = store.reference.items.prefix(4).map(\.code).randomElement(using: &random)
        let procedure = procedures.map(\.id).randomElement(using: &random) ?? ""
        let on = store.clock.now.date + -Int.random(in: 0...9, using: &random)
        let submission = Submission.marriage(
          to: pair[0], item: Bool.random(using: &random) ? item : nil, procedure: procedure,
          data: procedure == Recount.filing ? .object([.init("on", .string(on.description))]) : .object([]))
        ids.append(try await store.submit(submission, by: pair[1]).id)
      case 5..<18:
        guard let id = ids.suffix(60).randomElement(using: &random) else { continue }
        try await move(store, id, &random)
      default:
        let hours = Int64.random(in: 2...60, using: &random)
        _ = try await keeper.rehearse(to: store.clock.now + hours * 3_600_000)
      }
    }
  }

  private static func move(_ store: Store, _ id: EntityID, _ random: inout SeededGenerator) async throws {
    guard let request = try await store.request(id)?.request else { return }
    let (asked, asker) = (request.responder, request.requester)
    let other = organs.map(\.organ).filter { $0 != asked && $0 != asker }.randomElement(using: &random) ?? asker
    let decline = Command.decline(
      Decline(reasonCode: "not-competent", reason: "登记档案由省级部门保管", competentOrgan: nil, signatory: "赵六"))
    let transfer = Command.transfer(.init(to: other, reason: "由其掌握登记信息"))
    let moves: [(Command, OrganCode)] = [
      (.acknowledge(officer: nil), asked), (.acknowledge(officer: "钱七"), asked), (.confirm, asked), (.confirm, asked),
      (decline, asked), (.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil)), asked), (.ask(text: "登记地"), asked),
      (.supply(text: "在启东登记"), asker), (.supply(text: "在启东登记"), asker),
      (.extend(.init(workingDays: 2, reason: "调阅纸质档案", approver: "局长")), asked), (transfer, Qidong.supervisor.organ),
      (transfer, asker), (.transfer(.init(to: asked, reason: "由其继续办理")), Qidong.supervisor.organ), (.pullBack, asker),
      (.close(text: nil), asker), (.remind(text: nil), asker),
    ]
    guard let (command, by) = moves.randomElement(using: &random) else { return }
    _ = await failure {
      _ = try await store.write { context in
        guard let stored = try context.request(id) else { throw StoreError.notFound }
        let decision = try stored.request.carryOut(
          command, by: by, now: context.now, expectedVersions: nil, reference: context.reference)
        try context.apply(decision, previous: stored.request)
      }
    }
  }

  private static let wide = (from: CalendarDate("2025-01-01")!, to: CalendarDate("2028-12-31")!)
  private static let periods: [(from: CalendarDate, to: CalendarDate)] = [
    wide, (CalendarDate("2026-03-01")!, CalendarDate("2026-04-30")!),
    (CalendarDate("2026-03-04")!, CalendarDate("2026-05-17")!),
    (CalendarDate("2026-03-10")!, CalendarDate("2026-03-12")!),
    (CalendarDate("2026-03-31")!, CalendarDate("2026-04-01")!),
    (CalendarDate("2026-04-01")!, CalendarDate("2026-04-01")!),
    (CalendarDate("2026-03-15")!, CalendarDate("2026-04-30")!),
  ]

  private static func scopes(_ store: Store) throws -> [ReportScope] {
    let all = Set(store.reference.organs.map(\.number))
    return [
      ReportScope(organs: all, own: nil), ReportScope(organs: all, own: try store.number(.市公安局)),
      ReportScope(organs: [try store.number(.市民政局)], own: try store.number(.市民政局)),
    ]
  }

  private static func key(_ turn: Recount.Turn, _ grouping: ReportGrouping) -> ReportKey {
    switch grouping {
    case .organ: .organ(turn.organ)
    case .procedure: .procedure(turn.procedure)
    case .item: .item(turn.item)
    case .month: .month(CalendarDate(String(turn.day.description.prefix(8)) + "01")!)
    }
  }

  /// What ended late, in words: of what the days received, or of what had been received before and ended in them.
  private static func lateEnds(_ turns: [Recount.Turn], _ from: CalendarDate, _ to: CalendarDate, earlier: Bool)
    -> [Int64: [String: Int]]
  {
    var counts: [Int64: [String: Int]] = [:]
    for turn in turns {
      for end in turn.lateEnds
      where earlier
        ? turn.day < from && end.on >= from && end.on <= to : turn.day >= from && turn.day <= to
      {
        counts[turn.organ, default: [:]][end.how, default: 0] += 1
      }
    }
    return counts
  }

  private static func words(_ ends: [Int64: LateEnds]) -> [Int64: [String: Int]] {
    ends.mapValues { Dictionary(uniqueKeysWithValues: $0.counts.map { ($0.rawValue, $1) }) }
  }

  /// Every figure of every grouping, for several periods and readers.
  private static func expectAgreement(_ store: Store, _ what: Comment) async throws {
    let recount = try Recount(store)
    for (from, to) in periods {
      for scope in try scopes(store) {
        let turns = recount.turns.filter {
          $0.day >= from && $0.day <= to && scope.organs.contains($0.organ)
            && ($0.procedure != "sealed" || $0.organ == scope.own)
        }
        let report = try await store.timeliness(
          from: from, to: to, by: ReportGrouping.allCases, scope, lateEnds: true)
        let readable = recount.turns.filter {
          scope.organs.contains($0.organ) && ($0.procedure != "sealed" || $0.organ == scope.own)
        }
        #expect(words(report.lateEnds) == lateEnds(readable, from, to, earlier: false), what)
        #expect(words(report.earlierLateEnds) == lateEnds(readable, from, to, earlier: true), what)
        #expect(report.total.text == Recount.text(turns) ?? Figures().text, what)
        for grouping in ReportGrouping.allCases {
          let rows = report.rows[grouping] ?? []
          let shown = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, $0.figures.text) })
          let counted = Dictionary(grouping: turns) { key($0, grouping) }.compactMapValues { Recount.text($0) }
          #expect(shown == counted, what)
        }
        #expect(report.overdue.count == min(Store.overdueShown, report.total.overdue), what)
      }
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func figuresAreThoseOfTheEvents(seed: UInt64) async throws {
    let fixture = try Fixture()
    do {
      let store = try Self.open(fixture)
      defer { store.close() }
      try await Self.populate(store, seed: seed, steps: 400)
      #expect(try store.scalar("SELECT through FROM report_filing") == 0)
      try await Self.expectAgreement(store, "before anything is filed")
      try await Self.populate(store, seed: seed + 100, steps: 2000)
      let through = try store.scalar("SELECT through FROM report_filing")
      let newest = try store.scalar("SELECT max(seq) FROM event")
      #expect(through > 0 && through < newest)
      try await Self.expectAgreement(store, "some filed and some not")
      #expect(try store.verify() == [])
      let turns = try Recount(store).turns
      let outcomes = Set(turns.map(\.outcome))
      let wanted: Set<String> = [
        "on time", "late", "declined not-competent", "returned", "transferred", "withdrawn", "open", "sent late",
        "let go",
      ]
      #expect(outcomes.union(["let go"]) == wanted, "the walk must see everything")
      #expect(Set(turns.map { $0.day.description.prefix(7) }).count >= 3 && turns.contains { $0.overdue })
      #expect(turns.contains { $0.saidInTime == true } && turns.contains { $0.saidInTime == false })
      #expect(turns.contains { $0.declinedLate } && turns.count { $0.procedure == "sealed" } > 20)
      let late = Set(turns.flatMap(\.lateEnds).map(\.how))
      // These two are too rare for a walk: returned late is what has two days for that and one for the rest.
      let seen = late.union(["returned", "let-go"])
      #expect(seen == Set(LateEnd.allCases.map(\.rawValue)), "the walk must see everything: \(late)")
      #expect(try store.verify() == [])
    }
    let before = try await Self.afterRestart(fixture)
    let rebuilt = try Self.open(fixture)
    defer { rebuilt.close() }
    #expect(try Self.tallies(rebuilt) == before)
    try await Self.expectAgreement(rebuilt, "built anew")
  }

  /// Leaves the database as one of the version before tallies is, for the next start to build them from the log.
  /// - Returns: the tallies that were there.
  private static func afterRestart(_ fixture: Fixture) async throws -> [String] {
    let store = try open(fixture)
    defer { store.close() }
    try await expectAgreement(store, "after a restart")
    let before = try tallies(store)
    for table in ["report_tally", "report_cell"] { try store.plant("DELETE FROM \(table)") }
    try store.plant("UPDATE report_filing SET through = 0")
    return before
  }

  /// The days of an answer are those of its clock: of the organ that had it first, where a transfer leaves the clock, and
  /// as they were when receipt met it.
  @Test func daysAreThoseOfTheClock() async throws {
    let fixture = try Fixture()
    try PastRegionTests.load(
      fixture, .organs,
      "code,name,role,region\n\(Qidong.responder.code),民政局,member,450100\n\(Qidong.市总工会.code),总工会,supervisor,450100\n")
    try PastRegionTests.load(
      fixture, .calendar, "date,kind,festival,notice,region\n2026-03-03,off,三月三,通知,45\n2026-03-04,off,三月三,通知,45\n")
    let store = try Self.open(fixture)
    defer { store.close() }
    let moved = try await store.submit(.marriage(to: .市民政局, item: nil, procedure: Recount.clockKept), by: .市医保局)
    let met = try await store.submit(.marriage(to: .市民政局, item: nil, procedure: Recount.receiptOnly), by: .市医保局)
    _ = try await store.advance(to: "2026-03-05T10:00:00+08:00")
    try await store.carryOut(.transfer(.init(to: Qidong.市财政局.organ, reason: "由其掌握登记信息")), moved.id, by: .市总工会)
    try await store.carryOut(.confirm, moved.id, by: .市财政局)
    try await store.carryOut(.acknowledge(officer: nil), met.id)
    store.clock.advance(to: store.clock.now + 1000)
    // Where it is from now on, both days count, as they did for the organ that answered the other one.
    try PastRegionTests.load(fixture, .organs, "code,name,region\n\(Qidong.responder.code),民政局,320681\n")
    _ = try await store.refresh()
    try await store.carryOut(.confirm, met.id)
    let scope = ReportScope(organs: Set(store.reference.organs.map(\.number)), own: nil)
    let report = try await store.timeliness(from: Self.wide.from, to: Self.wide.to, by: [.procedure], scope)
    let rows = Dictionary(uniqueKeysWithValues: (report.rows[.procedure] ?? []).map { ($0.key, $0.figures) })
    for id in [Recount.receiptOnly, Recount.clockKept] { #expect(rows[.procedure(id)]?.days.median == "1", "\(id)") }
  }

  private static func tallies(_ store: Store) throws -> [String] {
    try store.pool.read { db in
      try String.fetchAll(
        db,
        sql: """
          SELECT t.span || ' ' || t.start || ' ' || c.organ || ' ' || c.procedure || ' ' || c.item || ' ' || c.measure
            || ' ' || t.days || ' ' || t.count
          FROM report_tally t JOIN report_cell c ON c.id = t.cell ORDER BY 1
          """)
    }
  }

  /// Tallies of a version that did not count who acknowledged in time are counted anew, with it.
  @Test func talliesOfTheVersionBeforeAreCountedAnew() async throws {
    let fixture = try Fixture()
    let before = try await fixture.life { store in
      for index in 0..<600 {
        let id = try await store.submit().id
        if index % 3 == 0 { try await store.carryOut(.acknowledge(officer: nil), id) }
        if index % 3 == 1 { try await store.carryOut(.confirm, id) }
      }
      return try Self.tallies(store)
    }
    let queue = try DatabaseQueue(path: fixture.database)
    try await queue.writeWithoutTransaction { db in
      try db.execute(
        sql: """
          DELETE FROM report_tally WHERE cell IN (SELECT id FROM report_cell WHERE measure LIKE 'acknowledged-%');
          DELETE FROM report_cell WHERE measure LIKE 'acknowledged-%';
          DELETE FROM grdb_migrations WHERE identifier = '12 acknowledged in time';
          """)
    }
    try queue.close()
    try await fixture.life { store in
      #expect(try Self.tallies(store) == before)
      let scope = ReportScope(organs: Set(store.reference.organs.map(\.number)), own: nil)
      let total = try await store.timeliness(from: Self.wide.from, to: Self.wide.to, by: [.organ], scope).total
      #expect(total.acknowledgedOnTime == 400 && total.acknowledgedLate == 0 && total.acknowledged.total == 200)
      #expect(try store.verify() == [])
    }
  }

  /// A database of the version before tells of what ended late as if it had always counted it.
  @Test func whatEndedLateIsCountedOfTheVersionBeforeToo() async throws {
    let fixture = try Fixture()
    let (from, to) = (CalendarDate("2026-04-01")!, CalendarDate("2026-04-30")!)
    func ends(_ store: Store) async throws -> [Int64: [String: Int]] {
      let scope = ReportScope(organs: Set(store.reference.organs.map(\.number)), own: nil)
      return Self.words(
        try await store.timeliness(from: from, to: to, by: [.organ], scope, lateEnds: true).earlierLateEnds)
    }
    let before = try await fixture.life { store in
      var ids: [EntityID] = []
      for _ in 0..<Filing.every { ids.append(try await store.submit().id) }
      try await store.advance(to: "2026-04-02T10:00:00+08:00")
      for id in ids.prefix(40) { try await store.carryOut(.confirm, id) }
      for id in ids.suffix(2) { try await store.carryOut(.pullBack, id, by: .requester) }
      for _ in 0..<Filing.every { try await store.submit() }
      #expect(try store.scalar("SELECT sum(count) FROM late_end") == 42)
      return try await ends(store)
    }
    #expect(before.values.map { $0 } == [["answered": 40, "withdrawn": 2]])
    let queue = try DatabaseQueue(path: fixture.database)
    try await queue.writeWithoutTransaction { db in
      try db.execute(
        sql: "DROP TABLE late_end; DELETE FROM grdb_migrations WHERE identifier = '22 what ended late'")
    }
    try queue.close()
    try await fixture.life { store in
      let after = try await ends(store)
      #expect(after == before)
      #expect(try store.scalar("SELECT sum(count) FROM late_end") == 42)
      #expect(try store.verify() == [])
    }
  }

  @Test func theTableOfWhatEndedLateIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "21 old secrets of endpoints")
    let before = try SchemaTests.statements(queue)
    try Schema.migrator.migrate(queue, upTo: "22 what ended late")
    #expect(try SchemaTests.statements(queue).filter { !before.contains($0) } == [GoldenSchema.lateEnd])
  }

  /// A database of the version before opens with its rows kept, and has figures and readers at once.
  @Test func theVersionBeforeIsBroughtUpToDate() async throws {
    let fixture = try Fixture()
    let id = try await fixture.life { store in
      let ids = try await (0..<700).asyncMap { _ in try await store.submit().id }
      for id in ids.prefix(600) { try await store.carryOut(.confirm, id) }
      let organ = try store.number(.responder)
      try await store.write { try $0.recordDisclosure(of: ids[0], to: organ, key: 1) }
      return ids[0]
    }
    let queue = try DatabaseQueue(path: fixture.database)
    try await queue.writeWithoutTransaction { db in
      try db.execute(
        sql: """
          DROP TABLE report_tally; DROP TABLE report_cell; DROP TABLE report_filing;
          ALTER TABLE disclosure DROP COLUMN what;
          DELETE FROM grdb_migrations WHERE identifier = '2 reports and reads';
          """)
    }
    try queue.close()
    try await fixture.life { store in
      let scope = ReportScope(organs: Set(store.reference.organs.map(\.number)), own: nil)
      let report = try await store.timeliness(from: Self.wide.from, to: Self.wide.to, by: [.organ], scope)
      #expect(report.total.answered == 600 && report.total.open == 100 && report.total.received == 700)
      #expect(try await store.disclosures(of: id).items.map(\.what) == [.subject])
      #expect(try store.verify() == [])
    }
  }
}

extension Sequence where Element: Sendable {
  fileprivate func asyncMap<T>(_ body: (Element) async throws -> T) async rethrows -> [T] {
    var result: [T] = []
    for element in self { result.append(try await body(element)) }
    return result
  }
}
