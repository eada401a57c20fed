internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation
internal import Histogram

/// From an answer to the callback that tells it, at a constant rate.
struct Latency: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "从答复到回调送达 / from an answer to the arrival of its callback",
    discussion: """
      Requests that are open already are answered over HTTP at a constant rate, each once; each requester has an endpoint.
      Moments are read by the clients themselves: the load generator's and the receiver's.
      Example / 示例:
        xiecha-bench latency --rate 1000 --seconds 60
        xiecha-bench latency --rate 1000 --seconds 60 --rows 1000000
      """)

  @OptionGroup var common: Common
  @OptionGroup var holding: Holding

  @Option(help: "Answers a second.")
  var rate = 1000.0

  @Option(help: "Seconds that count; one more goes before.")
  var seconds = 60.0

  @Option(help: "Connections that take turns (1–1024).")
  var connections = 64

  private static let warmup = 1.0

  func validate() throws {
    guard (1...1024).contains(connections), seconds > 0, (1...100_000).contains(rate), rate * seconds < 5_000_000 else {
      throw ValidationError("connections 1–1024, seconds above 0, rate 1–100000, no more than 5000000 answers")
    }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let (times, record) = (workspace.path + "/times", workspace.path + "/arrivals")
    let sink = try Sink(record: record)
    defer { sink.end() }
    let office = try await Seed(workspace, share: common.share, rows: holding.rows).open(workspace, as: "state")
    let samples = try office.samples.oneSided()
    try await office.listen(samples.requesters, events: ["request.answered"], port: sink.port)
    let ids = try await open(Int((seconds + Self.warmup) * rate), office.store, samples)
    let file = workspace.path + "/load"
    try write(ids, office, samples, to: file)
    let server = try await BrokerServer(office, callbacks: .loopback)
    let round = try Round.run(
      LoadPlan(
        port: server.running.port, connections: connections, warmup: Self.warmup, seconds: seconds, file: file,
        rate: rate, times: times))
    try await office.store.waitForEmptyOutbox(seconds: 60)
    sink.end()
    await server.stop()
    common.report(try report(round, try moments(ids, times, record)))
  }

  private func open(_ count: Int, _ store: Store, _ samples: Samples) async throws -> [EntityID] {
    var ids: [EntityID] = []
    let organs = Dictionary(store.reference.organs.map { ($0.code, $0) }) { first, _ in first }
    try await store.fill(count, opened: { ids.append($0) }) { index in
      guard let organ = organs[samples.entry(index).requester] else { preconditionFailure("unknown organ") }
      return (organ, samples.submission(index))
    }
    return ids
  }

  private func write(_ ids: [EntityID], _ office: Office, _ samples: Samples, to file: String) throws {
    let today = office.store.clock.now.date
    let body = """
      {"findings":[{"question":"q1","result":"confirmed","source":"婚姻登记信息系统","asOf":"\(today)"}],"signatory":"赵六"}
      """
    var load = LoadFile()
    for (index, id) in ids.enumerated() {
      guard let key = office.keys[samples.entry(index).obliged] else { throw BenchError("an organ has no key") }
      load.add("POST", "/v1/requests/\(id)/answer", key: key, body: body)
    }
    try load.write(to: file)
  }

  /// Of one answer: due to be sent, 2xx at the client, callback at the receiver; monotonic nanoseconds.
  private struct Moments {
    let sent: UInt64
    let answered: UInt64
    let arrived: UInt64
  }

  private func moments(_ ids: [EntityID], _ times: String, _ record: String) throws -> [Moments] {
    func lines(_ file: String) throws -> [Substring] {
      try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    }
    var arrivals: [Substring: UInt64] = [:]
    for line in try lines(record) {
      let fields = line.split(separator: " ")
      guard fields.count == 2, let at = UInt64(fields[1]) else { throw BenchError("the sink wrote \(line)") }
      // The first counts, should one be sent twice.
      arrivals[fields[0]] = min(at, arrivals[fields[0]] ?? at)
    }
    var moments: [Moments] = []
    for (id, line) in zip(ids, try lines(times)) {
      let fields = line.split(separator: " ").compactMap { UInt64($0) }
      guard fields.count == 2 else { throw BenchError("the load generator wrote \(line)") }
      guard fields[1] > 0 else { continue }
      guard let arrived = arrivals["\(id)"[...]] else { throw BenchError("no callback has told the answer of \(id)") }
      moments.append(Moments(sent: fields[0], answered: fields[1], arrived: arrived))
    }
    return Array(moments.dropFirst(Int(Self.warmup * rate)))
  }

  private func report(_ round: Round, _ moments: [Moments]) throws -> Report {
    guard !moments.isEmpty else { throw BenchError("nothing was answered after the warm-up") }
    var report = Report(
      "latency: \(moments.count) answers at \(Int(rate))/s for \(seconds) s, \(connections) connections, "
        + holding.shown,
      columns: ["", "per second"] + Latencies.columns)
    func row(_ name: String, _ from: KeyPath<Moments, UInt64>, _ to: KeyPath<Moments, UInt64>) {
      var histogram = Latencies.histogram()
      for moment in moments {
        let (from, to) = (moment[keyPath: from], moment[keyPath: to])
        histogram.record(to > from ? min(Latencies.longest, (to - from) / 1000) : 0)
      }
      report.rows.append(
        [.text(name), .number(round.rate, digits: 0)] + Latencies.medians([Latencies(histogram)]))
    }
    row("2xx at the client to callback", \.answered, \.arrived)
    row("due to be sent to callback", \.sent, \.arrived)
    row("due to be sent to 2xx", \.sent, \.answered)
    let before = moments.count { $0.arrived < $0.answered }
    report.notes = [
      "\(before) of \(moments.count) callbacks arrived before the 2xx and count as 0 in the first row",
      "CPU µs an answer with its callback: \(Int(round.cpuPerThousand * 1000))",
      "wanted of the first row at 1,000 a second: p50 under 1,000 µs, p99 under 3,000 µs",
    ]
    return report
  }
}
