internal import BrokerDomain
internal import Synchronization

/// Requests that first pages of lists have shown lately, in memory: offices poll the same pages all day, and most of what
/// stands on them has not changed since the last time. What a commit changes is taken out before anybody can read it, and
/// what is found is just what the reader would read: it has not changed between the two of them.
final class KnownRequests: Sendable {
  fileprivate struct State {
    var requests: [Int64: Entry] = [:]
    /// Keys in the order in which they came, as a ring: the first to come makes room. What was taken out since has a place
    /// still.
    var order: [Int64] = []
    var oldest = 0
    /// All of `requests` were read under these lists.
    var reference: Reference?
    /// What the commit under way changes.
    var changing: Set<Int64> = []
    /// The newest event of commits that are over, and that of the one under way.
    var (through, ahead): (Int64, Int64) = (0, 0)
    /// The first event whose reader sees every change without one.
    var from: Int64 = 0
  }

  fileprivate struct Entry {
    let listed: ListedRequest
    /// The newest event that its reader saw.
    let asOf: Int64
    /// In `order`.
    let place: Int
  }

  private let state: Mutex<State>
  private let capacity: Int

  /// Bytes of a row's content, outcome and progress together up to which it is kept: with the texts for its readers it
  /// takes five times as much, most of them some 6 KiB.
  static let largest = 4096

  /// - Parameter capacity: requests kept at most; 0 keeps none.
  init(capacity: Int) {
    self.capacity = capacity
    state = Mutex(State())
  }

  /// What the database has at the start.
  func begin(newest: Int64) { state.withLock { ($0.through, $0.ahead) = (newest, newest) } }

  /// Right before a commit, which may fail.
  func willCommit(_ notice: CommitNotice) {
    guard !notice.changes.isEmpty || !notice.amended.isEmpty else { return }
    state.withLock { state in
      // Another process has written in between.
      if let first = notice.changes.first, first.seq != state.through + 1 { state.requests = [:] }
      state.changing = Set(notice.changes.map(\.request) + notice.amended)
      for key in state.changing { state.requests[key] = nil }
      state.ahead = notice.changes.last?.seq ?? state.through
    }
  }

  /// Its events have not happened.
  func didFail() { state.withLock { $0.ahead = $0.through } }

  /// When it has not failed, before anybody is told.
  func didCommit(_ notice: CommitNotice) {
    guard !notice.changes.isEmpty || !notice.amended.isEmpty else { return }
    state.withLock { state in
      (state.changing, state.through) = ([], state.ahead)
      // Nothing tells a reader of before from one of after, until something happens.
      if notice.changes.isEmpty { state.from = state.through + 1 }
    }
  }

  /// All of a page together: a lock taken for each would be handed from reader to reader, with a switch of threads each
  /// time.
  /// - Parameter newest: the newest event that the reader sees. One of another process may have changed anything.
  /// - Returns: for each key what is known, nothing newer than the reader; nil where that is nothing at all.
  func requests(_ keys: [Int64], newest: Int64, _ reference: Reference) -> [ListedRequest?]? {
    state.withLock { state in
      guard newest <= state.ahead, state.reference === reference else { return nil }
      return keys.map { key in
        guard let entry = state.requests[key], entry.asOf <= newest else { return nil }
        return entry.listed
      }
    }
  }

  /// - Parameter newest: the newest event that the reader saw. Of a commit after it, it knows nothing.
  func keep(_ read: [ListedRequest], newest: Int64, _ reference: Reference) {
    guard capacity > 0, !read.isEmpty else { return }
    state.withLock { state in
      guard newest >= state.through, newest >= state.from else { return }
      if state.reference !== reference {
        (state.requests, state.order, state.oldest, state.reference) = ([:], [], 0, reference)
      }
      for listed in read.suffix(capacity) where !state.changing.contains(listed.request.id.key) {
        state.keep(listed, asOf: newest, capacity)
      }
    }
  }
}

extension KnownRequests.State {
  fileprivate mutating func keep(_ listed: ListedRequest, asOf: Int64, _ capacity: Int) {
    let key = listed.request.id.key
    // Two readers have read it at once.
    if requests[key] != nil { return }
    if order.count < capacity {
      requests[key] = .init(listed: listed, asOf: asOf, place: order.count)
      order.append(key)
    } else {
      if requests[order[oldest]]?.place == oldest { requests[order[oldest]] = nil }
      requests[key] = .init(listed: listed, asOf: asOf, place: oldest)
      order[oldest] = key
      oldest = (oldest + 1) % capacity
    }
  }
}
