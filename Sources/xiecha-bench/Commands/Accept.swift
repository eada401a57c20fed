internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore

/// How fast requests are accepted, each durable before its 201, against the same stack that keeps nothing.
struct Accept: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "受理速度：落盘后才答复 / durable submissions per second",
    discussion: """
      Rounds alternate between the null handler, group commit and one transaction per request; medians are shown.
      Example / 示例:
        xiecha-bench accept --connections 64 --seconds 5 --rounds 3
        xiecha-bench accept --idempotency --json
      """)

  @OptionGroup var common: Common

  @Option(help: "Connections, each with one request under way (1–1024).")
  var connections = 64

  @Option(help: "Seconds that count in each round; one more goes before.")
  var seconds = 5.0

  @Option(help: "Rounds of each kind.")
  var rounds = 3

  @Option(help: "Requests that the database holds before the first round.")
  var rows = 0

  @Flag(help: "Give every request an Idempotency-Key of its own.")
  var idempotency = false

  @Option(help: "Only this kind: null, group or single. For a profiler.")
  var only: String?

  private struct Kind {
    let id: String
    let name: String
    let running: Running
    let file: String
    var rounds: [Round] = []
    var peak = 0.0
  }

  func validate() throws {
    guard (1...1024).contains(connections), seconds > 0, (1...100).contains(rounds), rows >= 0 else {
      throw ValidationError("connections 1–1024, seconds above 0, rounds 1–100, rows 0 or more")
    }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let null = try await nullServer()
    let group = try await BrokerServer(directory: try workspace.folder("group"), share: common.share)
    let single = try await BrokerServer(
      directory: try workspace.folder("single"), share: common.share, batchLimit: 1)
    for server in [group, single] { try await prepare(server) }
    func file(_ name: String, _ path: String, _ office: Office) throws -> String {
      let file = workspace.path + "/" + name
      try office.samples.write(to: file, path: path, keys: office.keys, idempotency: idempotency)
      return file
    }
    var kinds = [
      Kind(id: "null", name: "null handler", running: null, file: try file("null.load", "/null", group.office)),
      Kind(
        id: "group", name: "accept, group commit", running: group.running,
        file: try file("group.load", "/v1/requests", group.office)),
      Kind(
        id: "single", name: "accept, one transaction each", running: single.running,
        file: try file("single.load", "/v1/requests", single.office)),
    ].filter { only == nil || $0.id == only }
    for _ in 0..<rounds {
      for index in kinds.indices {
        Usage.resetPeak()
        kinds[index].rounds.append(
          try Round.run(
            port: kinds[index].running.port, connections: connections, warmup: 1, seconds: seconds,
            file: kinds[index].file))
        kinds[index].peak = max(kinds[index].peak, Usage.memory().peak)
      }
    }
    common.report(try report(kinds, group.office, single.office))
    await null.stop()
    await group.stop()
    await single.stop()
  }

  private func prepare(_ server: BrokerServer) async throws {
    let samples = server.office.samples
    let reference = samples.reference
    try await server.office.store.fill(rows) { index in
      let submission = samples.submission(index)
      guard let organ = reference.organ(samples.entry(index).requester) else { preconditionFailure("unknown organ") }
      return (organ, submission)
    }
  }

  private func report(_ kinds: [Kind], _ group: Office, _ single: Office) throws -> Report {
    var report = Report(
      "accept: \(connections) connections, \(rounds) rounds of \(seconds) s\(idempotency ? ", with Idempotency-Key" : "")",
      columns: ["", "per second", "of null", "of single"] + Latencies.columns + [
        "CPU s/1k", "load CPU s/1k", "peak MB",
      ])
    func rate(_ id: String) -> Double? {
      kinds.first { $0.id == id }.map { median($0.rounds.map(\.rate)) }
    }
    for kind in kinds {
      let own = median(kind.rounds.map(\.rate))
      func ratio(_ id: String) -> Report.Cell {
        rate(id).map { .number(own / $0, digits: 2) } ?? .none
      }
      report.rows.append(
        [.text(kind.name), .number(own, digits: 0), ratio("null"), ratio("single")]
          + Latencies.medians(kind.rounds.map(\.latencies))
          + [
            .number(median(kind.rounds.map(\.cpuPerThousand)), digits: 3),
            .number(median(kind.rounds.map(\.loadCPUPerThousand)), digits: 3), .number(kind.peak, digits: 0),
          ])
    }
    let held = try [group, single].map { try $0.store.counts().first { $0.table == "requests" }?.rows ?? 0 }
    report.notes = [
      "\(rows == 0 ? "empty" : "on \(rows) rows") at the start; at the end \(held[0]) rows (group), \(held[1]) (single)",
      "a group held \(groupSize(group)) writes on average",
      "wanted: group commit at least 0.50 of null and 3.00 of single",
    ]
    return report
  }

  private func groupSize(_ office: Office) -> Int {
    let sizes = office.store.batchSizes
    return sizes.sum / max(1, sizes.count)
  }
}
