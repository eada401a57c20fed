import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// A running request keeps the definition under which it was opened.
@Suite(.timeLimit(.minutes(5))) struct ProcedureVersionTests {
  /// A definition of verification with these days and outcomes.
  private static func definition(
    days: Int, outcomes: [String], ladder: [Rung] = [.overdue], id: String = "verification"
  ) -> Procedure {
    Procedure(
      id: id, title: Phrase("事项", "procedure"), clause: "启东方案 二(五)", workingDays: days, ladder: ladder,
      outcomes: outcomes.map { .init(id: $0, title: Phrase($0, $0)) }, declineReasons: [])
  }

  private static func life<T>(
    _ fixture: Fixture, _ procedures: [Procedure], _ body: (Store) async throws -> T
  ) async throws -> T {
    let store = try Store.open(directory: fixture.directory, role: .daemon, procedures: procedures)
    defer { store.close() }
    return try await body(store)
  }

  /// Nobody is listed for it, so the procedure's own days count.
  private static let unlisted = Submission.marriage(to: .stranger)

  @Test func oldRequestsGoOnByTheOldDefinition() async throws {
    let fixture = try Fixture()
    let first = Self.definition(days: 5, outcomes: ["confirmed"], ladder: [.oneDayLeft, .overdue])
    let second = Self.definition(days: 9, outcomes: ["sound"])
    let old = try await Self.life(fixture, [first]) { try await $0.submit(Self.unlisted) }
    #expect(old.procedureVersion == 1 && old.deadline.workingDays == 5)
    try await Self.life(fixture, [second]) { store in
      let new = try await store.submit(Self.unlisted)
      #expect(new.procedureVersion == 2 && new.deadline.workingDays == 9)
      #expect(store.reference.procedures["verification"]?.version == 2)
      #expect(await failure { try await store.carryOut(.confirm, new.id, by: .stranger) } != nil)
      _ = try await store.advance(to: "2026-03-31T00:00:00+08:00")
      #expect(
        try await store.timeline(old.id).map(\.type) == ["request.submitted", "request.due-soon", "request.overdue"])
      #expect(try await store.timeline(new.id).map(\.type) == ["request.submitted", "request.overdue"])
      let answered = try await store.carryOut(.confirm, old.id, by: .stranger)
      #expect(answered.state.name == .answered && answered.procedureVersion == 1)
      #expect(try store.verify() == [])
    }
    // The same files again make no new version.
    try await Self.life(fixture, [second]) { store in
      let kept = try await store.procedureVersions()
      #expect(kept.map(\.version) == [1, 2] && kept[0].digest != kept[1].digest)
      #expect(kept[0].firstUsedAt < kept[1].firstUsedAt || kept[0].firstUsedAt == Fixture.monday)
    }
  }

  /// Figures know no versions: one request under a sealed one keeps the procedure from them, an attempt does not.
  @Test(arguments: [false, true]) func aSealThatWasTakenBack(_ isUsed: Bool) async throws {
    let fixture = try Fixture()
    func definition(isSealed: Bool) -> Procedure {
      let open = Self.definition(days: 5, outcomes: ["confirmed"])
      return Procedure(
        id: open.id, title: open.title, clause: open.clause, openers: open.openers, answerers: [], clock: open.clock,
        acknowledgeDays: 1, returnDays: 2, supplement: true, allowsExtension: true, allowsTransfer: true,
        item: .optional, subject: .required, questions: .required, answerKind: .findings, outcomes: open.outcomes,
        declineReasons: [], fields: [], answerFields: [], isSealed: isSealed, copies: [], ladder: open.ladder)
    }
    _ = try await Self.life(fixture, [definition(isSealed: false)]) { try await $0.submit(Self.unlisted) }
    try await Self.life(fixture, [definition(isSealed: true)]) { store in
      #expect(store.reference.isSealed("verification"))
      if isUsed { try await store.submit(Self.unlisted) }
    }
    try await Self.life(fixture, [definition(isSealed: false)]) { store in
      let isSealed = store.reference.isSealed("verification")
      #expect(isSealed == isUsed)
      let faults = try store.verify()
      #expect(faults == [])
    }
    // Without a file it stays as it was last.
    try await Self.life(fixture, [Self.definition(days: 5, outcomes: ["x"], id: "other")]) { store in
      #expect(store.reference.isSealed("verification"))
    }
  }

  @Test func aProcedureWithoutAFileTakesNoNewRequests() async throws {
    let fixture = try Fixture()
    let old = try await Self.life(fixture, [Self.definition(days: 5, outcomes: ["confirmed"])]) {
      try await $0.submit(Self.unlisted)
    }
    try await Self.life(fixture, [Self.definition(days: 5, outcomes: ["x"], id: "other")]) { store in
      guard case .refused(.faults(let faults)) = await failure({ try await store.submit(Self.unlisted) }) else {
        Issue.record("it was opened")
        return
      }
      #expect(faults.map(\.code) == ["unknown-procedure"])
      let answered = try await store.carryOut(.confirm, old.id, by: .stranger)
      #expect(answered.state.name == .answered)
      #expect(try store.verify() == [])
    }
  }

  /// A command reads files that may not be in force: it stores nothing.
  @Test func commandsStoreNoVersions() async throws {
    let fixture = try Fixture()
    try await Self.life(fixture, [Self.definition(days: 5, outcomes: ["confirmed"])]) { _ in }
    let command = try Store.open(
      directory: fixture.directory, role: .command, procedures: [Self.definition(days: 6, outcomes: ["confirmed"])])
    defer { command.close() }
    #expect(try await command.procedureVersions().map(\.version) == [1])
  }

  /// A database of before keeps its rows, under the definition of its first start.
  @Test func olderDatabasesAreTakenOver() async throws {
    let fixture = try Fixture()
    let old = try await fixture.life { try await $0.submit() }
    let queue = try DatabaseQueue(path: fixture.database)
    try await queue.write { db in
      try db.execute(
        sql: """
          ALTER TABLE request DROP COLUMN procedure_version;
          DROP TABLE procedure_version;
          DELETE FROM grdb_migrations WHERE identifier = '4 versions of procedures';
          """)
    }
    try queue.close()
    try await fixture.life { store in
      let kept = try await store.request(old.id)?.request
      #expect(kept == old)
      #expect(Set(try await store.procedureVersions().map(\.version)) == [1])
      #expect(try await store.carryOut(.confirm, old.id).state.name == .answered)
      #expect(try store.verify() == [])
    }
  }

  @Test func aDamagedDefinitionIsNamed() async throws {
    let fixture = try Fixture()
    try await fixture.life {
      try $0.plant("UPDATE procedure_version SET definition = '{}' WHERE procedure = 'complaint'")
    }
    let error = await failure { try await fixture.life { _ in } }
    #expect(
      "\(String(describing: error))".contains("version 1 of the procedure complaint"), "\(String(describing: error))")
  }

  /// Officers of one organ who answer at the same moment: one of them does.
  @Test func oneAnswerOfMany() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let id = try await store.submit().id
    let outcomes = await withTaskGroup(of: StoreError?.self) { group in
      for _ in 0..<8 { group.addTask { await failure { try await store.carryOut(.confirm, id) } } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { $0 == nil } == 1)
    #expect(outcomes.count { $0 == .refused(.illegalTransition(.answer, from: .answered)) } == 7)
    #expect(try await store.timeline(id).map(\.type) == ["request.submitted", "request.answered"])
    #expect(try store.verify() == [])
  }
}
