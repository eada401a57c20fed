package import BrokerDomain
internal import GRDB

/// An event as it is read back, with what a reader needs of its request.
package struct StoredEvent: Sendable {
  package let seq: Int64
  package let request: EntityID
  package let version: Int
  package let type: String
  package let state: String
  package let at: Instant
  package let actor: OrganCode?
  /// JSON.
  package private(set) var data: [UInt8]
  /// Organ numbers: who asked, and who was asked then.
  package let requester: Int64
  package let responder: Int64

  /// A UUIDv7 that follows from the sequence number and the moment.
  package var id: String { DerivedID.event(seq: seq, at: at) }

  /// Columns in the order of `EventSQL.timeline`.
  init(_ row: SQLRow, _ reference: Reference) {
    seq = row.int(0)
    request = EntityID(key: row.int(1), tail: row.int(2))
    version = Int(row.int(3))
    type = row.text(4)
    state = row.text(5)
    at = Instant(milliseconds: row.int(6))
    actor = row.optionalInt(7).flatMap { reference.organ(number: $0)?.code }
    data = row.bytes(8)
    requester = row.int(9)
    responder = row.int(10)
  }

  /// The same without what cannot be read of it: whoever follows the feed could read nothing that stands on a page with
  /// that, and would never get past it.
  fileprivate func readable(_ damagedRows: DamagedRows) -> StoredEvent {
    guard (try? JSON.parse(data)) == nil else { return self }
    let error = StoreError.damaged(file: StoreError.database, "event \(seq) of request \(request) cannot be read")
    damagedRows.note(error, "it is told without its data")
    var event = self
    event.data = Array("{}".utf8)
    return event
  }
}

enum EventSQL: String, CaseIterable {
  case timeline = """
    SELECT e.seq, e.request, r.tail, e.version, e.type, e.state, e.at, e.actor, e.data, e.requester, e.responder
    FROM event e JOIN request r ON r.key = e.request WHERE e.request = $1 ORDER BY e.seq
    """
  /// Two sorted runs, what is filed under the organ and what is not filed yet, each cut at the limit.
  case feed = """
    SELECT e.seq, e.request, r.tail, e.version, e.type, e.state, e.at, e.actor, e.data, e.requester, e.responder
    FROM (
      SELECT seq FROM (SELECT seq FROM filed_event WHERE organ = $1 AND seq > $2 ORDER BY seq LIMIT $3)
      UNION ALL
      SELECT seq FROM (
        SELECT seq FROM event WHERE seq > max($2, (SELECT through FROM filing)) AND (requester = $1 OR responder = $1)
        ORDER BY seq LIMIT $3)
      ORDER BY seq LIMIT $3
    ) f CROSS JOIN event e ON e.seq = f.seq CROSS JOIN request r ON r.key = e.request
    ORDER BY e.seq
    """
  case newest = "SELECT coalesce(max(seq), 0) FROM event"
  case latestMoment = "SELECT coalesce(max(at), 0) FROM (SELECT at FROM event ORDER BY seq DESC LIMIT 1)"
  case rungsAfter = "SELECT count(*) FROM event WHERE seq > $1 AND rung IS NOT NULL"
  case oldest = "SELECT coalesce(min(seq), 0) FROM event"
  case momentAtOrAfter = "SELECT seq, at FROM event WHERE seq >= $1 ORDER BY seq LIMIT 1"
}

extension Store {
  package func newestEvent() async throws(StoreError) -> Int64 {
    try await read { db in try db.first(EventSQL.newest) { $0.int(0) } ?? 0 }
  }

  /// How many rungs have fired since an event.
  func rungs(after seq: Int64) async throws(StoreError) -> Int {
    try await read { db in try db.first(EventSQL.rungsAfter, .int(seq)) { Int($0.int(0)) } ?? 0 }
  }

  package func timeline(_ id: EntityID) async throws(StoreError) -> [StoredEvent] {
    let (reference, damagedRows) = (reference, damagedRows)
    return try await read { db in
      try db.all(EventSQL.timeline, .int(id.key)) { StoredEvent($0, reference).readable(damagedRows) }
    }
  }

  /// The organ's own events after `seq`, in order, at most `limit`.
  package func feed(organ: Int64, after seq: Int64, limit: Int) async throws(StoreError) -> [StoredEvent] {
    let (reference, damagedRows) = (reference, damagedRows)
    return try await read { db in
      try db.all(EventSQL.feed, .int(organ), .int(seq), .int(Int64(limit))) {
        StoredEvent($0, reference).readable(damagedRows)
      }
    }
  }
}

extension Database {
  /// The first event after a moment. Sequence numbers grow with time, so twenty look-ups by key find it and no
  /// index on the moment is needed.
  func firstEvent(after moment: Instant) throws -> Int64 {
    var low = try first(EventSQL.oldest) { $0.int(0) } ?? 0
    var high = (try first(EventSQL.newest) { $0.int(0) } ?? 0) + 1
    while low < high {
      let middle = low + (high - low) / 2
      let found = try first(EventSQL.momentAtOrAfter, .int(middle)) { ($0.int(0), $0.int(1)) }
      guard let (seq, at) = found else {
        high = middle
        continue
      }
      if at > moment.milliseconds { high = middle } else { low = seq + 1 }
    }
    return low
  }
}
