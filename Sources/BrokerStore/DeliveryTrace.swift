package import BrokerDomain
internal import GRDB

/// The whole story of one delivery.
package struct DeliveryTrace: Sendable {
  /// Why a pending one is not being tried.
  package enum Wait: Sendable, Equatable {
    /// An earlier message of the same request goes first; the delivery's id.
    case earlier(delivery: String)
    /// Its endpoint is switched off, with the reason.
    case endpointOff(String?)
    /// It is due, and its endpoint has failed since then: it waits until that is reached, by a probe of its breaker or in
    /// its turn.
    case endpointFailing(since: Instant)
  }

  package let delivery: Delivery
  /// Nil for the operator, of what is sealed.
  package let procedure: String?
  package let url: String
  /// Organ number of the endpoint's owner.
  package let organ: Int64
  /// Every attempt on record, in order.
  package let attempts: [Attempt]
  package let wait: Wait?
  /// Pending, and its moment has come.
  package let isDue: Bool
  /// Of its endpoint: the first failed attempt after which none succeeded, as far as is known. The database is told of it
  /// after ten failed attempts or an hour (`FailingBook`).
  package let failingSince: Instant?
  /// There is nowhere to send it to any more.
  package let isEndpointDeleted: Bool
}

enum TraceSQL: String, CaseIterable {
  case one = """
    SELECT d.endpoint, n.tail, d.seq, e.at, e.type, d.request, r.tail, d.state, d.attempts, d.created_at, NULL,
      d.finished_at, d.last_status, d.last_error
    FROM delivery d CROSS JOIN endpoint n ON n.key = d.endpoint CROSS JOIN event e ON e.seq = d.seq
      CROSS JOIN request r ON r.key = d.request
    WHERE d.endpoint = $1 AND d.seq = $2
    """
  case endpoint =
    "SELECT organ, url, enabled, disabled_reason, failing_since, deleted_at IS NOT NULL FROM endpoint WHERE key = $1"
  case procedure = "SELECT procedure FROM request WHERE key = $1"
  /// The first 2xx of an event at each endpoint of an organ, also when it is sent once more now. `$1` organ, `$2` seq,
  /// `$3` request.
  case delivered = """
    SELECT n.key, n.tail, coalesce(d.delivered_at, d.finished_at) FROM endpoint n CROSS JOIN delivery d
    WHERE n.organ = $1 AND d.endpoint = n.key AND d.seq = $2 AND (d.state = 'delivered' OR d.delivered_at IS NOT NULL)
    UNION ALL
    SELECT n.key, n.tail, o.delivered_at FROM endpoint n CROSS JOIN outbox o
    WHERE n.organ = $1 AND o.endpoint = n.key AND o.request = $3 AND o.seq = $2 AND o.delivered_at IS NOT NULL
    """
}

extension Store {
  /// - Parameters:
  ///   - organ: whose it must be; nil for the operator.
  ///   - failingSince: as the daemon knows of the endpoint, sooner than the database does.
  /// - Returns: nil when there is no such delivery, or it is another's.
  package func trace(
    endpoint: Int64, seq: Int64, organ: Int64?, failingSince: Instant? = nil
  ) async throws(StoreError) -> DeliveryTrace? {
    let (reference, now) = (reference, clock.now)
    return try await read { db in
      let found = try db.first(TraceSQL.endpoint, .int(endpoint)) { row in
        (
          organ: row.int(0), url: row.text(1), isOn: row.int(2) == 1, reason: row.optionalText(3),
          failingSince: failingSince ?? row.optionalInt(4).map { Instant(milliseconds: $0) },
          isDeleted: row.int(5) == 1
        )
      }
      guard let found, organ == nil || organ == found.organ else { return nil }
      let delivery =
        try db.first(DeliverySQL.onePending, .int(endpoint), .int(seq)) { Delivery($0) }
        ?? db.first(TraceSQL.one, .int(endpoint), .int(seq)) { Delivery($0) }
      guard let delivery else { return nil }
      var attempts = try db.all(AttemptSQL.list, .int(endpoint), .int(seq)) { Attempt($0) }
      attempts += try db.all(AttemptSQL.last, .int(endpoint), .int(seq)) { Attempt($0) }
      let isDue = delivery.nextAttemptAt.map { $0 <= now } ?? false
      var wait: DeliveryTrace.Wait?
      if delivery.state == .pending {
        if !found.isOn {
          wait = .endpointOff(found.reason)
        } else if delivery.nextAttemptAt == nil {
          let first = try db.first(RequeueSQL.active, .int(endpoint), .int(delivery.request.key)) { $0.int(0) }
          wait = first.map { .earlier(delivery: DerivedID.delivery(endpoint: endpoint, seq: $0)) }
        } else if isDue {
          wait = found.failingSince.map { .endpointFailing(since: $0) }
        }
      }
      let procedure = try db.first(TraceSQL.procedure, .int(delivery.request.key)) { $0.text(0) } ?? ""
      let isKept = organ == nil && reference.isSealed(procedure)
      return DeliveryTrace(
        delivery: delivery, procedure: isKept ? nil : procedure, url: found.url, organ: found.organ, attempts: attempts,
        wait: wait, isDue: isDue, failingSince: found.failingSince, isEndpointDeleted: found.isDeleted)
    }
  }
}
