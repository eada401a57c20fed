internal import CSQLite
internal import GRDB

extension Database {
  /// COMMIT, its pages written to the log together instead of with two calls each (see CSQLite). With a log of some other
  /// VFS it is an ordinary one. After one that failed the caller rolls back.
  func commitGathered() throws {
    guard let connection = sqliteConnection else { throw StoreError.closed }
    _ = csqlite_gather_begin(connection)
    do {
      try run(BatchSQL.commit)
    } catch {
      _ = csqlite_gather_end(connection)
      throw error
    }
    // Others would read, and we would promise, what is not in the log: sooner no daemon, which the log survives.
    precondition(csqlite_gather_end(connection) == 0, "a commit ended with pages that are not in the log")
  }
}
