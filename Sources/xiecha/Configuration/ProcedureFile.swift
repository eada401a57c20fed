internal import BrokerDomain
internal import Foundation
internal import Yams

/// Reads procedure definitions: one YAML file each, every mistake named with file, line and what was expected.
enum ProcedureFile {
  /// A definition, and on which lines it says what others rely on: that shows only when all files are read.
  struct Loaded {
    let procedure: Procedure
    let file: String
    /// On which line its id stands.
    let line: Int
    let lines: FollowUpLines
  }

  /// All definitions of a directory, sorted by file name, and the rules that hold between them. The first mistake of
  /// every file is told; what holds between files is looked at when each of them is in order.
  static func loadAll(directory: String) throws(ConfigurationFault) -> [Procedure] {
    // What an editor or another system keeps beside a file begins with a dot.
    let files = try TextFile.names(directory).filter { !$0.hasPrefix(".") }.sorted()
    let names = files.filter { $0.hasSuffix(".yaml") }
    var all: [Loaded] = []
    var faults: [ConfigurationFault] = files.filter(isMisnamed).map { name in
      ConfigurationFault(
        place: directory + "/" + name, "程序文件的扩展名应为 .yaml，请改名，否则不会读取",
        "a procedure's file is named .yaml; rename it, or it is not read")
    }
    guard !names.isEmpty || !faults.isEmpty else {
      throw ConfigurationFault(
        place: directory, "没有程序文件（*.yaml），请从 /usr/share/xiecha/procedures 复制",
        "no procedure (*.yaml) was found here; copy those of /usr/share/xiecha/procedures")
    }
    for name in names {
      do throws(ConfigurationFault) {
        let loaded = try load(file: directory + "/" + name)
        if let first = all.first(where: { $0.procedure.id == loaded.procedure.id }) {
          throw ConfigurationFault(
            place: "\(loaded.file):\(loaded.line)", "编号 \(loaded.procedure.id) 已被另一文件使用",
            "the id \(loaded.procedure.id) is taken by another file, \(first.file):\(first.line)")
        }
        all.append(loaded)
      } catch {
        faults.append(error)
      }
    }
    if let fault = ConfigurationFault(faults) { throw fault }
    try FollowUpCheck(all).run()
    return all.map(\.procedure)
  }

  private static func isMisnamed(_ name: String) -> Bool {
    let lower = name.lowercased()
    return !name.hasSuffix(".yaml") && (lower.hasSuffix(".yaml") || lower.hasSuffix(".yml"))
  }

  static func load(file: String) throws(ConfigurationFault) -> Loaded {
    let text = try TextFile.text(file)
    guard let root = try YAMLReader.root(text, file: file) else {
      throw ConfigurationFault(place: file, "文件为空", "the file is empty")
    }
    return try ProcedureReader(yaml: YAMLReader(file: file)).definition(root)
  }
}
