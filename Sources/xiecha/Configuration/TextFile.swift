internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// Reads a file that an operator wrote, or says why it cannot be read: missing, closed, a directory, not UTF-8.
enum TextFile {
  static func text(_ path: String, missing: Phrase? = nil) throws(ConfigurationFault) -> String {
    guard let text = String(validating: try bytes(path, missing: missing), as: UTF8.self) else {
      throw fault(path, Phrase("不是有效的UTF-8，请另存为UTF-8", "it is not valid UTF-8; save it as UTF-8"))
    }
    return text
  }

  static func bytes(_ path: String, missing: Phrase? = nil) throws(ConfigurationFault) -> [UInt8] {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
      throw fault(path, Phrase("这是目录，请指明文件", "it is a directory; name a file"))
    }
    do {
      return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw cause(path, missing)
    }
  }

  static func names(_ directory: String) throws(ConfigurationFault) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
      throw cause(directory, nil)
    }
  }

  private static func cause(_ path: String, _ missing: Phrase?) -> ConfigurationFault {
    let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
    if let denial = StateFile.denial(path, in: parent, R_OK) {
      return fault(path, denial)
    }
    guard access(path, F_OK) == 0 else {
      let number = errno
      let words = String(cString: strerror(number))
      switch number {
      case ENOENT: return fault(path, missing ?? Phrase("没有这一文件", "there is no such file"))
      case ENOTDIR: return fault(path, Phrase("路径上有文件而不是目录", words))
      default: return fault(path, Phrase("系统提示 \(words)", words))
      }
    }
    return fault(path, Phrase("请检查磁盘", "look at the disk"))
  }

  private static func fault(_ path: String, _ words: Phrase) -> ConfigurationFault {
    ConfigurationFault(place: path, "无法读取：\(words.zh)", "cannot be read: \(words.en)")
  }
}
