package import BrokerDomain
internal import GRDB
internal import Synchronization

/// How one attempt went over the network: microseconds from its start, 0 for a step that did not happen.
package struct Trip: Sendable, Equatable {
  package let dnsUS: Int64
  package let connectUS: Int64
  package let tlsUS: Int64
  package let firstByteUS: Int64
  package let totalUS: Int64
  /// Empty when there was no connection.
  package let remoteAddress: String

  package init(
    dnsUS: Int64, connectUS: Int64, tlsUS: Int64, firstByteUS: Int64, totalUS: Int64, remoteAddress: String
  ) {
    self.dnsUS = dnsUS
    self.connectUS = connectUS
    self.tlsUS = tlsUS
    self.firstByteUS = firstByteUS
    self.totalUS = totalUS
    self.remoteAddress = remoteAddress
  }

  /// `0 0 0 530 533 10.1.2.3`. By hand, because every callback that arrives writes one.
  var packed: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(64)
    for value in [dnsUS, connectUS, tlsUS, firstByteUS, totalUS] {
      let start = bytes.count
      var rest = max(0, value)
      repeat {
        bytes.append(UInt8(48 + rest % 10))
        rest /= 10
      } while rest > 0
      bytes[start...].reverse()
      bytes.append(UInt8(ascii: " "))
    }
    bytes.append(contentsOf: remoteAddress.utf8)
    return bytes
  }

  /// Nil when the text is none of ours.
  init?(packed text: String) {
    let parts = text.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: false)
    let times = parts.prefix(5).compactMap { Int64($0) }
    guard parts.count == 6, times.count == 5 else { return nil }
    self.init(
      dnsUS: times[0], connectUS: times[1], tlsUS: times[2], firstByteUS: times[3], totalUS: times[4],
      remoteAddress: String(parts[5]))
  }
}

/// One attempt that is still on record.
package struct Attempt: Sendable, Equatable {
  /// Counted from 1 again after a retry of what was finished, and after a replay.
  package let number: Int
  package let at: Instant
  package let status: Int?
  package let error: String?
  package let trip: Trip?

  package var isDelivered: Bool { status.map { (200..<300).contains($0) } ?? false }

  /// Columns in the order of `AttemptSQL.list`.
  init(_ row: SQLRow) {
    number = Int(row.int(0))
    at = Instant(milliseconds: row.int(1))
    status = row.optionalInt(2).map { Int($0) }
    error = row.optionalText(3)
    trip = row.optionalText(4).flatMap { Trip(packed: $0) }
  }
}

enum AttemptSQL: String, CaseIterable {
  case insert = """
    INSERT INTO attempt (endpoint, seq, number, at, status, error, trip) VALUES ($1, $2, $3, $4, $5, $6, $7)
    """
  case list = "SELECT number, at, status, error, trip FROM attempt WHERE endpoint = $1 AND seq = $2 ORDER BY id"
  /// The one that arrived, from the delivery's own row.
  case last = """
    SELECT attempts, finished_at, last_status, last_error, trip FROM delivery
    WHERE endpoint = $1 AND seq = $2 AND state = 'delivered' AND attempts > 0
    """
  /// Keys grow with time: the first that is young enough ends it.
  case oldest = "SELECT id, at FROM attempt ORDER BY id LIMIT $1"
  case latestMoment = "SELECT at FROM attempt ORDER BY id DESC LIMIT 1"
  case prune = "DELETE FROM attempt WHERE id <= $1"
  case finished = """
    SELECT endpoint, seq, finished_at, trip IS NOT NULL FROM delivery WHERE (endpoint, seq) > ($1, $2)
    ORDER BY endpoint, seq LIMIT $3
    """
  case clear = "UPDATE delivery SET trip = NULL WHERE endpoint = $1 AND seq = $2 AND finished_at < $3"
}

extension WriteContext {
  /// Puts a failed attempt on record, and sees to it that a result which does not arrive is not forgotten.
  func keepFailure(_ result: AttemptResult, isDead: Bool) throws {
    let delivery = result.delivery
    try record(result)
    // One that arrived before and is sent once more is owed to nobody's patience.
    guard delivery.deliveredAt == nil else { return }
    if delivery.attempts == 0 || isDead {
      try watchResult(seq: delivery.seq, endpoint: delivery.endpoint, isGivenUp: isDead)
    }
  }

  func record(_ result: AttemptResult) throws {
    let delivery = result.delivery
    try db.run(
      AttemptSQL.insert, .int(delivery.endpoint), .int(delivery.seq), .int(Int64(delivery.attempts + 1)),
      .int(result.at.milliseconds), .optionalInt(result.status.map { Int64($0) }), .optionalText(result.error),
      .optionalUTF8(result.trip?.packed))
  }
}

/// Where a walk through the deliveries stands, a piece of which each sweep goes. It goes round: what it meets late, it
/// meets again.
struct PruneWalk: Sendable {
  var endpoint: Int64 = 0
  var seq: Int64 = 0
  /// Of a walk through what waits.
  var request: Int64 = 0
}

extension Store {
  /// Rows of one transaction, and what one call looks at: pruning is nobody's haste.
  private static let pruneGroup = 256
  private static let pruneSweep = 1024
  private static let walkRows = 4096

  /// Removes attempts older than `days`, and what finished deliveries still tell of theirs.
  /// - Returns: how many attempts went; 1024 at most, the next call takes the others.
  @discardableResult
  package func pruneAttempts(olderThanDays days: Int) async throws(StoreError) -> Int {
    let before = clock.now.milliseconds - Int64(days) * Instant.millisecondsPerDay
    try await clearTrips(before: before)
    var total = 0
    while total < Self.pruneSweep {
      let oldest = try await read { db in
        try db.all(AttemptSQL.oldest, .int(Int64(Self.pruneGroup))) { (id: $0.int(0), at: $0.int(1)) }
      }
      let old = oldest.prefix { $0.at < before }
      guard let last = old.last else { return total }
      try await write { try $0.db.run(AttemptSQL.prune, .int(last.id)) }
      total += old.count
    }
    return total
  }

  private func clearTrips(before: Int64) async throws(StoreError) {
    let from = pruneWalk.withLock { $0 }
    let rows = try await read { db in
      try db.all(AttemptSQL.finished, .int(from.endpoint), .int(from.seq), .int(Int64(Self.walkRows))) {
        (endpoint: $0.int(0), seq: $0.int(1), at: $0.int(2), hasTrip: $0.int(3) == 1)
      }
    }
    // In groups, like everything that stands in the writer's way.
    var old = rows.filter { $0.hasTrip && $0.at < before }[...]
    while !old.isEmpty {
      let group = old.prefix(Self.pruneGroup)
      old = old.dropFirst(group.count)
      try await write { context in
        for row in group { try context.db.run(AttemptSQL.clear, .int(row.endpoint), .int(row.seq), .int(before)) }
      }
    }
    let isEnd = rows.count < Self.walkRows
    pruneWalk.withLock {
      $0 = isEnd ? PruneWalk() : PruneWalk(endpoint: rows.last?.endpoint ?? 0, seq: rows.last?.seq ?? 0)
    }
  }
}
