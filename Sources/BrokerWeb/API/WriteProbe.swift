internal import BrokerStore
internal import Synchronization

/// Whether a write goes through, for all who ask: tried at most once a second, and never while another try is under way.
/// One that takes longer than a second counts as failed until it ends, so that nobody waits for a lock with it.
final class WriteProbe: Sendable {
  private struct State {
    var isUnderWay = false
    /// Of the try under way, or the last one: what is said of another comes too late.
    var number = 0
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
        let (known, begins) = state.withLock { state -> (Bool?, Int?) in
          if let known = state.known, monotonicMicroseconds() < known.until { return (known.writable, nil) }
          state.asking.append(asker)
          if state.isUnderWay { return (nil, nil) }
          state.isUnderWay = true
          state.number += 1
          return (nil, state.number)
        }
        if let known { asker.resume(returning: known) }
        if let begins { begin(begins) }
      }
    }
  }

  private func begin(_ number: Int) {
    let timer = Task {
      guard (try? await Task.sleep(for: Self.patience)) != nil else { return }
      settle(number, false, until: .max, isOver: false)
    }
    Task {
      let writable = await attempt()
      timer.cancel()
      settle(number, writable, until: monotonicMicroseconds() + Self.holdsMicroseconds, isOver: true)
    }
  }

  func settle(_ number: Int, _ writable: Bool, until: Int64, isOver: Bool) {
    let asking = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
      // A timer that comes after the end of its try has nothing to say, least of all of the next one.
      guard state.isUnderWay, state.number == number else { return [] }
      state.known = (writable, until)
      state.isUnderWay = !isOver
      defer { state.asking = [] }
      return state.asking
    }
    for asker in asking { asker.resume(returning: writable) }
  }
}
