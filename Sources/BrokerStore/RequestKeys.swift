internal import BrokerDomain
internal import GRDB

/// Where the keys of a list come from. Each is newest first and cheap to read: a range of a tree of keys, without a look
/// at the requests. What they hold is not sure to belong on the page: the row of each decides (`ListSQL.matching`).
enum KeySource {
  /// - Parameters:
  ///   - role: 0 for what the organ asks, 1 for what it is asked.
  ///   - open: 1 for what was open when it was filed, 0 for the rest.
  case filed(organ: Int64, role: Int64, open: Int64)
  case overdue(organ: Int64, role: Int64)
  /// A subject by the id number, in these runs of filed subjects. Runs follow each other in the order of requests.
  case subject(idNumber: String, runs: [Int64])
  /// Read already, newest first.
  case known([Int64])
}

/// The keys of one source, read a few at a time: of most a page needs only the first.
private struct KeyStream {
  let source: KeySource
  private var keys: [Int64]
  private var at = 0
  private var isRead: Bool
  /// How many are read next.
  private var portion: Int
  /// Only older ones.
  private var before: Int64
  /// Runs of subjects that were read.
  private var runs = 0

  private static let largestPortion = 1024

  init(_ source: KeySource, before: Int64, portion: Int) {
    (self.source, self.before, self.portion) = (source, before, portion)
    if case .known(let known) = source {
      (keys, isRead) = (Array(known.drop { $0 >= before }), true)
    } else {
      (keys, isRead) = ([], false)
    }
  }

  /// The newest key that was not taken; nil at the end.
  mutating func first(_ db: Database) throws -> Int64? {
    while at == keys.count, !isRead { try read(db) }
    return at < keys.count ? keys[at] : nil
  }

  mutating func removeFirst() { at += 1 }

  private mutating func read(_ db: Database) throws {
    let (end, limit) = (SQLValue.int(before), SQLValue.int(Int64(portion)))
    switch source {
    case .filed(let organ, let role, let open):
      keys = try db.all(ListSQL.filed, .int(organ), .int(role), .int(open), end, limit) { $0.int(0) }
    case .overdue(let organ, let role):
      keys = try db.all(OverdueSQL.filed, .int(organ), .int(role), end, limit) { $0.int(0) }
    case .subject(let idNumber, let all):
      guard runs < all.count else { return isRead = true }
      (keys, at) = (try db.all(SubjectFilingSQL.inRun, .int(all[runs]), .text(idNumber), end) { $0.int(0) }, 0)
      runs += 1
      return
    case .known: break
    }
    at = 0
    isRead = keys.count < portion
    before = keys.last ?? before
    portion = min(portion * 2, Self.largestPortion)
  }
}

/// The keys of several sources as one run, newest first, each once.
struct RequestKeys {
  private var streams: [KeyStream]
  /// The newest key of each stream and whose it is: a binary heap, because a supervisor's list has hundreds of streams.
  private var heads: [(key: Int64, stream: Int)] = []
  private var isBegun = false
  private var last: Int64?

  /// - Parameters:
  ///   - before: the key behind which the page begins.
  ///   - page: how many are wanted; of many sources each holds but a few of them.
  init(_ sources: [KeySource], before: Int64, page: Int) {
    let portion = sources.count <= 8 ? page : max(4, 4 * page / sources.count)
    streams = sources.map { KeyStream($0, before: before, portion: portion) }
  }

  mutating func next(_ db: Database) throws -> Int64? {
    if !isBegun {
      isBegun = true
      for stream in streams.indices {
        guard let key = try streams[stream].first(db) else { continue }
        heads.append((key, stream))
        rise(from: heads.count - 1)
      }
    }
    while let newest = heads.first {
      streams[newest.stream].removeFirst()
      if let key = try streams[newest.stream].first(db) {
        heads[0].key = key
      } else {
        heads[0] = heads[heads.count - 1]
        heads.removeLast()
      }
      sink()
      if newest.key != last {
        last = newest.key
        return newest.key
      }
    }
    return nil
  }

  private mutating func rise(from place: Int) {
    var place = place
    while place > 0, heads[(place - 1) / 2].key < heads[place].key {
      heads.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func sink() {
    var place = 0
    while 2 * place + 1 < heads.count {
      var child = 2 * place + 1
      if child + 1 < heads.count, heads[child + 1].key > heads[child].key { child += 1 }
      guard heads[child].key > heads[place].key else { return }
      heads.swapAt(place, child)
      place = child
    }
  }
}
