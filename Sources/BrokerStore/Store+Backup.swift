internal import GRDB
internal import Glibc

extension Store {
  /// Copies the database while it is in use: one consistent moment of it, complete without its log.
  package func backup(to path: String) throws(StoreError) {
    guard access(path, F_OK) != 0 else {
      throw .wrongMode("\(path) 已存在，请另指定文件名 / \(path) exists already; name a new file")
    }
    let partial = path + ".partial"
    unlink(partial)
    do {
      try copy(to: partial)
      let descriptor = Glibc.open(partial, O_RDONLY | O_CLOEXEC)
      defer { Glibc.close(descriptor) }
      guard descriptor >= 0, fsync(descriptor) == 0, rename(partial, path) == 0 else {
        throw StoreError.storage("\(path): \(String(cString: strerror(errno)))")
      }
      StateFile.syncDirectory(path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".")
    } catch {
      // Half a copy is no use to anybody, and may be what fills the disk.
      for suffix in ["", "-journal"] { unlink(partial + suffix) }
      if let error = error as? DatabaseError,
        ![.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_BUSY].contains(error.resultCode)
      {
        // The message is of the connection that was read from, which knows nothing of the fault.
        throw .storage("\(path): \(error.resultCode)")
      }
      throw StoreError.from(error)
    }
  }

  private func copy(to path: String) throws {
    let destination = try DatabaseQueue(path: path)
    chmod(path, 0o600)
    try pool.backup(to: destination)
    try destination.close()
  }
}
