package import BrokerDomain
internal import GRDB

/// What an attempt says of its endpoint, besides what it says of the message.
package enum EndpointMark: Sendable, Equatable {
  case failing(since: Instant, days: Int)
  case recovered
  case off(SwitchedOff)
}

/// Why the broker itself switched an endpoint off.
package enum SwitchedOff: Sendable, Equatable {
  /// The receiver answered 410 Gone.
  case gone
  /// Every attempt failed for so many working days.
  case failing(since: Instant, days: Int)

  package static let causes = ["gone", "failing", secretLost]
  /// Not by anything that came of an attempt: the data key was renewed.
  static let secretLost = "secret-lost"

  package var cause: String {
    switch self {
    case .gone: "gone"
    case .failing: "failing"
    }
  }

  package var reason: Phrase {
    switch self {
    case .gone: Phrase("对方答复 410 Gone", "the receiver answered 410 Gone")
    case .failing(let since, let days):
      Phrase(
        "自\(since.date)起连续\(days)个工作日投递失败", "every attempt has failed since \(since.date), for \(days) working days"
      )
    }
  }
}

/// An endpoint that was failing when the daemon stopped.
package struct FailingEndpoint: Sendable {
  package let key: Int64
  package let since: Instant
  package let days: Int

  package init(key: Int64, since: Instant, days: Int) {
    self.key = key
    self.since = since
    self.days = days
  }
}

/// A notice to the contact of an organ: its endpoint was switched off.
package struct EndpointNotice: Sendable {
  package let seq: Int64
  package let endpoint: EntityID
  package let cause: String
  package let reason: Phrase
  package let at: Instant

  /// Columns in the order of `EndpointMarkSQL.notices`.
  init(_ row: SQLRow) {
    seq = row.int(0)
    endpoint = EntityID(key: row.int(1), tail: row.int(2))
    cause = row.text(3)
    reason = Phrase(row.text(4), row.text(5))
    at = Instant(milliseconds: row.int(6))
  }
}

enum EndpointMarkSQL: String, CaseIterable {
  /// `url`: of the address that was tried; NULL for whichever it has.
  case failing = """
    UPDATE endpoint SET failing_since = $1, failing_days = $2 WHERE key = $3 AND url = coalesce($4, url)
    """
  case allFailing = """
    SELECT key, failing_since, failing_days FROM endpoint
    WHERE failing_since IS NOT NULL AND enabled = 1 AND deleted_at IS NULL
    """
  /// One that is off already, by whomever, stays as it is: nobody is told twice.
  case disable = """
    UPDATE endpoint SET enabled = 0, disabled_reason = $1, disabled_cause = $2, failing_since = NULL, failing_days = 0
    WHERE key = $3 AND enabled = 1 AND url = coalesce($4, url)
    """
  /// Before an organ's change: what is known of one address says nothing of another, and who switches on begins anew.
  case begin = """
    UPDATE endpoint SET failing_since = NULL, failing_days = 0, disabled_cause = NULL
    WHERE key = $1 AND (url <> $2 OR enabled <> $3)
    """
  case tail = "SELECT tail FROM endpoint WHERE key = $1"
  /// It has another address than this, or since the moment somebody wants it tried again.
  case isOtherwise = "SELECT 1 FROM endpoint WHERE key = $1 AND (url <> $2 OR asked_at > $3)"
  case ask = "UPDATE endpoint SET asked_at = $1 WHERE key = $2"
  case asked = "SELECT asked_at FROM endpoint WHERE key = $1"
  case notify = """
    INSERT INTO endpoint_notice (seq, organ, endpoint, cause, reason_zh, reason_en, at)
    SELECT 1 + max(coalesce((SELECT max(seq) FROM inbox), 0), coalesce((SELECT max(seq) FROM endpoint_notice), 0)),
      organ, key, $1, $2, $3, $4
    FROM endpoint WHERE key = $5
    """
  case notices = """
    SELECT i.seq, i.endpoint, n.tail, i.cause, i.reason_zh, i.reason_en, i.at
    FROM endpoint_notice i CROSS JOIN endpoint n ON n.key = i.endpoint
    WHERE i.organ = $1 AND i.seq > $2 ORDER BY i.seq LIMIT $3
    """
  case countOff = """
    SELECT disabled_cause, count(*) FROM endpoint
    WHERE disabled_cause IS NOT NULL AND enabled = 0 AND deleted_at IS NULL GROUP BY disabled_cause
    """
  case countLost = "SELECT count(*) FROM endpoint WHERE disabled_reason = $1 AND enabled = 0 AND deleted_at IS NULL"
}

extension WriteContext {
  /// - Parameter url: the address that was tried; nil for the one it has.
  func mark(_ endpoint: Int64, _ mark: EndpointMark, at url: String? = nil) throws {
    let url = SQLValue.optionalText(url)
    switch mark {
    case .failing(let since, let days):
      try db.run(EndpointMarkSQL.failing, .int(since.milliseconds), .int(Int64(days)), .int(endpoint), url)
    case .recovered: try db.run(EndpointMarkSQL.failing, .optionalInt(nil), .int(0), .int(endpoint), url)
    case .off(let why):
      let reason = why.reason
      try db.run(
        EndpointMarkSQL.disable, .text("\(reason.zh) / \(reason.en)"), .text(why.cause), .int(endpoint), url)
      guard db.changesCount == 1 else { return }
      offMoments.note(endpoint, at: now)
      try db.run(
        EndpointMarkSQL.notify, .text(why.cause), .text(reason.zh), .text(reason.en), .int(now.milliseconds),
        .int(endpoint))
      let tail = try db.first(EndpointMarkSQL.tail, .int(endpoint)) { $0.int(0) } ?? 0
      note(switchedOff: EntityID(key: endpoint, tail: tail), why)
      endpointsChanged()
    }
  }

  /// Whether an endpoint has been set right since an attempt began: what came of it says nothing of it any more.
  func isSetRight(_ result: AttemptResult) throws -> Bool {
    let began = result.at.milliseconds - (result.trip?.totalUS ?? 0) / 1000
    return try db.first(
      EndpointMarkSQL.isOtherwise, .int(result.delivery.endpoint), .text(result.delivery.url), .int(began)
    ) { _ in true } ?? false
  }

  /// Somebody wants an attempt at once: a breaker that is open sends a probe.
  package func ask(for endpoint: Int64) throws {
    try db.run(EndpointMarkSQL.ask, .int(now.milliseconds), .int(endpoint))
  }
}

extension Store {
  package func failingEndpoints() throws(StoreError) -> [FailingEndpoint] {
    try readNow { db in
      try db.all(EndpointMarkSQL.allFailing) {
        FailingEndpoint(key: $0.int(0), since: Instant(milliseconds: $0.int(1)), days: Int($0.int(2)))
      }
    }
  }

  /// When somebody last asked for an attempt at once.
  package func asked(for endpoint: Int64) throws(StoreError) -> Instant? {
    try readNow { db in
      try db.first(EndpointMarkSQL.asked, .int(endpoint)) { row in
        row.optionalInt(0).map { Instant(milliseconds: $0) }
      } ?? nil
    }
  }

  /// How many endpoints the broker has switched off and nobody has switched on again, by cause.
  package func switchedOff() async throws(StoreError) -> [String: Int] {
    try await read { db in
      var counts = Dictionary(uniqueKeysWithValues: SwitchedOff.causes.map { ($0, 0) })
      for (cause, count) in try db.all(EndpointMarkSQL.countOff, body: { ($0.text(0), Int($0.int(1))) }) {
        counts[cause] = count
      }
      counts[SwitchedOff.secretLost] = try db.first(EndpointMarkSQL.countLost, .text(Endpoint.dataKeyLost)) {
        Int($0.int(0))
      }
      return counts
    }
  }
}
