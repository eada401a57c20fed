internal import Foundation
internal import TestSupport
internal import Testing

/// The command line's contract: help everywhere, 2 for bad usage, and nothing else on the way.
@Suite(.timeLimit(.minutes(5))) struct HelpTests {
  @Test(arguments: [
    "", "init", "serve", "check", "import", "export", "key", "key create", "key list", "key revoke", "key renew-data",
    "workdays", "outbox", "outbox list", "outbox trace", "outbox retry", "outbox top", "backup", "verify", "demo",
  ])
  func everyCommandHelpsWithAnExample(_ command: String) throws {
    let words = command.split(separator: " ").map(String.init)
    let result = try runTool(words + ["--help"])
    #expect(result.status == 0 && result.stderr.isEmpty)
    let lines = result.stdout.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let start = try #require(lines.firstIndex { $0.hasPrefix("Example / 示例:") }, "\(result.stdout)")
    // The example calls the command that it is about.
    #expect(lines.dropFirst(start + 1).contains { $0.hasPrefix("xiecha \(words.first ?? "")") })
    let isChinese = result.stdout.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
    #expect(isChinese, "\(result.stdout)")
  }

  /// An id in an example is one that the command understands, though it names nothing.
  @Test func theIdInTheExampleIsAnId() throws {
    let help = try runTool(["outbox", "--help"]).stdout
    let words = help.split(whereSeparator: \.isWhitespace)
    let id = try #require(words.first { $0.utf8.count == 36 && UUID(uuidString: String($0)) != nil })
    let result = try StateDirectory(example: nil).run(["outbox", "retry", String(id)])
    #expect(result.status == 1 && result.stderr.contains("not found"), "\(result.stderr)")
    let trace = try StateDirectory(example: nil).run(["outbox", "trace", String(id)])
    #expect(trace.status == 1 && trace.stderr.contains("not found"), "\(trace.stderr)")
  }

  /// What the parser finds is told in Chinese as well, before its own words.
  @Test(arguments: [
    (["frobnicate"], "多余的参数 frobnicate / Unexpected argument 'frobnicate'"),
    (["serve", "--no-such-flag"], "没有 --no-such-flag 这一选项 / Unknown option '--no-such-flag'"),
    (["serve", "--listen"], "--listen <listen> 缺少取值 / Missing value for '--listen <listen>'"),
    (["backup"], "缺少 <destination> / Missing expected argument '<destination>'"),
    (["key", "revoke", "abc"], "取值 abc 不合要求 / The value 'abc' is invalid for '<id>'"),
    (["export", "organs", "a", "b", "c"], "有多余的参数 / 2 unexpected arguments: 'b', 'c'"),
    (["demo", "--once=x"], "选项 --once 不带取值 / The option '--once' does not take any value"),
  ])
  func whatTheParserSays(_ words: [String], _ said: String) throws {
    let result = try runTool(words)
    #expect(result.status == 2 && result.stderr.hasPrefix("Error: \(said)"), "\(result.stderr)")
    #expect(result.stderr.contains("\nUsage: "), "\(result.stderr)")
  }

  @Test(arguments: [
    ["frobnicate"], ["serve", "--no-such-flag"], ["import", "organs"], ["key", "revoke", "abc"],
    ["import", "oragns", "x.csv"], ["export", "oragns"], ["export"],
    ["import", "organs", "x.csv", "--effective-from", "2027-01-01"],
    ["import", "items", "x.csv", "--effective-from", "soon"], ["backup"], ["outbox", "list", "--state", "lost"],
    ["outbox", "retry"], ["outbox", "top", "--interval", "0"],
    ["outbox", "list", "--limit", "0"], ["key", "create"], ["key", "create", "--organ", "123"],
    ["workdays", "--days", "5"], ["workdays", "--from", "yesterday", "--days", "5"],
    ["workdays", "--from", "2026-02-13T17:45:00+08:00", "--days", "0"],
    ["workdays", "--from", "2026-02-13T17:45:00+08:00", "--days", "5", "--region", "Qidong"],
    ["key"], ["outbox"], ["outbox", "trace"], ["outbox", "trace", "x"],
    ["outbox", "retry", "--all", "--endpoint", "x"],
    ["outbox", "retry", "--endpoint", "019ca5f2-7c00-7abc-8000-00000000002a"],
    ["init", "--example", "atlantis"], ["init", "--rehearse-at", "soon"],
  ])
  func badUsageExitsWith2(_ words: [String]) throws {
    // A directory that does not exist: no command may get as far as making one.
    let directory = NSTemporaryDirectory() + "xiecha-none-\(UUID().uuidString)"
    let takesDirectory = words.first != "workdays" && words.first != "frobnicate"
    let result = try runTool(words + (takesDirectory ? ["--state-dir", directory] : []))
    #expect(result.status == 2, "\(result.stdout)\(result.stderr)")
    #expect(result.stdout.isEmpty)
    expectBoth(result.stderr, " / ")
    #expect(!FileManager.default.fileExists(atPath: directory))
  }
}
