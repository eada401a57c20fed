internal import ArgumentParser
internal import Foundation
internal import Synchronization

/// What every command takes.
struct Common: ParsableArguments {
  @Flag(help: "Print JSON for programs instead of a table.")
  var json = false

  @Option(help: "Where the temporary directory is made; its file system decides what an fsync costs.")
  var dir = NSTemporaryDirectory()

  @Option(help: "Directory of procedures, calendars and examples. By default found beside the program.")
  var share: String?

  func report(_ report: Report) { print(json ? report.json : report.table) }
}

struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A temporary directory; gone when `remove()` is called, or when the program is interrupted.
struct Workspace {
  let path: String

  private static let alive = Mutex<Set<String>>([])

  init(in parent: String) throws {
    // Nothing is unfinished here: mkdtemp wants six letters X, and puts a name that nobody has in their place.
    var template = Array("\(parent)/xiecha-bench.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw BenchError("cannot make a directory in \(parent)") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    Self.alive.withLock { paths in
      if paths.isEmpty { Self.cleanOnSignals() }
      paths.insert(path)
    }
  }

  /// A directory of its own inside.
  func folder(_ name: String) throws -> String {
    let folder = path + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }

  /// - Returns: the new directory, all of it on disk: what is still on its way there would slow the first commits.
  func copy(_ directory: String, as name: String) throws -> String {
    let target = path + "/" + name
    try FileManager.default.copyItem(atPath: directory, toPath: target)
    sync()
    return target
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: path)
    Self.alive.withLock { _ = $0.remove(path) }
  }

  private static func cleanOnSignals() {
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        Child.killAll()
        for path in alive.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) }
        // The handler holds its source, which nobody else does: it is wanted until the end.
        source.cancel()
        exit(128 + number)
      }
      source.resume()
    }
  }
}
