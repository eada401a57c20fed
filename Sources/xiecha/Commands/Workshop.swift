internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// Where `init` builds: a directory inside the state directory, from which everything moves to its place once it is
/// finished, the database last. What was cut short has no database, which a second `init` makes anew.
struct Workshop {
  private static let name = "/init.partial"

  let path: String
  private let directory: String
  /// The state directory was made here, and goes again when nothing comes of it.
  private let isNew: Bool
  private var moved: [String] = []

  /// The state directory of a workshop.
  static func target(of path: String) -> String { String(path.dropLast(name.count)) }

  init(_ directory: String) throws {
    self.directory = directory
    path = directory + Self.name
    let manager = FileManager.default
    isNew = !manager.fileExists(atPath: directory)
    do {
      try manager.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      try? manager.removeItem(atPath: path)
      try manager.createDirectory(
        atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
      // What was put there before counts, and stays.
      for name in ["/xiecha.yaml", "/procedures"] where manager.fileExists(atPath: directory + name) {
        try manager.copyItem(atPath: directory + name, toPath: path + name)
      }
    } catch {
      clear()
      throw FileFault.failure(directory, error)
    }
    // One that is no key is refused now rather than at the start.
    do {
      _ = try DataKey.read(directory)
    } catch {
      clear()
      throw error
    }
  }

  /// Moves everything to its place. A file that was there before is left alone, but for the keys of an `init` that was
  /// cut short: those open nothing.
  mutating func handOver() throws {
    let manager = FileManager.default
    do {
      let procedures = try manager.contentsOfDirectory(atPath: path + "/procedures").map { "/procedures/" + $0 }
      if !manager.fileExists(atPath: directory + "/procedures") {
        try manager.createDirectory(atPath: directory + "/procedures", withIntermediateDirectories: false)
        moved.append("/procedures")
      }
      StateFile.give(directory + "/procedures", toOwnerOf: directory)
      for name in ["/xiecha.yaml", "/data.key"] + procedures where !manager.fileExists(atPath: directory + name) {
        try move(name)
      }
      for name in ["/keys.json", "/xiecha.sqlite-wal", "/xiecha.sqlite"]
      where manager.fileExists(atPath: path + name) {
        try move(name)
      }
    } catch {
      throw FileFault.failure(directory, error)
    }
    try? manager.removeItem(atPath: path)
  }

  private mutating func move(_ name: String) throws {
    StateFile.give(path + name, toOwnerOf: directory)
    guard rename(path + name, directory + name) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    moved.append(name)
  }

  /// After a failure: nothing is left of what was made.
  func clear() {
    let manager = FileManager.default
    for name in moved + [Self.name] { try? manager.removeItem(atPath: directory + name) }
    if isNew { rmdir(directory) }
  }
}
