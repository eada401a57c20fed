internal import BrokerStore
internal import Synchronization

/// Whether a write goes through, for all who ask: tried at most once a second, and never while another try is under way.
/// One that takes longer than a second counts as failed until it ends, so that nobody waits for a lock with it.
final class WriteProbe: Sendable {
  private struct State {
    var isUnderWay = false
    /// What is answered without trying, and until when by the monotonic clock.
    var known: (writable: Bool, until: Int64)?
    var asking: [CheckedContinuation<Bool, Never>] = []
  }

  private static let holdsMicroseconds: Int64 = 1_000_000
  private static let patience = Duration.seconds(1)

  private let state = Mutex(State())
  private let attempt: @Sendable () async -> Bool

  init(_ attempt: @escaping @Sendable () async -> Bool) { self.attempt = attempt }

  var isWritable: Bool {
    get async {
      await withCheckedContinuation { asker in
        let (known, begins) = state.withLock { state -> (Bool?, Bool) in
          if let known = state.known, monotonicMicroseconds() < known.until { return (known.writable, false) }
          state.asking.append(asker)
          defer { state.isUnderWay = true }
          return (nil, !state.isUnderWay)
        }
        if let known { asker.resume(returning: known) }
        if begins { begin() }
      }
    }
  }

  private func begin() {
    let timer = Task {
      guard (try? await Task.sleep(for: Self.patience)) != nil else { return }
      settle(false, until: .max, isOver: false)
    }
    Task {
      let writable = await attempt()
      timer.cancel()
      settle(writable, until: monotonicMicroseconds() + Self.holdsMicroseconds, isOver: true)
    }
  }

  private func settle(_ writable: Bool, until: Int64, isOver: Bool) {
    let asking = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
      // A timer that comes after the end has nothing to say.
      guard state.isUnderWay else { return [] }
      state.known = (writable, until)
      state.isUnderWay = !isOver
      defer { state.asking = [] }
      return state.asking
    }
    for asker in asking { asker.resume(returning: writable) }
  }
}
