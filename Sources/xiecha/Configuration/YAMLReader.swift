internal import BrokerDomain
internal import Yams

/// Takes a YAML tree apart; what does not fit is named with its line and what was expected.
struct YAMLReader {
  let file: String

  /// - Returns: nil of a text that says nothing.
  static func root(_ text: String, file: String) throws(ConfigurationFault) -> Node? {
    var all: [Node] = []
    do {
      var documents = try Yams.compose_all(yaml: text)
      while let node = documents.next() { all.append(node) }
      if let error = documents.error { throw error }
    } catch {
      throw ConfigurationFault(file: file, yaml: error)
    }
    guard all.count < 2 else {
      throw YAMLReader(file: file).fault(
        all[1], "文件中另起了一份文档（---），只能有一份", "a second document begins before this (---); there is one in a file")
    }
    return all.first
  }

  func fault(_ node: Node, _ zh: String, _ en: String) -> ConfigurationFault {
    ConfigurationFault(place: node.mark.map { "\(file):\($0.line)" } ?? file, zh, en)
  }

  /// The members of a mapping, of which only these may stand.
  func mapping(_ node: Node, keys: [String]) throws(ConfigurationFault) -> [String: Node] {
    guard case .mapping(let mapping) = node else {
      throw fault(node, "此处应为一组键", "a group with the keys \(keys.joined(separator: ", ")) was expected here")
    }
    var result: [String: Node] = [:]
    for (key, value) in mapping {
      let name = key.string ?? ""
      guard keys.contains(name) else {
        throw fault(
          key, "此处没有 \(name) 这个键", "there is no key \(name) here; known: \(keys.joined(separator: ", "))")
      }
      result[name] = value
    }
    return result
  }

  func need(_ mapping: [String: Node], _ key: String, _ at: Node) throws(ConfigurationFault) -> Node {
    guard let node = mapping[key] else {
      throw fault(at, "缺少键 \(key)", "the key \(key) is missing from the group that begins here")
    }
    return node
  }

  /// Empty when there is none.
  func list(_ node: Node?, of what: Phrase) throws(ConfigurationFault) -> [Node] {
    guard let node else { return [] }
    guard case .sequence(let nodes) = node else { throw noList(node, of: what) }
    return Array(nodes)
  }

  func noList(_ node: Node, of what: Phrase) -> ConfigurationFault {
    fault(node, "此处应为列表：\(what.zh)", "a list of \(what.en) was expected here")
  }

  func text(_ node: Node) throws(ConfigurationFault) -> String {
    guard case .scalar(let scalar) = node, !scalar.string.trimmingSpaces().isEmpty else {
      throw fault(node, "此处应为文字", "text was expected here")
    }
    return scalar.string
  }

  /// Both languages of a group with the keys `zh` and `en`.
  func phrase(_ mapping: [String: Node], _ at: Node) throws(ConfigurationFault) -> Phrase {
    Phrase(try text(try need(mapping, "zh", at)), try text(try need(mapping, "en", at)))
  }

  func whole(_ node: Node, _ key: String, _ range: ClosedRange<Int>) throws(ConfigurationFault) -> Int {
    guard case .scalar(let scalar) = node, let number = Int(scalar.string), range.contains(number) else {
      throw fault(
        node, "\(key) 应为\(range.lowerBound)至\(range.upperBound)的整数",
        "\(key) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func whole(
    _ node: Node?, _ key: String, _ range: ClosedRange<Int>, _ otherwise: Int
  ) throws(ConfigurationFault) -> Int {
    guard let node else { return otherwise }
    return try whole(node, key, range)
  }

  func flag(_ node: Node?, _ key: String, _ otherwise: Bool) throws(ConfigurationFault) -> Bool {
    guard let node else { return otherwise }
    return try flag(node, key)
  }

  func flag(_ node: Node, _ key: String) throws(ConfigurationFault) -> Bool {
    switch node.string {
    case "true": return true
    case "false": return false
    default: throw fault(node, "\(key) 应为 true 或 false", "\(key) must be true or false")
    }
  }

  /// One word of a closed list.
  func word(_ node: Node, _ key: String, _ known: [String]) throws(ConfigurationFault) -> String {
    try word(node, Phrase("\(key) ", key), known)
  }

  /// The same of what has no key of its own.
  func word(_ node: Node, _ what: Phrase, _ known: [String]) throws(ConfigurationFault) -> String {
    guard let word = node.string, known.contains(word) else {
      throw fault(node, "\(what.zh)只可为所列之一", "\(what.en) is one of \(known.joined(separator: ", "))")
    }
    return word
  }

  /// One case of an enum; `otherwise` when there is no node.
  func word<T: RawRepresentable<String> & CaseIterable>(
    _ node: Node?, _ key: String, _ otherwise: T
  ) throws(ConfigurationFault) -> T {
    guard let node else { return otherwise }
    return T(rawValue: try word(node, key, T.allCases.map(\.rawValue))) ?? otherwise
  }

  /// A name that programs use: a small letter first, then letters and digits, with hyphens where `hyphens` says so.
  func name(_ node: Node, hyphens: Bool) throws(ConfigurationFault) -> String {
    let name = try text(node)
    let fits = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): !hyphens
      case UInt8(ascii: "-"): hyphens
      default: false
      }
    }
    guard fits, name.utf8.count <= 64, let first = name.utf8.first, first >= UInt8(ascii: "a") else {
      throw hyphens
        ? fault(
          node, "编号 \(name) 不合格式：小写字母、数字和连字符，以字母开头，不超过64个",
          "\(name) is no id: small letters, digits and hyphens, a letter first, at most 64")
        : fault(
          node, "字段名 \(name) 不合格式：字母和数字，以小写字母开头，不超过64个",
          "\(name) is no name of a field: letters and digits, a small letter first, at most 64")
    }
    return name
  }
}
