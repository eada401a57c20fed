/// What each migration made when it shipped, as `sqlite_schema` tells it. Never edited, only added to.
enum GoldenSchema {
  static let migration1 = """
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

  /// Of migration "3 the inbox".
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

  /// Of migration "2 reports and reads".
  static let reports = """
    CREATE TABLE disclosure (
      id INTEGER PRIMARY KEY,
      request INTEGER NOT NULL REFERENCES request (key),
      organ INTEGER NOT NULL REFERENCES organ (number),
      api_key INTEGER NOT NULL,
      at INTEGER NOT NULL
    , what TEXT NOT NULL DEFAULT 'subject'
      CHECK (what IN ('subject', 'request', 'timeline', 'ledger'))) STRICT;
    CREATE TABLE report_cell (
      id INTEGER PRIMARY KEY,
      organ INTEGER NOT NULL REFERENCES organ (number),
      procedure TEXT NOT NULL,
      item TEXT NOT NULL,
      measure TEXT NOT NULL CHECK (measure <> ''),
      UNIQUE (organ, procedure, item, measure)
    ) STRICT;
    CREATE TABLE report_tally (
      span INTEGER NOT NULL CHECK (span IN (0, 1)),
      start INTEGER NOT NULL,
      cell INTEGER NOT NULL REFERENCES report_cell (id),
      days INTEGER NOT NULL CHECK (days >= 0),
      count INTEGER NOT NULL CHECK (count > 0),
      PRIMARY KEY (span, start, cell, days)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE report_filing (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      through INTEGER NOT NULL CHECK (through >= 0)
    ) STRICT;
    """

  /// The table that came with the versions of procedures.
  static let procedureVersion = """
    CREATE TABLE procedure_version (
      procedure TEXT NOT NULL,
      version INTEGER NOT NULL CHECK (version >= 1),
      digest BLOB NOT NULL CHECK (length(digest) = 32),
      definition TEXT NOT NULL,
      first_used_at INTEGER NOT NULL,
      PRIMARY KEY (procedure, version)
    ) STRICT, WITHOUT ROWID;
    """

  /// What is there after "5 the life of the lists" and was not before, in the order of the schema.
  static let lists = """
    CREATE TABLE organ (
      number INTEGER PRIMARY KEY,
      code TEXT NOT NULL UNIQUE CHECK (length(code) = 18),
      name TEXT NOT NULL CHECK (name <> ''),
      short_name TEXT NOT NULL,
      region TEXT NOT NULL CHECK (length(region) = 6),
      superior TEXT CHECK (superior IS NULL OR length(superior) = 18),
      roles TEXT NOT NULL
    , extra TEXT NOT NULL DEFAULT '{}') STRICT;
    CREATE TABLE calendar_day (
      region TEXT NOT NULL CHECK (length(region) IN (0, 2, 4, 6)),
      date TEXT NOT NULL CHECK (length(date) = 10),
      kind TEXT NOT NULL CHECK (kind IN ('off', 'work')),
      festival TEXT NOT NULL,
      notice TEXT NOT NULL, extra TEXT NOT NULL DEFAULT '{}',
      PRIMARY KEY (region, date)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE publication (
      key INTEGER PRIMARY KEY,
      tail INTEGER NOT NULL,
      supervisor INTEGER NOT NULL REFERENCES organ (number),
      at INTEGER NOT NULL,
      effective_from INTEGER NOT NULL,
      notice TEXT NOT NULL CHECK (notice <> '')
    ) STRICT;
    CREATE TABLE publication_request (
      request INTEGER PRIMARY KEY REFERENCES request (key),
      publication INTEGER NOT NULL REFERENCES publication (key),
      part TEXT NOT NULL CHECK (part IN ('proposal', 'filing', 'forms'))
    ) STRICT;
    CREATE INDEX publication_part ON publication_request (publication);
    CREATE TABLE list_version (
      list TEXT NOT NULL CHECK (list IN ('items', 'assistance-list')),
      version INTEGER NOT NULL CHECK (version >= 1),
      effective_from INTEGER,
      made_at INTEGER NOT NULL,
      notice TEXT CHECK (notice <> ''),
      publication INTEGER REFERENCES publication (key),
      PRIMARY KEY (list, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE listed_item (
      version INTEGER NOT NULL,
      code TEXT NOT NULL CHECK (code <> ''),
      position INTEGER NOT NULL,
      proof TEXT NOT NULL CHECK (proof <> ''),
      matter TEXT NOT NULL CHECK (matter <> ''),
      departments TEXT NOT NULL,
      method TEXT NOT NULL CHECK (method IN ('online', 'assistance', 'on-site', 'exempt')),
      method_basis TEXT CHECK (method_basis <> ''),
      exclusion TEXT CHECK (exclusion <> ''),
      public INTEGER NOT NULL CHECK (public IN (0, 1)),
      agent_allowed INTEGER NOT NULL CHECK (agent_allowed IN (0, 1)),
      extra TEXT NOT NULL,
      PRIMARY KEY (version, code),
      UNIQUE (version, proof, matter)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE listed_entry (
      version INTEGER NOT NULL,
      item TEXT NOT NULL CHECK (item <> ''),
      requester INTEGER NOT NULL REFERENCES organ (number),
      obliged INTEGER NOT NULL REFERENCES organ (number) CHECK (obliged <> requester),
      working_days INTEGER NOT NULL CHECK (working_days BETWEEN 1 AND 250),
      position INTEGER NOT NULL,
      extra TEXT NOT NULL,
      PRIMARY KEY (version, item, requester)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE organ_contact (
      organ INTEGER NOT NULL REFERENCES organ (number),
      role TEXT NOT NULL CHECK (role IN ('liaison', 'leader')),
      name TEXT NOT NULL CHECK (name <> ''),
      phone TEXT,
      substitute_name TEXT,
      substitute_phone TEXT CHECK (substitute_phone IS NULL OR substitute_name IS NOT NULL),
      PRIMARY KEY (organ, role)
    ) STRICT, WITHOUT ROWID;
    """

  /// The statements of "6 endpoint security"; what they add to may have been added to before.
  static let endpointSecurity = """
    ALTER TABLE endpoint ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1));
    ALTER TABLE endpoint ADD COLUMN signatures TEXT NOT NULL DEFAULT 'v1' CHECK (signatures IN ('v1', 'v1 v1sm3'));
    ALTER TABLE endpoint ADD COLUMN format TEXT NOT NULL DEFAULT 'standard'
      CHECK (format IN ('standard', 'cloudevents'));
    ALTER TABLE endpoint ADD COLUMN tls_ca TEXT;
    ALTER TABLE endpoint ADD COLUMN tls_certificate TEXT;
    ALTER TABLE endpoint ADD COLUMN tls_key BLOB CHECK ((tls_key IS NULL) = (tls_certificate IS NULL));
    ALTER TABLE endpoint ADD COLUMN tls_shown TEXT;
    """

  /// Of migration "7 attempts and undelivered results", without the columns that it adds.
  static let recovery = """
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

  /// Of migration "8 endpoint health".
  static let endpointNotice = """
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
  static let endpointHealthColumns = [
    "failing_since INTEGER 0", "failing_days INTEGER 1", "disabled_cause TEXT 0", "asked_at INTEGER 0",
  ]

  /// Of migration "9 replies in order of time".
  static let idempotency = """
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
    CREATE UNIQUE INDEX idempotency_key ON idempotency (principal, key);
    """

  /// Of migration "10 what is overdue".
  static let filedOverdue = """
    CREATE TABLE filed_overdue (
      organ INTEGER NOT NULL,
      role INTEGER NOT NULL CHECK (role IN (0, 1)),
      request INTEGER NOT NULL,
      PRIMARY KEY (organ, role, request)
    ) STRICT, WITHOUT ROWID;
    """

  /// Of migration "11 what lies returned".
  static let returned = "CREATE INDEX request_returned ON request (requester) WHERE state = 'returned';"

  /// Of migration "13 items of a region": the table of items anew, under its old name.
  static let listedItemOfRegion = """
    CREATE TABLE "listed_item" (
      version INTEGER NOT NULL,
      code TEXT NOT NULL CHECK (code <> ''),
      position INTEGER NOT NULL,
      proof TEXT NOT NULL CHECK (proof <> ''),
      matter TEXT NOT NULL CHECK (matter <> ''),
      departments TEXT NOT NULL,
      method TEXT NOT NULL CHECK (method IN ('online', 'assistance', 'on-site', 'exempt')),
      method_basis TEXT CHECK (method_basis <> ''),
      exclusion TEXT CHECK (exclusion <> ''),
      public INTEGER NOT NULL CHECK (public IN (0, 1)),
      agent_allowed INTEGER NOT NULL CHECK (agent_allowed IN (0, 1)),
      region TEXT NOT NULL CHECK (length(region) IN (0, 6)),
      extra TEXT NOT NULL,
      PRIMARY KEY (version, code),
      UNIQUE (version, proof, matter, region)
    ) STRICT, WITHOUT ROWID;
    """

  static let referenceLine = """
    CREATE TABLE reference_line (
      kind TEXT NOT NULL CHECK (kind IN ('organs', 'items', 'assistance-list', 'calendar')),
      place INTEGER NOT NULL CHECK (place >= 0),
      canonical TEXT NOT NULL,
      text TEXT NOT NULL,
      PRIMARY KEY (kind, place)
    ) STRICT, WITHOUT ROWID;
    """

  static let subjectFiling = """
    CREATE TABLE "filed_subject" (
      run INTEGER NOT NULL,
      id_number TEXT NOT NULL,
      request INTEGER NOT NULL,
      PRIMARY KEY (run, id_number, request)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE subject_run (
      run INTEGER PRIMARY KEY CHECK (run >= 0),
      through INTEGER NOT NULL UNIQUE
    ) STRICT;
    """

  /// Of migration "16 who is in a run of subjects": the table as that leaves it.
  static let subjectFilter = """
    CREATE TABLE subject_run (
      run INTEGER PRIMARY KEY CHECK (run >= 0),
      through INTEGER NOT NULL UNIQUE
    , filter BLOB) STRICT
    """

  static let pastCalendarDay = """
    CREATE TABLE past_calendar_day (
      until INTEGER NOT NULL,
      region TEXT NOT NULL CHECK (length(region) IN (0, 2, 4, 6)),
      date TEXT NOT NULL CHECK (length(date) = 10),
      kind TEXT CHECK (kind IN ('off', 'work')),
      festival TEXT NOT NULL,
      notice TEXT NOT NULL,
      PRIMARY KEY (until, region, date)
    ) STRICT, WITHOUT ROWID;
    """

  static let organPastRegion = """
    CREATE TABLE organ_past_region (
      organ INTEGER NOT NULL REFERENCES organ (number),
      until INTEGER NOT NULL,
      region TEXT NOT NULL CHECK (length(region) = 6),
      PRIMARY KEY (organ, until)
    ) STRICT, WITHOUT ROWID;
    """

  static let endpointOldSecret = """
    CREATE TABLE endpoint_old_secret (
      endpoint INTEGER NOT NULL REFERENCES endpoint (key),
      place INTEGER NOT NULL CHECK (place >= 0),
      secret BLOB NOT NULL CHECK (length(secret) >= 24),
      until INTEGER NOT NULL,
      PRIMARY KEY (endpoint, place)
    ) STRICT, WITHOUT ROWID;
    """

  static let lateEnd = """
    CREATE TABLE late_end (
      day INTEGER NOT NULL,
      received INTEGER NOT NULL,
      organ INTEGER NOT NULL REFERENCES organ (number),
      procedure TEXT NOT NULL,
      how TEXT NOT NULL CHECK (how IN
        ('answered', 'declined', 'returned', 'transferred', 'withdrawn', 'receipt', 'receipt-replied', 'let-go')),
      count INTEGER NOT NULL CHECK (count > 0),
      PRIMARY KEY (day, received, organ, procedure, how)
    ) STRICT, WITHOUT ROWID;
    """
}
