internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// A very long queue over very many endpoints, some of them dead: what it costs in memory, in speed, and at a restart. The
/// daemon is the real binary.
struct BacklogCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backlog",
    abstract: "积压：大量未送达与失效端点 / a long queue over many endpoints, some dead",
    discussion: """
      Makes --messages undelivered messages over --endpoints endpoints, each of an organ of its own, and starts `xiecha
      serve` on a copy: with --dead of them switched off, refusing connections, or taking them and never answering.
      Example / 示例:
        xiecha-bench backlog
        xiecha-bench backlog --messages 100000 --endpoints 1000 --dead 100 --seconds 10
      """)

  @OptionGroup var common: Common

  @Option(help: "Undelivered messages.")
  var messages = 1_000_000

  @Option(help: "Endpoints, with the same number of messages each (10–5000).")
  var endpoints = 1000

  @Option(help: "How many of them are dead.")
  var dead = 100

  @Option(help: "Seconds of delivery in each round.")
  var seconds = 20.0

  @Option(help: "Rounds of each kind; medians are shown.")
  var rounds = 1

  private enum Kind: String, CaseIterable {
    case none = "dead ones switched off"
    case refused = "dead ones refuse"
    case stalled = "dead ones stall"
  }

  private struct Measured {
    var rate: [Double] = []
    var rss: [Double] = []
    var cpu: [Double] = []
    var first: [Double] = []
  }

  func validate() throws {
    guard (10...5000).contains(endpoints), (1..<endpoints).contains(dead), messages >= endpoints, seconds > 0,
      (1...10).contains(rounds)
    else {
      throw ValidationError(
        "endpoints 10–5000, dead fewer, messages no fewer than endpoints, seconds above 0, rounds 1–10")
    }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let (sink, stalling, refusing) = (try Sink(), try Sink(stalls: true), try Sink())
    defer { for sink in [sink, stalling] { sink.end() } }
    // Nobody listens on its port once it has ended.
    refusing.end()
    let seed = try workspace.folder("seed")
    try Daemon.make(seed, share: common.share)
    try await fill(seed, sink.port)
    var measured: [Kind: Measured] = [:]
    for _ in 0..<rounds {
      for kind in Kind.allCases {
        let directory = try workspace.copy(seed, as: "state")
        try await kill(kind, directory, refused: refusing.port, stalled: stalling.port)
        try once(directory, sink, &measured[kind, default: Measured()])
        try FileManager.default.removeItem(atPath: directory)
      }
    }
    common.report(report(measured))
  }

  /// Organs that exist for this alone, one endpoint each.
  private func organs(_ like: Organ) -> String {
    var lines = "code,name,short_name,role,region\n"
    for number in 0..<endpoints {
      let start = "1132068199\(1_000_000 + number)"
      let check = "0123456789ABCDEFGHJKLMNPQRTUWXY".first { (try? OrganCode(start + String($0))) != nil }
      guard let check else { preconditionFailure("every code has a check character") }
      lines += "\(start)\(check),压测机关\(number),压测\(number),member,\(like.region)\n"
    }
    return lines
  }

  private func fill(_ directory: String, _ port: UInt16) async throws {
    let store = try Daemon.open(directory)
    defer { store.close() }
    guard let responder = store.reference.organs.last else { throw BenchError("the example has no organs") }
    do { _ = try store.importFile(.organs, Array(organs(responder).utf8)) } catch { throw BenchError("\(error)") }
    let organs = store.reference.organs.filter { $0.name.hasPrefix("压测机关") }
    guard organs.count == endpoints else { throw BenchError("\(organs.count) of \(endpoints) organs were made") }
    try await store.write { context in
      for organ in organs {
        try context.insert(
          Endpoint(
            id: try context.newID(), organ: organ.number, url: "http://127.0.0.1:\(port)/hook/\(organ.number)",
            events: ["*"], body: .full, description: nil, secret: [UInt8](repeating: 7, count: 32),
            createdAt: context.now))
      }
    }
    let samples = try Samples(store.reference)
    try await store.fill(messages) { index in
      (organs[index % organs.count], samples.submission(index, to: responder.code))
    }
  }

  /// Spread over all of them, as it happens.
  private func kill(_ kind: Kind, _ directory: String, refused: UInt16, stalled: UInt16) async throws {
    let store = try Daemon.open(directory)
    defer { store.close() }
    let organs = store.reference.organs.filter { $0.name.hasPrefix("压测机关") }
    let chosen = (0..<dead).map { organs[$0 * organs.count / dead].number }
    for organ in chosen {
      guard var endpoint = try await store.endpoints(of: organ, cursor: nil, limit: 1).items.first?.endpoint else {
        throw BenchError("an endpoint is missing")
      }
      switch kind {
      case .none: endpoint.enabled = false
      case .refused: endpoint.url = "http://127.0.0.1:\(refused)/hook"
      case .stalled: endpoint.url = "http://127.0.0.1:\(stalled)/hook"
      }
      let changed = endpoint
      try await store.write { context in try context.update(changed) }
    }
  }

  /// Delivers for some seconds, is killed, and starts again.
  private func once(_ directory: String, _ sink: Sink, _ measured: inout Measured) throws {
    let daemon = try Daemon(directory)
    defer { daemon.child.end(signal: SIGKILL) }
    usleep(UInt32(seconds * 1_000_000))
    let arrivals = try sink.arrivals()
    guard arrivals.count > 1 else { throw BenchError("nothing arrived within \(seconds) s") }
    guard arrivals.count < messages / endpoints * (endpoints - dead) else {
      throw BenchError("the queue was gone within \(seconds) s: more messages or fewer seconds")
    }
    let memory = Usage.memory(pid: daemon.child.pid).peak
    let cpu = Usage.cpuSeconds(pid: daemon.child.pid)
    daemon.child.end(signal: SIGKILL)
    measured.rate.append(Double(arrivals.count) / (Double(arrivals.last - arrivals.first) / 1e9))
    measured.cpu.append(cpu / Double(arrivals.count) * 1_000_000)
    // What the dead process had sent is read by now.
    usleep(200_000)
    _ = try sink.arrivals()
    let again = try Daemon(directory)
    defer { again.child.end(signal: SIGKILL) }
    var first = try sink.arrivals()
    while first.count == 0 {
      guard nanoseconds() - again.start < 60_000_000_000 else { throw BenchError("nothing arrived after the restart") }
      usleep(5000)
      first = try sink.arrivals()
    }
    measured.first.append(Double(first.first - again.start) / 1_000_000)
    measured.rss.append(max(memory, Usage.memory(pid: again.child.pid).peak))
    again.child.end(signal: SIGKILL)
    usleep(200_000)
    _ = try sink.arrivals()
  }

  private func report(_ measured: [Kind: Measured]) -> Report {
    var report = Report(
      "backlog: \(messages) messages over \(endpoints) endpoints, \(dead) of them dead, \(rounds) rounds of "
        + "\(seconds) s",
      columns: ["", "live per second", "of none dead", "CPU µs each", "peak RSS MB", "restart to first ms"])
    let whole = median(measured[.none]?.rate ?? [])
    for kind in Kind.allCases {
      guard let own = measured[kind] else { continue }
      let rate = median(own.rate)
      report.rows.append([
        .text(kind.rawValue), .number(rate, digits: 0), .number(rate / whole, digits: 2),
        .number(median(own.cpu), digits: 1), .number(own.rss.max() ?? 0, digits: 0),
        .number(median(own.first), digits: 0),
      ])
    }
    report.notes = [
      "on \(messages) rows; killed and started again: from the start of the process to the first arrival at a live one",
      "wanted with 1000000 over 1000, 100 dead: RSS under 150 MB, at least 0.80 of none dead, first within 1000 ms",
    ]
    return report
  }
}
