internal import BrokerDomain
internal import GRDB

/// A count that every commit keeps up to date, so that metrics never scan the requests.
package struct Tally: Sendable {
  package let procedure: String
  /// A state, or `overdue`.
  package let state: String
  package let count: Int
}

enum TallySQL: String, CaseIterable {
  case all = "SELECT procedure, state, count FROM tally ORDER BY procedure, state"
}

extension Store {
  package func tallies() async throws(StoreError) -> [Tally] {
    try await read { db in
      try db.all(TallySQL.all) {
        Tally(procedure: $0.text(0), state: $0.text(1), count: Int($0.int(2)))
      }
    }
  }

  package static var overdueTally: String { WriteContext.overdueTally }
}

/// Every statement of the house, for the tests that prepare them all and look at their plans.
package enum Statements {
  package static var all: [String] {
    var all: [String] = []
    func add<S: CaseIterable & RawRepresentable<String>>(_: S.Type) {
      all += S.allCases.map(\.rawValue)
    }
    add(BatchSQL.self)
    add(ApplySQL.self)
    add(FilingSQL.self)
    add(SubjectFilingSQL.self)
    add(ReferenceLineSQL.self)
    add(UnfiledSQL.self)
    add(ReportSQL.self)
    add(LedgerSQL.self)
    add(PastSQL.self)
    add(ProcedureSQL.self)
    add(RecomputationSQL.self)
    add(RearmingSQL.self)
    add(LateEndSQL.self)
    add(VerifyRowsSQL.self)
    add(RequestSQL.self)
    add(DisclosureSQL.self)
    add(ListSQL.self)
    add(OverdueSQL.self)
    add(EventSQL.self)
    add(TimerSQL.self)
    add(InboxSQL.self)
    add(EndpointSQL.self)
    add(OldSecretSQL.self)
    add(ReminderSQL.self)
    add(VaultSQL.self)
    add(EndpointMarkSQL.self)
    add(OutboxTopSQL.self)
    add(OutboxSQL.self)
    add(CallbackSQL.self)
    add(DeliverySQL.self)
    add(RequeueSQL.self)
    add(SwitchingOnSQL.self)
    add(ExpirySQL.self)
    add(DeletedQueueSQL.self)
    add(AttemptSQL.self)
    add(TraceSQL.self)
    add(FirstReadSQL.self)
    add(UndeliveredSQL.self)
    add(CallListSQL.self)
    add(IdempotencySQL.self)
    add(KeySQL.self)
    add(ReferenceSQL.self)
    add(PastCalendarSQL.self)
    add(PastRegionSQL.self)
    add(CatalogueSQL.self)
    add(PublicationSQL.self)
    add(TallySQL.self)
    add(VerifySQL.self)
    add(CountSQL.self)
    return all
  }
}
