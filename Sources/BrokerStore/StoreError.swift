package import BrokerDomain
internal import GRDB

/// Everything that can go wrong between a command and the disk. Mapped to HTTP and exit statuses in one place each.
package enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The domain refused.
  case refused(Refusal)
  /// More writes are waiting than `database.queueLimit`.
  case queueFull
  /// The disk is full or failing; nothing of the command was written.
  case storage(String)
  /// Another process held the write lock longer than the busy timeout.
  case busy(String)
  /// The idempotency key was used with another body.
  case idempotencyConflict
  case notFound
  /// Another daemon holds the database.
  case held(by: String)
  case damaged(file: String, String)
  case missing(file: String)
  case wrongMode(String)
  case closed
  case unexpected(String)

  /// The file of a damage that shows in a row, where its path is not known.
  package static let database = "the database"

  package var description: String {
    switch self {
    case .refused(let refusal): "refused: \(refusal)"
    case .queueFull: "too many calls are waiting"
    case .storage(let text): "the disk cannot take the write: \(text)"
    case .busy(let text): "the database is locked: \(text)"
    case .idempotencyConflict: "the idempotency key was used for another call"
    case .notFound: "not found"
    case .held(let holder): "another daemon holds this database: \(holder)"
    case .damaged(let file, let text): "\(file) is damaged: \(text)"
    case .missing(let file): "\(file) does not exist"
    case .wrongMode(let text): text
    case .closed: "the store is closed"
    case .unexpected(let text): text
    }
  }

  /// The database as a whole cannot do it now, whatever it was asked; another error is the fault of what was asked.
  package var concernsAll: Bool {
    switch self {
    case .queueFull, .storage, .busy, .closed, .held, .missing, .wrongMode: true
    case .refused, .idempotencyConflict, .notFound, .damaged, .unexpected: false
    }
  }

  /// What an error of SQLite means to us.
  static func from(_ error: any Error) -> StoreError {
    switch error {
    case let error as StoreError: return error
    case let refusal as Refusal: return .refused(refusal)
    case let error as DatabaseError:
      let text = error.message ?? "\(error.resultCode)"
      switch error.resultCode {
      case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_NOMEM:
        return .storage(text)
      case .SQLITE_BUSY, .SQLITE_LOCKED: return .busy(text)
      case .SQLITE_CORRUPT, .SQLITE_NOTADB: return .damaged(file: StoreError.database, text)
      default: return .unexpected("\(error)")
      }
    default: return .unexpected("\(error)")
    }
  }
}
