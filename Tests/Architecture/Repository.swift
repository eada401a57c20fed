internal import Foundation

/// The repository that these tests lie in.
enum Repository {
  /// Links are followed, so that the tests find the tree they were written for.
  static let root: URL = URL(filePath: "\(#filePath)").resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  struct File {
    /// Relative to the root.
    let path: String
    let text: String
  }

  /// Every file below a folder whose name ends so, in order of path.
  static func files(under folder: String, endings: [String]) throws -> [File] {
    let base = root.appending(path: folder)
    guard let walk = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
    var files: [File] = []
    for case let url as URL in walk where endings.contains(url.pathExtension) {
      let path = String(url.path(percentEncoded: false).dropFirst(root.path(percentEncoded: false).count))
      let relative = path.hasPrefix("/") ? String(path.dropFirst()) : path
      files.append(File(path: relative, text: try String(contentsOf: url, encoding: .utf8)))
    }
    return files.sorted { $0.path < $1.path }
  }

  static func folders(under folder: String) throws -> Set<String> {
    let base = root.appending(path: folder)
    let urls = try FileManager.default.contentsOfDirectory(at: base, includingPropertiesForKeys: [.isDirectoryKey])
    return try Set(
      urls.filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }.map(\.lastPathComponent))
  }

  /// A source archive has no history to ask.
  static var hasGit: Bool { FileManager.default.fileExists(atPath: root.appending(path: ".git").path()) }

  static func trackedFiles() throws -> [String] {
    let git = Process()
    git.executableURL = URL(filePath: "/usr/bin/env")
    git.arguments = ["git", "-C", root.path(percentEncoded: false), "ls-files", "-z"]
    let output = Pipe()
    git.standardOutput = output
    try git.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    git.waitUntilExit()
    guard git.terminationStatus == 0 else { throw GitFault(status: git.terminationStatus) }
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  struct GitFault: Error { let status: Int32 }
}
