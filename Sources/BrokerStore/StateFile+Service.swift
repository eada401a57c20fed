package import BrokerDomain
internal import Glibc

/// What the service may not use of what is there, whoever asks: root may, and would not notice. Read off the permissions
/// of the files.
extension StateFile {
  /// - Parameter named: files that it reads besides, which may lie anywhere.
  package static func closedToOwner(of directory: String, reading named: [String] = []) -> [Phrase] {
    guard let service = ServiceUser(ownerOf: directory) else { return [] }
    let procedures = directory + "/procedures"
    var wanted: [(String, Use)] = [(directory, .fill), (directory + "/backup", .fill)]
    for name in ["xiecha.sqlite", "xiecha.sqlite-wal", "xiecha.sqlite-shm", "xiecha.lock"] {
      wanted.append((directory + "/" + name, .write))
    }
    wanted += [(directory + "/data.key", .read), (procedures, .list)]
    for name in names(procedures) { wanted.append((procedures + "/" + name, .read)) }
    for path in named {
      for above in way(to: path, past: directory) { wanted.append((above, .enter)) }
      wanted.append((path, .read))
    }
    var looked: Set<String> = []
    var found: [Phrase] = []
    for (path, use) in wanted {
      var file = stat()
      guard stat(path, &file) == 0, looked.insert(path).inserted, !service.may(use, file) else { continue }
      found.append(words(path, use, file, service, directory))
    }
    return found
  }

  private static func words(
    _ path: String, _ use: Use, _ file: stat, _ service: ServiceUser, _ directory: String
  ) -> Phrase {
    let isOwn = file.st_uid == service.id
    let quoted = quoted(path)
    var commands = isOwn ? [] : ["chown --reference=\(Self.quoted(real(directory))) \(quoted)"]
    if file.st_mode >> 6 & use.rawValue != use.rawValue { commands.append("chmod u+\(use.letters) \(quoted)") }
    // A directory on the way to a file has others in it, who keep it.
    if use == .enter, !isOwn { commands = ["chmod a+x \(quoted)"] }
    let command = commands.joined(separator: " && ")
    let digits = String(file.st_mode & 0o7777, radix: 8)
    let mode = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    let (owner, holder) = (name(file.st_uid), name(service.id))
    return Phrase(
      "\(path): 属主为 \(owner)，权限 \(mode)，服务以 \(holder) 运行，无权\(use.verb.zh)；请执行 \(command)",
      "it belongs to \(owner), mode \(mode), and the service, which runs as \(holder), may not \(use.verb.en) it; "
        + "run: \(command)")
  }

  /// The directories on the way to a file, by the name that is given and by the one behind its links; but those above the
  /// state directory, to which systemd gives the service a way of its own (`DynamicUser=` puts it below a closed one).
  private static func way(to path: String, past directory: String) -> [String] {
    let known = [directory, real(directory)]
    var way: [String] = []
    for path in [path, real(path)] {
      for slash in path.indices.dropFirst() where path[slash] == "/" {
        let above = String(path[..<slash])
        if !known.contains(where: { $0.hasPrefix(above + "/") }) { way.append(above) }
      }
    }
    return way
  }

  /// As a shell takes it for one word.
  private static func quoted(_ path: String) -> String {
    let isPlain = path.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
        UInt8(ascii: "_"):
        true
      default: false
      }
    }
    return isPlain ? path : "'" + path.replacing("'", with: "'\\''") + "'"
  }

  private static func real(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }

  private static func names(_ directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".yaml"), !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}

/// What a file is needed for, as one digit of its mode.
private enum Use: UInt32 {
  case enter = 1
  case read = 4
  case list = 5
  case write = 6
  case fill = 7

  var letters: String {
    switch self {
    case .enter: "x"
    case .read: "r"
    case .list: "rx"
    case .write: "rw"
    case .fill: "rwx"
    }
  }

  var verb: Phrase {
    switch self {
    case .enter: Phrase("进入", "enter")
    case .read, .list: Phrase("读取", "read")
    case .write, .fill: Phrase("读写", "read and write")
    }
  }
}

/// Whom the service runs as: the owner of the state directory, with the groups of that user.
private struct ServiceUser {
  let id: uid_t
  private let groups: Set<gid_t>

  /// Nil where that is root, to whom nothing is closed.
  init?(ownerOf directory: String) {
    var status = stat()
    guard stat(directory, &status) == 0, status.st_uid != 0 else { return nil }
    id = status.st_uid
    var found = [gid_t](repeating: status.st_gid, count: 256)
    var count = Int32(found.count)
    if let user = getpwuid(id) { getgrouplist(user.pointee.pw_name, user.pointee.pw_gid, &found, &count) }
    groups = Set(found).union([status.st_gid])
  }

  /// The owner's digit counts for the owner alone, the group's for the group, the last one for all others.
  func may(_ use: Use, _ file: stat) -> Bool {
    let shift: UInt32 = file.st_uid == id ? 6 : groups.contains(file.st_gid) ? 3 : 0
    return file.st_mode >> shift & use.rawValue == use.rawValue
  }
}
