internal import BrokerDomain
internal import GRDB
internal import Synchronization

/// Taking up what a command or a publication has changed.
extension Store {
  /// Loads reference data and keys anew when a command has changed them. Returns true when it did.
  ///
  /// One after the other: of two at once the one with the older lists may end last, and what one of them has failed to
  /// move the other would call moved.
  @discardableResult
  package func refresh() async throws(StoreError) -> Bool {
    await refreshes.enter()
    defer { refreshes.leave() }
    let (known, before) = state.withLock { ($0.generation, $0.reference) }
    let isBehind = isBehind.withLock { $0 }
    let (procedures, lastDay, today) = (procedures, lastDay, clock.now.date)
    let loaded: Loaded? = try await read { db in
      let generation = try db.meta(.referenceGeneration)
      guard generation != known || isBehind else { return nil }
      return try Self.load(db, procedures: procedures, lastDay: lastDay, today: today)
    }
    if let loaded {
      state.withLock { $0 = loaded }
      listeners.reference.withLock { $0 = loaded.reference }
      if lock != nil { try await moveDeadlines(to: loaded.reference, from: before, isBehind: isBehind) }
    }
    if lock != nil { try await recordLoaded() }
    return loaded != nil
  }

  private func moveDeadlines(
    to reference: Reference, from before: Reference, isBehind: Bool
  ) async throws(StoreError) {
    // By another region's days may count any of the days, also those that no notice has changed.
    let isMoved = reference.hasMovedOrgan(since: before)
    guard isBehind || isMoved || reference.calendar != before.calendar else { return }
    self.isBehind.withLock { $0 = true }
    _ = try await recomputeDeadlines(since: isBehind || isMoved ? nil : before.calendar)
    self.isBehind.withLock { $0 = false }
  }

  /// Says in the database up to where everything is taken up; a start goes by it. What a full disk has not let be written
  /// is written by the next look.
  private func recordLoaded() async throws(StoreError) {
    guard let generation = state.withLock({ $0.generation }), recorded.withLock({ $0 }) != generation else { return }
    try await write { context in try context.db.setMeta(.loadedGeneration, generation) }
    recorded.withLock { $0 = generation }
  }

  /// The same for a command, which has nobody to tell.
  func reload() throws {
    let loaded = try pool.read { db in
      try Self.load(db, procedures: procedures, lastDay: lastDay, today: clock.now.date)
    }
    state.withLock { $0 = loaded }
    listeners.reference.withLock { $0 = loaded.reference }
  }

  /// Keys alone: a long recomputation must not keep a revoked one alive.
  func refreshKeys() async throws(StoreError) {
    let keys = try await read { db in try db.loadKeys() }
    state.withLock { $0.keys = keys }
  }

  static func load(
    _ db: Database, procedures: [Procedure], lastDay: LastDayPolicy, today: CalendarDate
  ) throws -> Loaded {
    Loaded(
      reference: try db.loadReference(procedures: procedures, lastDay: lastDay, today: today),
      keys: try db.loadKeys(), generation: try db.meta(.referenceGeneration))
  }
}

/// Lets tasks in one after the other, as they came.
final class Turnstile: Sendable {
  private struct State {
    var isTaken = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  func enter() async {
    await withCheckedContinuation { continuation in
      let isMine = state.withLock { state -> Bool in
        defer { state.isTaken = true }
        if state.isTaken { state.waiting.append(continuation) }
        return !state.isTaken
      }
      if isMine { continuation.resume() }
    }
  }

  func leave() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
      state.isTaken = false
      return nil
    }
    next?.resume()
  }
}
