internal import BrokerDomain
internal import BrokerStore
internal import Logging

extension Dispatcher {
  /// Clears away what is too old, and looks for results that have nowhere to go. Beside the pump: it is nobody's haste.
  func sweep() {
    let (store, logger, seconds) = (store, logger, options.schedule.giveUpAfterSeconds)
    let days = options.keepAttemptsDays
    Task {
      do throws(StoreError) {
        let count = try await store.expire(olderThanSeconds: seconds)
        if count > 0 { logger.notice("callbacks: gave up \(count) that endpoints switched off were owed") }
        try await store.sweepUndelivered()
        try await store.pruneAttempts(olderThanDays: days)
      } catch {
        if error != .closed { logger.error("callbacks: cannot clear away what is too old: \(error)") }
      }
    }
  }
}
