internal import BrokerDomain
internal import Foundation
internal import Yams

/// Reads procedure definitions: one YAML file each, every mistake named with file, line and what was expected.
enum ProcedureFile {
  /// A definition, and where it names follow-ups: whether these exist shows only when all files are read.
  struct Loaded {
    let procedure: Procedure
    let file: String
    let lines: FollowUpLines
  }

  /// All definitions of a directory, sorted by file name, and the rules that hold between them.
  static func loadAll(directory: String) throws(ConfigurationFault) -> [Procedure] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
      .filter { $0.hasSuffix(".yaml") }.sorted()
    guard !names.isEmpty else {
      throw ConfigurationFault(place: directory, what: "no procedure (*.yaml) was found here")
    }
    var all: [Loaded] = []
    for name in names {
      let loaded = try load(file: directory + "/" + name)
      if let first = all.first(where: { $0.procedure.id == loaded.procedure.id }) {
        throw ConfigurationFault(
          place: loaded.file, what: "the id \(loaded.procedure.id) is taken by another file, \(first.file)")
      }
      all.append(loaded)
    }
    try FollowUpCheck(all).run()
    return all.map(\.procedure)
  }

  static func load(file: String) throws(ConfigurationFault) -> Loaded {
    guard let data = FileManager.default.contents(atPath: file), let text = String(data: data, encoding: .utf8) else {
      throw ConfigurationFault(place: file, what: "cannot be read")
    }
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      throw ConfigurationFault(file: file, yaml: error)
    }
    guard let root else { throw ConfigurationFault(place: file, what: "the file is empty") }
    return try ProcedureReader(yaml: YAMLReader(file: file)).definition(root)
  }
}
