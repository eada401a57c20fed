/// What people are told, organ by organ. A rung is stored as its timer's (see `RungCode`); the first index is the promise
/// that nobody is told twice.
extension Schema {
  static let inbox = """
    CREATE TABLE inbox (
      seq INTEGER PRIMARY KEY,
      organ INTEGER NOT NULL REFERENCES organ (number),
      request INTEGER NOT NULL REFERENCES request (key),
      rung INTEGER NOT NULL CHECK (rung > 0 AND rung % 10 BETWEEN 1 AND 4),
      audience TEXT NOT NULL CHECK (audience IN ('contact', 'leader', 'supervisor')),
      at INTEGER NOT NULL,
      due_day INTEGER NOT NULL,
      responder INTEGER NOT NULL REFERENCES organ (number)
    ) STRICT;
    CREATE UNIQUE INDEX inbox_once ON inbox (request, rung, organ);
    CREATE INDEX inbox_organ ON inbox (organ, seq);
    """

  /// Of what was told before, what holds now: whether the last day that it names is provisional still.
  static let provisionalNotices = """
    ALTER TABLE inbox ADD COLUMN provisional INTEGER NOT NULL DEFAULT 0 CHECK (provisional IN (0, 1));
    UPDATE inbox SET provisional = 1
      WHERE due_day = (SELECT due_day FROM request WHERE key = inbox.request AND provisional = 1);
    """
}
