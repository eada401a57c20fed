internal import BrokerDomain
internal import Foundation
internal import Yams

/// Reads one story. Every mistake is named with file, line and what was expected.
struct StoryReader {
  let yaml: YAMLReader

  static let keys = ["id", "title", "procedure", "clause", "proves", "example", "startsAt", "cast", "steps"]

  static func load(file: String) throws(ConfigurationFault) -> Story {
    let text = try TextFile.text(file)
    guard let root = try YAMLReader.root(text, file: file) else {
      throw ConfigurationFault(place: file, "文件为空", "the file is empty")
    }
    return try StoryReader(yaml: YAMLReader(file: file)).story(root)
  }

  private func story(_ root: Node) throws(ConfigurationFault) -> Story {
    let top = try yaml.mapping(root, keys: Self.keys)
    let idNode = try yaml.need(top, "id", root)
    let id = try yaml.name(idNode, hyphens: true)
    guard URL(fileURLWithPath: yaml.file).lastPathComponent == id + ".yaml" else {
      throw yaml.fault(idNode, "案例 \(id) 的文件名应为 \(id).yaml", "the story \(id) belongs into a file \(id).yaml")
    }
    let cast = try cast(try yaml.need(top, "cast", root))
    let start = try yaml.need(top, "startsAt", root)
    return Story(
      file: yaml.file, id: id, title: try phrase(top, "title", root),
      procedure: try yaml.name(try yaml.need(top, "procedure", root), hyphens: true),
      clause: try yaml.text(try yaml.need(top, "clause", root)), proves: try phrase(top, "proves", root),
      example: try yaml.text(try yaml.need(top, "example", root)), startsAt: try instant(start, "startsAt"),
      cast: cast, steps: try steps(try yaml.need(top, "steps", root), cast: Set(cast.map(\.alias))))
  }

  private func phrase(_ top: [String: Node], _ key: String, _ at: Node) throws(ConfigurationFault) -> Phrase {
    let node = try yaml.need(top, key, at)
    return try yaml.phrase(try yaml.mapping(node, keys: ["zh", "en"]), node)
  }

  func instant(_ node: Node, _ key: String) throws(ConfigurationFault) -> Instant {
    guard let instant = Instant(rfc3339: try yaml.text(node)) else {
      throw yaml.fault(
        node, "\(key) 应为 RFC 3339 时刻", "\(key) is a moment of RFC 3339 such as 2026-02-13T17:45:00+08:00")
    }
    return instant
  }

  private func cast(_ node: Node) throws(ConfigurationFault) -> [Story.Role] {
    guard case .mapping(let mapping) = node, !mapping.isEmpty else {
      throw yaml.fault(
        node, "cast 应为一组简称，各对应机关目录中的一个机关", "cast is a group of short names, each with an organ of the directory")
    }
    var cast: [Story.Role] = []
    for (key, value) in mapping {
      cast.append(
        Story.Role(alias: try yaml.text(key), organ: try yaml.text(value), line: key.mark?.line ?? 0))
    }
    return cast
  }

  private func steps(_ node: Node, cast: Set<String>) throws(ConfigurationFault) -> [Story.Step] {
    var known = Known(cast: cast)
    var steps: [Story.Step] = []
    for node in try yaml.list(node, of: Phrase("步骤", "steps")) { steps.append(try step(node, &known)) }
    guard !steps.isEmpty else { throw yaml.fault(node, "案例至少有一个步骤", "a story has at least one step") }
    return steps
  }

  /// What a step may name.
  struct Known {
    let cast: Set<String>
    /// Requests that were opened before.
    var requests: Set<String> = []
  }
}

/// Values as they stand in YAML: plain `true`, `false`, whole numbers and `null` are themselves, all else is text.
extension StoryReader {
  func json(_ node: Node, _ known: Known) throws(ConfigurationFault) -> JSON {
    switch node {
    case .scalar(let scalar):
      if scalar.style == .plain || scalar.style == .any {
        switch scalar.string {
        case "true", "false": return .bool(scalar.string == "true")
        case "null", "~", "": return .null
        default: if let number = Int(scalar.string), String(number) == scalar.string { return .int(number) }
        }
      }
      return .string(try named(scalar.string, known, at: node))
    case .sequence(let nodes):
      var values: [JSON] = []
      for node in nodes { values.append(try json(node, known)) }
      return .array(values)
    case .mapping(let mapping):
      var members: [JSON.Member] = []
      for (key, value) in mapping { members.append(.init(try yaml.text(key), try json(value, known))) }
      return .object(members)
    case .alias: throw yaml.fault(node, "案例不用YAML别名，请写出内容", "write it out: a story has no aliases of YAML")
    }
  }

  /// The text itself; a `${name}` in it is a request that was opened before.
  private func named(_ text: String, _ known: Known, at node: Node) throws(ConfigurationFault) -> String {
    for part in text.components(separatedBy: "${").dropFirst() {
      let name = part.components(separatedBy: "}")[0]
      guard part.contains("}"), known.requests.contains(name) else {
        throw unknownRequest(node, name)
      }
    }
    return text
  }

  func wanted(_ node: Node, _ known: Known) throws(ConfigurationFault) -> Wanted {
    let line = node.mark?.line ?? 0
    switch node {
    case .sequence(let nodes):
      var list: [Wanted] = []
      for node in nodes { list.append(try wanted(node, known)) }
      return .list(list, line: line)
    case .mapping(let mapping):
      var members: [(name: String, wanted: Wanted)] = []
      for (key, value) in mapping { members.append((try yaml.text(key), try wanted(value, known))) }
      return .members(members, line: line)
    case .scalar, .alias: return .value(try json(node, known), line: line)
    }
  }
}
