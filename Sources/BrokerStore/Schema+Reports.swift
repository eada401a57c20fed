/// Tallies from which reports are read, and what a reading of a request was of.
extension Schema {
  /// A cell is what a report tells apart, and one measure of it (`Measure.name`); an item that is none is ''.
  ///
  /// `span` 0 counts by the day on which the organ received the request (days since 1970-01-01), so that a report from
  /// any date to any date is exact; `span` 1 counts the same by month (its first day), so that it reads whole months at
  /// once and single days only at its two ends.
  static let reports = """
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
    INSERT INTO report_filing (id, through) VALUES (1, 0);
    ALTER TABLE disclosure ADD COLUMN what TEXT NOT NULL DEFAULT 'subject'
      CHECK (what IN ('subject', 'request', 'timeline', 'ledger'));
    """

  /// A request's readings are few among those of all.
  static let disclosuresOfRequest = "CREATE INDEX disclosure_request ON disclosure (request);"

  /// What the log tells and no tally says: all are counted anew, and what ended late too, by `Store.buildReports` when
  /// the daemon starts. First
  /// for whether receipt was acknowledged in time, then for the days of an answer by the calendar by which its clock ran,
  /// then for who passed on late what runs on.
  static let countAnew = """
    DELETE FROM report_tally;
    DELETE FROM report_cell;
    UPDATE report_filing SET through = 0;
    """
}
