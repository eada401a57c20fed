import BrokerDomain
import Foundation
import GRDB
import Synchronization
import TestSupport

@testable import BrokerStore

/// A state directory of its own with the 启东 example in it.
final class Fixture: Sendable {
  enum Kind { case real, rehearsal }

  /// Monday; the rehearsed clock of a new fixture starts here.
  static let monday = Instant(rfc3339: "2026-03-02T10:00:00+08:00")!

  let directory: String
  var database: String { Store.databasePath(directory) }

  private static let real = Result { try template(.real) }
  private static let rehearsal = Result { try template(.rehearsal) }

  init(_ kind: Kind = .rehearsal) throws {
    directory = try Self.makeDirectory()
    try Data((kind == .real ? Self.real : Self.rehearsal).get()).write(to: URL(fileURLWithPath: database))
  }

  /// A directory without a database.
  init(bare: Void) throws { directory = try Self.makeDirectory() }

  /// A store outlives the fixture that opened it in most tests, so directories go when the test program does.
  private static let made = Mutex<[String]>([])
  private static let removeAtExit: Void = {
    atexit {
      for path in Fixture.made.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) }
    }
  }()

  func open(_ role: StoreRole = .daemon, options: StoreOptions = StoreOptions(), rehearseAt: Instant? = nil)
    throws(StoreError) -> Store
  {
    try Store.open(
      directory: directory, role: role, procedures: Self.procedures, options: options, rehearseAt: rehearseAt)
  }

  /// Opens the store as a daemon, and closes it again after `body`: once per life of a daemon.
  @discardableResult
  func life<T>(options: StoreOptions = StoreOptions(), _ body: (Store) async throws -> T) async throws -> T {
    let store = try open(options: options)
    defer { store.close() }
    return try await body(store)
  }

  var bytes: [UInt8] {
    get throws { Array(try Data(contentsOf: URL(fileURLWithPath: database))) }
  }

  func replaceDatabase(_ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: database))
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  static func copy(_ path: String, to other: String) throws {
    try FileManager.default.copyItem(atPath: path, toPath: other)
  }

  static func size(_ path: String) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
  }

  /// A file of `config/` in the project.
  static func config(_ path: String) throws -> [UInt8] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.deletingLastPathComponent().appendingPathComponent("config/" + path)
    return Array(try Data(contentsOf: file))
  }

  private static func makeDirectory() throws -> String {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("xiecha-store-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    _ = removeAtExit
    made.withLock { $0.append(url.path) }
    return url.path
  }

  /// Imports take a moment; every fixture starts from a copy of one file.
  private static func template(_ kind: Kind) throws -> [UInt8] {
    let fixture = try Fixture(bare: ())
    try Store.create(directory: fixture.directory, rehearseAt: kind == .rehearsal ? monday : nil)
    let store = try fixture.open(.command)
    _ = try store.importFile(.organs, config("examples/qidong/organs.csv"))
    _ = try store.importFile(.items, config("examples/qidong/items.csv"))
    _ = try store.importFile(.assistanceList, config("examples/qidong/assistance-list.csv"))
    _ = try store.importFile(.calendar, config("calendars/cn/2026.csv"))
    store.close()
    return try fixture.bytes
  }

  static let procedures = ["verification", "complaint"].map { id in
    Procedure(
      id: id, title: Phrase("事项", "procedure"), clause: "启东方案 二(五)", openers: .roles([]), answerers: [],
      clock: .workingDays(5, from: .receipt), acknowledgeDays: 1, returnDays: 2, supplement: true,
      allowsExtension: true,
      allowsTransfer: true, item: .optional, subject: .optional, questions: .required, answerKind: .findings,
      outcomes: ["confirmed", "contradicted"].map { .init(id: $0, title: Phrase($0, $0)) },
      declineReasons: [.init(id: "not-competent", title: Phrase("不属于本机关职权", "not competent"))],
      fields: [], answerFields: [], isSealed: false, copies: [], ladder: Rung.allCases)
  }
}

/// Holds blocked work until it is opened; for threads and queues of the database, never for tasks.
final class Barrier: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  private let arrived = Mutex(false)

  /// Called by the work that is to wait.
  func hold() {
    arrived.withLock { $0 = true }
    semaphore.wait()
  }

  func open() { semaphore.signal() }
  var isReached: Bool { arrived.withLock { $0 } }

  func reached() async throws {
    try await until("the writer is held") { isReached }
  }
}

/// Asks again every 5 ms, without holding a thread of the cooperative pool.
func until(_ what: String, _ condition: () async throws -> Bool) async throws {
  for _ in 0..<2000 {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(5))
  }
  throw WaitFault("not within 10 s: \(what)")
}
