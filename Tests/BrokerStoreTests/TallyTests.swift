import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

@Suite(.timeLimit(.minutes(5))) struct TallyTests {
  /// What the tallies should say, counted from the rows.
  private static func recount(_ store: Store) throws -> [String: Int] {
    try store.pool.read { db in
      var counts: [String: Int] = [:]
      let states = try Row.fetchAll(db, sql: "SELECT procedure, state, count(*) AS n FROM request GROUP BY 1, 2")
      for row in states { counts["\(row["procedure"] as String) \(row["state"] as String)"] = row["n"] }
      let overdue = try Row.fetchAll(
        db,
        sql: """
          SELECT r.procedure, count(*) AS n FROM request r JOIN event e ON e.request = r.key
          WHERE r.open = 1 AND e.type = 'request.overdue' GROUP BY 1
          """)
      for row in overdue { counts["\(row["procedure"] as String) overdue"] = row["n"] }
      return counts
    }
  }

  private static func kept(_ store: Store) async throws -> [String: Int] {
    var counts: [String: Int] = [:]
    for tally in try await store.tallies() where tally.count != 0 {
      counts["\(tally.procedure) \(tally.state)"] = tally.count
    }
    return counts
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func talliesFollowARandomWalk(seed: UInt64) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let keeper = DeadlineKeeper(store: store) { _ in }
    var random = SeededGenerator(seed: seed)
    var ids: [EntityID] = []
    var refused = 0
    var seen: Set<String> = []
    for step in 0..<500 {
      let command: Command? = [.acknowledge(officer: "钱七"), .confirm, .refuse, .pullBack].randomElement(using: &random)
      let fails = Int.random(in: 0..<8, using: &random) == 0
      let by: Qidong = Bool.random(using: &random) ? .requester : .responder
      let problem: StoreError?
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<8:
        let procedure = Bool.random(using: &random) ? "verification" : "complaint"
        problem = await failure {
          ids.append(
            try await store.write { context in
              let request = try context.submit(.marriage(procedure: procedure))
              if fails { throw StoreError.notFound }
              return request.id
            })
        }
      case 8..<19:
        guard let id = ids.randomElement(using: &random), let command else { continue }
        problem = await failure {
          _ = try await store.write { context in
            let request = try context.carryOut(command, id, by: by)
            if fails { throw StoreError.notFound }
            return request
          }
        }
      default:
        let hours = Int64.random(in: 1...30, using: &random)
        _ = try await keeper.rehearse(to: store.clock.now + hours * 3_600_000)
        problem = nil
      }
      if problem != nil { refused += 1 }
      let kept = try await Self.kept(store)
      seen.formUnion(kept.keys)
      let counted = try Self.recount(store)
      #expect(kept == counted, "step \(step)")
      if kept != counted { return }
    }
    #expect(refused > 50, "the walk must fail now and then")
    #expect(seen.contains("verification overdue") && seen.contains("complaint answered"), "\(seen)")
    #expect(try store.verify() == [])
  }
}
