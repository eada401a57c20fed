import BrokerDomain
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import BrokerStore

/// A row that cannot be read stops nobody but itself, and is told of once.
@Suite(.timeLimit(.minutes(5))) struct DamagedRowTests {
  private final class Told: Sendable {
    private let all = Mutex<[String]>([])
    var words: [String] { all.withLock { $0 } }

    init(_ store: Store) {
      store.damagedRows.onFound { [self] text in all.withLock { $0.append(text) } }
    }
  }

  /// - Returns: what mends it.
  private static func damage(_ store: Store, _ id: EntityID) throws -> String {
    let responder = try store.scalar("SELECT responder FROM request WHERE key = $1", [id.key])
    try store.plant("UPDATE request SET responder = 9999 WHERE key = $1", [id.key], foreignKeys: false)
    return "UPDATE request SET responder = \(responder) WHERE key = \(id.key)"
  }

  /// A database of an older version is brought up to this one though a text in it is broken off.
  @Test(arguments: ["{", "", "null"]) func migrationsPassItOver(_ text: String) async throws {
    let fixture = try Fixture()
    let (broken, sound) = try await fixture.life { store in (try await store.submit(), try await store.submit()) }
    let queue = try DatabaseQueue(path: fixture.database)
    defer { try? queue.close() }
    try await queue.write { db in
      try db.execute(
        sql: """
          UPDATE request SET progress = $1, acknowledged_at = 1 WHERE key = $2;
          UPDATE listed_item SET extra = $1 WHERE code = '47';
          """, arguments: [text, broken.id.key, text])
      try db.execute(sql: "DROP TABLE filed_overdue")
      for statement in [Schema.realAcknowledgements, Schema.extraOnce, Schema.overdue] {
        try db.execute(sql: statement)
      }
      let left = try Int64.fetchAll(db, sql: "SELECT key FROM request ORDER BY key")
      #expect(left == [broken.id.key, sound.id.key])
    }
  }

  /// What is done to many at once is done to the others.
  @Test func theOthersAreFound() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let told = Told(store)
    let (broken, sound) = (try await store.submit(), try await store.submit())
    _ = try Self.damage(store, broken.id)
    let found = try await store.write { context in
      try [broken, sound].map {
        try context.readableRequest(key: $0.id.key, otherwise: "it stays as it is")?.request.id
      }
    }
    #expect(found == [nil, sound.id])
    #expect(told.words.count == 1 && told.words[0].hasSuffix("it stays as it is"))
  }

  @Test func theDeadlinesOfTheOthersAreWatched() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let told = Told(store)
    let (bad, good) = (try await store.submit().id, try await store.submit().id)
    let mending = try Self.damage(store, bad)
    try await store.advance(to: "2026-03-11T00:00:00+08:00")
    let rungs = try await store.timeline(good).map(\.type).dropFirst()
    #expect(rungs == ["request.due-soon", "request.due-soon", "request.overdue", "request.escalated"])
    #expect(try store.scalar("SELECT count(*) FROM event WHERE request = $1", [bad.key]) == 1)
    #expect(told.words.count == 1 && told.words[0].contains("\(bad)") && store.damagedRows.count == 1, "\(told.words)")
    // Once it is mended its own are watched again.
    try store.plant(mending)
    try await store.advance(to: "2026-03-11T12:00:00+08:00")
    #expect(try await store.timeline(bad).map(\.type).contains("request.overdue"))
    #expect(try store.verify() == [])
  }

  /// As many of them as one look takes, and more, are no obstacle either.
  @Test func manyTogetherLetTheOthersThrough() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    for _ in 0..<40 { _ = try Self.damage(store, try await store.submit().id) }
    let good = try await store.submit().id
    store.clock.advance(to: try #require(Instant(rfc3339: "2026-03-05T00:00:00+08:00")))
    #expect(try await DeadlineKeeper(store: store) { _ in }.fireAllDue() == 1)
    #expect(try await store.timeline(good).map(\.type).last == "request.due-soon")
    #expect(try await store.earliestTimer().map { $0 > store.clock.now } == true, "the keeper has a rest")
  }

  /// Everybody's writes file the events of all.
  @Test(arguments: [
    "UPDATE request SET progress = '{\"leg\":' WHERE key = $1", "UPDATE request SET progress = '[]' WHERE key = $1",
    "UPDATE event SET type = 'request.unheard-of' WHERE request = $1 AND version = 2",
    "UPDATE event SET data = '{', type = 'request.declined' WHERE request = $1 AND version = 2",
  ]) func whatCannotBeReadIsFiledWithTheOthers(_ sql: String) async throws {
    let fixture = try Fixture()
    let id = try await fixture.life { store in
      let id = try await store.submit().id
      try await store.carryOut(.acknowledge(officer: nil), id)
      try store.plant(sql, [id.key])
      return id
    }
    let store = try fixture.open()
    defer { store.close() }
    let told = Told(store)
    store.clock.advance(to: try #require(Instant(rfc3339: "2026-03-20T10:00:00+08:00")))
    for _ in 0..<Filing.every { try await store.submit() }
    #expect(try store.scalar("SELECT through FROM filing") >= Filing.every)
    #expect(try store.scalar("SELECT through FROM report_filing") >= Filing.every)
    #expect(try store.scalar("SELECT count(*) FROM filed_request WHERE request = $1", [id.key]) == 2)
    #expect(told.words.count == (sql.contains("data =") ? 0 : 1), "\(told.words)")
    try await store.submit()
  }

  @Test func theDeadlinesOfTheOthersAreMoved() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let told = Told(store)
    let (bad, good) = (try await store.submit().id, try await store.submit())
    _ = try Self.damage(store, bad)
    let command = try fixture.open(.command)
    let rows = Array("date,kind,festival,notice\n\(good.deadline.date),off,抗疫,国办发明电〔2026〕99号\n".utf8)
    #expect(throws: ImportError.self) { try command.previewCalendar(rows, limit: 1) }
    _ = try command.importFile(.calendar, rows)
    command.close()
    #expect(try await store.refresh())
    let moved = try #require(try await store.request(good.id)).request.deadline
    #expect(moved.date > good.deadline.date)
    #expect(told.words.count == 1 && told.words[0].contains("\(bad)"), "\(told.words)")
    #expect(try await store.refresh() == false, "it is done")
  }

  /// Lists, ledgers, reports and the feed have the others, and what of it can be read.
  @Test(arguments: [
    "UPDATE request SET progress = '[]' WHERE key = $1",
    "UPDATE request SET outcome = '{' WHERE key = $1",
    "UPDATE event SET data = '{\"from\":#' WHERE request = $1",
  ]) func theOthersAreRead(_ sql: String) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let told = Told(store)
    let (bad, good) = (try await store.submit().id, try await store.submit().id)
    let (isEvent, isOpen) = (sql.contains("event"), !sql.contains("outcome"))
    if !isOpen { try await store.carryOut(.confirm, bad) }
    try store.plant(sql, [bad.key])
    let organ = try store.number(.requester)
    let listed = try await store.requests(of: organ, RequestFilter(), cursor: nil, limit: 10).items.map(\.request.id)
    #expect(listed == (isEvent ? [good, bad] : [good]))
    let march = (from: CalendarDate("2026-03-01")!, to: CalendarDate("2026-03-31")!)
    let ledger = try await store.ledger(
      LedgerQuery(
        from: march.from, to: march.to, procedures: ["verification"], organs: [organ], reader: Qidong.supervisor.organ,
        after: 0, limit: 10))
    #expect(ledger.items.map(\.request.id) == (isEvent ? [bad, good] : [good]))
    let scope = ReportScope(organs: Set(store.reference.organs.map(\.number)), own: nil)
    let report = try await store.timeliness(from: march.from, to: march.to, by: [.organ], scope)
    #expect(report.total.open == (isEvent ? 2 : 1))
    for events in [try await store.feed(organ: organ, after: 0, limit: 10), try await store.timeline(bad)] {
      #expect(events.first?.request == bad && events.first?.type == "request.submitted")
      #expect(events.first.map { (try? JSON.parse($0.data)) != nil } == true)
      #expect((events.first?.data == Array("{}".utf8)) == isEvent)
    }
    #expect(!told.words.isEmpty && told.words.allSatisfy { $0.contains("\(bad)") }, "\(told.words)")
    #expect(
      store.damagedRows.count == told.words.count && (isEvent || isOpen || told.words.count == 2), "\(told.words)")
    #expect(try store.verify().isEmpty == false)
  }

  /// However little is asked for at a time, none of the others is left out.
  @Test(arguments: [1, 2, 3, 50]) func theOthersAreOnTheirPages(_ limit: Int) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var ids: [EntityID] = []
    for _ in 0..<7 { ids.append(try await store.submit().id) }
    for index in [0, 3, 6] { try store.plant("UPDATE request SET progress = '{' WHERE key = $1", [ids[index].key]) }
    let sound = [1, 2, 4, 5].map { ids[$0] }
    let organ = try store.number(.requester)
    let (from, to) = (CalendarDate("2026-03-01")!, CalendarDate("2026-03-31")!)
    var (found, after): ([EntityID], Int64?) = ([], 0)
    while let next = after {
      let page = try await store.ledger(
        LedgerQuery(
          from: from, to: to, procedures: ["verification"], organs: [organ], reader: Qidong.supervisor.organ,
          after: next, limit: limit))
      found += page.items.map(\.request.id)
      after = page.next
    }
    #expect(found == sound)
    var (listed, cursor): ([EntityID], Int64?) = ([], nil)
    repeat {
      let page = try await store.requests(of: organ, RequestFilter(), cursor: cursor, limit: limit)
      listed += page.items.map(\.request.id)
      cursor = page.next
    } while cursor != nil
    #expect(listed == sound.reversed())
  }

  /// Broken off in the middle, or of another shape: of what is overdue, and lies returned on a clock that runs on.
  @Test(arguments: ["{", "[]"], [true, false]) func whatIsOverdueIsReadToo(_ progress: String, _ isReturned: Bool)
    async throws
  {
    let fixture = try Fixture()
    let (bad, good) = try await fixture.life { store in
      let ids = (try await store.submit(.marriage(procedure: "complaint")).id, try await store.submit().id)
      if isReturned {
        try await store.carryOut(.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil)), ids.0)
      }
      try await store.advance(to: "2026-03-20T10:00:00+08:00")
      try store.plant("UPDATE request SET progress = '\(progress)' WHERE key = $1", [ids.0.key])
      return ids
    }
    let store = try fixture.open()
    defer { store.close() }
    let organ = try store.number(.requester)
    for isOverdue in [true, false] {
      var filter = RequestFilter()
      filter.overdue = isOverdue
      let found = try await store.requests(of: organ, filter, cursor: nil, limit: 10).items.map(\.request.id)
      #expect(found == (isOverdue ? [good] : []))
    }
    let scope = ReportScope(organs: Set(store.reference.organs.map(\.number)), own: nil)
    let (from, to) = (CalendarDate("2026-03-01")!, CalendarDate("2026-03-31")!)
    #expect(try await store.timeliness(from: from, to: to, by: [.organ], scope, lateEnds: true).total.overdue == 1)
    let told = try store.verify().map(\.en)
    #expect(told.contains { $0.hasPrefix("requests that cannot be read: 1 row, \(bad)") }, "\(told)")
  }

  @Test func theMessagesOfTheOthersAreDue() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoint = try await store.addEndpoint(of: .requester, body: .full)
    var ids: [EntityID] = []
    for _ in 0..<4 { ids.append(try await store.submit().id) }
    for id in ids.prefix(2) { _ = try Self.damage(store, id) }
    let all = try store.dueDeliveries(endpoint, outstanding: [], limit: DueLimit(10))
    #expect(all.due.map(\.seq) == [3, 4] && all.unreadable.map(\.seq) == [1, 2] && all.end == nil)
    let first = try store.dueDeliveries(endpoint, outstanding: [], limit: DueLimit(2))
    #expect(first.due.isEmpty && first.unreadable.map(\.seq) == [1, 2] && first.nextAt != nil)
    let next = try store.dueDeliveries(endpoint, outstanding: [1, 2], after: first.end, limit: DueLimit(2))
    #expect(next.due.map(\.seq) == [3, 4] && next.unreadable.isEmpty)
  }
}
