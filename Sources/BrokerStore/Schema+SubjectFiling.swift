extension Schema {
  /// Subjects are filed in runs (`SubjectFiling`), each in the order of id numbers and behind the one before it: so they
  /// are written at the end of the tree, page after full page. A run has the subjects of the requests after those of the
  /// run before and up to `through`; one that is not in `subject_run` is still being written. Before, a row went where its
  /// number belongs among all: these are the first run.
  static let subjectFiling = """
    CREATE TABLE subject_run (
      run INTEGER PRIMARY KEY CHECK (run >= 0),
      through INTEGER NOT NULL UNIQUE
    ) STRICT;
    INSERT INTO subject_run (run, through) SELECT 0, coalesce((SELECT max(request) FROM filed_subject), 0);
    CREATE TABLE filed_in_run (
      run INTEGER NOT NULL,
      id_number TEXT NOT NULL,
      request INTEGER NOT NULL,
      PRIMARY KEY (run, id_number, request)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO filed_in_run (run, id_number, request)
      SELECT 0, id_number, request FROM filed_subject ORDER BY id_number, request;
    DROP TABLE filed_subject;
    ALTER TABLE filed_in_run RENAME TO filed_subject;
    """
}
