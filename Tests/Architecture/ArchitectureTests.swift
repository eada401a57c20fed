internal import Testing

/// The rules of the house, held against every file under Sources.
@Suite struct ArchitectureTests {
  private func swiftFiles() throws -> [Repository.File] {
    let files = try Repository.files(under: "Sources", endings: ["swift"])
    try #require(files.count > 30, "the tree was not found")
    return files
  }

  private func check(_ rule: (Repository.File, SourceText) -> [Violation]) throws {
    for file in try swiftFiles() {
      for violation in rule(file, SourceText(file.text)) { Issue.record("\(violation)") }
    }
  }

  @Test func imports() throws { try check { Rules.importViolations($0.path, $1) } }

  @Test func sqlOnlyInTheStore() throws { try check { Rules.sqlViolations($0.path, $1) } }

  @Test func style() throws { try check { Rules.styleViolations($0.path, $0.text, $1) } }

  @Test func modules() throws {
    #expect(try Repository.folders(under: "Sources") == Rules.modules)
    #expect(Set(Rules.house.keys) == Rules.modules.subtracting(["CSQLite", "CCurl", "COpenSSL", "CLimits"]))
  }

  /// The store really holds the SQL and the callbacks really hold curl: a rule that matches nothing proves nothing.
  @Test func rulesSeeWhatTheyGuard() throws {
    let files = try swiftFiles()
    func importers(_ module: String) -> Set<String> {
      Set(
        files.filter { Rules.imports(SourceText($0.text)).contains { $0.module == module } }.map {
          Rules.module(of: $0.path)
        })
    }
    #expect(importers("GRDB") == ["BrokerStore"])
    #expect(importers("CCurl").contains("BrokerCallbacks"))
    #expect(importers("CSQLite") == ["BrokerStore"])
    #expect(importers("COpenSSL") == ["BrokerCallbacks"])
    #expect(importers("CLimits") == ["xiecha-bench"])
    #expect(importers("HummingbirdCore").contains("BrokerWeb"))
    #expect(importers("BrokerDomain").isSuperset(of: ["BrokerStore", "BrokerWeb", "BrokerCallbacks"]))
    let statements = files.filter { $0.path.hasPrefix("Sources/BrokerStore/") }.flatMap {
      // Under another folder's name the same file breaks the rule.
      Rules.sqlViolations("Sources/BrokerWeb/X.swift", SourceText($0.text))
    }
    #expect(statements.count > 40)
  }

  @Test(.enabled(if: Repository.hasGit)) func topLevel() throws {
    let top = Set(try Repository.trackedFiles().map { $0.split(separator: "/").first.map(String.init) ?? "" })
    let visible = top.filter { !$0.hasPrefix(".") }
    let allowed: Set<String> = ["Package.swift", "Sources", "Tests", "config", "deploy", "README.md"]
    #expect(visible.subtracting(allowed) == [])
    #expect(visible.isSuperset(of: ["Package.swift", "Sources", "Tests", "config", "deploy"]))
  }
}
