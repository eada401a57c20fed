internal import Glibc
internal import Dispatch
internal import Logging
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import xiecha

@Suite(.timeLimit(.minutes(5))) struct LogTests {
  /// What was written, by a writer that can be held.
  private final class Slow: Sendable {
    let written = Mutex("")
    let gate = DispatchSemaphore(value: 0)
    func take(_ text: String) {
      gate.wait()
      written.withLock { $0 += text }
    }
  }

  @Test func nobodyWaitsForTheReaderAndWhatIsTooMuchIsCounted() throws {
    let slow = Slow()
    let lines = LogLines(limit: 10) { slow.take($0) }
    lines.append("first")
    // The writer is stuck with the first line from here on, or takes it together with others: eleven fit at most.
    for index in 0..<100 { lines.append("line \(index)") }
    for _ in 0..<200 { slow.gate.signal() }
    lines.flush()
    try eventually("the rest is counted") { slow.written.withLock { $0.contains(" log lines were dropped") } }
    let text = slow.written.withLock { $0 }.split(separator: "\n")
    let dropped = try #require(text.compactMap { Int($0.split(separator: " ")[0]) }.first)
    #expect((89...90).contains(dropped) || dropped > 60, "\(text)")
    #expect(text.count(where: { $0.hasPrefix("line ") || $0 == "first" }) + dropped == 101, "\(text)")
    #expect(text.first == "first")
  }

  /// sd-daemon(3): the journal knows a warning from what is said in passing.
  @Test func theJournalIsToldTheLevel() {
    let written = Mutex("")
    let lines = LogLines(limit: 10) { text in written.withLock { $0 += text } }
    let logger = Logger(label: "x") { _ in LineLogHandler(lines: lines, isForJournal: true) }
    logger.warning("two")
    logger.error("three")
    lines.flush()
    let text = written.withLock { $0 }.split(separator: "\n")
    #expect(text.map { $0.prefix(3) } == ["<4>", "<3>"] && text[0].hasSuffix(" warning xiecha: two"), "\(text)")
    var file = stat()
    fstat(STDERR_FILENO, &file)
    #expect(LineLogHandler.isJournal("\(file.st_dev):\(file.st_ino)"))
    #expect(!LineLogHandler.isJournal("1:1") && !LineLogHandler.isJournal(nil))
  }

  @Test func aMessageIsOneLine() {
    let written = Mutex("")
    let lines = LogLines(limit: 10) { text in written.withLock { $0 += text } }
    var logger = Logger(label: "x") { _ in LineLogHandler(lines: lines) }
    logger.logLevel = .info
    logger[metadataKey: "b"] = "2"
    logger.debug("not this")
    logger.info("one\ntwo", metadata: ["a": "1"])
    lines.flush()
    let text = written.withLock { $0 }
    #expect(text.hasSuffix("+08:00 info xiecha: a=1 b=2 one two\n"), "\(text)")
    #expect(text.split(separator: "\n").count == 1)
  }
}
