internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// How long a supervisor waits for its figures when very many requests are closed.
struct Reports: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "统计：大量已办结请求下的报表 / reports over many closed requests",
    discussion: """
      Fills a store with --requests answered requests of the three years past, through the product's own writer, many to
      a commit; what is filed and tallied on the way is what a daemon files. Then asks for each report over HTTP.
      Example / 示例:
        xiecha-bench reports --requests 1000000
      """)

  @OptionGroup var common: Common

  @Option(help: "Closed requests (1000 or more).")
  var requests = 1_000_000

  @Option(help: "How often each report is asked for; medians are shown.")
  var rounds = 5

  private static let years: Int64 = 3 * 365
  private static let group = 2000

  func validate() throws {
    guard requests >= 1000, (1...100).contains(rounds) else {
      throw ValidationError("requests 1000 or more, rounds 1–100")
    }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let directory = try workspace.folder("state")
    let server = try await BrokerServer(try await Office(directory: directory, share: common.share))
    let store = server.office.store
    let start = nanoseconds()
    try await fill(store, server.office.samples)
    let filled = seconds(since: start)
    guard let supervisor = store.reference.organs.first(where: { $0.roles.contains(.supervisor) }),
      let key = server.office.keys[supervisor.code]
    else { throw BenchError("the example has no supervisor") }
    var report = Report(
      "reports: \(requests) closed requests of 3 years", columns: ["by", "json ms", "csv ms", "html ms", "rows"])
    let today = store.clock.now.date
    let period = "from=\(today + (-Int(Self.years) - 31))&to=\(today)"
    for grouping in ReportGrouping.allCases {
      let path = "/v1/reports/timeliness?\(period)&by=\(grouping.rawValue)"
      var cells: [Report.Cell] = []
      for format in ["json", "csv", "html"] {
        cells.append(.number(try time("\(path)&format=\(format)", server, key), digits: 1))
      }
      let body = try Loopback.get(server.running.port, path, key: key)
      guard let json = try? JSON.parse(Array(body.utf8)), json["total"]?["received"]?.intValue == requests else {
        throw BenchError("the figures are not those of \(requests) requests: \(body.suffix(300))")
      }
      let rows = Double(json["rows"]?.arrayValue?.count ?? 0)
      report.rows.append([.text(grouping.rawValue)] + cells + [.number(rows, digits: 0)])
    }
    for name in ["summary", "circular"] {
      let took = try time("/v1/reports/\(name)?\(period)", server, key)
      report.rows.append([.text(name), .none, .none, .number(took, digits: 1), .none])
    }
    report.notes = [
      String(format: "filled and filed in %.0f s; each number the median of %d", filled, rounds),
      "wanted with 1000000: every one under 2000 ms",
    ]
    await server.stop()
    common.report(report)
  }

  private func time(_ path: String, _ server: BrokerServer, _ key: String) throws -> Double {
    var times: [Double] = []
    for _ in 0..<rounds {
      let start = nanoseconds()
      _ = try Loopback.get(server.running.port, path, key: key)
      times.append(seconds(since: start) * 1000)
    }
    return median(times)
  }

  /// Each is received in its turn over the years past, acknowledged after hours and answered after some days: one in
  /// eleven late.
  private func fill(_ store: Store, _ samples: Samples) async throws {
    let first = store.clock.now.milliseconds - (Self.years + 30) * Instant.millisecondsPerDay
    let step = Self.years * Instant.millisecondsPerDay / Int64(requests)
    let organs = Dictionary(store.reference.organs.map { ($0.code, $0) }) { first, _ in first }
    let group = Self.group
    var done = 0
    while done < requests {
      let range = done..<min(requests, done + group)
      try await store.write { context in
        for index in range {
          guard let organ = organs[samples.entry(index).requester] else { throw BenchError("an unknown organ") }
          let received = Instant(milliseconds: first + Int64(index) * step)
          try context.addClosed(samples.submission(index), by: organ, received: received, index: index)
        }
      }
      done = range.upperBound
    }
  }
}

extension WriteContext {
  fileprivate func addClosed(_ submission: Submission, by organ: Organ, received: Instant, index: Int) throws {
    let opened = try AssistanceRequest.submit(
      submission, by: organ, id: try newID(), now: received, reference: reference)
    try apply(opened, previous: nil, subject: submission.subject)
    let hours: Int64 = 3_600_000
    let acknowledged = try opened.request.carryOut(
      .acknowledge(officer: nil), by: opened.request.responder, now: received + Int64(index % 20) * hours,
      expectedVersions: nil, reference: reference)
    try apply(acknowledged, previous: opened.request)
    let days = index % 11 == 0 ? Int64(14 + index % 7) : Int64(1 + index % 5)
    let finding = Finding(
      question: "q1", result: "confirmed", source: "婚姻登记信息系统", asOf: received.date, note: nil)
    let answered = try acknowledged.request.carryOut(
      .answer(Answer(findings: [finding], text: nil, reference: nil, signatory: "赵六")),
      by: opened.request.responder, now: received + days * 24 * hours, expectedVersions: nil, reference: reference)
    try apply(answered, previous: acknowledged.request)
  }
}
