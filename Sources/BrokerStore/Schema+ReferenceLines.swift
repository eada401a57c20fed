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

  /// Cells of two columns of one name, or of none, were kept as members of one name, which is no JSON that we read: the
  /// first of them stays.
  static var extraOnce: String {
    ["organ", "listed_item", "listed_entry", "calendar_day"].map { table in
      """
      UPDATE \(table) SET extra = (
        SELECT json_group_object(key, value) FROM (SELECT key, value, min(id) FROM json_each(\(table).extra) GROUP BY key))
      WHERE (SELECT count(*) > count(DISTINCT key)
        FROM json_each(iif(json_valid(\(table).extra), \(table).extra, '{}')));
      """
    }.joined(separator: "\n")
  }
}
