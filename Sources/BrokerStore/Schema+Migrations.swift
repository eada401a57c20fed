internal import GRDB

extension Schema {
  /// In order; what stands here has been carried out somewhere, and what it makes of a sound database is never changed.
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 the spine") { db in
      try db.execute(sql: reference)
      try db.execute(sql: requests)
      try db.execute(sql: callbacks)
      try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    }
    migrator.add("2 reports and reads", reports)
    migrator.add("3 the inbox", inbox)
    migrator.add("4 versions of procedures", procedureVersions)
    migrator.registerMigration("5 the life of the lists") { db in try db.execute(sql: catalogue) }
    migrator.add("6 endpoint security", endpointSecurity)
    migrator.add("7 attempts and undelivered results", recovery)
    migrator.add("8 endpoint health", endpointHealth)
    migrator.add("9 replies in order of time", idempotency)
    migrator.add("10 what is overdue", overdue)
    migrator.add("11 what lies returned", returned)
    migrator.add("12 acknowledged in time", countAnew)
    migrator.add("13 items of a region", itemRegion)
    migrator.add("14 lines of reference files", referenceLines, extraOnce)
    migrator.add("15 subjects are filed in runs", subjectFiling)
    migrator.add("16 who is in a run of subjects", subjectFilter, then: makeSubjectFilters)
    migrator.add("17 the calendar as it was", pastCalendar)
    migrator.add("18 notices say what is provisional", provisionalNotices)
    migrator.add("19 the regions as they were", pastRegion)
    migrator.add("20 who acknowledged", realAcknowledgements)
    migrator.registerMigration("21 old secrets of endpoints", foreignKeyChecks: .immediate, migrate: moveOldSecrets)
    migrator.add("22 what ended late", lateEnds, countAnew)
    migrator.add("23 who passed on late", countAnew, forgetLateEnds)
    migrator.add("24 who has read a request", disclosuresOfRequest)
    return migrator
  }
}

extension DatabaseMigrator {
  /// What changes no table that others refer to: foreign keys stay enforced meanwhile.
  fileprivate mutating func add(
    _ name: String, _ sql: String..., then next: @escaping @Sendable (Database) throws -> Void = { _ in }
  ) {
    registerMigration(name, foreignKeyChecks: .immediate) { db in
      for part in sql { try db.execute(sql: part) }
      try next(db)
    }
  }
}
