internal import BrokerDomain
internal import BrokerStore
internal import Foundation
internal import Logging
internal import Synchronization

/// Writes lines to standard error from a thread of its own: whoever logs from an event loop must not wait for a journal
/// that is slow to read. What finds the queue full is dropped and counted.
final class LogLines: Sendable {
  private struct State {
    var waiting: [String] = []
    var dropped = 0
    var writing = false
    var started = false
  }

  static let standardError = LogLines(limit: 4096) { FileHandle.standardError.write(Data($0.utf8)) }

  private let state = Mutex(State())
  private let limit: Int
  private let bell = DispatchSemaphore(value: 0)
  private let write: @Sendable (String) -> Void

  /// - Parameters:
  ///   - limit: lines that may wait.
  ///   - write: takes whole lines, several at once; may block.
  init(limit: Int, write: @escaping @Sendable (String) -> Void) {
    self.limit = limit
    self.write = write
  }

  func append(_ line: String) {
    let start = state.withLock { state -> Bool in
      if state.waiting.count < limit { state.waiting.append(line) } else { state.dropped += 1 }
      defer { state.started = true }
      return !state.started
    }
    if start { Thread.detachNewThread { while true { self.pass() } } }
    bell.signal()
  }

  private func pass() {
    bell.wait()
    let lines = state.withLock { state -> [String] in
      var lines = state.waiting
      if state.dropped > 0 { lines.append("\(state.dropped) log lines were dropped: standard error is not read") }
      state.waiting.removeAll(keepingCapacity: true)
      state.dropped = 0
      state.writing = !lines.isEmpty
      return lines
    }
    guard !lines.isEmpty else { return }
    write(lines.joined(separator: "\n") + "\n")
    state.withLock { $0.writing = false }
  }

  /// Waits until everything is written, or a second is over: the program is about to end.
  func flush() {
    let end = monotonicMicroseconds() + 1_000_000
    while monotonicMicroseconds() < end, state.withLock({ $0.writing || !$0.waiting.isEmpty }) { usleep(1000) }
  }
}

/// One line for each message: time, level, message, metadata.
struct LineLogHandler: LogHandler {
  let lines: LogLines
  /// The journal takes the level of a line from `<4>` before it (sd-daemon(3)), and keeps that out of the text.
  var isForJournal = false
  var logLevel = Logger.Level.info
  var metadata = Logger.Metadata()

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    let words = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    // A line break in a message would begin a line that nobody logged.
    let text = "\(event.message)".replacing("\n", with: " ")
    let priority = isForJournal ? "<\(event.level.priority)>" : ""
    lines.append("\(priority)\(BrokerClock.wall.rfc3339) \(event.level) xiecha:\(words) \(text)")
  }
}

extension LineLogHandler {
  /// Standard error is the journal's: `JOURNAL_STREAM` names it by device and inode (systemd.exec(5)).
  static func isJournal(_ stream: String?) -> Bool {
    var file = stat()
    return fstat(STDERR_FILENO, &file) == 0 && stream == "\(file.st_dev):\(file.st_ino)"
  }
}

extension Logger.Level {
  /// Of syslog(3).
  fileprivate var priority: Int {
    switch self {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
