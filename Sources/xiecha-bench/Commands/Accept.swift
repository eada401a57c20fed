internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// How fast requests are accepted, each durable before its 201, against the same stack that keeps nothing and a C
/// program that writes the same rows.
struct Accept: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "受理速度：落盘后才答复 / durable submissions per second",
    discussion: """
      Rounds alternate between two null handlers (stock: Hummingbird as its guide has it; null: as lean as we can make
      it), a plain C program with the same rows, group commit and one transaction per request; medians are shown. With
      --rate requests come at a constant rate instead, and latency counts from when each was due.
      Example / 示例:
        xiecha-bench accept --connections 64 --seconds 5 --rounds 3
        xiecha-bench accept --rows 1000000 --only null,c,group
        xiecha-bench accept --rate 1000 --seconds 60 --rounds 1
      """)

  @OptionGroup var common: Common
  @OptionGroup var holding: Holding

  @Option(help: "Connections, each with one request under way (1–1024).")
  var connections = 64

  @Option(help: "Seconds that count in each round; one more goes before.")
  var seconds = 5.0

  @Option(help: "Rounds of each kind.")
  var rounds = 3

  @Option(help: "Requests a second at a constant rate, by all but single.")
  var rate: Double?

  @Flag(help: "Give every request an Idempotency-Key of its own.")
  var idempotency = false

  @Option(help: "Only these kinds, with commas: stock, null, c, group, single.")
  var only: String?

  private struct Kind {
    let id: String
    let name: String
    let plan: LoadPlan
    /// Of the server: this process, or its own.
    let pid: pid_t
    /// Ends it and says what its database held.
    let stop: () async throws -> String?
    var rounds: [Round] = []
    var peak = 0.0
  }

  private static let ids = ["stock", "null", "c", "group", "single"]

  private var chosen: [String] {
    let usual = rate == nil ? Self.ids : ["stock", "null", "c", "group"]
    guard let only else { return usual }
    let wanted = only.split(separator: ",").map(String.init)
    return wanted.allSatisfy(Self.ids.contains) ? Self.ids.filter(wanted.contains) : []
  }

  func validate() throws {
    guard (1...1024).contains(connections), seconds > 0, (1...100).contains(rounds), !chosen.isEmpty,
      (rate ?? 1) > 0
    else {
      throw ValidationError(
        "connections 1–1024, seconds above 0, rounds 1–100, rate above 0, only some of stock, null, c, group, single")
    }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let seed = try await Seed(workspace, share: common.share, rows: holding.rows)
    var kinds: [Kind] = []
    for id in chosen { kinds.append(try await make(id, seed, workspace)) }
    for _ in 0..<rounds {
      for index in kinds.indices {
        let pid = kinds[index].pid
        Usage.resetPeak(pid: pid)
        kinds[index].rounds.append(
          try Round.run(kinds[index].plan) { pid == getpid() ? Usage.cpuSeconds : Usage.cpuSeconds(pid: pid) })
        kinds[index].peak = max(kinds[index].peak, Usage.memory(pid: pid).peak)
      }
    }
    var notes: [String] = []
    for kind in kinds {
      if let note = try await kind.stop() { notes.append("\(kind.name): \(note)") }
    }
    common.report(report(kinds, notes))
  }

  private func make(_ id: String, _ seed: Seed, _ workspace: Workspace) async throws -> Kind {
    var options = StoreOptions()
    if id == "single" { options.batchLimit = 1 }
    let office = try seed.open(workspace, as: id, options: options)
    let file = workspace.path + "/\(id).load"
    try office.samples.write(
      to: file, path: ["stock", "null"].contains(id) ? "/null" : "/v1/requests", keys: office.keys,
      idempotency: idempotency)
    func plan(_ port: Int) -> LoadPlan {
      LoadPlan(port: port, connections: connections, seconds: seconds, file: file, rate: rate)
    }
    switch id {
    case "stock", "null":
      office.store.close()
      let null = try await (id == "stock" ? NullServer.stock : .lean).start()
      return Kind(
        id: id, name: id == "stock" ? "null handler, stock" : "null handler, lean", plan: plan(null.port), pid: getpid()
      ) {
        await null.stop()
        return nil
      }
    case "c":
      let plain = try PlainAccept(office, idempotency: idempotency)
      return Kind(id: id, name: "C, the same rows", plan: plan(plain.port), pid: plain.pid) {
        try plain.end()
        return "\(try Self.held(office)) rows at the end"
      }
    default:
      let server = try await BrokerServer(office)
      let name = id == "group" ? "accept, group commit" : "accept, one transaction each"
      return Kind(id: id, name: name, plan: plan(server.running.port), pid: getpid()) {
        await server.stop()
        let sizes = office.store.batchSizes
        return
          "\(try Self.held(office)) rows at the end; a group held \(sizes.sum / max(1, sizes.count)) writes on average"
      }
    }
  }

  /// Requests in a database that nobody uses any more: each has its event, its timer and its subject.
  private static func held(_ office: Office) throws -> Int64 {
    let store = try Daemon.open(office.store.directory)
    defer { store.close() }
    let counts = Dictionary(uniqueKeysWithValues: try store.counts().map { ($0.table, $0.rows) })
    let rows = counts["requests"] ?? 0
    guard rows > 0, counts["events"] == rows, counts["timers"] == rows else { throw BenchError("held: \(counts)") }
    return rows
  }

  private func report(_ kinds: [Kind], _ notes: [String]) -> Report {
    let how = rate.map { "at \(Int($0))/s" } ?? "saturated"
    var report = Report(
      "accept \(how): \(connections) connections, \(rounds) rounds of \(seconds) s, \(holding.shown)"
        + (idempotency ? ", with Idempotency-Key" : ""),
      columns: ["", "per second", "of stock", "of null", "of C", "of single"] + Latencies.columns + [
        "CPU s/1k", "load CPU s/1k", "peak MB",
      ])
    for kind in kinds {
      let own = median(kind.rounds.map(\.rate))
      func ratio(_ id: String) -> Report.Cell {
        let other = kinds.first { $0.id == id }.map { median($0.rounds.map(\.rate)) }
        return other.map { .number(own / $0, digits: 2) } ?? .none
      }
      report.rows.append(
        [.text(kind.name), .number(own, digits: 0), ratio("stock"), ratio("null"), ratio("c"), ratio("single")]
          + Latencies.medians(kind.rounds.map(\.latencies))
          + [
            .number(median(kind.rounds.map(\.cpuPerThousand)), digits: 3),
            .number(median(kind.rounds.map(\.loadCPUPerThousand)), digits: 3), .number(kind.peak, digits: 0),
          ])
    }
    report.notes = notes
    report.notes.append(
      rate == nil
        ? "wanted of group commit: at least 0.60 of null and 0.60 of C, p99 under 6,000 µs"
        : "wanted of group commit: p99 under 3,000 µs at 1,000 a second, from when each was due")
    return report
  }
}
