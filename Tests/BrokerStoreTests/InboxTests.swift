import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// What people are told of a deadline: each rung once, in office hours only. Requests are received on Monday 2 March 2026
/// and due on Monday the 9th.
@Suite(.timeLimit(.minutes(5))) struct InboxTests {
  private static func notices(_ store: Store, _ organ: Qidong, _ audience: Audience? = nil) async throws -> [String] {
    try await store.inbox(organ: try store.number(organ), audience: audience, after: 0, limit: 100).map { item in
      guard case .request(let notice) = item, case .rung(let rung) = notice.matter else { return "\(item)" }
      return "\(rung.name) \(notice.audience) \(notice.at.rfc3339.dropFirst(5).prefix(11))"
    }
  }

  private static let office = [
    "T-2 contact 03-05T09:00", "T-1 contact 03-06T09:00", "T leader 03-10T09:00", "T+1 leader 03-10T09:00",
  ]

  @Test func theContactThenTheLeaderThenTheSupervisor() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    #expect(try store.scalar("SELECT count(*) FROM timer") == 1, "submission arms one timer")
    for (moment, count) in [
      ("2026-03-05T08:59:59+08:00", 0), ("2026-03-05T09:00:00+08:00", 1), ("2026-03-06T08:00:00+08:00", 1),
      ("2026-03-06T09:00:00+08:00", 2), ("2026-03-10T08:00:00+08:00", 2), ("2026-03-10T09:00:00+08:00", 4),
      ("2026-03-20T12:00:00+08:00", 4),
    ] {
      try await store.advance(to: moment)
      #expect(try await Self.notices(store, .responder) == Array(Self.office.prefix(count)), "\(moment)")
    }
    #expect(try await Self.notices(store, .supervisor) == ["T+1 supervisor 03-10T09:00"])
    for organ in [Qidong.requester, .stranger] { #expect(try await Self.notices(store, organ) == []) }
    #expect(try await Self.notices(store, .responder, .leader) == Array(Self.office[2...]))
    let seqs = try await store.pool.read { try String.fetchAll($0, sql: "SELECT audience FROM inbox ORDER BY seq") }
    #expect(seqs == ["contact", "contact", "leader", "leader", "supervisor"])
    // The rungs are events as they were, and say for whom and when.
    let rungs = try await store.timeline(request.id).dropFirst().map { try JSON.parse($0.data) }
    #expect(rungs.compactMap { $0["audience"]?.stringValue } == ["contact", "contact", "leader", "supervisor"])
    #expect(
      rungs.compactMap { $0["notifyAt"]?.stringValue?.dropFirst(5).prefix(11) } == [
        "03-05T09:00", "03-06T09:00", "03-10T09:00", "03-10T09:00",
      ])
    #expect(try store.scalar("SELECT count(*) FROM timer") == 0)
    #expect(try store.verify() == [])
  }

  /// County, prefecture and province: people and machines of the nearest 司法局 are told, those of no other.
  @Test func oneSupervisorIsTold() async throws {
    let fixture = try Fixture()
    let command = try fixture.open(.command)
    _ = try command.importFile(
      .organs,
      Array(
        """
        code,name,region,role
        113206000142600143,南通市司法局,320600,supervisor
        11320000014000014G,江苏省司法厅,320000,supervisor

        """.utf8))
    command.close()
    let store = try fixture.open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.advance(to: "2026-03-20T12:00:00+08:00")
    #expect(try await Self.notices(store, .supervisor) == ["T+1 supervisor 03-10T09:00"])
    #expect(try store.scalar("SELECT count(*) FROM inbox WHERE audience = 'supervisor'") == 1)
    for organ in store.reference.organs where organ.roles.contains(.supervisor) {
      let told = try await store.feed(organ: organ.number, after: 0, limit: 9).map(\.type)
      #expect(told == (organ.code == Qidong.supervisor.organ ? ["request.escalated"] : []), "\(organ.name)")
      #expect(request.parties(organ.code, store.reference) == [.supervisor])
    }
    #expect(try store.verify() == [])
  }

  @Test func onceAcrossRestartsAndAgainstTimersArmedByHand() async throws {
    let fixture = try Fixture()
    let id = try await fixture.life { try await $0.submit().id }
    for day in 3...14 {
      try await fixture.life { store in
        try await store.advance(to: "2026-03-\(day < 10 ? "0" : "")\(day)T12:00:00+08:00")
        let code = RungCode(.twoDaysLeft, leg: 0, isForPeople: true).code
        try store.plant("INSERT INTO timer VALUES ($1, $2, $3)", [store.clock.now.milliseconds, id.key, code])
        _ = try await DeadlineKeeper(store: store) { _ in }.fireAllDue()
      }
    }
    try await fixture.life { (store) async throws in
      // Those that were planted too early waited for the moment, and those planted later said nothing again. The clock
      // stood at noon when the rungs of each day fired.
      let notices = try await Self.notices(store, .responder).map { $0.split(separator: "T").dropLast().joined() }
      #expect(notices == Self.office.map { $0.split(separator: "T").dropLast().joined() })
      #expect(try store.verify() == [])
    }
  }

  /// The daemon was away all day: the machines hear at once, the people in the morning.
  @Test func nobodyIsToldInTheEvening() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    store.clock.advance(to: try #require(Instant(rfc3339: "2026-03-05T19:00:00+08:00")))
    let keeper = DeadlineKeeper(store: store) { _ in }
    #expect(try await keeper.fireAllDue() == 1)
    #expect(try await store.timeline(request.id).count == 2)
    #expect(try await Self.notices(store, .responder) == [])
    try await store.advance(to: "2026-03-06T12:00:00+08:00")
    #expect(try await Self.notices(store, .responder) == ["T-2 contact 03-06T09:00", "T-1 contact 03-06T09:00"])
  }

  /// Extended between the rung and the morning: they are told when two days are left indeed.
  @Test func anExtensionMovesTheNotice() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.advance(to: "2026-03-05T08:00:00+08:00")
    try await store.carryOut(.extend(.init(workingDays: 5, reason: "档案需从外地调取", approver: "李四")), request.id)
    try await store.advance(to: "2026-03-12T08:59:00+08:00")
    #expect(try await Self.notices(store, .responder) == [])
    try await store.advance(to: "2026-03-12T09:00:00+08:00")
    #expect(try await Self.notices(store, .responder) == ["T-2 contact 03-12T09:00"])
    #expect(try store.verify() == [])
  }

  @Test func whatIsAnsweredByThenIsNotTold() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (answered, waiting) = (try await store.submit(), try await store.submit())
    try await store.advance(to: "2026-03-05T08:00:00+08:00")
    try await store.carryOut(.confirm, answered.id)
    try await store.carryOut(.ask(text: "请补充结婚登记地"), waiting.id)
    try await store.advance(to: "2026-03-20T12:00:00+08:00")
    #expect(try await Self.notices(store, .responder) == [])
    #expect(try store.verify() == [])
  }

  /// The day on which people would have been told is given off: they are told on the next one that is worked.
  @Test func aCalendarChangeMovesTheNotice() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    try await store.submit()
    try await store.advance(to: "2026-03-05T01:00:00+08:00")
    let command = try fixture.open(.command)
    _ = try command.importFile(.calendar, Array("date,kind,festival,notice\n2026-03-05,off,测试,通知\n".utf8))
    command.close()
    try await store.refresh()
    try await store.advance(to: "2026-03-20T12:00:00+08:00")
    #expect(
      try await Self.notices(store, .responder) == [
        "T-2 contact 03-06T09:00", "T-1 contact 03-09T09:00", "T leader 03-11T09:00", "T+1 leader 03-11T09:00",
      ])
    #expect(try await Self.notices(store, .supervisor) == ["T+1 supervisor 03-11T09:00"])
    #expect(try store.verify() == [])
  }

  @Test func theMigrationIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "3 the inbox")
    let made = try queue.read { db in
      try String.fetchAll(
        db, sql: "SELECT sql FROM sqlite_schema WHERE tbl_name = 'inbox' AND sql IS NOT NULL ORDER BY rowid"
      ).map { $0 + ";" }.joined(separator: "\n")
    }
    #expect(made == GoldenSchema.inbox)
  }

  /// A database of the version before the inbox opens with its rows kept, and its ladder goes on into the inbox.
  @Test func anOlderDatabaseGetsOne() async throws {
    let fixture = try Fixture()
    let (id, before) = try await fixture.life { store in
      let id = try await store.submit().id
      try store.plant("DROP TABLE inbox")
      try store.plant(
        "DELETE FROM grdb_migrations WHERE identifier IN ('3 the inbox', '18 notices say what is provisional')")
      return (id, try store.countsText)
    }
    try await fixture.life { (store) async throws in
      #expect(try store.countsText == before)
      try await store.advance(to: "2026-03-20T12:00:00+08:00")
      #expect(try await Self.notices(store, .responder) == Self.office)
      #expect(try await store.timeline(id).count == 5)
      #expect(try store.verify() == [])
    }
  }

  /// Due on 6 January 2027, of which year nothing is announced until the 4th. What was told goes on saying what was so then;
  /// a database of the version before says of its notices what is so now.
  @Test func aNoticeSaysThatItsLastDayIsProvisional() async throws {
    let fixture = try Fixture()
    let told = [("reminder", true), ("T-2", true), ("T-1", false)]
    func notices(_ store: Store) async throws -> [String] {
      try await store.inbox(organ: try store.number(.responder), audience: nil, after: 0, limit: 9).map { item in
        guard case .request(let notice) = item else { return "\(item)" }
        guard case .rung(let rung) = notice.matter else { return "reminder \(notice.provisional)" }
        return "\(rung.name) \(notice.provisional)"
      }
    }
    try await fixture.life { store in
      try await store.advance(to: "2026-12-29T10:00:00+08:00")
      let request = try await store.submit()
      #expect(request.deadline.provisional)
      try await store.carryOut(.remind(text: nil), request.id, by: .requester)
      try await store.advance(to: "2027-01-04T12:00:00+08:00")
      #expect(try await notices(store) == told.prefix(2).map { "\($0) \($1)" })
      try store.plant("ALTER TABLE inbox DROP COLUMN provisional")
      try store.plant("DELETE FROM grdb_migrations WHERE identifier = '18 notices say what is provisional'")
    }
    try await fixture.life { (store) async throws in
      #expect(try await notices(store) == told.prefix(2).map { "\($0) \($1)" })
      let command = try fixture.open(.command)
      _ = try command.importFile(
        .calendar, Array("date,kind,festival,notice\n2027-01-01,off,元旦,通知\n2027-10-01,off,国庆节,通知\n".utf8))
      command.close()
      try await store.refresh()
      try await store.advance(to: "2027-01-05T12:00:00+08:00")
      #expect(try await notices(store) == told.map { "\($0) \($1)" })
      #expect(try store.verify() == [])
    }
  }

  /// Back to an organ that had it already: whose it is to rule is told, in office hours, once, and no more when it has ruled.
  @Test(arguments: [false, true]) func theSuperiorIsAskedToRule(_ hasRuled: Bool) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    let there = Command.transfer(.init(to: Qidong.stranger.organ, reason: "登记在公安机关"))
    let back = Command.transfer(.init(to: Qidong.responder.organ, reason: "登记在民政部门"))
    try await store.carryOut(there, request.id, by: .supervisor)
    try await store.advance(to: "2026-03-02T18:30:00+08:00")
    let referred = try await store.carryOut(back, request.id, by: .supervisor)
    #expect(referred.progress.referral?.to == Qidong.supervisor.organ && referred.responder == Qidong.stranger.organ)
    if hasRuled { try await store.carryOut(back, request.id, by: .supervisor) }
    func asked() async throws -> [String] {
      try await store.inbox(organ: try store.number(.supervisor), audience: .supervisor, after: 0, limit: 9)
        .compactMap { item in
          guard case .request(let notice) = item, notice.matter == .ruling else { return nil }
          return
            "\(notice.request == request.id) \(notice.responder == Qidong.stranger.organ) \(notice.at.rfc3339.prefix(16))"
        }
    }
    #expect(try await asked() == [], "after hours")
    try await store.advance(to: "2026-03-05T12:00:00+08:00")
    #expect(try await asked() == (hasRuled ? [] : ["true true 2026-03-03T09:00"]))
    #expect(try store.verify() == [])
  }
}
