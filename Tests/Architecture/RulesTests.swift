internal import Testing

/// Each rule finds what it is for, and leaves alone what only looks like it.
@Suite struct RulesTests {
  @Test(arguments: [
    ("BrokerDomain", "import Foundation", true), ("BrokerDomain", "internal import Synchronization", true),
    ("BrokerDomain", "// import Foundation", false), ("BrokerDomain", "/* a /* b */\nimport Foundation */", false),
    ("BrokerDomain", "let s = \"import Foundation\"", false), ("BrokerDomain", "func important() {}", false),
    ("BrokerDomain", "enum E { case organs, import_ }", false),
    ("BrokerDomain", "import struct Foundation.Date", true), ("BrokerDomain", "let a = 1; import Glibc", true),
    ("BrokerStore", "internal import GRDB", false), ("BrokerWeb", "internal import GRDB", true),
    ("BrokerWeb", "@preconcurrency import GRDBSQLite", true), ("xiecha-bench", "import GRDBSQLite", false),
    ("xiecha-bench", "import GRDB", true), ("xiecha", "@_exported import GRDB", true),
    ("xiecha", "import SQLite3", true), ("BrokerStore", "import CSQLite", false),
    ("xiecha-bench", "import CSQLite", true),
    ("BrokerWeb", "import BrokerCallbacks", true), ("BrokerCallbacks", "internal import BrokerWeb", true),
    ("BrokerCallbacks", "package import class BrokerWeb.Server", true), ("BrokerCallbacks", "import CCurl", false),
    ("BrokerWeb", "import CCurl", true), ("xiecha", "import CCurl", true), ("xiecha-bench", "import CCurl", false),
    ("xiecha-bench", "import CLimits", false), ("xiecha", "import CLimits", true),
    ("BrokerStore", "import CLimits", true), ("BrokerCallbacks", "import CLimits", true),
    ("BrokerStore", "import BrokerCallbacks", true), ("BrokerStore", "import BrokerWeb", true),
    ("BrokerStore", "import BrokerDomain", false), ("xiecha", "import BrokerWeb", false),
    ("xiecha-bench", "import Hummingbird", false), ("xiecha", "import Hummingbird", true),
    ("BrokerStore", "import Hummingbird", true),
    ("BrokerWeb", "@_spi(X) import HummingbirdCore", false), ("BrokerWeb", "import Hummingbird", true),
    ("BrokerStore", "@_spi(X) import BrokerWeb", true), ("BrokerStore", "import Foundation", false),
  ])
  func imports(_ module: String, _ text: String, _ isBroken: Bool) {
    let found = Rules.importViolations("Sources/\(module)/A.swift", SourceText("// x\n" + text + "\n"))
    #expect(found.isEmpty != isBroken, "\(found)")
  }

  @Test(arguments: [
    ("let a = \"SELECT x FROM t\"", true), ("let a = \"\"\"\n  SELECT x\n  FROM t\n  \"\"\"", true),
    ("let a = #\"DELETE FROM \"t\"\"#", true), ("let a = \"UPDATE t SET a = \\(b)\"", true),
    ("let a = \"INSERT OR IGNORE INTO t VALUES (1)\"", true), ("let a = \"WITH q AS (SELECT 1) DELETE FROM t\"", true),
    ("let a = \"x \\(f(\"SELECT a FROM b\")) y\"", true), ("let a = \"SELECT \\(columns) FROM t\"", true),
    ("// SELECT x FROM t", false), ("let a = \"select an organ from the list\"", false),
    ("let a = \"SELECTED FROM\"", false),
    ("let a = \"FROM x SELECT\"", false), ("let SELECT = FROM", false), ("let a = \"UPDATE\"; let b = \"SET\"", false),
  ])
  func sql(_ text: String, _ isBroken: Bool) {
    let source = SourceText(text)
    #expect(Rules.sqlViolations("Sources/BrokerWeb/A.swift", source).isEmpty != isBroken)
    #expect(Rules.sqlViolations("Sources/BrokerStore/A.swift", source).isEmpty)
    #expect(Rules.sqlViolations("Sources/xiecha-bench/A.swift", source).isEmpty != isBroken)
  }

  @Test(arguments: [
    ("public struct A {}", "a public declaration"), ("  public func f() {}", "a public declaration"),
    ("public import Foundation", "a public declaration"), ("open class A {}", "a public declaration"),
    ("let a = try! f()", "try!"), ("fatalError(\"x\")", "fatalError"), ("// TODO: later", "TODO"),
    ("let a = \"FIXME\"", "FIXME"),
  ])
  func styleFinds(_ text: String, _ what: String) {
    let found = Rules.styleViolations("Sources/A/A.swift", "\n" + text + "\n", SourceText("\n" + text + "\n"))
    #expect(found == [Violation(path: "Sources/A/A.swift", line: 2, what: what)])
  }

  @Test(arguments: [
    "package struct A {}", "// public struct A {}", "let a = \"public\"", "let publicKey = 1", "try? f()", "f(open: 1)",
    "let open = true", "// fatalError is not used", "let todo = 1", "if a { open() }",
  ])
  func stylePasses(_ text: String) {
    #expect(Rules.styleViolations("Sources/A/A.swift", text, SourceText(text)) == [])
  }

  @Test func fileLength() {
    func found(_ lines: Int) -> Int {
      let text = String(repeating: "x\n", count: lines)
      return Rules.styleViolations("A", text, SourceText(text)).count
    }
    #expect(found(300) == 0 && found(301) == 1)
  }

  /// The reader of sources: lines stay in step, strings and comments are told apart.
  @Test func sourceText() {
    let source = SourceText(
      """
      let a = "x // y" // z "w"
      /* " */ let b = #"\\("# + "\\"q\\\\"
      let c = "p \\(d + "e\\(f)g") h"
      let last = 1
      """)
    #expect(
      source.code == [
        "let a = \"\" ", " let b = \"\" + \"\"", "let c = \"d + \"f\"\"", "let last = 1",
      ])
    #expect(source.literals.map(\.text) == ["x // y", "\\(", "\"q\\", "e g", "p   h"])
    #expect(source.literals.map(\.line) == [1, 2, 2, 3, 3])
  }
}
