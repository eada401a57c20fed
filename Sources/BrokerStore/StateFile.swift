package import BrokerDomain
internal import Glibc

/// The files of a state directory are its owner's: the service runs as that user, and what a command of root made for
/// root would be closed to it.
package enum StateFile {
  /// Of a command of root: gives what it made to the owner of the directory. What another has put in its place
  /// meanwhile is left alone.
  package static func give(_ path: String, toOwnerOf directory: String) {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    give(descriptor, toOwnerOf: directory)
  }

  /// A new name in a directory is on disk only when the directory is.
  static func syncDirectory(_ directory: String) {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  static func give(_ descriptor: Int32, toOwnerOf directory: String) {
    var (file, owner) = (stat(), stat())
    guard geteuid() == 0, fstat(descriptor, &file) == 0, stat(directory, &owner) == 0, owner.st_uid != 0,
      file.st_uid == 0, file.st_mode & S_IFMT == S_IFDIR || file.st_nlink <= 1
    else { return }
    fchown(descriptor, owner.st_uid, owner.st_gid)
  }

  /// Why this process may not use a file of the directory: whose it is, and what mends that. Nil when it may, and when
  /// there is no such file.
  package static func denial(_ path: String, in directory: String, _ mode: Int32 = R_OK | W_OK) -> Phrase? {
    guard faccessat(AT_FDCWD, path, mode, AT_EACCESS) != 0, errno == EACCES else { return nil }
    var (file, parent) = (stat(), stat())
    let me = name(geteuid())
    guard stat(path, &file) == 0, stat(directory, &parent) == 0 else {
      return Phrase(
        "没有进入其目录的权限，当前用户为 \(me)；请以目录的属主运行",
        "no permission to enter its directory as \(me); run as the directory's owner")
    }
    let (owner, holder) = (name(file.st_uid), name(parent.st_uid))
    let command: String? =
      if file.st_uid != parent.st_uid {
        "chown --reference=\(directory) \(path)"
      } else if file.st_uid == geteuid() {
        "chmod u+rwX \(path)"
      } else {
        nil
      }
    let remedy = command.map { Phrase("请执行 \($0)", "run: \($0)") } ?? Phrase("请以 \(owner) 运行", "run as \(owner)")
    return Phrase(
      "没有权限，属主为 \(owner)，目录属主为 \(holder)，以 \(me) 运行；\(remedy.zh)",
      "no permission: it belongs to \(owner), its directory to \(holder), and this runs as \(me); \(remedy.en)")
  }

  /// The same for the owner of the directory, whoever asks: what root may read, the service may not.
  package static func closedToOwner(of directory: String) -> [Phrase] {
    var parent = stat()
    guard stat(directory, &parent) == 0 else { return [] }
    let kept = ["xiecha.sqlite", "xiecha.sqlite-wal", "xiecha.sqlite-shm", "xiecha.lock"].map { ($0, UInt32(0o6)) }
    let read = (["xiecha.yaml", "procedures"] + names(directory + "/procedures").map { "procedures/" + $0 })
      .map { ($0, UInt32(0o4)) }
    return (kept + read).compactMap { name, wanted in
      let path = directory + "/" + name
      var file = stat()
      guard stat(path, &file) == 0, file.st_uid != parent.st_uid, parent.st_uid != 0 else { return nil }
      let granted = file.st_mode | (file.st_gid == parent.st_gid ? file.st_mode >> 3 : 0)
      if granted & wanted == wanted { return nil }
      let (owner, holder) = (Self.name(file.st_uid), Self.name(parent.st_uid))
      return Phrase(
        "\(path): 属主为 \(owner)，服务以 \(holder) 运行，无权使用；请执行 chown --reference=\(directory) \(path)",
        "it belongs to \(owner) and is closed to the service, which runs as \(holder); "
          + "run: chown --reference=\(directory) \(path)")
    }
  }

  private static func names(_ directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".yaml") { names.append(name) }
    }
    return names.sorted()
  }

  private static func name(_ user: uid_t) -> String {
    getpwuid(user).map { String(cString: $0.pointee.pw_name) } ?? String(user)
  }
}
