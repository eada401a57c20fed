internal import BrokerDomain
internal import Foundation
internal import Yams

/// Reads procedure definitions: one YAML file each, every mistake named with file, line and what was expected.
enum ProcedureFile {
  static func loadAll(directory: String) throws(ConfigurationFault) -> [Procedure] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
      .filter { $0.hasSuffix(".yaml") }.sorted()
    guard !names.isEmpty else {
      throw ConfigurationFault(place: directory, what: "no procedure (*.yaml) was found here")
    }
    var procedures: [Procedure] = []
    for name in names {
      let procedure = try load(file: directory + "/" + name)
      if procedures.contains(where: { $0.id == procedure.id }) {
        throw ConfigurationFault(place: directory + "/" + name, what: "the id \(procedure.id) is taken by another file")
      }
      procedures.append(procedure)
    }
    return procedures
  }

  static func load(file: String) throws(ConfigurationFault) -> Procedure {
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
    let reader = Reader(file: file)
    let top = try reader.mapping(
      root, keys: ["id", "title", "clause", "clock", "ladder", "outcomes", "declineReasons"])
    let clock = try reader.mapping(try reader.need(top, "clock", root), keys: ["workingDays"])
    let daysNode = try reader.need(clock, "workingDays", root)
    guard let days = daysNode.int, (1...Procedure.maximumDays).contains(days) else {
      throw reader.fault(daysNode, "workingDays must be a whole number from 1 to \(Procedure.maximumDays)")
    }
    let ladderNode = try reader.need(top, "ladder", root)
    var ladder: [Rung] = []
    for node in ladderNode.array() {
      guard let rung = Rung(name: node.string ?? ""), ladder.last.map({ $0.rawValue < rung.rawValue }) ?? true else {
        let known = Rung.allCases.map(\.name).joined(separator: ", ")
        throw reader.fault(node, "a rung of the ladder is one of \(known), in this order and once each")
      }
      ladder.append(rung)
    }
    return Procedure(
      id: try reader.text(try reader.need(top, "id", root)),
      title: try reader.phrase(try reader.need(top, "title", root)),
      clause: try reader.text(try reader.need(top, "clause", root)), workingDays: days, ladder: ladder,
      outcomes: try reader.outcomes(try reader.need(top, "outcomes", root)),
      declineReasons: try reader.outcomes(try reader.need(top, "declineReasons", root)))
  }

  private struct Reader {
    let file: String

    func fault(_ node: Node, _ what: String) -> ConfigurationFault {
      ConfigurationFault(place: node.mark.map { "\(file):\($0.line)" } ?? file, what: what)
    }

    func mapping(_ node: Node, keys: [String]) throws(ConfigurationFault) -> [String: Node] {
      guard case .mapping(let mapping) = node else {
        throw fault(node, "a group with the keys \(keys.joined(separator: ", ")) was expected here")
      }
      var result: [String: Node] = [:]
      for (key, value) in mapping {
        let name = key.string ?? ""
        guard keys.contains(name) else {
          throw fault(key, "there is no key \(name) here; known: \(keys.joined(separator: ", "))")
        }
        result[name] = value
      }
      return result
    }

    func need(_ mapping: [String: Node], _ key: String, _ at: Node) throws(ConfigurationFault) -> Node {
      guard let node = mapping[key] else { throw fault(at, "the key \(key) is missing") }
      return node
    }

    func text(_ node: Node) throws(ConfigurationFault) -> String {
      guard case .scalar(let scalar) = node, !scalar.string.trimmingSpaces().isEmpty else {
        throw fault(node, "text was expected here")
      }
      return scalar.string
    }

    func phrase(_ node: Node) throws(ConfigurationFault) -> Phrase {
      let both = try mapping(node, keys: ["zh", "en"])
      return Phrase(try text(try need(both, "zh", node)), try text(try need(both, "en", node)))
    }

    func outcomes(_ node: Node) throws(ConfigurationFault) -> [Procedure.Outcome] {
      var outcomes: [Procedure.Outcome] = []
      for entry in node.array() {
        let keys = try mapping(entry, keys: ["id", "zh", "en"])
        let id = try text(try need(keys, "id", entry))
        guard !outcomes.contains(where: { $0.id == id }) else { throw fault(entry, "\(id) occurs twice") }
        outcomes.append(
          Procedure.Outcome(
            id: id, title: Phrase(try text(try need(keys, "zh", entry)), try text(try need(keys, "en", entry)))))
      }
      guard !outcomes.isEmpty else { throw fault(node, "a list of {id, zh, en} was expected here") }
      return outcomes
    }
  }
}
