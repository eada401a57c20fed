/// Since when an endpoint fails, why the broker switched it off, and when somebody last asked for an attempt at once; what
/// its organ is told when it is switched off. Notices share their numbers with the inbox, which is read in one order.
extension Schema {
  static let endpointHealth = """
    ALTER TABLE endpoint ADD COLUMN failing_since INTEGER;
    ALTER TABLE endpoint ADD COLUMN failing_days INTEGER NOT NULL DEFAULT 0 CHECK (failing_days >= 0);
    ALTER TABLE endpoint ADD COLUMN disabled_cause TEXT CHECK (disabled_cause IN ('gone', 'failing'));
    ALTER TABLE endpoint ADD COLUMN asked_at INTEGER;
    CREATE TABLE endpoint_notice (
      seq INTEGER PRIMARY KEY,
      organ INTEGER NOT NULL REFERENCES organ (number),
      endpoint INTEGER NOT NULL REFERENCES endpoint (key),
      cause TEXT NOT NULL CHECK (cause IN ('gone', 'failing')),
      reason_zh TEXT NOT NULL,
      reason_en TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX endpoint_notice_organ ON endpoint_notice (organ, seq);
    """
}
