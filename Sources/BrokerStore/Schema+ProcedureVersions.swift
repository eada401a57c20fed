extension Schema {
  /// Every definition that a request was opened under, as JSON: the file may change or go. Requests that were there
  /// before go on by the first one that is stored, which is the one in force at that moment.
  static let procedureVersions = """
    CREATE TABLE procedure_version (
      procedure TEXT NOT NULL,
      version INTEGER NOT NULL CHECK (version >= 1),
      digest BLOB NOT NULL CHECK (length(digest) = 32),
      definition TEXT NOT NULL,
      first_used_at INTEGER NOT NULL,
      PRIMARY KEY (procedure, version)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE request ADD COLUMN procedure_version INTEGER NOT NULL DEFAULT 1;
    """
}
