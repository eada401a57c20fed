/// The life of the lists: versions with a day on which they come into force, publications and what they brought about,
/// whom to turn to in an organ, and what a file's own columns said, so that it is exported as it came.
extension Schema {
  /// What was listed before becomes version 1, in force since before versions were kept. `public` is a column: whether
  /// an item's commitment is made public.
  static let catalogue = """
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

    INSERT INTO list_version (list, version, made_at) SELECT 'items', 1, 0 WHERE EXISTS (SELECT 1 FROM item);
    INSERT INTO list_version (list, version, made_at)
      SELECT 'assistance-list', 1, 0 WHERE EXISTS (SELECT 1 FROM assistance_entry);
    INSERT INTO listed_item (version, code, position, proof, matter, departments, method, public, agent_allowed, extra)
      SELECT 1, code, position, proof, matter, departments, 'assistance', 1, 1, '{}' FROM item;
    INSERT INTO listed_entry (version, item, requester, obliged, working_days, position, extra)
      SELECT 1, item, requester, obliged, working_days, position, '{}' FROM assistance_entry;
    DROP TABLE assistance_entry;
    DROP TABLE item;

    CREATE TABLE organ_contact (
      organ INTEGER NOT NULL REFERENCES organ (number),
      role TEXT NOT NULL CHECK (role IN ('liaison', 'leader')),
      name TEXT NOT NULL CHECK (name <> ''),
      phone TEXT,
      substitute_name TEXT,
      substitute_phone TEXT CHECK (substitute_phone IS NULL OR substitute_name IS NOT NULL),
      PRIMARY KEY (organ, role)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE organ ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE calendar_day ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';
    """
}
