internal import BrokerDomain
internal import Foundation

/// Why something cannot be made at a path, in words with what to do about it.
enum FileFault {
  /// - Parameter path: what was to be made, or what the system named.
  static func failure(_ path: String, _ errorNumber: Int32) -> Failure {
    let words = words(errorNumber)
    return Failure(text: "\(path): \(words.zh) / \(words.en)")
  }

  /// Of an error of Foundation, which would otherwise be printed with everything that it holds.
  static func failure(_ path: String, _ error: any Error) -> Failure {
    let named = (error as? CocoaError)?.filePath ?? path
    if let code = (error as? CocoaError)?.code, [.fileReadNoSuchFile, .fileReadNoPermission].contains(code) {
      let words =
        code == .fileReadNoSuchFile
        ? Phrase("没有这一文件或目录", "there is no such file or directory")
        : Phrase("没有读取权限，请换有权限的用户或者修改权限", "no permission to read it; run as a user who has it, or grant it")
      return Failure(text: "\(named): \(words.zh) / \(words.en)")
    }
    return failure(named, number(error))
  }

  /// Nil where a new file can be made at the path.
  static func fault(making path: String) -> Failure? {
    let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: parent, isDirectory: &isDirectory) else {
      // Of a path through a file it says that it is no directory.
      return access(parent, F_OK) == 0 ? nil : failure(path, errno)
    }
    if !isDirectory.boolValue { return failure(path, ENOTDIR) }
    return access(parent, W_OK | X_OK) == 0 ? nil : failure(path, errno)
  }

  private static func number(_ error: any Error) -> Int32 {
    if let error = error as? POSIXError { return error.code.rawValue }
    guard let error = error as? CocoaError else { return EIO }
    if let cause = error.underlying as? POSIXError { return cause.code.rawValue }
    return switch error.code {
    case .fileWriteFileExists: EEXIST
    case .fileNoSuchFile, .fileReadNoSuchFile: ENOENT
    case .fileWriteNoPermission, .fileReadNoPermission: EACCES
    case .fileWriteVolumeReadOnly: EROFS
    case .fileWriteOutOfSpace: ENOSPC
    default: EIO
    }
  }

  private static func words(_ number: Int32) -> Phrase {
    switch number {
    case ENOENT: Phrase("所在目录不存在，请先建立", "its directory does not exist; make that first")
    case ENOTDIR, EEXIST:
      Phrase("路径上有同名文件而不是目录，请另指定路径", "a file stands where a directory is needed; name another path")
    case EACCES, EPERM:
      Phrase("没有写入权限，请换有权限的用户或者修改权限", "no permission to write there; run as a user who has it, or grant it")
    case EROFS: Phrase("文件系统只读，请另指定路径", "the file system is read-only; name another path")
    case ENOSPC, EDQUOT: Phrase("磁盘已满，请腾出空间", "the disk is full; make room")
    default:
      Phrase("无法写入（\(String(cString: strerror(number)))）", "cannot be written: \(String(cString: strerror(number)))")
    }
  }
}
