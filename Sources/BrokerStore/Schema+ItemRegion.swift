extension Schema {
  /// Whose list an item is of: two regions of one database list the same proof for the same matter, each for itself, and
  /// so the old UNIQUE had to give way. `''`: shared by every region, as all were before.
  /// (`public` is a column, as in `Schema+Catalogue.swift`: whether a commitment is made public; no access of Swift's.)
  static let itemRegion = """
    CREATE TABLE item_of_region (
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
    INSERT INTO item_of_region (version, code, position, proof, matter, departments, method, method_basis, exclusion,
        public, agent_allowed, region, extra)
      SELECT version, code, position, proof, matter, departments, method, method_basis, exclusion, public,
        agent_allowed, '', extra
      FROM listed_item;
    DROP TABLE listed_item;
    ALTER TABLE item_of_region RENAME TO listed_item;
    """
}
