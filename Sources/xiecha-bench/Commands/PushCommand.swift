internal import ArgumentParser
internal import BrokerStore
internal import Foundation

/// How fast callbacks leave, each result settled on disk, against a bare libcurl loop that settles nothing.
struct PushCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "push", abstract: "回调速度：结果落盘 / signed callbacks per second, every result recorded",
    discussion: """
      The sink answers 204 at once. Rounds alternate between the bare loop and the dispatcher; medians are shown.
      Example / 示例:
        xiecha-bench push --messages 20000 --in-flight 64
      """)

  @OptionGroup var common: Common

  @Option(help: "Messages in each round.")
  var messages = 20_000

  @Option(help: "On the wire at once, over all endpoints and for each (1–1024).")
  var inFlight = 64

  @Option(help: "Rounds of each kind.")
  var rounds = 3

  @Option(help: "full: the representation, about 1 KB; thin: ids only.")
  var body = "full"

  @Option(help: "Only this kind: bare, 1 or 16 (endpoints). For a profiler.")
  var only: String?

  func validate() throws {
    guard (1...1024).contains(inFlight), messages >= 100, (1...100).contains(rounds),
      Endpoint.Body(rawValue: body) != nil
    else { throw ValidationError("in-flight 1–1024, messages 100 or more, rounds 1–100, body full or thin") }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let sink = try Sink()
    defer { sink.end() }
    let kind = Endpoint.Body(rawValue: body) ?? .full
    var bare: [BareLoop.Result] = []
    var drained: [Int: [Backlog.Result]] = [1: [], 16: []]
    var bodyBytes = 0
    for round in 0..<rounds {
      for endpoints in [1, 16] where only == nil || only == "bare" || only == "\(endpoints)" {
        let directory = try workspace.folder("push-\(round)-\(endpoints)")
        let backlog = try await Backlog(
          directory: directory, share: common.share, count: messages, endpoints: endpoints, port: sink.port, body: kind)
        let sample = try backlog.sampleBody()
        bodyBytes = sample.count
        if only == nil || only == "bare" {
          bare.append(try BareLoop(urls: backlog.urls, body: sample, inFlight: inFlight).run(messages))
        }
        if only != "bare" {
          drained[endpoints]?.append(try await backlog.drain(inFlight: inFlight, perEndpoint: inFlight))
        }
        backlog.office.store.close()
        try FileManager.default.removeItem(atPath: directory)
      }
    }
    common.report(report(bare, drained, bodyBytes))
  }

  private func report(_ bare: [BareLoop.Result], _ drained: [Int: [Backlog.Result]], _ bodyBytes: Int) -> Report {
    var report = Report(
      "push: \(messages) messages of \(bodyBytes) bytes, \(inFlight) in flight, \(rounds) rounds",
      columns: ["", "per second", "of bare"] + Latencies.columns + ["CPU s/1k", "peak MB"])
    let limit = median(bare.map(\.perSecond))
    if !bare.isEmpty {
      report.rows.append(
        [.text("bare curl loop"), .number(limit, digits: 0), .number(1, digits: 2)]
          + Latencies.medians(bare.map(\.latencies))
          + [.number(median(bare.map(\.cpuPerThousand)), digits: 3), .none])
    }
    for (endpoints, results) in drained.sorted(by: { $0.key < $1.key }) where !results.isEmpty {
      let rate = median(results.map(\.perSecond))
      report.rows.append(
        [
          .text("push and settle, \(endpoints) endpoint\(endpoints == 1 ? "" : "s")"), .number(rate, digits: 0),
          bare.isEmpty ? .none : .number(rate / limit, digits: 2),
        ] + Latencies.columns.map { _ in .none } + [
          .number(median(results.map(\.cpuPerThousand)), digits: 3),
          .number(results.map(\.peak).max() ?? 0, digits: 0),
        ])
    }
    report.notes = [
      "on \(messages) rows queued; measured from the dispatcher's start until the last result is committed",
      "wanted: at least 0.70 of the bare loop",
    ]
    return report
  }
}
