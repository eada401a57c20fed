extension Schema {
  /// The lines of the file from which each kind of reference data came last, so that an export gives them back as they
  /// were: `canonical` is how the program would have written the row then. Place 0 is the header.
  static let referenceLines = """
    CREATE TABLE reference_line (
      kind TEXT NOT NULL CHECK (kind IN ('organs', 'items', 'assistance-list', 'calendar')),
      place INTEGER NOT NULL CHECK (place >= 0),
      canonical TEXT NOT NULL,
      text TEXT NOT NULL,
      PRIMARY KEY (kind, place)
    ) STRICT, WITHOUT ROWID;
    """
}
