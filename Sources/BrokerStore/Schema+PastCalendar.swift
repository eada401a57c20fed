extension Schema {
  /// Days of the calendar as they were announced before a change of it, by the moment of the change; a kind that is null:
  /// nothing was announced. What was counted before is explained by them.
  static let pastCalendar = """
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

  /// Where an organ belonged before it moved to another region, by the moment of the move.
  static let pastRegion = """
    CREATE TABLE organ_past_region (
      organ INTEGER NOT NULL REFERENCES organ (number),
      until INTEGER NOT NULL,
      region TEXT NOT NULL CHECK (length(region) = 6),
      PRIMARY KEY (organ, until)
    ) STRICT, WITHOUT ROWID;
    """
}
