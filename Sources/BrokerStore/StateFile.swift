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

  static func name(_ user: uid_t) -> String {
    getpwuid(user).map { String(cString: $0.pointee.pw_name) } ?? String(user)
  }
}
