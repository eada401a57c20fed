internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// How fast callbacks leave, each result settled on disk, against a bare libcurl loop that settles nothing and a C program
/// that settles the same.
struct PushCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "push", abstract: "回调速度：结果落盘 / signed callbacks per second, every result recorded",
    discussion: """
      The sink answers 204 at once. Rounds alternate between the bare loop, a plain C program that signs and settles, and
      the dispatcher; medians are shown.
      Example / 示例:
        xiecha-bench push --messages 20000 --in-flight 64
        xiecha-bench push --messages 50000 --in-flight 256 --rows 1000000 --only c,1
      """)

  @OptionGroup var common: Common
  @OptionGroup var holding: Holding

  @Option(help: "Messages in each round.")
  var messages = 20_000

  @Option(help: "On the wire at once, over all endpoints and for each (1–1024).")
  var inFlight = 64

  @Option(help: "Rounds of each kind.")
  var rounds = 3

  @Option(help: "full: the representation, about 1 KB; thin: ids only.")
  var body = "full"

  @Option(help: "Only these kinds, with commas: bare, c, 1, 16 (endpoints).")
  var only: String?

  private static let kinds = ["bare", "c", "1", "16"]

  private var chosen: [String] {
    guard let only else { return Self.kinds }
    let wanted = only.split(separator: ",").map(String.init)
    return wanted.allSatisfy(Self.kinds.contains) ? Self.kinds.filter(wanted.contains) : []
  }

  private struct Measured {
    var perSecond: [Double] = []
    var cpu: [Double] = []
    var latencies: [Latencies] = []
    var peak: [Double] = []
  }

  func validate() throws {
    guard (1...1024).contains(inFlight), messages >= 100, (1...100).contains(rounds),
      Endpoint.Body(rawValue: body) != nil, !chosen.isEmpty
    else {
      throw ValidationError(
        "in-flight 1–1024, messages 100 or more, rounds 1–100, body full or thin, only some of bare, c, 1, 16")
    }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let sink = try Sink()
    defer { sink.end() }
    let seed = try await Seed(workspace, share: common.share, rows: holding.rows)
    var measured: [String: Measured] = [:]
    var bodyBytes = 0
    for _ in 0..<rounds {
      for kind in chosen {
        let office = try seed.open(workspace, as: "push")
        let backlog = try await Backlog(
          office, count: messages, endpoints: Int(kind) ?? 1, port: sink.port,
          body: Endpoint.Body(rawValue: body) ?? .full)
        let sample = try backlog.sampleBody()
        bodyBytes = sample.count
        try await once(kind, backlog, sample, &measured[kind, default: Measured()])
        try FileManager.default.removeItem(atPath: office.store.directory)
      }
    }
    common.report(report(measured, bodyBytes))
  }

  private func once(_ kind: String, _ backlog: Backlog, _ sample: [UInt8], _ measured: inout Measured) async throws {
    let store = backlog.office.store
    switch kind {
    case "bare":
      let result = try BareLoop(urls: backlog.urls, body: sample, inFlight: inFlight).run(messages)
      measured.perSecond.append(result.perSecond)
      measured.cpu.append(result.cpuPerThousand)
      measured.latencies.append(result.latencies)
      store.close()
    case "c":
      store.close()
      let file = store.directory + "/body"
      try Data(sample).write(to: URL(filePath: file))
      let child = try Child(
        Child.ownProgram,
        [
          "limits-worker", "push", "--database", backlog.office.database, "--url", backlog.urls[0],
          "--endpoint", "\(backlog.endpoints[0].id.key)", "--in-flight", "\(inFlight)", "--messages", "\(messages)",
          "--body", file,
        ])
      let fields = (child.line() ?? "").split(separator: " ").compactMap { Double($0) }
      guard child.end().ok, fields.count == 2 else { throw BenchError("the C program failed") }
      try check(backlog.office)
      measured.perSecond.append(Double(messages) / fields[0])
      measured.cpu.append(fields[1] / Double(messages) * 1000)
    default:
      let result = try await backlog.drain(inFlight: inFlight, perEndpoint: inFlight)
      measured.perSecond.append(result.perSecond)
      measured.cpu.append(result.cpuPerThousand)
      measured.peak.append(result.peak)
      store.close()
    }
  }

  /// The C program has settled every one.
  private func check(_ office: Office) throws {
    let store = try Daemon.open(office.store.directory)
    defer { store.close() }
    let counts = Dictionary(uniqueKeysWithValues: try store.counts().map { ($0.table, $0.rows) })
    guard counts["outbox"] == 0, counts["deliveries"] == Int64(messages) else { throw BenchError("settled: \(counts)") }
  }

  private static func name(_ kind: String) -> String {
    switch kind {
    case "bare": "bare curl loop"
    case "c": "C, signed and settled"
    default: "push and settle, \(kind) endpoint\(kind == "1" ? "" : "s")"
    }
  }

  private func report(_ measured: [String: Measured], _ bodyBytes: Int) -> Report {
    var report = Report(
      "push: \(messages) messages of \(bodyBytes) bytes, \(inFlight) in flight, \(rounds) rounds, \(holding.shown)",
      columns: ["", "per second", "of bare", "of C"] + Latencies.columns + ["CPU µs each", "peak MB"])
    for kind in chosen {
      guard let own = measured[kind] else { continue }
      let rate = median(own.perSecond)
      func ratio(_ other: String) -> Report.Cell {
        measured[other].map { .number(rate / median($0.perSecond), digits: 2) } ?? .none
      }
      report.rows.append(
        [.text(Self.name(kind)), .number(rate, digits: 0), ratio("bare"), ratio("c")]
          + (own.latencies.isEmpty ? Latencies.columns.map { _ in .none } : Latencies.medians(own.latencies))
          + [.number(median(own.cpu) * 1000, digits: 1), own.peak.max().map { .number($0, digits: 0) } ?? .none])
    }
    report.notes = [
      "on \(messages) rows queued besides; measured from the start until the last result is committed",
      "bare and C send one body again and again; the dispatcher makes each anew from its event",
      "wanted: at least 0.80 of C with 64 and with 256 in flight",
    ]
    return report
  }
}
