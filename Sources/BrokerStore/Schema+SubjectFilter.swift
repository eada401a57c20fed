internal import GRDB

extension Schema {
  /// Beside each run, which of the persons it may have (`SubjectFilter`); null says nothing.
  static let subjectFilter = "ALTER TABLE subject_run ADD COLUMN filter BLOB"

  /// Of the runs that there are.
  static func makeSubjectFilters(_ db: Database) throws {
    for run in try db.all(SubjectFilterSQL.runs, body: { $0.int(0) }) {
      let numbers = try db.all(SubjectFilingSQL.numbers, .int(run)) { $0.text(0) }
      try db.run(SubjectFilterSQL.set, .blob(SubjectFilter(numbers).bytes), .int(run))
    }
  }
}

private enum SubjectFilterSQL: String {
  case runs = "SELECT run FROM subject_run"
  case set = "UPDATE subject_run SET filter = $1 WHERE run = $2"
}
