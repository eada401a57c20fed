import Logging
import Synchronization

/// What was logged.
final class LogBook: Sendable {
  private let all = Mutex<[String]>([])

  var logger: Logger { Logger(label: "office") { [self] _ in Handler(book: self) } }

  func lines(with text: String) -> Int { all.withLock { $0.count { $0.contains(text) } } }

  private struct Handler: LogHandler {
    let book: LogBook
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { book.all.withLock { $0.append("\(event.level) \(event.message)") } }
  }
}
