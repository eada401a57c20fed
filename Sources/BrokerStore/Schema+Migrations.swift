internal import GRDB

extension Schema {
  /// In order; what stands here has been carried out somewhere, and is never changed.
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 the spine") { db in
      try db.execute(sql: reference)
      try db.execute(sql: requests)
      try db.execute(sql: callbacks)
      try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    }
    migrator.registerMigration("2 reports and reads", foreignKeyChecks: .immediate) { db in try db.execute(sql: reports)
    }
    migrator.registerMigration("3 the inbox", foreignKeyChecks: .immediate) { db in try db.execute(sql: inbox) }
    migrator.registerMigration("4 versions of procedures", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: procedureVersions)
    }
    migrator.registerMigration("5 the life of the lists") { db in try db.execute(sql: catalogue) }
    migrator.registerMigration("6 endpoint security", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: endpointSecurity)
    }
    migrator.registerMigration("7 attempts and undelivered results", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: recovery)
    }
    migrator.registerMigration("8 endpoint health", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: endpointHealth)
    }
    migrator.registerMigration("9 replies in order of time", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: idempotency)
    }
    migrator.registerMigration("10 what is overdue", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: overdue)
    }
    migrator.registerMigration("11 what lies returned", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: returned)
    }
    migrator.registerMigration("12 acknowledged in time", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: acknowledgedInTime)
    }
    migrator.registerMigration("13 items of a region", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: itemRegion)
    }
    migrator.registerMigration("14 lines of reference files", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: referenceLines)
      try db.execute(sql: extraOnce)
    }
    migrator.registerMigration("15 subjects are filed in runs", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: subjectFiling)
    }
    migrator.registerMigration("16 who is in a run of subjects", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: subjectFilter)
      try makeSubjectFilters(db)
    }
    migrator.registerMigration("17 the calendar as it was", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: pastCalendar)
    }
    migrator.registerMigration("18 notices say what is provisional", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: provisionalNotices)
    }
    migrator.registerMigration("19 the regions as they were", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: pastRegion)
    }
    migrator.registerMigration("20 who acknowledged", foreignKeyChecks: .immediate) { db in
      try db.execute(sql: realAcknowledgements)
    }
    return migrator
  }
}
