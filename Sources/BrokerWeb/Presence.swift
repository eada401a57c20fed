internal import BrokerStore
internal import Synchronization

/// Whether a connection's client is still there, for whoever makes it wait: a long poll whose client has gone would keep
/// its place until its time is over. Not a cancelled task, which would break off what has been begun.
final class Presence: Sendable {
  /// Its address, without the port; that of a proxy where one stands in between.
  let address: String

  init(address: String) { self.address = address }

  private struct State {
    var isOver = false
    var bell: WakeUp?
  }

  private let state = Mutex(State())

  var isOver: Bool { state.withLock { $0.isOver } }

  func end() {
    let bell = state.withLock { state in
      state.isOver = true
      return state.bell
    }
    bell?.signal()
  }

  /// Signals `bell` at the end; nil takes the one before back. One request is answered at a time.
  func tell(_ bell: WakeUp?) { state.withLock { $0.bell = bell } }
}
