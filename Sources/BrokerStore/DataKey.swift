internal import BrokerDomain
internal import Glibc

/// The file of the data key, `data.key` in the state directory: 32 random bytes, for its owner only. Whoever has the
/// database alone, or a backup of it, cannot read the endpoints' secrets.
package enum DataKey {
  package static let length = 32

  package static func path(_ directory: String) -> String { directory + "/data.key" }

  /// The key, or nil when there is no such file.
  /// - Throws: what is wrong with the file: another's, open to others, or not 32 bytes long.
  package static func read(_ directory: String) throws(StoreError) -> [UInt8]? {
    let path = path(directory)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      let number = errno
      if let denial = StateFile.denial(path, in: directory, R_OK) {
        throw .wrongMode("\(path): \(denial.zh) / \(denial.en)")
      }
      throw Self.unusable(path, number)
    }
    defer { close(descriptor) }
    var file = stat()
    var parent = stat()
    guard fstat(descriptor, &file) == 0, stat(directory, &parent) == 0 else {
      throw unusable(path, errno)
    }
    guard file.st_mode & S_IFMT == S_IFREG else {
      throw .wrongMode("\(path) 不是普通文件，请移走并放回另存的副本 / \(path) is not a file; put back the copy that was kept apart")
    }
    guard file.st_uid == parent.st_uid else {
      throw .wrongMode(
        "\(path) 的属主为用户\(file.st_uid)，目录的属主为用户\(parent.st_uid)：请执行 chown --reference=\(directory) \(path) / "
          + "\(path) belongs to user \(file.st_uid), and its directory to \(parent.st_uid); chown it")
    }
    guard file.st_mode & 0o077 == 0 else {
      let mode = String(file.st_mode & 0o777, radix: 8)
      throw .wrongMode(
        "\(path) 对他人开放（权限\(mode)）：请执行 chmod 600 \(path) / \(path) is open to others (mode \(mode)); chmod 600 \(path)")
    }
    var bytes = [UInt8](repeating: 0, count: length + 1)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    guard count == length else {
      throw .wrongMode(
        "\(path) 已损坏：数据密钥应为\(length)字节，请放回另存的副本 / "
          + "\(path) is damaged: a data key has \(length) bytes; put back the copy that was kept apart")
    }
    return Array(bytes.prefix(length))
  }

  private static func unusable(_ path: String, _ number: Int32) -> StoreError {
    let words = String(cString: strerror(number))
    return .wrongMode("\(path): 无法打开（\(words)）/ cannot be opened: \(words)")
  }

  /// Makes the file, whole and on disk before this returns: what is sealed under a key that a power cut takes away is
  /// lost.
  static func create(_ directory: String) throws(StoreError) -> [UInt8] {
    var source = SystemRandomNumberGenerator()
    let key = (0..<length).map { _ in UInt8.random(in: 0...255, using: &source) }
    let (path, partial) = (path(directory), path(directory) + ".partial")
    unlink(partial)
    let descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .storage("\(path): \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    StateFile.give(descriptor, toOwnerOf: directory)
    // A link and not a renaming: a key that is there already is never replaced.
    guard write(descriptor, key, length) == length, fsync(descriptor) == 0, link(partial, path) == 0 else {
      let words = String(cString: strerror(errno))
      unlink(partial)
      throw .storage("\(path): \(words)")
    }
    unlink(partial)
    StateFile.syncDirectory(directory)
    return key
  }

  /// Of a key that was made a moment ago and is used for nothing.
  static func remove(_ directory: String) {
    unlink(path(directory))
    StateFile.syncDirectory(directory)
  }

  package static let lostInChinese = """
    请放回另存的副本（0600）；确已丢失的，以 xiecha key renew-data 另建，所有回调地址随即停用，由各机关更换密钥后重新启用
    """
  package static let lost = """
    the secrets of the endpoints are sealed under it and cannot be read without it. Put back the copy that was kept \
    apart (0600). If there is none: xiecha key renew-data makes a new one; every endpoint is then switched off until \
    its organ has rotated the secret and switched it on again
    """
}
