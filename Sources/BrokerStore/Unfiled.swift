internal import BrokerDomain
internal import GRDB
internal import Synchronization

/// The events that are not filed yet, in memory: every list adds them to what is filed, and to look for one organ's in
/// the table means to read some hundreds of rows for one page.
///
/// What stands here is used only where it is whole: a reader holds it against what it sees itself, and reads the table
/// where events were filed, written by another process, or committed a moment ago, of which nothing is known here.
final class Unfiled: Sendable {
  struct Entry {
    let seq: Int64
    let request: Int64
    let organs: [Int64]
    var mayBeOverdue = true
  }

  private struct State {
    var entries: [Entry] = []
    /// Every event after this one and up to `through` is in `entries`.
    var from: Int64 = 0
    var through: Int64 = 0
    var filed: Int64 = 0
  }

  private let state = Mutex(State())

  /// In the order of their commits, before anybody is told of them.
  func note(_ notice: CommitNotice) {
    guard !notice.changes.isEmpty else { return }
    state.withLock { state in
      for change in notice.changes {
        // Another process has written in between.
        if change.seq != state.through + 1 { (state.entries, state.from) = ([], change.seq - 1) }
        state.entries.append(
          Entry(
            seq: change.seq, request: change.request, organs: change.organs, mayBeOverdue: change.mayBeOverdue))
        state.through = change.seq
      }
      guard let filed = notice.filedThrough else { return }
      // A reader that began before may need those of the last time still.
      if state.filed > state.from {
        state.from = state.filed
        state.entries.removeFirst(state.entries.prefix { $0.seq <= state.filed }.count)
      }
      state.filed = filed
    }
  }

  /// What the database has at the start.
  func begin(filed: Int64, _ entries: [Entry]) {
    state.withLock { state in
      (state.entries, state.from, state.filed) = (entries, filed, filed)
      state.through = entries.last?.seq ?? filed
    }
  }

  /// - Parameters:
  ///   - filed: the newest event that is filed, as the reader sees it.
  ///   - newest: the newest that it sees at all.
  ///   - organ: whose; nil for all organs.
  ///   - overdue: only those that may be overdue.
  /// - Returns: requests of events after `filed`, later ones perhaps among them; nil where that is not known here.
  func requests(after filed: Int64, through newest: Int64, of organ: Int64?, overdue: Bool = false) -> Set<Int64>? {
    state.withLock { state in
      guard filed >= state.from, newest <= state.through else { return nil }
      var requests: Set<Int64> = []
      for entry in state.entries.reversed() {
        guard entry.seq > filed else { break }
        if overdue, !entry.mayBeOverdue { continue }
        if organ.map({ entry.organs.contains($0) }) ?? true { requests.insert(entry.request) }
      }
      return requests
    }
  }
}

enum UnfiledSQL: String, CaseIterable {
  case reach = "SELECT through, coalesce((SELECT max(seq) FROM event), 0) FROM filing"
  case all = "SELECT seq, request, requester, responder FROM event WHERE seq > $1 ORDER BY seq"
  /// A few hundred events at most; see `Filing`.
  case ofOrgan = """
    SELECT request FROM event WHERE seq > $1 AND (requester = $2 OR responder = $2)
    """
  case ofAll = "SELECT request FROM event WHERE seq > $1"
}

extension Database {
  /// - Returns: the newest event.
  func begin(_ unfiled: Unfiled) throws -> Int64 {
    let filed = try first(FilingSQL.through) { $0.int(0) } ?? 0
    let entries = try all(UnfiledSQL.all, .int(filed)) {
      Unfiled.Entry(seq: $0.int(0), request: $0.int(1), organs: [$0.int(2), $0.int(3)])
    }
    unfiled.begin(filed: filed, entries)
    return entries.last?.seq ?? filed
  }

  /// Requests with an event that is not filed yet: where the organ is a party, and perhaps others of which it was told.
  /// - Parameters:
  ///   - organ: nil for all organs.
  ///   - overdue: those that may be overdue are enough.
  /// - Returns: the newest event that this reader sees as well.
  func unfiled(_ known: Unfiled, of organ: Int64?, overdue: Bool = false) throws -> (
    requests: Set<Int64>, newest: Int64
  ) {
    let reach = try first(UnfiledSQL.reach) { (filed: $0.int(0), newest: $0.int(1)) }
    guard let (filed, newest) = reach, newest > filed else { return ([], reach?.newest ?? 0) }
    if let requests = known.requests(after: filed, through: newest, of: organ, overdue: overdue) {
      return (requests, newest)
    }
    if let organ {
      return (Set(try all(UnfiledSQL.ofOrgan, .int(filed), .int(organ)) { $0.int(0) }), newest)
    }
    return (Set(try all(UnfiledSQL.ofAll, .int(filed)) { $0.int(0) }), newest)
  }
}
