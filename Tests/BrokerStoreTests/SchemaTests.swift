import BrokerDomain
import Foundation
import GRDB
import Testing

@testable import BrokerStore

@Suite struct SchemaTests {
  @Test func migrationsApplyAndAreIdempotent() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue)
    let first = try Self.dump(queue)
    try Schema.migrator.migrate(queue)
    #expect(try Self.dump(queue) == first)
    #expect(try queue.read { try Schema.migrator.hasCompletedMigrations($0) })
    #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA application_id") } == 0x5869_4368)
    #expect(try queue.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") } == ["ok"])
  }

  /// Migrations are only appended to: what has shipped may not change. A new table is a new migration.
  @Test func migrationOneIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "1 the spine")
    #expect(try Self.dump(queue) == GoldenSchema.migration1)
    #expect(Schema.migrator.migrations.first == "1 the spine")
  }

  @Test func reportsAreAsTheyShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "1 the spine")
    let before = Set((try Self.dump(queue) + "\n").components(separatedBy: ";\n"))
    try Schema.migrator.migrate(queue, upTo: "2 reports and reads")
    let made = (try Self.dump(queue) + "\n").components(separatedBy: ";\n").filter { !before.contains($0) }
    #expect(made.map { $0 + ";" }.joined(separator: "\n") == GoldenSchema.reports)
  }

  @Test func versionsOfProceduresAreAsTheyShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "4 versions of procedures")
    #expect(try Self.dump(queue).contains(GoldenSchema.procedureVersion))
    let column = try queue.read { db in
      try String.fetchOne(
        db,
        sql: """
          SELECT type || ' ' || "notnull" || ' ' || dflt_value FROM pragma_table_info('request')
          WHERE name = 'procedure_version'
          """)
    }
    #expect(column == "INTEGER 1 1")
  }

  @Test func theListsAreAsTheyShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "4 versions of procedures")
    let before = try Self.statements(queue)
    try Schema.migrator.migrate(queue, upTo: "5 the life of the lists")
    let new = try Self.statements(queue).filter { !before.contains($0) }
    #expect(new.joined(separator: "\n") == GoldenSchema.lists)
  }

  /// What a database of the first schema listed is version 1 of the second, and all else stays as it was.
  @Test func theListsOfTheFirstSchemaAreKept() throws {
    let fixture = try Fixture(bare: ())
    try Store.create(directory: fixture.directory, rehearseAt: nil)
    let queue = try DatabaseQueue(path: fixture.database)
    // As the first version of the program would have left it.
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA foreign_keys = OFF")
      for name in try String.fetchAll(
        db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      { try db.execute(sql: "DROP TABLE \"\(name)\"") }
    }
    try Schema.migrator.migrate(queue, upTo: "1 the spine")
    try queue.write { db in
      try db.execute(
        sql: """
          INSERT INTO organ VALUES (1, '113206810142605753', '医保局', '医保局', '320681', NULL, 'member'),
            (2, '11320681014260292T', '民政局', '民政局', '320681', NULL, 'member');
          INSERT INTO item VALUES ('47', '结婚证', '产前检查费支付', char(9) || char(9) || '市医保局', 3);
          INSERT INTO assistance_entry VALUES ('47', 1, 2, 7, 0);
          INSERT INTO calendar_day VALUES ('', '2026-10-01', 'off', '国庆节', '通知');
          INSERT INTO meta VALUES ('reference-generation', '7');
          """)
    }
    try queue.close()
    let store = try fixture.open()
    defer { store.close() }
    #expect(store.reference.item("47")?.departments == ["", "", "市医保局"])
    #expect(store.reference.item("47")?.method == .assistance && store.reference.item("47")?.agentAllowed == true)
    #expect(store.reference.assistance.map(\.workingDays) == [7])
    #expect(store.reference.itemsVersion.number == 1 && store.reference.itemsVersion.effectiveFrom == nil)
    #expect(store.reference.organs.count == 2 && store.reference.calendar.knownYears == [2026])
    #expect(try store.verify() == [])
  }

  @Test func whatLiesReturnedIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "10 what is overdue")
    let before = try Self.statements(queue)
    try Schema.migrator.migrate(queue, upTo: "11 what lies returned")
    #expect(try Self.statements(queue).filter { !before.contains($0) } == [GoldenSchema.returned])
  }

  @Test func whoHasReadARequestIsAsItShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "23 who passed on late")
    let before = try Self.statements(queue)
    try Schema.migrator.migrate(queue, upTo: "24 who has read a request")
    #expect(
      try Self.statements(queue).filter { !before.contains($0) } == [
        "CREATE INDEX disclosure_request ON disclosure (request);"
      ])
  }

  @Test func linesOfReferenceFilesAreAsTheyShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "13 items of a region")
    let before = try Self.statements(queue)
    // Two columns without a name, or of one, were kept under one.
    let doubled = #"{"":"a","n":"x","":"b","n":"y"}"#
    try queue.write { db in
      try db.execute(
        sql: """
          INSERT INTO organ (number, code, name, short_name, region, roles, extra) VALUES
            (1, '113206810142605753', '医保局', '医保局', '320681', 'member', '\(doubled)'),
            (2, '11320681014260292T', '民政局', '民政局', '320681', 'member', '{"b":"1","a":"2"}')
          """)
    }
    try Schema.migrator.migrate(queue, upTo: "14 lines of reference files")
    #expect(try Self.statements(queue).filter { !before.contains($0) } == [GoldenSchema.referenceLine])
    let extras = try queue.read { try String.fetchAll($0, sql: "SELECT extra FROM organ ORDER BY number") }
    #expect(extras == [#"{"":"a","n":"x"}"#, #"{"b":"1","a":"2"}"#])
  }

  /// Subjects were filed together with events before, up to the newest request that is filed: these are the first run.
  @Test func subjectsAreFiledInRuns() throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(configuration: configuration)
    try Schema.migrator.migrate(queue, upTo: "14 lines of reference files")
    let before = try Self.statements(queue)
    try queue.write { db in
      try db.execute(
        sql: """
          INSERT INTO event (seq, request, version, type, state, at, requester, responder, data)
            VALUES (1, 70, 1, 'request.submitted', 'submitted', 0, 1, 2, '{}'),
              (2, 80, 1, 'request.submitted', 'submitted', 0, 1, 2, '{}'),
              (3, 70, 2, 'request.acknowledged', 'acknowledged', 0, 1, 2, '{}'),
              (4, 70, 1, 'request.overdue', 'acknowledged', 0, 1, 2, '{}'),
              (5, 90, 1, 'request.submitted', 'submitted', 0, 1, 2, '{}');
          INSERT INTO filed_subject VALUES ('b', 70), ('a', 80), ('b', 60);
          UPDATE filing SET through = 4;
          """)
    }
    try Schema.migrator.migrate(queue, upTo: "15 subjects are filed in runs")
    let new = try Self.statements(queue).filter { !before.contains($0) }
    #expect(new.sorted().joined(separator: "\n") == GoldenSchema.subjectFiling)
    let kept = try queue.read { db in
      try String.fetchAll(
        db, sql: "SELECT n.through || ' ' || id_number || f.request FROM filed_subject f JOIN subject_run n USING (run)"
      )
    }
    #expect(kept == ["80 a80", "80 b60", "80 b70"])
  }

  /// Items of before are shared by every region; two regions may list the same proof for the same matter from now on.
  @Test func itemsOfRegionsAreAsTheyShipped() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: "12 acknowledged in time")
    let before = try Self.statements(queue)
    func item(_ version: Int, _ code: String, _ region: String = "") -> String {
      let columns =
        "version, code, position, proof, matter, departments, method, method_basis, public, agent_allowed, extra"
      let values = "\(version), '\(code)', 3, '甲', '子', '', 'online', '办法', 0, 1, '{\"note\":\"看\"}'"
      return region.isEmpty
        ? "INSERT INTO listed_item (\(columns)) VALUES (\(values))"
        : "INSERT INTO listed_item (\(columns), region) VALUES (\(values), '\(region)')"
    }
    try queue.write { db in for version in [1, 2] { try db.execute(sql: item(version, "47")) } }
    try Schema.migrator.migrate(queue, upTo: "13 items of a region")
    let new = try Self.statements(queue).filter { !before.contains($0) }
    #expect(new == [GoldenSchema.listedItemOfRegion])
    try queue.write { db in
      let kept = try String.fetchAll(
        db,
        sql: """
          SELECT version || ' ' || code || ' ' || position || ' ' || proof || ' ' || method || ' ' || method_basis || ' '
            || public || agent_allowed || ' [' || region || '] ' || extra FROM listed_item ORDER BY version
          """)
      #expect(kept == [1, 2].map { "\($0) 47 3 甲 online 办法 01 [] {\"note\":\"看\"}" })
      try db.execute(sql: item(2, "48", "320681"))
      try db.execute(sql: item(2, "49", "152922"))
      #expect(throws: DatabaseError.self) { try db.execute(sql: item(2, "50", "152922")) }
    }
  }

  @Test func everyTableIsStrict() throws {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue)
    let loose = try queue.read { db in
      try String.fetchAll(
        db,
        sql: """
          SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0
            AND name NOT LIKE 'sqlite_%' AND name <> 'grdb_migrations'
          """)
    }
    #expect(loose == [])
  }

  @Test func writerKeepsItsPromises() throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    defer { store.close() }
    try store.pool.writeWithoutTransaction { db in
      let pragmas = try ["synchronous", "journal_mode", "foreign_keys"].map {
        try String.fetchOne(db, sql: "PRAGMA \($0)")
      }
      // 2 is FULL: every commit waits for the disk.
      #expect(pragmas == ["2", "wal", "1"])
    }
  }

  /// One statement each that a check must stop, with the word its message must hold.
  static let violations: [(sql: String, about: String)] = [
    ("UPDATE request SET state = 'lost'", "state"),
    ("UPDATE request SET open = 0", "open"),
    ("UPDATE request SET state = 'answered', open = 0", "outcome"),
    ("UPDATE request SET outcome = '{}'", "outcome"),
    ("UPDATE request SET due_at = 0", "due_at"),
    ("UPDATE request SET updated_at = received_at - 1", "updated_at"),
    ("UPDATE request SET version = 0", "version"),
    ("UPDATE request SET working_days = -1", "working_days"),
    ("UPDATE request SET provisional = 2", "provisional"),
    ("UPDATE request SET due_at = 'soon'", "TEXT"),
    ("UPDATE request SET requester = 999", "FOREIGN KEY"),
    ("DELETE FROM request", "FOREIGN KEY"),
    ("UPDATE subject SET kind = 'ship'", "kind"),
    ("UPDATE subject SET id_type = 'passport'", "id_type"),
    ("UPDATE event SET trace = 'short'", "trace"),
    ("UPDATE timer SET rung = 5", "rung"),
    (
      """
      INSERT INTO event SELECT seq + n, request, version, type, state, at, actor, requester, responder, 1, data, trace
      FROM event, (SELECT 100 AS n UNION SELECT 200)
      """, "UNIQUE"
    ),
    ("UPDATE organ SET code = 'short'", "code"),
    ("UPDATE organ SET region = '32068'", "region"),
    ("UPDATE listed_entry SET obliged = requester", "obliged"),
    ("UPDATE listed_entry SET working_days = 251", "working_days"),
    ("UPDATE listed_item SET method = 'guess'", "method"),
    ("UPDATE listed_item SET public = 2", "public"),
    ("UPDATE listed_item SET region = '32068'", "region"),
    ("UPDATE list_version SET version = 0", "version"),
    ("INSERT INTO reference_line VALUES ('keys', 0, '', '')", "kind"),
    ("INSERT INTO reference_line VALUES ('items', -1, '', '')", "place"),
    ("INSERT INTO organ_contact VALUES (1, 'boss', '甲', NULL, NULL, NULL)", "role"),
    ("INSERT INTO organ_contact VALUES (1, 'liaison', '甲', NULL, NULL, '110')", "substitute"),
    ("UPDATE calendar_day SET kind = 'maybe'", "kind"),
    ("UPDATE calendar_day SET region = '320'", "region"),
    ("INSERT INTO organ_past_region VALUES (1, 0, '32068')", "region"),
    ("INSERT INTO api_key (digest, created_at) VALUES (x'00', 0)", "digest"),
    ("INSERT INTO idempotency VALUES (1, 1, '', zeroblob(32), 201, NULL, '', x'', 0)", "key"),
    ("INSERT INTO idempotency VALUES (1, 1, 'k', zeroblob(31), 201, NULL, '', x'', 0)", "fingerprint"),
    ("UPDATE tally SET count = -1", "count"),
    (
      "INSERT INTO endpoint (key, tail, organ, url, events, body, secret, enabled, created_at) VALUES (1, 1, 1, '', '*', 'fat', zeroblob(24), 1, 0)",
      "body"
    ),
    (
      "INSERT INTO endpoint (key, tail, organ, url, events, body, secret, enabled, created_at) VALUES (1, 1, 1, '', '*', 'thin', zeroblob(23), 1, 0)",
      "secret"
    ),
    (
      "INSERT INTO endpoint (key, tail, organ, url, events, body, secret, previous_secret, enabled, created_at) VALUES (1, 1, 1, '', '*', 'thin', zeroblob(24), zeroblob(24), 1, 0)",
      "previous_secret"
    ),
    ("INSERT INTO disclosure (request, organ, api_key, at, what) SELECT key, 1, 1, 0, 'all' FROM request", "what"),
    ("INSERT INTO report_tally VALUES (2, 0, 1, 0, 1)", "span"),
    ("INSERT INTO report_tally VALUES (0, 0, 1, -1, 1)", "days"),
    ("INSERT INTO report_tally VALUES (0, 0, 1, 0, 0)", "count"),
    ("INSERT INTO report_cell (organ, procedure, item, measure) VALUES (1, 'verification', '', '')", "measure"),
    ("INSERT INTO outbox (endpoint, next_at, seq, request, created_at) VALUES (9, 0, 1, 1, 0)", "FOREIGN KEY"),
  ]

  @Test func checksBite() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.submit()
    let before = try store.countsText
    for (sql, about) in Self.violations {
      do {
        try store.plant(sql)
        Issue.record("went through: \(sql)")
      } catch let error as DatabaseError {
        #expect(error.resultCode == .SQLITE_CONSTRAINT, "\(sql): \(error)")
        #expect(error.message?.contains(about) == true, "\(sql): \(error)")
      }
    }
    #expect(try store.countsText == before)
    #expect(try store.verify() == [])
  }

  static func dump(_ queue: DatabaseQueue) throws -> String { try statements(queue).joined(separator: "\n") }

  static func statements(_ queue: DatabaseQueue) throws -> [String] {
    try queue.read { db in
      try String.fetchAll(
        db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'grdb_%' ORDER BY rowid"
      ).map { $0 + ";" }
    }
  }
}
