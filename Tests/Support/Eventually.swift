internal import Glibc

/// A wait that ended without what it waited for.
package struct WaitFault: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// Asks again every 10 ms until `condition` holds. For what cannot be waited for directly, such as
/// a row seen through the API; the sink and the daemon have waits of their own.
///
/// An error thrown by `condition` counts as "not yet" and is told if it was the last word.
/// - Throws: `WaitFault` naming `what` after `seconds`.
package func eventually(
  _ what: String, within seconds: Double = 10, _ condition: () throws -> Bool
) throws {
  let deadline = Deadline(in: seconds)
  var attempts = 0
  while true {
    attempts += 1
    var lastError: (any Error)?
    do {
      if try condition() { return }
    } catch {
      lastError = error
    }
    if deadline.isPast {
      let reason = lastError.map { "; last error: \($0)" } ?? ""
      throw WaitFault("not within \(seconds) s (asked \(attempts) times): \(what)\(reason)")
    }
    usleep(10_000)
  }
}
