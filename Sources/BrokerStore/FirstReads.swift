package import BrokerDomain
internal import GRDB
internal import Synchronization

/// When the requester first read a result by asking for it. Kept beside the reading: a reader that is known to have
/// read costs a look into a set, and one that reads for the first time is written down soon after, together with
/// others, in a commit of its own.
package final class FirstReads: Sendable {
  struct Key: Hashable {
    let request: Int64
    let version: Int
  }

  private struct State {
    /// Two generations: when the younger one is full, the older one is forgotten. What is forgotten is looked up once
    /// more in the database, and nothing is written.
    var young: Set<Key> = []
    var old: Set<Key> = []
    var pending: [Key: Instant] = [:]
    var isWriting = false
    var isClosed = false
  }

  private let state = Mutex(State())

  /// Results remembered in each generation.
  private static let generation = 32_768
  /// Readings that may wait to be written; one beyond is noted when it is repeated.
  private static let pendingLimit = 10_000

  package init() {}

  /// - Returns: whether somebody has to begin to write.
  func note(_ results: [Key], at now: Instant) -> Bool {
    state.withLock { state in
      for key in results where !state.young.contains(key) && !state.old.contains(key) {
        guard state.pending.count < Self.pendingLimit else { break }
        state.pending[key] = now
        state.young.insert(key)
        if state.young.count >= Self.generation {
          state.old = state.young
          state.young = []
        }
      }
      guard !state.isWriting, !state.pending.isEmpty else { return false }
      state.isWriting = true
      return true
    }
  }

  /// The next group; empty when there is none, and then the writer has ended.
  func take(_ limit: Int) -> [(key: Key, at: Instant)] {
    state.withLock { state in
      let group = state.pending.prefix(limit).map { (key: $0.key, at: $0.value) }
      for entry in group { state.pending[entry.key] = nil }
      if group.isEmpty { state.isWriting = false }
      return group
    }
  }

  /// It could not be written: it goes along with the next group.
  /// - Returns: whether there will be one.
  func giveBack(_ group: [(key: Key, at: Instant)]) -> Bool {
    state.withLock { state in
      for entry in group { state.pending[entry.key] = entry.at }
      if state.isClosed { state.isWriting = false }
      return !state.isClosed
    }
  }

  /// Who waits to try again gives up.
  func close() { state.withLock { $0.isClosed = true } }
}

enum FirstReadSQL: String, CaseIterable {
  case has = "SELECT 1 FROM first_read WHERE request = $1 AND version = $2"
  case insert = "INSERT INTO first_read (request, version, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
  case list = "SELECT version, at FROM first_read WHERE request = $1 ORDER BY version"
}

extension Store {
  private static let firstReadGroup = 256
  private static let firstReadPause = Duration.seconds(1)

  /// The requester has read these results. Returns at once.
  package func noteRead(_ results: some Sequence<(request: Int64, version: Int)>) {
    let keys = results.map { FirstReads.Key(request: $0.request, version: $0.version) }
    guard !keys.isEmpty, firstReads.note(keys, at: clock.now) else { return }
    Task { await writeFirstReads() }
  }

  private func writeFirstReads() async {
    while true {
      let group = firstReads.take(Self.firstReadGroup)
      if group.isEmpty { return }
      do throws(StoreError) {
        let new = try await read { db in
          try group.filter { entry in
            try db.first(FirstReadSQL.has, .int(entry.key.request), .int(Int64(entry.key.version))) { _ in true }
              != true
          }
        }
        guard !new.isEmpty else { continue }
        try await write { context in for entry in new { try context.keepFirstRead(entry.key, at: entry.at) } }
      } catch {
        // A full disk or a foreign lock passes; who has read does not read again.
        guard firstReads.giveBack(group), error != .closed else { return }
        try? await Task.sleep(for: Self.firstReadPause)
      }
    }
  }
}

extension WriteContext {
  fileprivate func keepFirstRead(_ key: FirstReads.Key, at: Instant) throws {
    try db.run(FirstReadSQL.insert, .int(key.request), .int(Int64(key.version)), .int(at.milliseconds))
    try db.run(UndeliveredSQL.read, .int(key.request), .int(Int64(key.version)))
  }
}

/// How a result reached the requester.
package struct ResultArrival: Sendable {
  package let seq: Int64
  package let type: String
  package let at: Instant
  /// The first 2xx of each of the requester's endpoints, in order.
  package let delivered: [(endpoint: EntityID, at: Instant)]
  package let firstReadAt: Instant?
}

extension Store {
  /// Of the results among a request's events, in order.
  package func arrivals(of events: [StoredEvent]) async throws(StoreError) -> [ResultArrival] {
    let results = events.filter { EventType(rawValue: $0.type)?.isResult == true }
    guard let request = results.first?.request.key else { return [] }
    return try await read { db in
      let reads = try db.all(FirstReadSQL.list, .int(request)) { (version: Int($0.int(0)), at: $0.int(1)) }
      return try results.enumerated().map { index, event in
        let next = results.dropFirst(index + 1).first?.version ?? .max
        let read = reads.filter { $0.version >= event.version && $0.version < next }.map(\.at).min()
        let delivered = try db.all(TraceSQL.delivered, .int(event.requester), .int(event.seq), .int(request)) {
          (endpoint: EntityID(key: $0.int(0), tail: $0.int(1)), at: Instant(milliseconds: $0.int(2)))
        }
        return ResultArrival(
          seq: event.seq, type: event.type, at: event.at, delivered: delivered.sorted { $0.at < $1.at },
          firstReadAt: read.map { Instant(milliseconds: $0) })
      }
    }
  }
}
