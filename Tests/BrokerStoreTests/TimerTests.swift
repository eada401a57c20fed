import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

@Suite(.timeLimit(.minutes(5))) struct TimerTests {
  private static let ladder = ["request.due-soon", "request.due-soon", "request.overdue", "request.escalated"]

  private static func rungs(_ store: Store, _ id: EntityID) async throws -> [String] {
    try await store.timeline(id).map(\.type).filter { ladder.contains($0) }
  }

  /// Monday plus five working days: due on the Monday after, until Tuesday 00:00.
  @Test func ladderFiresRungByRungAtItsMoments() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    #expect(request.deadline.date.description == "2026-03-09")
    #expect(try await store.earliestTimer()?.rfc3339 == "2026-03-05T00:00:00+08:00")
    #expect(try await store.advance(to: "2026-03-04T23:59:00+08:00") == 0)
    for (moment, count) in [
      ("2026-03-05T00:00:00+08:00", 1), ("2026-03-06T00:00:00+08:00", 2), ("2026-03-10T00:00:00+08:00", 3),
      ("2026-03-10T08:59:00+08:00", 3), ("2026-03-10T09:00:00+08:00", 4),
    ] {
      try await store.advance(to: moment)
      #expect(try await Self.rungs(store, request.id) == Array(Self.ladder.prefix(count)), "\(moment)")
    }
    let moments = try await store.timeline(request.id).dropFirst().map { $0.at.rfc3339.prefix(10) }
    #expect(moments == ["2026-03-05", "2026-03-06", "2026-03-10", "2026-03-10"])
    #expect(try store.scalar("SELECT count(*) FROM timer") == 0)
    #expect(try await store.request(request.id)?.request.version == 1, "time passes without a new version")
    #expect(try store.verify() == [])
  }

  /// Who answers late before the keeper has come to it, right after a start, has answered late all the same.
  @Test(arguments: [Command.confirm, .refuse, .pullBack, .acknowledge(officer: nil)])
  func whatIsMovedLateIsToldToBeLate(_ command: Command) async throws {
    let fixture = try Fixture()
    let store = try fixture.open(rehearseAt: Fixture.monday)
    defer { store.close() }
    let request = try await store.submit()
    store.clock.advance(to: request.deadline.at + 3_600_000)
    try await store.carryOut(command, request.id, by: command == .pullBack ? .requester : .responder)
    let told = try await store.timeline(request.id).map(\.type)
    #expect(told.dropFirst().dropLast() == ["request.due-soon", "request.due-soon", "request.overdue"], "\(told)")
    try await store.advance(to: "2026-03-20T12:00:00+08:00")
    let count = try await Self.rungs(store, request.id).count
    #expect(count == (command.verb == .acknowledge ? 4 : 3), "each once")
    #expect(try store.verify() == [])
  }

  @Test func everyRungFiresOnceAcrossRestarts() async throws {
    let fixture = try Fixture()
    let id = try await fixture.life { try await $0.submit().id }
    for day in 3...14 {
      try await fixture.life { store in
        try await store.advance(to: "2026-03-\(day < 10 ? "0" : "")\(day)T12:00:00+08:00")
      }
    }
    try await fixture.life { (store) async throws in
      #expect(try await Self.rungs(store, id) == Self.ladder)
      #expect(try store.verify() == [])
    }
  }

  @Test func rungThatWasArmedAgainByHandDoesNotFireAgain() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.advance(to: "2026-03-06T12:00:00+08:00")
    #expect(try await Self.rungs(store, request.id) == Array(Self.ladder.prefix(2)))
    for (at, rung) in [
      ("2026-03-05T00:00:00+08:00", 1), ("2026-03-06T00:00:00+08:00", 2), ("2026-03-05T17:00:00+08:00", 2),
    ] {
      let moment = try #require(Instant(rfc3339: at)).milliseconds
      try store.plant("INSERT INTO timer VALUES ($1, $2, $3)", [moment, request.id.key, rung])
    }
    #expect(try await DeadlineKeeper(store: store) { _ in }.fireAllDue() == 0)
    #expect(try await Self.rungs(store, request.id) == Array(Self.ladder.prefix(2)))
    #expect(try store.scalar("SELECT count(*) FROM timer") == 1, "what was planted is gone, what is armed stays")
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    #expect(try await Self.rungs(store, request.id) == Self.ladder)
    #expect(try store.verify() == [])
  }

  /// A later rung armed before its turn neither fires early nor stands in the way of its own arming.
  @Test func rungThatIsArmedTwiceStopsNobody() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    let other = try await store.submit()
    let escalation = try #require(Instant(rfc3339: "2026-03-10T09:00:00+08:00")).milliseconds
    for at in [escalation, store.clock.now.milliseconds] {
      try store.plant("INSERT INTO timer VALUES ($1, $2, 4)", [at, request.id.key])
    }
    #expect(try await DeadlineKeeper(store: store) { _ in }.fireAllDue() == 0)
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    #expect(try await Self.rungs(store, request.id) == Self.ladder)
    #expect(try await Self.rungs(store, other.id) == Self.ladder)
    #expect(try store.verify() == [])
  }

  @Test func timersOfClosedRequestsVanishWithoutEvents() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var ids: [EntityID] = []
    for command in [Command.confirm, .refuse] {
      let id = try await store.submit().id
      try await store.carryOut(command, id)
      ids.append(id)
    }
    let withdrawn = try await store.submit().id
    try await store.carryOut(.pullBack, withdrawn, by: .requester)
    #expect(try store.scalar("SELECT count(*) FROM timer") == 3)
    let events = try store.scalar("SELECT count(*) FROM event")
    #expect(try await store.advance(to: "2026-03-20T00:00:00+08:00") == 0)
    #expect(try store.scalar("SELECT count(*) FROM timer") == 0)
    #expect(try store.scalar("SELECT count(*) FROM event") == events)
    #expect(try store.verify() == [])
  }

  /// A notice that comes out meanwhile moves the reminders of an open request. The ladder goes on: it must not be lost
  /// because its next rung is due at another moment than the one that was armed.
  @Test func newCalendarDoesNotBreakTheLadder() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let earlier = try await store.submit()
    // Friday 6 March is made a day off: T−1 moves from the 6th to the 5th, T−2 from the 5th to the 4th.
    let notice = "date,kind,festival,notice\n2026-03-06,off,测试,补充通知\n2026-10-01,off,国庆节,通知\n"
    _ = try store.importFile(.calendar, Array(notice.utf8))
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    let types = try await Self.rungs(store, earlier.id)
    #expect(types.filter { $0 == "request.overdue" }.count == 1, "\(types)")
    #expect(types.filter { $0 == "request.escalated" }.count == 1, "\(types)")
    #expect(types.count <= 4)
    #expect(try store.verify() == [])
  }

  /// The other way round: a weekend that is worked moves a reminder to a later moment.
  @Test func reminderThatMovedToALaterDayIsNotGivenEarly() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    // Saturday the 7th and Sunday the 8th are worked: T−2 moves from Thursday the 5th to Saturday the 7th.
    let notice = """
      date,kind,festival,notice
      2026-03-07,work,测试,补充通知
      2026-03-08,work,测试,补充通知
      2026-10-01,off,国庆节,通知

      """
    _ = try store.importFile(.calendar, Array(notice.utf8))
    try await store.advance(to: "2026-03-06T12:00:00+08:00")
    #expect(try await Self.rungs(store, request.id) == [])
    #expect(try store.verify() == [])
    try await store.advance(to: "2026-03-07T12:00:00+08:00")
    #expect(try await Self.rungs(store, request.id) == ["request.due-soon"])
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    #expect(try await Self.rungs(store, request.id) == Self.ladder)
  }

  @Test func manyTimersFireInGroups() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let count = DeadlineKeeper.groups.upperBound * 2 + 3
    let request = try await store.write { context in
      for _ in 1..<count { _ = try context.submit(.marriage()) }
      return try context.submit(.marriage())
    }
    let region = store.reference.organ(request.responder)?.region
    let first = store.reference.calendar.moment(of: .twoDaysLeft, deadline: request.deadline, region: region)
    store.clock.advance(to: first)
    let groups = store.batchSizes.count
    #expect(try await DeadlineKeeper(store: store) { _ in }.fireAllDue() == count)
    // 32, 64, 128, 256, 512 and the rest: what is told first is soon on its way.
    #expect(store.batchSizes.count - groups == 6)
    #expect(try await store.advance(to: "2026-03-20T00:00:00+08:00") == count * 3)
    #expect(
      try store.scalar("SELECT count(*) FROM (SELECT 1 FROM event WHERE rung IS NOT NULL GROUP BY request, rung)")
        == count * 4)
    #expect(try store.verify() == [])
  }

  /// At 09:00 of the day after, the leader is still to be told that it is overdue, and the supervisor is told as well: in
  /// this order, wherever a group ends.
  @Test func groupsTearNoRequestApart() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let single = try await store.submit()
    let request = try await store.write { context in
      for _ in 1..<20 { _ = try context.submit(.marriage()) }
      return try context.submit(.marriage())
    }
    let region = store.reference.organ(request.responder)?.region
    let nine = store.reference.calendar.moment(of: .escalated, deadline: request.deadline, region: region)
    // One row before the pairs: a group of an even number ends between two of a pair.
    try await store.carryOut(.confirm, single.id)
    try await store.write { context in
      try context.db.execute(
        sql: "INSERT INTO timer VALUES (\(nine.milliseconds), \(single.id.key), \(RungCode(.oneDayLeft, leg: 0).code))")
    }
    _ = try await DeadlineKeeper(store: store) { _ in }.rehearse(to: nine)
    let people = [Rung.overdue, .escalated].map { RungCode($0, leg: 0, isForPeople: true).code }
    let pairs =
      "FROM inbox a JOIN inbox b ON b.request = a.request WHERE a.rung = \(people[0]) AND b.rung = \(people[1])"
    #expect(try store.scalar("SELECT count(DISTINCT a.request) \(pairs)") == 20)
    #expect(try store.scalar("SELECT count(*) \(pairs) AND a.seq > b.seq") == 0)
    #expect(try store.verify() == [])
  }

  @Test func keeperSleepsUntilItIsKicked() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let keeper = DeadlineKeeper(store: store) { _ in }
    let running = Task { await keeper.run() }
    let request = try await store.submit()
    store.clock.advance(to: request.deadline.at + Instant.millisecondsPerDay)
    keeper.kick()
    try await until("the ladder has fired") { try await Self.rungs(store, request.id) == Self.ladder }
    #expect(keeper.isAlive)
    running.cancel()
    await running.value
  }

  /// A wake-up that was pending ends one wait and not the next as well: the keeper would never sleep again.
  @Test func aWakeUpEndsOneWait() async {
    let wake = WakeUp()
    let start = monotonicMicroseconds()
    for _ in 0..<5 {
      wake.signal()
      await wake.wait(milliseconds: 10_000)
    }
    let signalled = monotonicMicroseconds()
    #expect(signalled - start < 10_000_000)
    await wake.wait(milliseconds: 200)
    #expect(monotonicMicroseconds() - signalled >= 190_000)
  }
}
