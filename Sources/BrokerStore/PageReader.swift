internal import BrokerDomain
internal import GRDB

/// What a reader of lists knows besides the database.
struct ListMemory {
  let reference: Reference
  let unfiled: Unfiled
  let filters: SubjectFilters
  let known: KnownRequests
  let damagedRows: DamagedRows
  let pageBytes: Int
}

/// A page as it fills.
struct PageReader {
  let query: ListQuery
  let memory: ListMemory
  /// The newest event that this reader sees; nil where nothing is to be taken from memory.
  var newest: Int64?
  private(set) var found: [ListedRequest] = []
  /// Those of them that were not known.
  private(set) var new: [ListedRequest] = []

  init(_ query: ListQuery, _ memory: ListMemory) {
    (self.query, self.memory) = (query, memory)
    found.reserveCapacity(query.limit)
  }

  /// Of the rows that were read, as far as a row may be large: what its request says.
  private var bytes = 0
  var isFull: Bool { found.count >= query.limit || isCut }
  var isCut: Bool { bytes > memory.pageBytes }

  /// - Parameter after: the key at which to stop.
  mutating func read(_ sources: [KeySource], before: Int64, after: Int64 = .min, _ db: Database) throws {
    var keys = RequestKeys(sources, before: before, page: query.limit)
    var portion: [Int64] = []
    portion.reserveCapacity(query.limit)
    repeat {
      portion.removeAll(keepingCapacity: true)
      while portion.count < query.limit, let key = try keys.next(db), key > after { portion.append(key) }
      try take(portion, db)
    } while !isFull && portion.count == query.limit
  }

  /// Puts on the page what belongs there of these, in order.
  private mutating func take(_ keys: [Int64], _ db: Database) throws {
    let known = newest.flatMap { memory.known.requests(keys, newest: $0, memory.reference) }
    var at = 0
    // What is known is put on the page on the way to the next key that is not.
    func next(_ page: inout PageReader) -> Int64? {
      while !page.isFull, at < keys.count {
        defer { at += 1 }
        guard let listed = known?[at] else { return keys[at] }
        if page.query.accepts(listed, page.memory.reference) { page.found.append(listed) }
      }
      return nil
    }
    try db.lookUp(ListSQL.matching, query.conditions, of: &self, key: next) { page, row in
      let reference = page.memory.reference
      let stored = try page.memory.damagedRows.passing("it is on no list") { try StoredRequest(row, reference) }
      guard let stored else { return }
      let listed = ListedRequest(stored, reference)
      guard page.query.accepts(listed, reference) else { return }
      page.found.append(listed)
      let size = StoredRequest.bytes(row)
      page.bytes += size
      if size <= KnownRequests.largest { page.new.append(listed) }
    }
  }
}
