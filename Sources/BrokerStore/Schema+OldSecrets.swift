internal import GRDB

extension Schema {
  /// Secrets of before that sign beside the present one, newest first. There was room for one, in the endpoint's row, whose
  /// columns are null from now on.
  static let oldSecrets = """
    CREATE TABLE endpoint_old_secret (
      endpoint INTEGER NOT NULL REFERENCES endpoint (key),
      place INTEGER NOT NULL CHECK (place >= 0),
      secret BLOB NOT NULL CHECK (length(secret) >= 24),
      until INTEGER NOT NULL,
      PRIMARY KEY (endpoint, place)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO endpoint_old_secret (endpoint, place, secret, until)
      SELECT key, 0, previous_secret, previous_until FROM endpoint WHERE previous_secret IS NOT NULL;
    UPDATE endpoint SET previous_secret = NULL, previous_until = NULL WHERE previous_secret IS NOT NULL;
    """

  /// What is moved may be plain still, and is to be nowhere in the file but where it will be sealed.
  static func moveOldSecrets(_ db: Database) throws {
    try db.execute(sql: "PRAGMA secure_delete = ON")
    defer { try? db.execute(sql: "PRAGMA secure_delete = OFF") }
    try db.execute(sql: oldSecrets)
  }
}
