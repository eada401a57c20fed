import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// A clock that runs on while the request lies returned: rungs, people, lists and tallies go with it. Received on Monday
/// 2 March 2026, due on Monday the 9th.
@Suite(.timeLimit(.minutes(5))) struct HandoverTests {
  private static let kept = Fixture.procedures.map { like in
    Procedure(
      id: like.id, title: like.title, clause: like.clause, openers: like.openers, answerers: [], clock: like.clock,
      acknowledgeDays: 1, returnDays: 2, supplement: true, allowsExtension: true, allowsTransfer: true, item: like.item,
      subject: like.subject, questions: like.questions, answerKind: .findings, outcomes: like.outcomes,
      declineReasons: like.declineReasons, fields: [], answerFields: [], isSealed: false, copies: [],
      ladder: Rung.allCases, handover: .keeps)
  }

  private static func people(_ store: Store, _ organ: Qidong) async throws -> [String] {
    try await store.inbox(organ: try store.number(organ), audience: nil, after: 0, limit: 100).map { item in
      guard case .request(let notice) = item, case .rung(let rung) = notice.matter else { return "\(item)" }
      return "\(rung.name) \(notice.audience)"
    }
  }

  private static func overdue(_ store: Store, _ organ: Qidong, _ isOverdue: Bool = true) async throws -> [EntityID] {
    var filter = RequestFilter()
    filter.overdue = isOverdue
    filter.states = [.returned, .submitted]
    return try await store.requests(of: store.number(organ), filter, cursor: nil, limit: 500).items.map(\.request.id)
  }

  private static func tally(_ store: Store) async throws -> Int {
    try await store.tallies().first { $0.state == Store.overdueTally && $0.procedure == "complaint" }?.count ?? 0
  }

  @Test func whatLiesReturnedIsLateWhereItLies() async throws {
    let store = try Store.open(directory: try Fixture().directory, role: .daemon, procedures: Self.kept)
    defer { store.close() }
    let id = try await store.submit(.marriage(procedure: "complaint")).id
    try await store.advance(to: "2026-03-03T10:00:00+08:00")
    try await store.carryOut(.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil)), id)
    try await store.advance(to: "2026-03-11T12:00:00+08:00")
    let rungs = try await store.timeline(id).filter { $0.type.contains("due") || $0.type.contains("escalated") }
    #expect(rungs.count == 4 && rungs.allSatisfy { $0.state == "returned" })
    #expect(try await Self.people(store, .requester) == ["T-2 contact", "T-1 contact", "T leader", "T+1 leader"])
    #expect(try await Self.people(store, .responder) == [])
    #expect(try await Self.people(store, .supervisor) == ["T+1 supervisor"])
    let told = try await store.inbox(organ: store.number(.supervisor), audience: nil, after: 0, limit: 9)
    guard case .request(let notice)? = told.first else { return #expect(Bool(false), "\(told)") }
    #expect(notice.responder == Qidong.requester.organ, "whoever lets it lie is named")
    #expect(try await Self.tally(store) == 1)
    #expect(try store.verify() == [])
    let reference = store.reference
    let seq = try #require(rungs.last).seq
    let message = try store.readNow { db in try CallbackMessage.load(seq: seq, .thin, db, reference) }
    #expect(String(decoding: try #require(message).body, as: UTF8.self).contains(#""overdue":true"#))
    // Listed as overdue, before it is filed and afterwards.
    for _ in 0..<2 {
      #expect(try await Self.overdue(store, .requester) == [id])
      #expect(try await !Self.overdue(store, .requester, false).contains(id))
      for _ in 0..<Filing.every { try await store.submit(by: .credit) }
    }

    try await store.carryOut(.transfer(.init(to: Qidong.stranger.organ, reason: "由其管辖该投诉")), id, by: .requester)
    #expect(try await Self.tally(store) == 1)
    #expect(try store.verify() == [])
    #expect(try await Self.overdue(store, .stranger) == [id])
    try await store.advance(to: "2026-03-13T12:00:00+08:00")
    #expect(try await store.timeline(id).filter { $0.type == "request.overdue" }.count == 1, "each rung once")
    try await store.carryOut(.confirm, id, by: .stranger)
    #expect(try await Self.tally(store) == 0)
    #expect(try store.verify() == [])
  }

  /// Of the organs as a report has them: received, returned, open, overdue.
  private static func figures(
    _ store: Store, _ from: String = "2026-03-01", _ to: String = "2026-12-31"
  ) async throws -> [Qidong: [Int]] {
    let organs = [Qidong.requester, .responder, .stranger]
    let scope = ReportScope(organs: Set(try organs.map { try store.number($0) }), own: nil)
    let days = (from: try #require(CalendarDate(from)), to: try #require(CalendarDate(to)))
    let report = try await store.timeliness(from: days.from, to: days.to, by: [.organ], scope)
    var figures: [Qidong: [Int]] = [:]
    var late: Set<Int64> = []
    for row in report.rows[.organ] ?? [] {
      let organ = try organs.first { .organ(try store.number($0)) == row.key }
      let f = row.figures
      figures[try #require(organ)] = [f.received, f.returned, f.open, f.overdue]
      if f.overdue > 0 { late.insert(try store.number(try #require(organ))) }
    }
    #expect(report.overdue.count == report.total.overdue && Set(report.overdue.map(\.holder)) == late)
    return figures
  }

  /// It counts as returned, and as open and overdue of the organ with which it lies, for as long as it does.
  @Test(arguments: [false, true]) func reportsCountItWhereItLies(isFiled: Bool) async throws {
    let store = try Store.open(directory: try Fixture().directory, role: .daemon, procedures: Self.kept)
    defer { store.close() }
    let (moves, ends) = (
      try await store.submit(.marriage(procedure: "complaint")).id,
      try await store.submit(.marriage(procedure: "complaint")).id
    )
    try await store.advance(to: "2026-03-03T10:00:00+08:00")
    for id in [moves, ends] {
      try await store.carryOut(.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil)), id)
    }
    if isFiled { for _ in 0...Filing.every { try await store.submit(.marriage(to: .市财政局), by: .credit) } }
    #expect(try await Self.figures(store) == [.responder: [2, 2, 0, 0], .requester: [2, 0, 2, 0]])
    try await store.advance(to: "2026-03-11T12:00:00+08:00")
    #expect(try await Self.figures(store) == [.responder: [2, 2, 0, 0], .requester: [2, 0, 2, 2]])
    #expect(try await Self.figures(store, "2026-03-02", "2026-03-02") == [.responder: [2, 2, 0, 0]])
    #expect(try await Self.figures(store, "2026-03-03", "2026-03-03") == [.requester: [2, 0, 2, 2]])
    try await store.carryOut(
      .transfer(.init(to: Qidong.stranger.organ, reason: "由其管辖该投诉")), moves, by: .requester)
    try await store.carryOut(.close(text: nil), ends, by: .requester)
    #expect(try await Self.figures(store) == [.responder: [2, 2, 0, 0], .stranger: [1, 0, 1, 1]])
    #expect(try store.verify() == [])
  }

  private static func lateEnds(_ store: Store) async throws -> [Qidong: [LateEnd: Int]] {
    let organs = [Qidong.requester, .responder, .stranger, .市财政局]
    let scope = ReportScope(organs: Set(try organs.map { try store.number($0) }), own: nil)
    let days = (from: try #require(CalendarDate("2026-03-01")), to: try #require(CalendarDate("2026-03-31")))
    let ends = try await store.timeliness(from: days.from, to: days.to, by: [.organ], scope, lateEnds: true).lateEnds
    var named: [Qidong: [LateEnd: Int]] = [:]
    for organ in organs {
      let number = try store.number(organ)
      named[organ] = ends[number]?.counts
    }
    return named
  }

  /// Who receives what runs on reads in his own inbox how far it has come: rungs that have fired do not fire again.
  @Test func peopleOfTheNextOneAreTold() async throws {
    let store = try Store.open(directory: try Fixture().directory, role: .daemon, procedures: Self.kept)
    defer { store.close() }
    let move = Command.transfer(.init(to: Qidong.stranger.organ, reason: "由其管辖该投诉"))
    let ids = [
      try await store.submit(.marriage(procedure: "complaint")).id,
      try await store.submit(.marriage(procedure: "complaint")).id,
    ]
    try await store.advance(to: "2026-03-06T10:00:00+08:00")
    try await store.carryOut(move, ids[0], by: .supervisor)
    #expect(try await Self.people(store, .stranger) == ["T-1 contact"])
    try await store.advance(to: "2026-03-11T20:00:00+08:00")
    let before = ["T-1 contact", "T leader", "T+1 leader"]
    #expect(try await Self.people(store, .stranger) == before)
    try await store.carryOut(move, ids[1], by: .supervisor)
    #expect(try await Self.people(store, .stranger) == before, "nobody is in the office")
    try await store.advance(to: "2026-03-12T09:00:00+08:00")
    #expect(try await Self.people(store, .stranger) == before + ["T+1 leader"])
    #expect(try await Self.people(store, .supervisor) == ["T+1 supervisor", "T+1 supervisor"], "once of each")
    #expect(try store.verify() == [])
  }

  /// Who let it run out and passed it on is named, and not who received it when it was late already; a database in which
  /// nobody was named is counted anew.
  @Test(arguments: [false, true]) func whoPassesItOnLateIsNamed(isFiled: Bool) async throws {
    let fixture = try Fixture()
    func move(to organ: Qidong) -> Command { .transfer(.init(to: organ.organ, reason: "由其管辖该投诉")) }
    let giveBack = Command.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil))
    let expected: [Qidong: [LateEnd: Int]] = [
      .responder: [.transferred: 1], .stranger: [.returned: 1, .answered: 1], .requester: [.letGo: 1],
    ]
    do {
      let store = try Store.open(directory: fixture.directory, role: .daemon, procedures: Self.kept)
      defer { store.close() }
      var ids: [EntityID] = []
      for _ in 0..<4 { ids.append(try await store.submit(.marriage(procedure: "complaint")).id) }
      try await store.advance(to: "2026-03-03T10:00:00+08:00")
      try await store.carryOut(giveBack, ids[2])
      try await store.advance(to: "2026-03-09T10:00:00+08:00")
      // In time, for the other to give one back and to answer one, late.
      for id in [ids[1], ids[3]] { try await store.carryOut(move(to: .stranger), id, by: .supervisor) }
      try await store.advance(to: "2026-03-10T10:00:00+08:00")
      try await store.carryOut(move(to: .stranger), ids[0], by: .supervisor)
      try await store.carryOut(giveBack, ids[1], by: .stranger)
      try await store.carryOut(move(to: .stranger), ids[2], by: .requester)
      try await store.carryOut(.confirm, ids[3], by: .stranger)
      #expect(try await Self.lateEnds(store) == expected)
      try await store.advance(to: "2026-03-11T10:00:00+08:00")
      try await store.carryOut(move(to: .市财政局), ids[0], by: .supervisor)
      try await store.carryOut(move(to: .市财政局), ids[1], by: .requester)
      #expect(try await Self.lateEnds(store) == expected, "it was late when they received it")
      if isFiled {
        for _ in 0...Filing.every { try await store.submit(.marriage(to: .市财政局), by: .credit) }
        #expect(try store.scalar("SELECT sum(count) FROM late_end") == 4)
      }
      #expect(try await Self.lateEnds(store) == expected)
      #expect(try store.verify() == [])
    }
    let queue = try DatabaseQueue(path: fixture.database)
    try await queue.writeWithoutTransaction { db in
      try db.execute(
        sql: """
          UPDATE late_end SET how = 'withdrawn' WHERE how = 'let-go';
          DELETE FROM grdb_migrations WHERE identifier = '23 who passed on late'
          """)
    }
    try queue.close()
    // A command may come before the daemon, which counts.
    let command = try Store.open(directory: fixture.directory, role: .command, procedures: Self.kept)
    #expect(try command.verify() == [])
    command.close()
    let store = try Store.open(directory: fixture.directory, role: .daemon, procedures: Self.kept)
    defer { store.close() }
    #expect(try await Self.lateEnds(store) == expected)
    #expect(try store.verify() == [])
  }

  /// Where receipt is all that is owed, nothing is overdue once it was given, whatever is told later.
  @Test func whatWasMetIsNotOverdueInACallback() async throws {
    let like = Fixture.procedures[0]
    let procedure = Procedure(
      id: like.id, title: like.title, clause: like.clause, openers: like.openers, answerers: [],
      clock: .acknowledge(workingDays: 1), acknowledgeDays: 1, returnDays: 2, supplement: false, allowsExtension: false,
      allowsTransfer: true, item: like.item, subject: like.subject, questions: like.questions, answerKind: .findings,
      outcomes: like.outcomes, declineReasons: like.declineReasons, fields: [], answerFields: [], isSealed: false,
      copies: [], ladder: Rung.allCases)
    let store = try Store.open(directory: try Fixture().directory, role: .daemon, procedures: [procedure])
    defer { store.close() }
    let reference = store.reference
    for (acknowledges, isOverdue) in [(true, false), (false, true)] {
      let id = try await store.submit().id
      if acknowledges { try await store.carryOut(.acknowledge(officer: nil), id) }
      store.clock.advance(to: store.clock.now + 20 * Instant.millisecondsPerDay)
      try await store.carryOut(.remind(text: "请尽快答复"), id, by: .requester)
      let seq = try #require(try await store.timeline(id).last).seq
      let message = try store.readNow { db in try CallbackMessage.load(seq: seq, .thin, db, reference) }
      let text = String(decoding: try #require(message).body, as: UTF8.self)
      #expect(text.contains("\"overdue\":\(isOverdue)"), "\(text)")
    }
  }
}
