/// Where events are pushed, what is owed and what has become of it, as the first version had them.
extension Schema {
  static let callbacks = """
    CREATE TABLE endpoint (
      key INTEGER PRIMARY KEY,
      tail INTEGER NOT NULL,
      organ INTEGER NOT NULL REFERENCES organ (number),
      url TEXT NOT NULL,
      events TEXT NOT NULL,
      body TEXT NOT NULL CHECK (body IN ('thin', 'full')),
      description TEXT,
      secret BLOB NOT NULL CHECK (length(secret) >= 24),
      previous_secret BLOB,
      previous_until INTEGER CHECK ((previous_secret IS NULL) = (previous_until IS NULL)),
      enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
      disabled_reason TEXT,
      created_at INTEGER NOT NULL,
      rotated_at INTEGER,
      deleted_at INTEGER,
      lease_owner TEXT,
      lease_until INTEGER
    ) STRICT;
    CREATE INDEX endpoint_organ ON endpoint (organ) WHERE deleted_at IS NULL;

    CREATE TABLE outbox (
      endpoint INTEGER NOT NULL REFERENCES endpoint (key),
      next_at INTEGER NOT NULL,
      seq INTEGER NOT NULL REFERENCES event (seq),
      request INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
      last_at INTEGER,
      last_status INTEGER,
      last_error TEXT,
      PRIMARY KEY (endpoint, next_at, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX outbox_order ON outbox (endpoint, request, seq);

    CREATE TABLE delivery (
      endpoint INTEGER NOT NULL REFERENCES endpoint (key),
      seq INTEGER NOT NULL REFERENCES event (seq),
      state TEXT NOT NULL CHECK (state IN ('delivered', 'dead')),
      request INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      finished_at INTEGER NOT NULL,
      attempts INTEGER NOT NULL CHECK (attempts >= 0),
      last_status INTEGER,
      last_error TEXT,
      PRIMARY KEY (endpoint, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX delivery_dead ON delivery (endpoint, seq) WHERE state = 'dead';
    """
}
