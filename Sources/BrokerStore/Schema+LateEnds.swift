extension Schema {
  /// To be counted anew with the tallies. A command that opens the database before the daemon does finds none.
  static let forgetLateEnds = "DELETE FROM late_end"

  /// What ended late, by the day on which it did and the day of receipt (days since 1970-01-01).
  static let lateEnds = """
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
