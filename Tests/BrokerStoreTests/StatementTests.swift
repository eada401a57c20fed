import Foundation
import GRDB
import Testing

@testable import BrokerStore

@Suite struct StatementTests {
  @Test func everyStatementPrepares() throws {
    let store = try Fixture().open()
    defer { store.close() }
    #expect(Statements.all.count == Set(Statements.all).count)
    store.pool.writeWithoutTransaction { db in
      for sql in Statements.all {
        do {
          _ = try db.makeStatement(sql: sql)
        } catch {
          Issue.record("\(sql)\n\(error)")
        }
      }
    }
  }

  /// SQLite numbers `$n` by first appearance and not by n: out of order, values land in the wrong places.
  @Test(arguments: Statements.all) func parametersAreIntroducedInOrder(_ sql: String) {
    var introduced: [Int] = []
    for match in sql.matches(of: #/\$(\d+)/#) {
      guard let number = Int(match.1), !introduced.contains(number) else { continue }
      introduced.append(number)
    }
    #expect(introduced == Array(1..<(introduced.count + 1)), "\(sql)")
  }

  /// `StoredRequest` reads all of them by place: a column that moves in one moves in each. SQL has no word for a list of
  /// columns, and one put together at run time would be no statement that these tests can read. A timer looks at no content
  /// and no subject, and has NULL there.
  @Test(arguments: [ListSQL.matching.rawValue, CallbackSQL.full.rawValue, TimerSQL.due.rawValue])
  func requestsAreReadByTheSamePlaces(_ sql: String) {
    func columns(_ sql: String) -> [String] {
      sql.split(separator: "FROM", maxSplits: 1)[0].dropFirst("SELECT".count).split(separator: ",")
        .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
    }
    let whole = columns(RequestSQL.get.rawValue)
    #expect(whole.count == 24 && whole[5] == "r.requester")
    #expect(whole[6] == "r.responder")
    for (place, column) in columns(sql).prefix(whole.count).enumerated() {
      #expect(column == whole[place] || column == "NULL" && (17...21).contains(place), "\(place): \(column)")
    }
    #expect(columns(sql).count >= whole.count)
  }

  /// What runs for every request, transition, callback, timer, poll or list. The others run once per start or import
  /// (`ReferenceSQL`, `KeySQL`, `EndpointSQL.targets`), for an operator who asks for the whole (`VerifySQL`,
  /// `CountSQL`, `TallySQL.all`: a row per procedure and state; `OutboxSQL.depth` for a metrics page,
  /// `latestMoment` of events and of attempts at start), or over the few endpoints (`endpointsOf`, `allEndpoints`,
  /// `RequeueSQL.live`).
  /// `DeliverySQL.pending` sorts one endpoint's queue, because the queue is clustered by due time and not by age.
  static let hot: [String] =
    [
      BatchSQL.lastKey.rawValue,
      ApplySQL.updateRequest.rawValue, ApplySQL.handOver.rawValue, ApplySQL.moveDeadline.rawValue,
      ApplySQL.hasRung.rawValue, ApplySQL.outboxMoment.rawValue,
      RequestSQL.get.rawValue, RequestSQL.version.rawValue, DisclosureSQL.list.rawValue,
      IdempotencySQL.find.rawValue, CallbackSQL.thin.rawValue, CallbackSQL.full.rawValue,
      CallbackSQL.versionAt.rawValue, EndpointSQL.get.rawValue,
      EndpointSQL.list.rawValue, DeletedQueueSQL.end.rawValue, DeletedQueueSQL.drop.rawValue,
      DeletedQueueSQL.keepTried.rawValue, EndpointSQL.pending.rawValue,
      EndpointSQL.lastDelivered.rawValue, EndpointSQL.isDeleted.rawValue, DeliverySQL.finished.rawValue,
      DeliverySQL.dead.rawValue,
      DeliverySQL.onePending.rawValue, RequeueSQL.owner.rawValue, RequeueSQL.findPending.rawValue,
      RequeueSQL.findFinished.rawValue, RequeueSQL.dead.rawValue, RequeueSQL.forget.rawValue,
      RequeueSQL.active.rawValue, RequeueSQL.isQueued.rawValue, ExpirySQL.isOff.rawValue, ExpirySQL.row.rawValue,
      EventSQL.newest.rawValue, EventSQL.oldest.rawValue,
      EventSQL.momentAtOrAfter.rawValue, TimerSQL.due.rawValue, TimerSQL.deleteThrough.rawValue,
      InboxSQL.list.rawValue, OutboxSQL.nextDue.rawValue, OutboxSQL.due.rawValue,
      OutboxSQL.delete.rawValue, OutboxSQL.successor.rawValue, OutboxSQL.move.rawValue,
      AttemptSQL.list.rawValue, AttemptSQL.last.rawValue, AttemptSQL.prune.rawValue, AttemptSQL.clear.rawValue,
      TraceSQL.one.rawValue, TraceSQL.endpoint.rawValue, FirstReadSQL.has.rawValue, FirstReadSQL.list.rawValue,
      UndeliveredSQL.result.rawValue, UndeliveredSQL.owner.rawValue, UndeliveredSQL.find.rawValue,
      UndeliveredSQL.arrived.rawValue, UndeliveredSQL.read.rawValue, UndeliveredSQL.isOver.rawValue,
      UndeliveredSQL.page.rawValue, UndeliveredSQL.untried.rawValue, RequeueSQL.keepLast.rawValue,
      RequeueSQL.firstDelivered.rawValue, CallListSQL.off.rawValue,
      OutboxSQL.lease.rawValue, ReferenceSQL.getMeta.rawValue,
      EndpointMarkSQL.failing.rawValue, EndpointMarkSQL.disable.rawValue, EndpointMarkSQL.begin.rawValue,
      EndpointMarkSQL.tail.rawValue, EndpointMarkSQL.isOtherwise.rawValue,
      EndpointMarkSQL.ask.rawValue, EndpointMarkSQL.asked.rawValue, EndpointMarkSQL.notices.rawValue,
      SubjectFilingSQL.ofPerson.rawValue, SubjectFilingSQL.unfiled.rawValue, SubjectFilingSQL.runs.rawValue,
      SubjectFilingSQL.inRun.rawValue, SubjectFilingSQL.numbers.rawValue,
    ] + ListSQL.allCases.map(\.rawValue) + UnfiledSQL.allCases.map(\.rawValue) + OverdueSQL.allCases.map(\.rawValue)

  @Test(arguments: hot) func hotStatementsSearchAndDoNotSort(_ sql: String) throws {
    let plan = try Self.plan(sql)
    #expect(plan.contains { $0.hasPrefix("SEARCH") }, "\(sql)\n\(plan)")
    for step in plan {
      // The table `filing` has one row, `subject_run` one for a thousand subjects.
      let one = ["SCAN CONSTANT ROW", "SCAN filing", "SCAN subject_run"]
      #expect(!step.hasPrefix("SCAN") || one.contains(step), "\(sql)\n\(plan)")
      #expect(!step.contains("TEMP B-TREE"), "\(sql)\n\(plan)")
    }
  }

  /// The earliest timer is the first row of a table clustered by due time: a scan that ends after one row.
  @Test func earliestTimerIsTheFirstRow() throws {
    #expect(try Self.plan(TimerSQL.earliest.rawValue) == ["SCAN timer"])
    #expect(TimerSQL.earliest.rawValue.hasSuffix("ORDER BY due_at LIMIT 1"))
    #expect(try Self.plan(EventSQL.latestMoment.rawValue).contains("SCAN event"))
    #expect(EventSQL.latestMoment.rawValue.contains("ORDER BY seq DESC LIMIT 1"))
    #expect(try Self.plan(AttemptSQL.latestMoment.rawValue) == ["SCAN attempt"])
    #expect(AttemptSQL.latestMoment.rawValue.hasSuffix("ORDER BY id DESC LIMIT 1"))
  }

  /// The feed and the replay merge two runs, each a range of keys cut at the limit; only these few rows are sorted.
  @Test(arguments: [(EventSQL.feed.rawValue, ["r"]), (RequeueSQL.replayable.rawValue, [])])
  func feedReadsTwoRanges(_ sql: String, joined: [String]) throws {
    let plan = try Self.plan(sql)
    let searches = plan.filter { $0.hasPrefix("SEARCH") }
    #expect(
      searches == [
        "SEARCH filed_event USING PRIMARY KEY (organ=? AND seq>?)",
        "SEARCH event USING INTEGER PRIMARY KEY (rowid>?)",
        "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
      ] + joined.map { "SEARCH \($0) USING INTEGER PRIMARY KEY (rowid=?)" })
    for step in plan where step.hasPrefix("SCAN") {
      #expect(step.contains("subquery") || ["SCAN f", "SCAN filing"].contains(step), "\(plan)")
    }
    #expect(sql.components(separatedBy: "ORDER BY seq LIMIT $3").count == 4)
  }

  /// The queue of an endpoint that is switched off is read by request, as far as requests are old enough.
  @Test func expiryReadsOldRequestsOnly() throws {
    let plan = try Self.plan(ExpirySQL.expired.rawValue)
    let few = "SCAN n USING INDEX endpoint_organ"
    #expect(plan == [few, "SEARCH o USING INDEX outbox_order (endpoint=? AND request<?)"])
    let overtaken = try Self.plan(SwitchingOnSQL.overtaken.rawValue)
    #expect(
      overtaken == [
        "SEARCH w USING PRIMARY KEY (endpoint=? AND next_at=? AND seq>?)",
        "SEARCH a USING COVERING INDEX outbox_order (endpoint=? AND request=? AND seq>?)",
      ])
    let gone = try Self.plan(SwitchingOnSQL.gone.rawValue)
    #expect(gone == ["SEARCH delivery USING INDEX delivery_dead (endpoint=? AND seq>?)"])
    let active = try Self.plan(RequeueSQL.active.rawValue)
    #expect(active == ["SEARCH outbox USING COVERING INDEX outbox_order (endpoint=? AND request=?)"])
  }

  /// Filing reads the events that are not filed yet and the rows that these name, never a whole table; what it has
  /// gathered it sorts, so that it goes into each tree in that tree's own order.
  @Test(arguments: FilingSQL.allCases.filter { $0 != .through && $0 != .advance })
  func filingSearches(_ statement: FilingSQL) throws {
    let plan = try Self.plan(statement.rawValue)
    #expect(!plan.contains { $0.hasPrefix("SCAN") }, "\(plan)")
  }

  /// Reports read ranges of tallies, the list of open requests and the events that are not filed; the ledger a range of
  /// keys. Only the cells, some hundreds, are read whole.
  @Test(
    arguments: [ReportSQL.finishes, .cell, .tallies, .open, .returned, .unfiledOpen].map(\.rawValue)
      + [LedgerSQL.page.rawValue])
  func reportsSearch(_ sql: String) throws {
    let plan = try Self.plan(sql)
    #expect(plan.contains { $0.hasPrefix("SEARCH") }, "\(plan)")
    // The table `filing` has one row.
    for step in plan where step.hasPrefix("SCAN") { #expect(step == "SCAN filing", "\(plan)") }
  }

  /// A request has a dozen events or so: they are found by their index and then sorted.
  @Test func timelineSortsOneRequestOnly() throws {
    let plan = try Self.plan(EventSQL.timeline.rawValue)
    #expect(plan.contains("SEARCH e USING INDEX event_request (request=?)"), "\(plan)")
    #expect(!plan.contains { $0.hasPrefix("SCAN") }, "\(plan)")
  }

  /// One seek per endpoint, whatever the length of its queue.
  @Test func queueHeadsSeek() throws {
    let plan = try Self.plan(OutboxSQL.heads.rawValue)
    #expect(plan.filter { $0.hasPrefix("SCAN") }.allSatisfy { $0 == "SCAN q" }, "\(plan)")
    #expect(plan.contains("SEARCH o USING PRIMARY KEY (endpoint=?)"), "\(plan)")
  }

  /// All that is read of a queue stands in its narrow index; what is joined is joined once the page is cut.
  @Test func pendingDeliveriesSortOneQueueOnly() throws {
    #expect(
      try Self.plan(DeliverySQL.pending.rawValue) == [
        "SEARCH outbox USING COVERING INDEX outbox_order (endpoint=?)", "USE TEMP B-TREE FOR ORDER BY",
      ])
  }

  private static func plan(_ sql: String) throws -> [String] {
    let store = try Fixture().open()
    defer { store.close() }
    return try store.pool.read { db in
      let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql)
      statement.setUncheckedArguments(StatementArguments())
      return try Row.fetchAll(statement).map { $0["detail"] }
    }
  }
}
