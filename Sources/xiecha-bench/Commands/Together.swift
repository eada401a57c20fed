internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// How many requests are accepted while the event of each is pushed, both durable, neither falling behind.
struct Together: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "受理与回调同时进行 / submissions and their callbacks at once",
    discussion: """
      Every accepted request is told to one endpoint. What counts is how many are accepted and told from the first callback
      until the last has arrived: what piles up while requests come is paid for afterwards.
      Example / 示例:
        xiecha-bench together --seconds 10
        xiecha-bench together --rate 10000 --seconds 60 --rounds 1 --rows 1000000
      """)

  @OptionGroup var common: Common
  @OptionGroup var holding: Holding

  @Option(help: "Connections, each with one request under way (1–1024).")
  var connections = 64

  @Option(help: "Seconds of submissions in each round; one more goes before.")
  var seconds = 5.0

  @Option(help: "Rounds; medians are shown.")
  var rounds = 3

  @Option(help: "Requests a second at a constant rate instead of as fast as they are answered.")
  var rate: Double?

  private struct Measured {
    let load: Round
    let pushed: Double
    let together: Double
    let left: Double
    let cpu: Double
    let peak: Double
  }

  func validate() throws {
    guard (1...1024).contains(connections), seconds > 0, (1...100).contains(rounds), (rate ?? 1) > 0 else {
      throw ValidationError("connections 1–1024, seconds above 0, rounds 1–100, rate above 0")
    }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let sink = try Sink()
    defer { sink.end() }
    let office = try await Seed(workspace, share: common.share, rows: holding.rows).open(workspace, as: "state")
    let samples = try office.samples.oneSided()
    try await office.listen(samples.requesters, events: ["request.submitted"], port: sink.port)
    let server = try await BrokerServer(office, callbacks: .loopback)
    let plan = LoadPlan(
      port: server.running.port, connections: connections, seconds: seconds, file: workspace.path + "/load",
      rate: rate)
    try samples.write(to: plan.file, path: "/v1/requests", keys: office.keys, idempotency: false)
    var measured: [Measured] = []
    for _ in 0..<rounds { measured.append(try await once(plan, office.store, sink)) }
    await server.stop()
    common.report(report(measured))
  }

  private func once(_ plan: LoadPlan, _ store: Store, _ sink: Sink) async throws -> Measured {
    Usage.resetPeak()
    let cpu = Usage.cpuSeconds
    let load = try Round.run(plan)
    let left = try await store.outboxDepth().count
    try await store.waitForEmptyOutbox(seconds: 120)
    // What was under way at the end of the load is accepted too, answered or not.
    try await Task.sleep(for: .milliseconds(200))
    try await store.waitForEmptyOutbox(seconds: 120)
    let arrivals = try sink.arrivals()
    guard (load.all...(load.all + connections)).contains(arrivals.count) else {
      throw BenchError("\(load.all) were accepted and \(arrivals.count) callbacks have arrived")
    }
    let lasted = Double(arrivals.last - arrivals.first) / 1e9
    let inTime = Double(arrivals.count - left) / (seconds + plan.warmup)
    return Measured(
      load: load, pushed: inTime, together: Double(arrivals.count) / lasted, left: Double(left),
      cpu: (Usage.cpuSeconds - cpu) / Double(arrivals.count) * 1_000_000, peak: Usage.memory().peak)
  }

  private func report(_ measured: [Measured]) -> Report {
    let how = rate.map { "at \(Int($0))/s" } ?? "saturated"
    var report = Report(
      "together \(how): \(connections) connections, \(rounds) rounds of \(seconds) s, \(holding.shown)",
      columns: ["", "accepted/s", "pushed/s", "left to push", "together/s"] + Latencies.columns
        + ["CPU µs each", "peak MB"])
    func shown(_ value: KeyPath<Measured, Double>, digits: Int = 0) -> Report.Cell {
      .number(median(measured.map { $0[keyPath: value] }), digits: digits)
    }
    report.rows.append(
      [.text("accept and push"), shown(\.load.rate), shown(\.pushed), shown(\.left), shown(\.together)]
        + Latencies.medians(measured.map(\.load.latencies)) + [shown(\.cpu, digits: 1), shown(\.peak)])
    report.notes = [
      "accepted and pushed while requests come; together: until the last callback has arrived; latency of accepting",
      "wanted: 10,000 together a second",
    ]
    return report
  }
}
