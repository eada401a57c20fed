internal import Foundation
internal import TestSupport
internal import Testing

/// Every measurement, in small: it ends by itself, prints its table as JSON with the rows that figures are read from, and
/// leaves nothing behind. How fast anything was is for a quiet machine.
@Suite(.serialized, .timeLimit(.minutes(5))) struct CommandTests {
  private static let program =
    URL(filePath: Binary.path).deletingLastPathComponent().appending(path: "xiecha-bench").path

  private func run(_ words: [String]) throws -> ToolResult { try runTool(words, timeout: 150, binary: Self.program) }

  @Test(arguments: [
    ("accept --seconds 0.2 --rounds 1 --rows 600 --idempotency", "of C", [nil, nil, 1, nil, nil]),
    ("accept --seconds 0.5 --rounds 1 --rate 100 --only null,c,group --connections 4", "of null", [1, nil, nil]),
    ("push --messages 200 --rounds 1 --rows 600 --in-flight 8", "of bare", [1, nil, nil, nil]),
    ("push --messages 600 --rounds 1 --in-flight 256 --only c,1", "of C", [1, nil]),
    ("together --seconds 0.2 --rounds 1 --connections 4", "together/s", [nil]),
    ("latency --seconds 0.5 --rate 50", "p99 µs", [nil, nil, nil]),
    ("timers --open 500 --due 20 --rounds 2", "to first 201 ms", [nil]),
    ("backlog --messages 20000 --endpoints 20 --dead 2 --seconds 1", "of none dead", [1, nil, nil]),
    (
      "read --rows 600 --seconds 0.1 --rounds 1 --accepts 20 --connections 4", "per second",
      Array(repeating: nil, count: 10)
    ),
    ("fair --backlog 3000 --messages 10", "p50 µs", [nil, nil]),
    ("limits --seconds 0.1", "per second", Array(repeating: nil, count: 5)),
  ])
  func figures(_ command: String, _ column: String, _ wanted: [Double?]) throws {
    let directory = NSTemporaryDirectory() + "/bench-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let result = try run(command.split(separator: " ").map(String.init) + ["--json", "--dir", directory])
    #expect(result.status == 0 && result.stderr.isEmpty, "\(result.stderr)")
    let rows = try #require(result.json["rows"].array, "\(result.stdout)")
    #expect(rows.count == wanted.count)
    for (row, wanted) in zip(rows, wanted) {
      let value = try #require(row[column].double, "\(row)")
      #expect(wanted == nil ? value > 0 || column == "p99 µs" : value == wanted, "\(row)")
    }
    // `limits` are no goals.
    let isGoal = result.json["notes"].array?.contains { $0.string?.hasPrefix("wanted") == true }
    #expect(isGoal == !command.hasPrefix("limits"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
  }

  @Test(arguments: [
    "accept", "push", "together", "latency", "backlog", "read", "fair", "timers", "recompute", "reports", "limits",
  ])
  func helpHasAnExample(_ command: String) throws {
    let result = try run([command, "--help"])
    #expect(result.status == 0 && result.stderr.isEmpty)
    let lines = result.stdout.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let start = try #require(lines.firstIndex { $0.hasPrefix("Example / 示例:") }, "\(result.stdout)")
    #expect(lines.dropFirst(start + 1).contains { $0.hasPrefix("xiecha-bench \(command)") })
  }

  @Test(arguments: [
    "accept --only nothing", "accept --rate 0", "accept --rows -1", "push --only 2", "push --in-flight 0",
    "together --rounds 0", "latency --rate 0", "backlog --dead 1000", "read --rows 1", "read --limit 501",
    "fair --backlog 1",
  ])
  func badUsageMeasuresNothing(_ command: String) throws {
    let result = try run(command.split(separator: " ").map(String.init))
    #expect(result.status != 0 && result.stdout.isEmpty && !result.stderr.isEmpty)
  }
}
