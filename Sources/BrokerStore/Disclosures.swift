package import BrokerDomain
internal import GRDB

/// One reading of personal data: of the subject's whole id number by a party, or of anything of the request by an organ
/// that is no party to it: a supervisor, or who gave it away and repeats the call by which it did. It is on disk before what was read is given away. Readings are for audits and no
/// part of the timeline: that tells what happened to the request, in the order in which its parties are told.
package struct Disclosure: Sendable, Equatable {
  package enum What: String, Sendable, CaseIterable {
    /// The whole id number.
    case subject
    /// The representation, with the id number masked.
    case request
    case timeline
    /// A row of the ledger.
    case ledger
  }

  /// In the order in which they were recorded.
  package let id: Int64
  /// Organ number.
  package let organ: Int64
  package let key: Int64
  package let at: Instant
  package let what: What
}

/// Disclosure records are kept for three years at least (网络数据安全管理条例 第十二条): nothing deletes them.
enum DisclosureSQL: String, CaseIterable {
  case record = "INSERT INTO disclosure (request, organ, api_key, at, what) VALUES ($1, $2, $3, $4, $5)"
  case list = """
    SELECT id, organ, api_key, at, what FROM disclosure WHERE request = $1 AND id > $2 ORDER BY id LIMIT $3
    """
}

extension WriteContext {
  package func recordDisclosure(of id: EntityID, to organ: Int64, key: Int64, _ what: Disclosure.What = .subject) throws
  {
    try db.run(
      DisclosureSQL.record, .int(id.key), .int(organ), .int(key), .int(now.milliseconds), .text(what.rawValue))
  }
}

extension Store {
  /// Who has read personal data of the request, in order.
  /// - Parameter cursor: where the page before ended.
  /// - Returns: with `next`, where there are more.
  package func disclosures(of id: EntityID, cursor: Int64? = nil, limit: Int = 500) async throws(StoreError) -> Page<
    Disclosure
  > {
    let found = try await read { db in
      try db.all(DisclosureSQL.list, .int(id.key), .int(cursor ?? 0), .int(Int64(limit) + 1)) {
        Disclosure(
          id: $0.int(0), organ: $0.int(1), key: $0.int(2), at: Instant(milliseconds: $0.int(3)),
          what: Disclosure.What(rawValue: $0.text(4)) ?? .subject)
      }
    }
    let items = Array(found.prefix(limit))
    return Page(items: items, next: found.count > limit ? items.last?.id : nil)
  }
}
