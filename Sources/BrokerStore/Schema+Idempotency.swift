/// Replies that are kept for their repetition lie in order of time, and only their keys in an index.
///
/// Clients choose their keys at random. While a reply lay where its key belongs, two of them filled a page, and nearly
/// every one touched a page that nothing else did, and split it.
extension Schema {
  static let idempotency = """
    ALTER TABLE idempotency RENAME TO idempotency_by_key;
    CREATE TABLE idempotency (
      id INTEGER PRIMARY KEY,
      principal INTEGER NOT NULL,
      key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
      fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
      status INTEGER NOT NULL,
      request INTEGER,
      headers TEXT NOT NULL,
      body BLOB NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO idempotency (principal, key, fingerprint, status, request, headers, body, created_at)
      SELECT principal, key, fingerprint, status, request, headers, body, created_at
      FROM idempotency_by_key ORDER BY created_at;
    DROP TABLE idempotency_by_key;
    CREATE UNIQUE INDEX idempotency_key ON idempotency (principal, key);
    """
}
