internal import Synchronization

/// Who is being answered. Whoever asks and goes away again leaves his question behind, so a limit on connections is none on
/// what the store is asked.
final class Crowd: Sendable {
  private let count = Atomic(0)
  private let most: Int

  init(most: Int) { self.most = most }

  /// - Returns: false when there are too many; otherwise `leave` follows.
  func enter() -> Bool {
    if count.add(1, ordering: .relaxed).newValue <= most { return true }
    leave()
    return false
  }

  func leave() { count.subtract(1, ordering: .relaxed) }
}
