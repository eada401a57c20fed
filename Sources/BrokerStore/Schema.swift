/// The schema, as migrations that are only ever appended to.
///
/// Times are integer UTC milliseconds. Rows that are read by due time are clustered by it (WITHOUT ROWID); keys grow
/// with time, so that inserts touch the right edge of each tree; every secondary index has to earn its keep.
enum Schema {
  /// "XiCh": tells our file from anybody's SQLite file.
  static let applicationID = 0x5869_4368

  static let reference = """
    CREATE TABLE meta (
      name TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE organ (
      number INTEGER PRIMARY KEY,
      code TEXT NOT NULL UNIQUE CHECK (length(code) = 18),
      name TEXT NOT NULL CHECK (name <> ''),
      short_name TEXT NOT NULL,
      region TEXT NOT NULL CHECK (length(region) = 6),
      superior TEXT CHECK (superior IS NULL OR length(superior) = 18),
      roles TEXT NOT NULL
    ) STRICT;
    CREATE TABLE item (
      code TEXT NOT NULL PRIMARY KEY CHECK (code <> ''),
      proof TEXT NOT NULL CHECK (proof <> ''),
      matter TEXT NOT NULL CHECK (matter <> ''),
      departments TEXT NOT NULL,
      position INTEGER NOT NULL,
      UNIQUE (proof, matter)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE assistance_entry (
      item TEXT NOT NULL REFERENCES item (code),
      requester INTEGER NOT NULL REFERENCES organ (number),
      obliged INTEGER NOT NULL REFERENCES organ (number) CHECK (obliged <> requester),
      working_days INTEGER NOT NULL CHECK (working_days BETWEEN 1 AND 250),
      position INTEGER NOT NULL,
      PRIMARY KEY (item, requester)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE calendar_day (
      region TEXT NOT NULL CHECK (length(region) IN (0, 2, 4, 6)),
      date TEXT NOT NULL CHECK (length(date) = 10),
      kind TEXT NOT NULL CHECK (kind IN ('off', 'work')),
      festival TEXT NOT NULL,
      notice TEXT NOT NULL,
      PRIMARY KEY (region, date)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE api_key (
      id INTEGER PRIMARY KEY,
      digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
      organ INTEGER REFERENCES organ (number),
      created_at INTEGER NOT NULL,
      revoked_at INTEGER
    ) STRICT;
    """

  /// `request_past` holds what a supplement, an extension, a return or a transfer replaced, so that an earlier event is
  /// told as it was. A rung is stored as ten times the clock it belongs to, and its number.
  ///
  /// Events of a request share one index with the promise that no rung fires twice (NULLs are all different): a timer
  /// that fires touches a page of it somewhere in the middle, and two would be twice that.
  ///
  /// CASE rather than IN: SQLite fills a temporary table for a list of more than two, anew for every row written.
  static let requests = """
    CREATE TABLE request (
      key INTEGER PRIMARY KEY,
      tail INTEGER NOT NULL,
      procedure TEXT NOT NULL,
      state TEXT NOT NULL,
      open INTEGER NOT NULL CHECK (open = CASE state
        WHEN 'submitted' THEN 1 WHEN 'acknowledged' THEN 1 WHEN 'awaiting-supplement' THEN 1 WHEN 'returned' THEN 1
        WHEN 'answered' THEN 0 WHEN 'declined' THEN 0 WHEN 'withdrawn' THEN 0 WHEN 'closed' THEN 0 ELSE -1 END),
      version INTEGER NOT NULL CHECK (version >= 1),
      requester INTEGER NOT NULL REFERENCES organ (number),
      responder INTEGER NOT NULL REFERENCES organ (number),
      item TEXT,
      reference TEXT,
      received_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL CHECK (updated_at >= received_at),
      due_at INTEGER NOT NULL CHECK (due_at > 0),
      due_day INTEGER NOT NULL,
      working_days INTEGER NOT NULL CHECK (working_days >= 0),
      provisional INTEGER NOT NULL CHECK (provisional IN (0, 1)),
      acknowledged_at INTEGER,
      officer TEXT,
      outcome TEXT CHECK ((outcome IS NULL) = open),
      progress TEXT,
      content TEXT NOT NULL
    ) STRICT;
    CREATE TABLE request_past (
      request INTEGER NOT NULL REFERENCES request (key),
      version INTEGER NOT NULL,
      responder INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      due_at INTEGER NOT NULL,
      due_day INTEGER NOT NULL,
      working_days INTEGER NOT NULL,
      provisional INTEGER NOT NULL,
      acknowledged_at INTEGER,
      officer TEXT,
      state TEXT NOT NULL,
      outcome TEXT,
      progress TEXT,
      PRIMARY KEY (request, version)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE subject (
      request INTEGER PRIMARY KEY REFERENCES request (key),
      kind TEXT NOT NULL CHECK (kind IN ('person', 'organisation')),
      name TEXT NOT NULL,
      id_type TEXT NOT NULL CHECK (id_type IN ('resident-id', 'uscc')),
      id_number TEXT NOT NULL
    ) STRICT;
    CREATE TABLE disclosure (
      id INTEGER PRIMARY KEY,
      request INTEGER NOT NULL REFERENCES request (key),
      organ INTEGER NOT NULL REFERENCES organ (number),
      api_key INTEGER NOT NULL,
      at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE event (
      seq INTEGER PRIMARY KEY,
      request INTEGER NOT NULL REFERENCES request (key),
      version INTEGER NOT NULL,
      type TEXT NOT NULL,
      state TEXT NOT NULL,
      at INTEGER NOT NULL,
      actor INTEGER REFERENCES organ (number),
      requester INTEGER NOT NULL,
      responder INTEGER NOT NULL,
      rung INTEGER,
      data TEXT NOT NULL,
      trace TEXT CHECK (trace IS NULL OR length(trace) = 55)
    ) STRICT;
    CREATE UNIQUE INDEX event_request ON event (request, rung);
    CREATE TABLE filed_event (
      organ INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      PRIMARY KEY (organ, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE filed_request (
      organ INTEGER NOT NULL,
      role INTEGER NOT NULL CHECK (role IN (0, 1)),
      open INTEGER NOT NULL CHECK (open IN (0, 1)),
      request INTEGER NOT NULL,
      PRIMARY KEY (organ, role, open, request)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE filed_subject (
      id_number TEXT NOT NULL,
      request INTEGER NOT NULL,
      PRIMARY KEY (id_number, request)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE filing (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      through INTEGER NOT NULL CHECK (through >= 0)
    ) STRICT;
    INSERT INTO filing (id, through) VALUES (1, 0);

    CREATE TABLE timer (
      due_at INTEGER NOT NULL,
      request INTEGER NOT NULL REFERENCES request (key),
      rung INTEGER NOT NULL CHECK (rung > 0 AND rung % 10 BETWEEN 1 AND 4),
      PRIMARY KEY (due_at, request, rung)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE idempotency (
      principal INTEGER NOT NULL,
      key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
      fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
      status INTEGER NOT NULL,
      request INTEGER,
      headers TEXT NOT NULL,
      body BLOB NOT NULL,
      created_at INTEGER NOT NULL,
      PRIMARY KEY (principal, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tally (
      procedure TEXT NOT NULL,
      state TEXT NOT NULL,
      count INTEGER NOT NULL CHECK (count >= 0),
      PRIMARY KEY (procedure, state)
    ) STRICT, WITHOUT ROWID;
    """
}
