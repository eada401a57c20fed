package import BrokerDomain
internal import GRDB

/// What the database knows of an endpoint and its queue.
package struct EndpointQueue: Sendable {
  package let endpoint: EntityID
  /// Organ number.
  package let organ: Int64
  package let url: String
  package let enabled: Bool
  package let disabledReason: String?
  package let failingSince: Instant?
  package let queued: Int
  package let oldest: Instant?
  /// Nil when the queue is empty.
  package let nextAttemptAt: Instant?

  /// Scheme and host: the rest of an address may hold a secret.
  package var origin: String {
    let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count >= 3 else { return "" }
    return "\(parts[0])//\(parts[2].prefix { $0 != "?" })"
  }
}

enum OutboxTopSQL: String, CaseIterable {
  case queues = """
    SELECT n.key, n.tail, n.organ, n.url, n.enabled, n.disabled_reason, n.failing_since, count(o.seq),
      min(o.created_at), min(o.next_at)
    FROM endpoint n LEFT JOIN outbox o ON o.endpoint = n.key
    WHERE n.deleted_at IS NULL GROUP BY n.key ORDER BY n.key
    """
}

extension Store {
  /// Every endpoint with its queue: reads the whole outbox, for an operator who looks.
  package func queues() async throws(StoreError) -> [EndpointQueue] {
    try await read { db in
      try db.all(OutboxTopSQL.queues) { row in
        EndpointQueue(
          endpoint: EntityID(key: row.int(0), tail: row.int(1)), organ: row.int(2), url: row.text(3),
          enabled: row.int(4) == 1, disabledReason: row.optionalText(5),
          failingSince: row.optionalInt(6).map { Instant(milliseconds: $0) }, queued: Int(row.int(7)),
          oldest: row.optionalInt(8).map { Instant(milliseconds: $0) },
          nextAttemptAt: row.optionalInt(9).flatMap { $0 == OutboxRow.waiting ? nil : Instant(milliseconds: $0) })
      }
    }
  }
}
