internal import Synchronization

/// Rows that could not be read and were passed over, so that they hold up nobody but themselves. Each is told of once.
package final class DamagedRows: Sendable {
  private struct State {
    var known: Set<String> = []
    /// Found before anybody listened: at the start.
    var untold: [String] = []
    var tell: (@Sendable (String) -> Void)?
  }

  /// With so many it is the file that is damaged, and a log full of rows says no more.
  private static let most = 1000

  private let state = Mutex(State())

  /// How many have been found since the start.
  package var count: Int { state.withLock { $0.known.count } }

  /// Tells of what has been found and of what will be: be quick, the writer may be waiting.
  package func onFound(_ tell: @escaping @Sendable (String) -> Void) {
    let untold = state.withLock { state in
      defer { (state.untold, state.tell) = ([], tell) }
      return state.untold
    }
    for text in untold { tell(text) }
  }

  /// - Parameter consequence: what is not done for it.
  func note(_ error: any Error, _ consequence: String) {
    let text = "\(StoreError.from(error)): \(consequence)"
    let tell = state.withLock { state -> (@Sendable (String) -> Void)? in
      guard state.known.count < Self.most, state.known.insert(text).inserted else { return nil }
      if state.tell == nil { state.untold.append(text) }
      return state.tell
    }
    tell?(text)
  }

  /// Does what concerns one row.
  /// - Returns: nil when that row is damaged; what concerns the whole database is thrown.
  func passing<T>(_ consequence: String, _ body: () throws -> T) throws -> T? {
    do {
      return try body()
    } catch  where !StoreError.from(error).concernsAll {
      note(error, consequence)
      return nil
    }
  }
}
