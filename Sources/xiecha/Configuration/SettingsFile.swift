internal import BrokerDomain
internal import Foundation
internal import Yams

/// A configuration that cannot be used: which file and line, and what was expected there. It takes both languages of the
/// house, so that neither is forgotten.
struct ConfigurationFault: Error, CustomStringConvertible {
  let place: String
  let what: String
  /// Of several files read together, what is wrong with the others: each a line of its own.
  var others: [ConfigurationFault] = []
  var description: String { (["\(place): \(what)"] + others.map(\.description)).joined(separator: "\n") }

  init(place: String, _ zh: String, _ en: String) {
    self.place = place
    what = "\(zh) / \(en)"
  }

  init(place: String, _ words: Phrase) { self.init(place: place, words.zh, words.en) }

  /// Nil where nothing is wrong.
  init?(_ all: [ConfigurationFault]) {
    guard let first = all.first else { return nil }
    self = first
    others += all.dropFirst()
  }
}

extension ConfigurationFault {
  /// What the YAML parser says, at its line.
  init(file: String, yaml error: any Error) {
    switch error {
    case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _):
      self.init(place: "\(file):\(mark.line)", "不是有效的YAML", "not valid YAML: \(problem)")
    case YamlError.duplicatedKeysInMapping(let names, let context):
      let keys = names.sorted().joined(separator: ", ")
      self.init(
        place: "\(file):\(context.mark.line)",
        "键重复，只能留一个：\(keys)", "a key stands twice: \(keys); leave one of them")
    default: self.init(place: file, "不是有效的YAML", "not valid YAML: \(error)")
    }
  }
}

extension Settings {
  /// The file that `config/xiecha.yaml` is, and that `init` writes: every key, its value, one comment.
  func rendered() -> String {
    var out = """
      # 协查 Xiecha 的配置：全部键、缺省值、说明。环境变量 XIECHA_… 与命令行 --set key=value 优先于本文件。
      # Configuration of xiecha: every key, its default, one comment. The environment (XIECHA_…) and --set key=value come before this file.

      """
    var section: [String] = []
    for key in SettingKey.all {
      let parts = key.name.split(separator: ".").map(String.init)
      let parents = Array(parts.dropLast())
      var depth = 0
      while depth < min(section.count, parents.count), section[depth] == parents[depth] { depth += 1 }
      if depth == 0 { out += "\n" }
      for level in depth..<max(depth, parents.count) {
        out += String(repeating: "  ", count: level) + parents[level] + ":\n"
      }
      section = parents
      let indent = String(repeating: "  ", count: parents.count)
      out += "\(indent)# \(key.comment)\n\(indent)\(parts[parts.count - 1]): \(Self.yaml(key.get(self)))\n"
    }
    return out
  }

  private static func yaml(_ value: SettingKey.Value) -> String {
    switch value {
    case .list(let items): return "[" + items.joined(separator: ", ") + "]"
    case .scalar(let text):
      let plain = !text.isEmpty && text.allSatisfy { $0.isLetter || $0.isNumber || "-_./".contains($0) }
      return plain ? text : "\"\(text)\""
    }
  }

  /// Reads a file over the defaults, and the environment and the assignments over that. Unknown keys and wrong values:
  /// all of them at once, each with its line.
  static func load(
    file: String, environment: [String: String], assignments: [String]
  ) throws(ConfigurationFault) -> Settings {
    let text = try TextFile.text(
      file,
      missing: Phrase(
        "没有这一文件；请先 xiecha init 建立状态目录，或用 --state-dir 指明",
        "there is no such file; make the state directory with xiecha init, or name another with --state-dir"))
    var settings = Settings()
    let root = try YAMLReader.root(text, file: file)
    let faults =
      (root.map { settings.apply($0, prefix: "", file: file) } ?? [])
      + settings.apply(environment: environment, assignments: assignments)
    if let fault = ConfigurationFault(faults) { throw fault }
    return settings
  }

  /// - Returns: everything that is wrong below the node.
  private mutating func apply(_ node: Node, prefix: String, file: String) -> [ConfigurationFault] {
    guard case .mapping(let mapping) = node else {
      return [ConfigurationFault(place: Self.place(file, node), "此处应为一组键", "a group of keys was expected here")]
    }
    return mapping.flatMap { apply($0.value, of: $0.key, named: prefix + ($0.key.string ?? ""), file: file) }
  }

  private mutating func apply(
    _ value: Node, of keyNode: Node, named name: String, file: String
  ) -> [ConfigurationFault] {
    guard let key = SettingKey.all.first(where: { $0.name == name }) else {
      return SettingKey.all.contains { $0.name.hasPrefix(name + ".") }
        ? apply(value, prefix: name + ".", file: file)
        : [ConfigurationFault(place: Self.place(file, keyNode), Self.unknown(name))]
    }
    let given: SettingKey.Value
    switch value {
    case .sequence(let items): given = .list(items.map { $0.string ?? "" })
    case .mapping:
      return [
        ConfigurationFault(
          place: Self.place(file, value), "\(name) 之下没有更下一级的键，值应直接写在冒号之后",
          "\(name) has no keys below it; write its value after the colon")
      ]
    default: given = .scalar(value.string ?? "")
    }
    do {
      try key.set(&self, given)
      return []
    } catch {
      return [ConfigurationFault(place: Self.place(file, value), error.words(name))]
    }
  }

  /// The environment, then `--set key=value`, over what the file says. A variable of ours that means nothing is a slip,
  /// and refused like an unknown key.
  /// - Returns: everything that is wrong with them.
  mutating func apply(environment: [String: String], assignments: [String]) -> [ConfigurationFault] {
    let known = Set(SettingKey.all.map(\.environmentName)).union(SettingKey.otherVariables)
    var faults = environment.keys.sorted()
      .filter { $0.hasPrefix(SettingKey.environmentPrefix) && !known.contains($0) }
      .map { ConfigurationFault(place: "环境变量 / environment \($0)", Self.unknown(variable: $0, known)) }
    for key in SettingKey.all {
      guard let text = environment[key.environmentName] else { continue }
      faults += apply(key, text, place: "环境变量 / environment \(key.environmentName)")
    }
    for assignment in assignments {
      let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if parts.count != 2 {
        faults.append(ConfigurationFault(place: "--set \(assignment)", "应为 key=value", "key=value was expected"))
      } else if let key = SettingKey.all.first(where: { $0.name == parts[0] }) {
        faults += apply(key, parts[1], place: "--set \(parts[0])")
      } else {
        faults.append(ConfigurationFault(place: "--set \(assignment)", Self.unknown(parts[0])))
      }
    }
    return faults
  }

  private mutating func apply(_ key: SettingKey, _ text: String, place: String) -> [ConfigurationFault] {
    var value = SettingKey.Value.scalar(text)
    if case .list = key.get(self) {
      let inner = text.trimmingCharacters(in: CharacterSet(charactersIn: "[] "))
      value = .list(inner.isEmpty ? [] : inner.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
    }
    do {
      try key.set(&self, value)
      return []
    } catch {
      return [ConfigurationFault(place: place, error.words(key.name))]
    }
  }

  /// Where a file gives a key, or the file when it does not.
  static func place(of key: String, _ file: String) -> String {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8),
      var node = (try? Yams.compose(yaml: text)) ?? nil
    else { return file }
    for part in key.split(separator: ".") {
      guard let next = node[String(part)] else { return file }
      node = next
    }
    return place(file, node)
  }

  private static func place(_ file: String, _ node: Node) -> String {
    node.mark.map { "\(file):\($0.line)" } ?? file
  }

  /// The nearest variable: the same but for where the words are parted, or a slip of a letter or two.
  private static func unknown(variable: String, _ known: Set<String>) -> Phrase {
    let joined = variable.replacing("_", with: "")
    let near =
      known.first { $0.replacing("_", with: "") == joined }
      ?? known.sorted().map { (name: $0, slips: slips(variable, $0)) }.filter { $0.slips <= 2 }
      .min { $0.slips < $1.slips }?.name
    let (zh, en) =
      near.map { ("是否应为 \($0)？", "did you mean \($0)?") }
      ?? ("config/xiecha.yaml 中的键 a.bC 在此写作 XIECHA_A_B_C", "a key a.bC of config/xiecha.yaml is XIECHA_A_B_C here")
    return Phrase("没有这一变量；\(zh)", "there is no such variable; \(en)")
  }

  /// The nearest key: the same word elsewhere, or a slip of a letter or two.
  private static func unknown(_ name: String) -> Phrase {
    let last = name.split(separator: ".").last.map { $0.lowercased() } ?? name
    let near =
      SettingKey.all.first { $0.name.lowercased().split(separator: ".").last.map(String.init) == last }
      ?? SettingKey.all.map { (key: $0, slips: slips(name.lowercased(), $0.name.lowercased())) }
      .filter { $0.slips <= 2 }.min { $0.slips < $1.slips }?.key
    let (zh, en) =
      near.map { ("是否应为 \($0.name)？", "did you mean \($0.name)?") }
      ?? ("全部键见 config/xiecha.yaml", "see config/xiecha.yaml for all of them")
    return Phrase("没有 \(name) 这个键；\(zh)", "there is no key \(name); \(en)")
  }

  /// Letters to insert, drop or replace to make one word of the other (Levenshtein).
  private static func slips(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let next = min(diagonal + (letter == b[j] ? 0 : 1), row[j] + 1, row[j + 1] + 1)
        (diagonal, row[j + 1]) = (row[j + 1], next)
      }
    }
    return row[b.count]
  }
}
