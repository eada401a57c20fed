internal import ArgumentParser
internal import BrokerStore
internal import Foundation

/// What the machine and the libraries allow, without the broker.
struct Limits: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "本机的上限 / what the machine allows: SQLite, the HTTP stack, libcurl",
    discussion: """
      Example / 示例:
        xiecha-bench limits --seconds 3
      """)

  @OptionGroup var common: Common

  @Option(help: "Seconds for each row of the table.")
  var seconds = 3.0

  @Option(help: "Connections of the null handler, and messages in flight of the curl loop.")
  var connections = 64

  func validate() throws {
    guard (1...1024).contains(connections), seconds > 0 else {
      throw ValidationError("connections 1–1024, seconds above 0")
    }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    var report = Report("limits of this machine", columns: ["", "per second"] + Latencies.columns + ["CPU s/1k"])
    let directory = try workspace.folder("state")
    let office = try await Office(directory: directory, share: common.share)
    office.store.close()
    try plain(directory + "/xiecha.sqlite", &report)
    try await null(workspace, office, &report)
    try bare(&report)
    report.notes.append("SQLite: WAL, synchronous FULL, the broker's schema; request, subject, event and timer rows")
    common.report(report)
  }

  private func plain(_ file: String, _ report: inout Report) throws {
    let rows = try PlainRows(file: file)
    var written = 0
    for group in [1, 8, 64] {
      let cpu = Usage.cpuSeconds
      let result = try rows.run(group: group, seconds: seconds, from: written)
      report.rows.append(
        [.text("SQLite in C, groups of \(group) (\(written == 0 ? "empty" : "on \(written) rows"))")]
          + [.number(result.rate, digits: 0)] + Latencies.columns.map { _ in .none }
          + [.number((Usage.cpuSeconds - cpu) / Double(result.rows) * 1000, digits: 3)])
      written += result.rows
    }
  }

  private func null(_ workspace: Workspace, _ office: Office, _ report: inout Report) async throws {
    let server = try await NullServer.lean.start()
    let file = workspace.path + "/null.load"
    try office.samples.write(to: file, path: "/null", keys: office.keys, idempotency: false)
    let round = try Round.run(LoadPlan(port: server.port, connections: connections, seconds: seconds, file: file))
    await server.stop()
    report.rows.append(
      [.text("null handler, \(connections) connections"), .number(round.rate, digits: 0)]
        + Latencies.medians([round.latencies]) + [.number(round.cpuPerThousand, digits: 3)])
  }

  private func bare(_ report: inout Report) throws {
    let sink = try Sink()
    defer { sink.end() }
    let loop = try BareLoop(
      urls: ["http://127.0.0.1:\(sink.port)/hook"], body: [UInt8](repeating: 120, count: 1024), inFlight: connections)
    let trial = try loop.run(2000)
    let result = try loop.run(max(2000, Int(trial.perSecond * seconds)))
    report.rows.append(
      [.text("bare curl loop, 1 KB signed, \(connections) in flight"), .number(result.perSecond, digits: 0)]
        + Latencies.medians([result.latencies]) + [.number(result.cpuPerThousand, digits: 3)])
  }
}
