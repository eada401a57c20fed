/// What is remembered of attempts, of first readings and of results that do not arrive.
///
/// A delivery that arrives at its first attempt writes no row more than before: how that attempt went stands in its own
/// row, and `attempt` has a row for each one that failed. Their keys grow with time, so the oldest are the first to go.
/// `delivered_at` is the first 2xx of a message that was sent once more since; it is null on the way everybody takes.
extension Schema {
  static let recovery = """
    ALTER TABLE outbox ADD COLUMN delivered_at INTEGER;
    ALTER TABLE delivery ADD COLUMN trip TEXT;
    ALTER TABLE delivery ADD COLUMN delivered_at INTEGER;
    CREATE TABLE attempt (
      id INTEGER PRIMARY KEY,
      endpoint INTEGER NOT NULL REFERENCES endpoint (key),
      seq INTEGER NOT NULL REFERENCES event (seq),
      number INTEGER NOT NULL CHECK (number >= 1),
      at INTEGER NOT NULL,
      status INTEGER,
      error TEXT,
      trip TEXT
    ) STRICT;
    CREATE INDEX attempt_delivery ON attempt (endpoint, seq);
    CREATE TABLE first_read (
      request INTEGER NOT NULL REFERENCES request (key),
      version INTEGER NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (request, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE undelivered (
      request INTEGER PRIMARY KEY REFERENCES request (key),
      version INTEGER NOT NULL,
      seq INTEGER NOT NULL REFERENCES event (seq),
      requester INTEGER NOT NULL REFERENCES organ (number),
      since INTEGER NOT NULL,
      needed_day INTEGER NOT NULL,
      listed_at INTEGER
    ) STRICT;
    """
}
