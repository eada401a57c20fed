internal import GRDB

extension Schema {
  /// Beside each run, which of the persons it may have (`SubjectFilter`); null says nothing.
  static let subjectFilter = "ALTER TABLE subject_run ADD COLUMN filter BLOB"

  /// Of the runs that there are.
  static func makeSubjectFilters(_ db: Database) throws {
    for run in try db.all(SubjectFilterSQL.runs, body: { $0.int(0) }) {
      // The first run of an older database has everybody: too many to hold at once.
      var filter = SubjectFilter(of: try db.first(SubjectFilterSQL.count, .int(run)) { Int($0.int(0)) } ?? 0)
      try db.each(SubjectFilingSQL.numbers, [.int(run)]) { filter.insert($0.text(0)) }
      try db.run(SubjectFilterSQL.set, .blob(filter.bytes), .int(run))
    }
  }
}

private enum SubjectFilterSQL: String {
  case runs = "SELECT run FROM subject_run"
  case count = "SELECT count(*) FROM filed_subject WHERE run = $1"
  case set = "UPDATE subject_run SET filter = $1 WHERE run = $2"
}
