import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// Who was supplied has not acknowledged by that, in what is kept and in the figures.
@Suite(.timeLimit(.minutes(5))) struct AcknowledgementTests {
  private static let wide = (from: CalendarDate("2026-01-01")!, to: CalendarDate("2026-12-31")!)

  private func figures(_ store: Store) async throws -> (onTime: Int, late: Int) {
    let scope = ReportScope(organs: Set(store.reference.organs.map(\.number)), own: nil)
    let total = try await store.timeliness(from: Self.wide.from, to: Self.wide.to, by: [.organ], scope).total
    return (total.acknowledgedOnTime, total.acknowledgedLate)
  }

  private func three(_ store: Store) async throws -> [EntityID] {
    var ids: [EntityID] = []
    for _ in 0..<3 { ids.append(try await store.submit().id) }
    return ids
  }

  private func supply(_ store: Store, _ id: EntityID) async throws {
    try await store.carryOut(.ask(text: "请补充婚姻登记日期"), id)
    try await store.carryOut(.supply(text: "二〇二一年五月"), id, by: .requester)
  }

  /// Whoever asked for particulars has said that he has it: an answer later says so no second time.
  @Test func askingIsTheFirstWord() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    // Answered a week later, returned, and handed on to another organ, which answers.
    let ids = try await three(store)
    for id in ids { try await supply(store, id) }
    #expect(try await figures(store) == (3, 0))
    try await store.carryOut(.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil)), ids[1])
    let move = Command.transfer(.init(to: Qidong.stranger.organ, reason: "登记在公安机关"))
    try await store.carryOut(move, ids[2], by: .supervisor)
    try await store.advance(to: "2026-03-09T10:00:00+08:00")
    try await store.carryOut(.confirm, ids[0])
    #expect(try await figures(store) == (3, 0), "who had asked has answered")
    try await store.carryOut(.confirm, ids[2], by: .stranger)
    #expect(try await figures(store) == (3, 1), "the next organ had said nothing")
    for id in ids { #expect(try await store.request(id)?.request.acknowledgement == nil) }
    // The same of what is filed.
    for _ in 0..<600 { try await store.submit() }
    #expect(try await figures(store) == (3, 1))
    #expect(try store.verify() == [])
  }

  /// A version before kept the moment of the supplement as an acknowledgement.
  @Test func whatNobodyAcknowledgedIsSetRight() async throws {
    let fixture = try Fixture()
    let (plain, extended, real) = try await fixture.life { store in
      let ids = try await three(store)
      try await store.carryOut(.acknowledge(officer: nil), ids[2])
      for id in ids { try await supply(store, id) }
      try await store.carryOut(
        .extend(.init(workingDays: 2, reason: "需调阅纸质档案", approver: "局长 周一")), ids[1])
      return (ids[0], ids[1], ids[2])
    }
    let queue = try DatabaseQueue(path: fixture.database)
    try await queue.write { db in
      for table in ["request", "request_past"] {
        try db.execute(
          sql: """
            UPDATE \(table) SET acknowledged_at = json_extract(progress, '$.supplement.supplied.at')
            WHERE acknowledged_at IS NULL AND progress IS NOT NULL
            """)
      }
      try db.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = '20 who acknowledged'")
    }
    try queue.close()
    let store = try fixture.open()
    defer { store.close() }
    for id in [plain, extended] { #expect(try await store.request(id)?.request.acknowledgement == nil) }
    #expect(try await store.request(real)?.request.acknowledgement != nil)
    #expect(
      try store.scalar(
        "SELECT count(*) FROM request_past WHERE acknowledged_at IS NOT NULL AND request <> ?", [real.key])
        == 0)
    #expect(try await figures(store) == (3, 0))
    #expect(try store.verify() == [])
  }
}
