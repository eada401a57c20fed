internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// How fast one request is read against the same stack reading nothing, and how long lists take while requests come.
struct Read: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "读取：单件与列表 / one request and lists, beside submissions",
    discussion: """
      Reads single requests all over the table as fast as they are answered, in rounds with the null handler; then each
      kind of list while requests are submitted at a constant rate.
      Example / 示例:
        xiecha-bench read --rows 1000000
        xiecha-bench read --rows 1000000 --list-rate 500 --seconds 30
      """)

  @OptionGroup var common: Common

  @Option(help: "Requests in the database (100–10000000).")
  var rows = 1_000_000

  @Option(help: "Connections, each with one call under way (1–1024).")
  var connections = 64

  @Option(help: "Seconds that count in each round and for each kind of list; one more goes before.")
  var seconds = 5.0

  @Option(help: "Rounds of single requests and of the null handler.")
  var rounds = 3

  @Option(help: "Submissions a second while lists are read.")
  var accepts = 1000.0

  @Option(help: "Lists a second at a constant rate instead of as fast as they are answered.")
  var listRate: Double?

  @Option(help: "Requests on a page (1–500).")
  var limit = 50

  @Option(
    help: "Some of single, all, role, state, overdue, dueBefore, updatedAfter, subject; all of them where left out.")
  var only: String?

  private static let kinds = ["single"] + Query.allCases.map(\.rawValue)

  private var isWanted: (String) -> Bool {
    guard let only else { return { _ in true } }
    let wanted = Set(only.split(separator: ",").map(String.init))
    return wanted.contains
  }

  /// A request that is there, and who may read it.
  private struct Known {
    let id: EntityID
    let index: Int
    let key: String
  }

  private static let different = 4096

  func validate() throws {
    guard (100...10_000_000).contains(rows), (1...1024).contains(connections), seconds > 0, (1...100).contains(rounds),
      (1...100_000).contains(accepts), (listRate ?? 1) > 0, (1...500).contains(limit),
      only.map({ only in only.split(separator: ",").allSatisfy { Self.kinds.contains(String($0)) } && !only.isEmpty })
        ?? true
    else {
      throw ValidationError(
        "rows 100–10000000, connections 1–1024, seconds above 0, rounds 1–100, accepts 1–100000, limit 1–500, "
          + "only some of \(Self.kinds.joined(separator: ", "))")
    }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let office = try await Office(directory: try workspace.folder("state"), share: common.share)
    let known = try await fill(office)
    let server = try await BrokerServer(office)
    let null = try await NullServer.lean.start()
    var report = Report(
      "read: \(connections) connections, on \(rows) rows",
      columns: ["", "per second", "of null"] + Latencies.columns + ["CPU µs each"])
    if isWanted("single") { try single(known, null: null.port, port: server.running.port, workspace, &report) }
    await null.stop()
    try lists(known, office, port: server.running.port, workspace, &report)
    await server.stop()
    report.notes = [
      "lists of \(limit) beside \(Int(accepts)) submissions a second; their CPU includes these",
      "overdue finds none here; what is overdue has a list of its own, so that costs next to nothing",
      "wanted: single requests at least 0.60 of null; lists p99 under 20,000 µs",
    ]
    common.report(report)
  }

  private func fill(_ office: Office) async throws -> [Known] {
    let samples = office.samples
    let organs = Dictionary(samples.reference.organs.map { ($0.code, $0) }) { first, _ in first }
    var (known, index): ([Known], Int) = ([], 0)
    let step = max(1, rows / Self.different)
    try await office.store.fill(
      rows,
      opened: { id in
        if index % step == 0, let key = office.keys[samples.entry(index).requester] {
          known.append(Known(id: id, index: index, key: key))
        }
        index += 1
      },
      { index in
        guard let organ = organs[samples.entry(index).requester] else { preconditionFailure("unknown organ") }
        return (organ, samples.submission(index))
      })
    return known.shuffled()
  }

  private func file(_ name: String, _ workspace: Workspace, _ calls: [(path: String, key: String)]) throws -> String {
    var load = LoadFile()
    for call in calls { load.add("GET", call.path, key: call.key) }
    let file = workspace.path + "/\(name).load"
    try load.write(to: file)
    return file
  }

  private func single(
    _ known: [Known], null: Int, port: Int, _ workspace: Workspace, _ report: inout Report
  ) throws {
    let plans = [
      LoadPlan(
        port: null, connections: connections, seconds: seconds,
        file: try file("null", workspace, known.map { ("/null", $0.key) })),
      LoadPlan(
        port: port, connections: connections, seconds: seconds,
        file: try file("single", workspace, known.map { ("/v1/requests/\($0.id)", $0.key) })),
    ]
    var measured: [[Round]] = [[], []]
    for _ in 0..<rounds {
      for index in plans.indices { measured[index].append(try Round.run(plans[index])) }
    }
    let limit = median(measured[0].map(\.rate))
    for (name, rounds) in zip(["null handler", "one request"], measured) {
      report.rows.append(Self.row(name, rounds, of: limit))
    }
  }

  private static func row(_ name: String, _ rounds: [Round], of limit: Double?) -> [Report.Cell] {
    let rate = median(rounds.map(\.rate))
    return [.text(name), .number(rate, digits: 0), limit.map { .number(rate / $0, digits: 2) } ?? .none]
      + Latencies.medians(rounds.map(\.latencies))
      + [.number(median(rounds.map(\.cpuPerThousand)) * 1000, digits: 0)]
  }

  /// What polling organs ask for.
  private enum Query: String, CaseIterable {
    case all, role, state, overdue, dueBefore, updatedAfter, subject

    func parameters(_ known: Known, now: Instant) -> String {
      func moment(_ later: Int64) -> String { (now + later).rfc3339.replacing("+", with: "%2B") }
      return switch self {
      case .all: ""
      case .role: "&role=requester"
      case .state: "&state=submitted"
      case .overdue: "&overdue=true"
      case .dueBefore: "&dueBefore=\(moment(30 * Instant.millisecondsPerDay))"
      // Since it asked a moment ago.
      case .updatedAfter: "&updatedAfter=\(moment(-1000))"
      case .subject: "&subject=\(Samples.residentID(known.index))"
      }
    }
  }

  private func lists(
    _ known: [Known], _ office: Office, port: Int, _ workspace: Workspace, _ report: inout Report
  ) throws {
    let accepting = workspace.path + "/accept.load"
    try office.samples.write(to: accepting, path: "/v1/requests", keys: office.keys, idempotency: false)
    var beside: [Round] = []
    for query in Query.allCases where isWanted(query.rawValue) {
      let now = office.store.clock.now
      let calls = known.map { known in
        (path: "/v1/requests?limit=\(limit)\(query.parameters(known, now: now))", key: known.key)
      }
      let submitting = try Load(
        LoadPlan(port: port, connections: connections, seconds: seconds, file: accepting, rate: accepts))
      let round = try Round.run(
        LoadPlan(
          port: port, connections: connections, seconds: seconds, file: try file("list", workspace, calls),
          rate: listRate))
      beside.append(try submitting.finish())
      report.rows.append(Self.row("list: \(query.rawValue)", [round], of: nil))
    }
    // Their CPU is within that of the lists.
    if beside.isEmpty { return }
    report.rows.append(Self.row("submissions meanwhile", beside, of: nil).dropLast() + [.none])
  }
}
