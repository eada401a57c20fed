internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// Where `init` builds: a directory inside the state directory, from which everything moves to its place once it is
/// finished, the database last. What was cut short has no database, which a second `init` makes anew.
struct Workshop {
  static let name = "/init.partial"

  let path: String
  private let directory: String
  /// Directories that were made for it, the innermost first: the state directory, which goes again when nothing comes of
  /// it, and those above it.
  private let made: [String]
  private var moved: [String] = []

  /// The state directory of a workshop.
  static func target(of path: String) -> String { String(path.dropLast(name.count)) }

  init(_ directory: String) throws {
    try Self.refuseLink(directory + "/procedures")
    try Self.refuseDanglingLinks(in: directory)
    self.directory = directory
    path = directory + Self.name
    let manager = FileManager.default
    let above = sequence(first: URL(fileURLWithPath: directory)) { $0.deletingLastPathComponent() }
    made = Array(above.lazy.map(\.path).prefix { !manager.fileExists(atPath: $0) })
    do {
      try manager.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      try? manager.removeItem(atPath: path)
      try manager.createDirectory(
        atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
      try takeUp()
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

  /// What is missing in it would be put into a directory of somebody else's.
  private static func refuseLink(_ path: String) throws {
    var file = stat()
    guard lstat(path, &file) == 0, file.st_mode & S_IFMT == S_IFLNK else { return }
    throw Failure(
      text: "\(path) 是符号链接，init 不经链接写入：请改为真正的目录（其中的文件可以是链接），未作任何更改 / "
        + "\(path) is a symbolic link, through which init writes nothing: put a directory in its place, whose files may be "
        + "links; nothing was changed")
  }

  /// Whoever put it there wants what it will name, and not a file of ours in its place.
  private static func refuseDanglingLinks(in directory: String) throws {
    let manager = FileManager.default
    let procedures = (try? manager.contentsOfDirectory(atPath: directory + "/procedures")) ?? []
    for path in ["/xiecha.yaml"] + procedures.map({ "/procedures/" + $0 }) {
      let link = directory + path
      guard let target = try? manager.destinationOfSymbolicLink(atPath: link), !manager.fileExists(atPath: link)
      else { continue }
      throw Failure(
        text: "\(link) 是符号链接，所指的 \(target) 不存在：请先放好该文件，或者删除链接，未作任何更改 / "
          + "\(link) is a symbolic link to \(target), which does not exist: put that file in its place or remove the link; "
          + "nothing was changed")
    }
  }

  /// What was put there before counts, and stays. Of a link it is what the link names.
  private func takeUp() throws {
    let manager = FileManager.default
    var names = ["/xiecha.yaml"]
    if manager.fileExists(atPath: directory + "/procedures") {
      try manager.createDirectory(atPath: path + "/procedures", withIntermediateDirectories: false)
      names += try manager.contentsOfDirectory(atPath: directory + "/procedures").map { "/procedures/" + $0 }
    }
    for name in names where manager.fileExists(atPath: directory + name) {
      let source = URL(fileURLWithPath: directory + name).resolvingSymlinksInPath().path
      try manager.copyItem(atPath: source, toPath: path + name)
    }
  }

  /// Moves everything to its place. A file that was there before is left alone, but for the keys of an `init` that was
  /// cut short: those open nothing. What lies beside the database is on disk before it, and all of it before this returns:
  /// a power cut leaves no database without its keys.
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
      try sync(directory + "/procedures")
      for name in ["/keys.json", "/xiecha.sqlite-wal"] where manager.fileExists(atPath: path + name) {
        try move(name)
      }
      try sync(directory)
      try move("/xiecha.sqlite")
      try sync(directory)
      // Who may make a directory there may not always look into it.
      for one in made { try? sync(URL(fileURLWithPath: one).deletingLastPathComponent().path) }
    } catch {
      throw FileFault.failure(directory, error)
    }
    try? manager.removeItem(atPath: path)
  }

  private mutating func move(_ name: String) throws {
    StateFile.give(path + name, toOwnerOf: directory)
    try sync(path + name)
    guard rename(path + name, directory + name) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    moved.append(name)
  }

  /// Brings a file to the disk, or the names that a directory holds.
  private func sync(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    defer { close(descriptor) }
    // Some file systems have nothing to do for a directory, and say so.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
  }

  /// After a failure: nothing is left of what was made.
  func clear() {
    let manager = FileManager.default
    for name in moved + [Self.name] { try? manager.removeItem(atPath: directory + name) }
    for one in made { rmdir(one) }
  }
}
