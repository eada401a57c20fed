internal import BrokerDomain
internal import GRDB

/// Files subjects under their id numbers, which is how a person's requests are found.
///
/// An id number lands anywhere in a tree of them all: filed one by one each would cost a page of its own, the most that a
/// submission writes. So they are filed in runs: a thousand are gathered, brought into order, and written behind the
/// run before, a few with every group. Who looks for a person looks into the runs that may have them (`SubjectFilter`), and
/// reads the subjects that are in none yet: a range of their own table.
struct SubjectFiling {
  struct Entry {
    let idNumber: String
    let request: Int64
    /// The first bytes of the id number, in their order.
    fileprivate let rank: (UInt64, UInt64)

    init(idNumber: String, request: Int64) {
      self.idNumber = idNumber
      self.request = request
      var bytes = idNumber.utf8.makeIterator()
      func next() -> UInt64 { (0..<8).reduce(0) { sum, _ in sum << 8 | UInt64(bytes.next() ?? 0) } }
      rank = (next(), next())
    }
  }

  /// How many are filed for each that comes: the last are in before as many are gathered again.
  static let pace = 3

  /// The number of the run that is gathered or written.
  private(set) var run: Int64
  /// Subjects that make a run.
  private let atOnce: Int
  private var gathered: [Entry] = []
  /// In the order of the run; `filed` of them are in it.
  private var sorted: [Entry] = []
  private var filed = 0
  /// The newest request of the run that is written, and who is in it; nil while one is gathered.
  private var finished: (through: Int64, filter: SubjectFilter)?

  /// - Parameters:
  ///   - entries: what the database has in no finished run, in the order of requests.
  ///   - begun: the requests among them that are in this run already. A run that was begun goes on at once, and takes in
  ///     whatever came since.
  init(run: Int64, atOnce: Int, _ entries: [Entry], begun: Set<Int64> = []) {
    self.run = run
    self.atOnce = atOnce
    guard !begun.isEmpty else {
      gathered = entries
      return
    }
    finished = Self.run(of: entries)
    sorted = Self.inOrder(entries.filter { !begun.contains($0.request) })
  }

  /// - Parameter new: in the order of requests.
  mutating func gather(_ new: [Entry]) { gathered += new }

  /// The next of them to be filed.
  mutating func take(_ count: Int) -> ArraySlice<Entry> {
    if finished == nil, gathered.count >= atOnce {
      finished = Self.run(of: gathered)
      sorted = Self.inOrder(gathered)
      gathered = []
    }
    defer { filed = min(sorted.count, filed + count) }
    return sorted[filed..<min(sorted.count, filed + count)]
  }

  /// Up to which request all are filed, once the run is written, and who is in it; the next one begins.
  mutating func finish() -> (through: Int64, filter: SubjectFilter)? {
    guard let done = finished, filed == sorted.count else { return nil }
    (sorted, filed, run, finished) = ([], 0, run + 1, nil)
    return done
  }

  private static func run(of entries: [Entry]) -> (through: Int64, filter: SubjectFilter) {
    (entries.last?.request ?? 0, SubjectFilter(entries.lazy.map(\.idNumber)))
  }

  private static func inOrder(_ entries: [Entry]) -> [Entry] {
    entries.sorted { ($0.rank.0, $0.rank.1, $0.request) < ($1.rank.0, $1.rank.1, $1.request) }
  }
}

enum SubjectFilingSQL: String, CaseIterable {
  case newest = "SELECT run FROM subject_run ORDER BY run DESC LIMIT 1"
  case unfiled = """
    SELECT id_number, request FROM subject
    WHERE request > (SELECT through FROM subject_run ORDER BY run DESC LIMIT 1) ORDER BY request
    """
  case begun = "SELECT request FROM filed_subject WHERE run = $1"
  case insert = "INSERT INTO filed_subject (run, id_number, request) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
  case finish = "INSERT INTO subject_run (run, through, filter) VALUES ($1, $2, $3)"
  case runs = "SELECT run, filter FROM subject_run WHERE run > $1 ORDER BY run"
  case inRun = """
    SELECT request FROM filed_subject WHERE run = $1 AND id_number = $2 AND request < $3 ORDER BY request DESC
    """
  case numbers = "SELECT id_number FROM filed_subject WHERE run = $1"
  /// A person's requests that are in no run yet: of a range of the table, which is read whole.
  case ofPerson = """
    SELECT request FROM subject
    WHERE request > (SELECT through FROM subject_run ORDER BY run DESC LIMIT 1) AND id_number = $1
    """
}

extension WriteContext {
  /// Files the next few. Called once in each group, before its commit.
  func fileSubjects() throws {
    guard !newSubjects.isEmpty else { return }
    if subjectFiling == nil {
      // With those of this group.
      let run = (try db.first(SubjectFilingSQL.newest) { $0.int(0) } ?? 0) + 1
      subjectFiling = SubjectFiling(
        run: run, atOnce: subjectsAtOnce,
        try db.all(SubjectFilingSQL.unfiled) { .init(idNumber: $0.text(0), request: $0.int(1)) },
        begun: Set(try db.all(SubjectFilingSQL.begun, .int(run)) { $0.int(0) }))
    } else {
      subjectFiling?.gather(newSubjects)
    }
    guard let run = subjectFiling?.run else { return }
    for entry in subjectFiling?.take(newSubjects.count * SubjectFiling.pace) ?? [] {
      try db.run(SubjectFilingSQL.insert, .int(run), .text(entry.idNumber), .int(entry.request))
    }
    if let (through, filter) = subjectFiling?.finish() {
      try db.run(SubjectFilingSQL.finish, .int(run), .int(through), .blob(filter.bytes))
    }
  }
}
