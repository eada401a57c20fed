/// One place where a rule of the house is broken.
struct Violation: Equatable, CustomStringConvertible {
  let path: String
  let line: Int
  let what: String
  var description: String { "\(path):\(line): \(what)" }
}

/// The rules for one Swift file under Sources; `path` is relative to the root of the repository.
enum Rules {
  static let modules: Set<String> = [
    "BrokerDomain", "BrokerStore", "CSQLite", "CCurl", "COpenSSL", "CLimits", "BrokerCallbacks", "BrokerWeb", "xiecha",
    "xiecha-bench",
  ]

  /// What each module may import of the house.
  static let house: [String: Set<String>] = [
    "BrokerDomain": [], "BrokerStore": ["BrokerDomain", "CSQLite"],
    "BrokerCallbacks": ["BrokerDomain", "BrokerStore", "CCurl", "COpenSSL"],
    "BrokerWeb": ["BrokerDomain", "BrokerStore"],
    "xiecha": ["BrokerDomain", "BrokerStore", "BrokerCallbacks", "BrokerWeb"],
    "xiecha-bench": ["BrokerDomain", "BrokerStore", "BrokerCallbacks", "BrokerWeb", "CCurl", "CLimits"],
  ]

  /// Imports from outside that belong to some modules alone.
  static let guarded: [String: Set<String>] = [
    "GRDB": ["BrokerStore"], "GRDBSQLite": ["BrokerStore", "xiecha-bench"], "SQLite3": [], "CSQLite": ["BrokerStore"],
    "CCurl": ["BrokerCallbacks", "xiecha-bench"], "COpenSSL": ["BrokerCallbacks"], "CLimits": ["xiecha-bench"],
    "Hummingbird": ["xiecha-bench"], "HummingbirdCore": ["BrokerWeb", "xiecha", "xiecha-bench"],
  ]

  static let maximumLines = 300

  static func module(of path: String) -> String {
    path.split(separator: "/").dropFirst().first.map(String.init) ?? ""
  }

  /// Line and module of each import, whatever stands before the word, and of each declaration of a module's
  /// (`import struct Foundation.Date`).
  static func imports(_ source: SourceText) -> [(line: Int, module: String)] {
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var", "actor"]
    let before: Set<Substring> = [
      "public", "package", "internal", "fileprivate", "private", "testable", "preconcurrency", "_exported",
      "_implementationOnly", "_spi", "retroactive",
    ]
    var found: [(Int, String)] = []
    for (index, line) in source.code.enumerated() {
      for statement in line.split(separator: ";") {
        let words = String(statement).words
        guard let at = words.firstIndex(of: "import") else { continue }
        guard words[..<at].allSatisfy({ before.contains($0) || words.first == "_spi" }) else { continue }
        let rest = words[(at + 1)...].drop { kinds.contains($0) }
        if let module = rest.first { found.append((index + 1, String(module))) }
      }
    }
    return found
  }

  static func importViolations(_ path: String, _ source: SourceText) -> [Violation] {
    let module = module(of: path)
    return imports(source).compactMap { line, imported in
      if module == "BrokerDomain" {
        return Violation(path: path, line: line, what: "BrokerDomain imports nothing, not \(imported)")
      }
      if modules.contains(imported), house[module]?.contains(imported) != true {
        return Violation(path: path, line: line, what: "\(module) must not import \(imported)")
      }
      if let allowed = guarded[imported], !allowed.contains(module) {
        return Violation(path: path, line: line, what: "\(imported) belongs to \(allowed.sorted()), not to \(module)")
      }
      return nil
    }
  }

  /// SQL in a string, outside of the store: a statement's first word in capitals and the word that must follow it.
  static func sqlViolations(_ path: String, _ source: SourceText) -> [Violation] {
    guard module(of: path) != "BrokerStore" else { return [] }
    let pairs = [("SELECT", "FROM"), ("INSERT", "INTO"), ("REPLACE", "INTO"), ("UPDATE", "SET"), ("DELETE", "FROM")]
    return source.literals.compactMap { literal in
      let words = literal.text.words
      for (first, second) in pairs {
        if let at = words.firstIndex(of: Substring(first)), words[at...].contains(Substring(second)) {
          return Violation(path: path, line: literal.line, what: "SQL (\(first) … \(second)) belongs in BrokerStore")
        }
      }
      return nil
    }
  }

  static func styleViolations(_ path: String, _ text: String, _ source: SourceText) -> [Violation] {
    var found: [Violation] = []
    func add(_ line: Int, _ what: String) { found.append(Violation(path: path, line: line, what: what)) }
    for (index, line) in source.code.enumerated() {
      let words = line.words
      if words.contains("public") || words.contains("open") && declares(line) { add(index + 1, "a public declaration") }
      if line.contains("try!") { add(index + 1, "try!") }
      if words.contains("fatalError") { add(index + 1, "fatalError") }
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      for word in ["TODO", "FIXME", "XXX"] where String(line).words.contains(Substring(word)) { add(index + 1, word) }
    }
    let count = lines.last == "" ? lines.count - 1 : lines.count
    if count > maximumLines { add(count, "\(count) lines; \(maximumLines) are the cap") }
    return found
  }

  /// `open class`, `open func` …, and not a method or a value of that name.
  private static func declares(_ line: String) -> Bool {
    let words = line.words
    guard let at = words.firstIndex(of: "open"), at + 1 < words.count else { return false }
    return ["class", "func", "var", "init", "override", "subscript"].contains(words[at + 1])
  }
}
