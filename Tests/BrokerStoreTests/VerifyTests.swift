import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

@Suite(.timeLimit(.minutes(5))) struct VerifyTests {
  private static func populate(_ store: Store) async throws {
    try await store.addEndpoint(of: .requester)
    let request = try await store.submit()
    try await store.carryOut(.acknowledge(officer: "钱七"), request.id)
    let answered = try await store.submit()
    try await store.carryOut(.confirm, answered.id)
    let asked = try await store.submit()
    try await store.carryOut(.ask(text: "请补充结婚登记地"), asked.id)
    try await store.carryOut(.supply(text: "启东市"), asked.id, by: .requester)
  }

  /// A fault by hand and a word of its report.
  static let faults: [(sql: String, report: String)] = [
    ("DELETE FROM event WHERE seq = 2", "last event"),
    ("UPDATE event SET state = 'submitted' WHERE seq = 2", "last event"),
    ("UPDATE request SET version = 9", "last event"),
    ("DELETE FROM event WHERE seq = 1", "some of whose events are missing"),
    ("DELETE FROM event WHERE seq = 6", "some of whose events are missing"),
    ("DELETE FROM timer", "timer"),
    ("UPDATE tally SET count = count + 1 WHERE state = 'answered'", "tallies"),
    ("UPDATE tally SET count = 3 WHERE state = 'submitted'", "tallies"),
    ("DELETE FROM tally WHERE state = 'answered'", "tallies"),
    ("INSERT INTO tally VALUES ('verification', 'overdue', 2)", "tallies"),
    ("INSERT INTO tally VALUES ('unheard-of', 'submitted', 2)", "tallies"),
    ("DELETE FROM outbox WHERE next_at < 9223372036854775807", "wait for nothing"),
    (
      """
      INSERT INTO report_cell VALUES (1, 1, 'verification', '', 'late');
      INSERT INTO report_tally VALUES (0, 20500, 1, 3, 1); INSERT INTO report_tally VALUES (1, 20483, 1, 3, 1)
      """, "figures of reports"
    ),
    (
      """
      INSERT INTO report_cell VALUES (1, 1, 'verification', '', 'withdrawn');
      INSERT INTO report_tally VALUES (0, 20500, 1, 0, 1)
      """, "figures of reports"
    ),
    (
      """
      INSERT INTO report_cell VALUES (1, 1, 'verification', '', 'late');
      INSERT INTO report_tally VALUES (0, 20500, 1, 3, 1); INSERT INTO report_tally VALUES (1, 20483, 1, 3, 1)
      """, "tallies of a day that disagree with the events: 1 row"
    ),
    (
      """
      INSERT INTO report_cell VALUES (1, 1, 'verification', '', 'acknowledged-late');
      INSERT INTO report_tally VALUES (0, 20500, 1, 0, 1); INSERT INTO report_tally VALUES (1, 20483, 1, 0, 1)
      """, "figures of reports"
    ),
    (
      "UPDATE request SET content = replace(content, '\"questions', '#questions')",
      "requests that cannot"
    ),
    ("UPDATE request SET outcome = '{' WHERE outcome IS NOT NULL", "requests that cannot be read: 1 row"),
    ("UPDATE request SET progress = '[]' WHERE version = 2", "requests that cannot be read"),
    (
      "UPDATE event SET data = replace(data, '\"', '#') WHERE seq = 1",
      "events that cannot be read, by number: 1 row, 1"
    ),
    ("UPDATE request_past SET state = 'unheard-of'", "whose past cannot be read"),
    ("INSERT INTO late_end VALUES (20520, 20500, 1, 'verification', 'answered', 1)", "what ended late"),
    ("UPDATE timer SET request = request + 1000", "foreign key"),
    ("INSERT INTO disclosure (request, organ, api_key, at) VALUES (1, 1, 1, 0)", "foreign key"),
  ]

  @Test(arguments: faults) func plantedFaultIsFound(_ fault: (sql: String, report: String)) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await Self.populate(store)
    #expect(try store.verify() == [])
    try store.plant(fault.sql, foreignKeys: false)
    let report = try store.verify().map(\.en)
    #expect(report.contains { $0.contains(fault.report) }, "\(fault.sql): \(report)")
  }

  @Test func overdueTallyIsChecked() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.submit()
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    #expect(try store.verify() == [])
    try store.plant("UPDATE tally SET count = 0 WHERE state = 'overdue'")
    #expect(try store.verify() == [Phrase("与请求不符的计数：1行", "tallies that disagree with the requests: 1 row")])
  }

  /// A procedure whose ladder ends with the due moment leaves no timer behind, and that is well.
  @Test func shortLadderIsNoFault() async throws {
    let fixture = try Fixture()
    let full = Fixture.procedures[0]
    let short = Procedure(
      id: full.id, title: full.title, clause: full.clause, workingDays: 5, ladder: [.oneDayLeft, .overdue],
      outcomes: full.outcomes, declineReasons: full.declineReasons)
    let store = try Store.open(directory: fixture.directory, role: .daemon, procedures: [short])
    defer { store.close() }
    let request = try await store.submit()
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    #expect(
      try await store.timeline(request.id).map(\.type) == [
        "request.submitted", "request.due-soon", "request.overdue",
      ])
    #expect(try store.verify() == [])
  }
}

@Suite(.timeLimit(.minutes(5))) struct BackupTests {
  @Test func backupIsOneMomentOfADatabaseInUse() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.addEndpoint(of: .requester)
    for _ in 0..<40 { try await store.submit() }
    let target = try Fixture(bare: ())
    let before = try store.counts()
    let writers = (0..<3).map { _ in
      Task {
        while !Task.isCancelled {
          let request = try await store.submit()
          try await store.carryOut(.confirm, request.id)
        }
      }
    }
    try await until("writers are at work") { try store.scalar("SELECT count(*) FROM request") > 60 }
    try onThreads(1) { _ in try store.backup(to: target.database) }
    try await Task.sleep(for: .milliseconds(20))
    for writer in writers { writer.cancel() }
    for writer in writers { _ = await writer.result }
    let after = try store.counts()
    #expect(!Fixture.exists(target.database + "-wal") && !Fixture.exists(target.database + ".partial"))

    // The data key is in no backup: whoever restores one brings it along.
    #expect(await failure { try target.open().close() }?.description.contains("data.key is missing") == true)
    try Fixture.copy(DataKey.path(store.directory), to: DataKey.path(target.directory))
    let copy = try target.open()
    defer { copy.close() }
    #expect(try copy.verify() == [])
    let counts = try copy.counts()
    for (index, row) in counts.enumerated() {
      #expect((before[index].rows...after[index].rows).contains(row.rows), "\(row.table)")
    }
    #expect(counts[0].rows > 40, "what was written before is in it")
    #expect(counts[1].rows >= counts[0].rows)
    #expect(copy.reference.organs == store.reference.organs)
    try await copy.submit()
  }

  @Test func quietBackupEqualsItsOrigin() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.carryOut(.confirm, request.id)
    let target = try Fixture(bare: ())
    try store.backup(to: target.database)
    let copy = try target.open()
    defer { copy.close() }
    #expect(try copy.countsText == store.countsText)
    let kept = try #require(try await copy.request(request.id))
    #expect(kept.request == (try await store.request(request.id))?.request)
    #expect(kept.subject == .person())
    #expect(try await copy.timeline(request.id).map(\.id) == store.timeline(request.id).map(\.id))
  }

  @Test func backupNeverOverwrites() throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    let target = try Fixture()
    let bytes = try target.bytes
    #expect(throws: StoreError.self) { try store.backup(to: target.database) }
    #expect(try target.bytes == bytes)
    #expect(throws: StoreError.self) { try store.backup(to: target.directory + "/no/such/directory.sqlite") }
  }
}
