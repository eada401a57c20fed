internal import BrokerDomain
internal import BrokerStore
internal import Logging
internal import Synchronization

extension Dispatcher {
  /// Clears away what is too old, and looks for results that have nowhere to go. Beside the pump: it is nobody's haste.
  /// - Parameter stuck: endpoints that let nothing out.
  func sweep(stuck: [Int64]) {
    let mayBegin = state.withLock { state in
      defer { state.sweeping = true }
      return !state.sweeping
    }
    guard mayBegin else { return }
    let (store, logger, seconds) = (store, logger, options.schedule.giveUpAfterSeconds)
    let days = options.keepAttemptsDays
    store.clearDeletedQueues()
    Task {
      defer { state.withLock { $0.sweeping = false } }
      do throws(StoreError) {
        let count = try await store.expire(olderThanSeconds: seconds)
        if count > 0 {
          state.withLock { $0.counts["dead", default: 0] += count }
          logger.notice(
            "回调：已停用地址逾期未投\(count)条，不再投递 / callbacks: gave up \(count) that endpoints switched off were owed")
        }
        try await store.sweepUndelivered(stuck: stuck)
        try await store.pruneAttempts(olderThanDays: days)
      } catch {
        if error != .closed { logger.error("callbacks: cannot clear away what is too old: \(error)") }
      }
    }
  }
}
