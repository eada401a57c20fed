internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// How the daemon starts and keeps deadlines with many open requests. The daemon is the real binary.
struct Timers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "期限：大量未结请求下的启动与到期 / start and deadlines with many open requests",
    discussion: """
      Makes rehearsal databases, starts `xiecha serve` on each and moves its clock past the moment at which exactly
      --due requests are due. The call returns when their events and callbacks are committed.
      Example / 示例:
        xiecha-bench timers --open 10000,100000,1000000 --due 10000
      """)

  @OptionGroup var common: Common

  @Option(help: "Open requests, one or more numbers with commas.")
  var open = "10000,100000,1000000"

  @Option(help: "How many are due at once.")
  var due = 10_000

  @Option(help: "Starts per database (1–3): each fires the next rung of the same requests; medians are shown.")
  var rounds = 3

  /// A Monday, and no holiday within the two weeks that follow.
  private static let rehearsalStart = "2026-03-02T09:00:00+08:00"

  private struct Measured {
    var ready: [Double] = []
    var recorded: [Double] = []
    var rss: [Double] = []
    var peak: [Double] = []
    var fileMB = 0.0
  }

  private var sizes: [Int] { open.split(separator: ",").compactMap { Int($0) } }

  func validate() throws {
    guard !sizes.isEmpty, (1...Self.moments.count).contains(rounds), due >= 1, sizes.allSatisfy({ $0 >= due }) else {
      throw ValidationError("open is one or more numbers, none below due; rounds 1–\(Self.moments.count)")
    }
  }

  func run() async throws {
    var report = Report(
      "timers: \(due) due at once, of so many open requests",
      columns: ["open", "database MB", "start to ready ms", "RSS MB", "recorded ms", "µs each", "peak MB"])
    for size in sizes {
      let workspace = try Workspace(in: common.dir)
      defer { workspace.remove() }
      let measured = try await measure(size, workspace)
      let recorded = median(measured.recorded)
      report.rows.append([
        .number(Double(size), digits: 0), .number(measured.fileMB, digits: 0),
        .number(median(measured.ready), digits: 0), .number(measured.rss.max() ?? 0, digits: 0),
        .number(recorded, digits: 0), .number(recorded * 1000 / Double(due), digits: 1),
        .number(measured.peak.max() ?? 0, digits: 0),
      ])
    }
    report.notes = [
      "one endpoint is owed every event; the sink takes them while the timers fire; \(rounds) rounds",
      "wanted with 1000000: ready under 3000 ms, RSS under 150 MB, 10000 recorded under 500 ms, and no growth",
    ]
    common.report(report)
  }

  private func measure(_ size: Int, _ workspace: Workspace) async throws -> Measured {
    let directory = try workspace.folder("state")
    let program = (Child.ownProgram as NSString).deletingLastPathComponent + "/xiecha"
    setenv("XIECHA_SHARE_DIR", try Office.share(common.share), 1)
    let make = try Child(
      program, ["init", "--state-dir", directory, "--example", "qidong", "--rehearse-at", Self.rehearsalStart])
    guard make.end().ok else { throw BenchError("xiecha init failed") }
    let sink = try Sink()
    defer { sink.end() }
    try await fill(directory, size, sinkPort: sink.port)
    guard let text = try? String(contentsOfFile: directory + "/keys.json", encoding: .utf8),
      let key = try JSON.parse(Array(text.utf8))["operator"]?.stringValue
    else { throw BenchError("keys.json cannot be read") }
    var measured = Measured()
    let attributes = try FileManager.default.attributesOfItem(atPath: Store.databasePath(directory))
    measured.fileMB = Double((attributes[.size] as? Int) ?? 0) / 1_000_000
    for round in 0..<rounds {
      try once(program, directory, key: key, dueOn: Self.moments[round], &measured)
      try check(directory, size, round: round + 1)
    }
    return measured
  }

  /// Moments after which another rung of those received on 2 March with five working days is due: T-2, T-1, T.
  private static let moments = [
    "2026-03-05T00:00:01+08:00", "2026-03-06T00:00:01+08:00", "2026-03-10T00:00:01+08:00",
  ]

  private func fill(_ directory: String, _ size: Int, sinkPort: UInt16) async throws {
    guard let received = Instant(rfc3339: Self.rehearsalStart) else { throw BenchError("a date") }
    // The first organ asks what will be due; it alone has an endpoint. The others take turns, and their requests run
    // for so long that no rung of theirs is near.
    try await open(directory, workingDays: 5) { store in
      let (samples, organs) = (try Samples(store.reference), store.reference.organs)
      try await store.fill(due, receivedAt: received) { index in
        (organs[0], samples.submission(index, to: organs[1].code))
      }
    }
    try await open(directory, workingDays: 60) { store in
      let (samples, organs) = (try Samples(store.reference), store.reference.organs)
      let others = Array(organs.dropFirst(2))
      try await store.fill(size - due, from: due, receivedAt: received) { index in
        (others[index % others.count], samples.submission(index, to: organs[1].code))
      }
      try await store.write { context in
        try context.insert(
          Endpoint(
            id: try context.newID(), organ: organs[0].number, url: "http://127.0.0.1:\(sinkPort)/hook", events: ["*"],
            body: .thin, description: nil, secret: [UInt8](repeating: 7, count: 32), createdAt: context.now))
      }
    }
  }

  private func open(_ directory: String, workingDays: Int, _ body: (Store) async throws -> Void) async throws {
    let store = try Store.open(
      directory: directory, role: .command, procedures: [Office.verification(workingDays: workingDays)])
    defer { store.close() }
    guard store.reference.organs.count > 2 else { throw BenchError("too few organs") }
    try await body(store)
  }

  private func once(
    _ program: String, _ directory: String, key: String, dueOn: String, _ measured: inout Measured
  ) throws {
    let start = nanoseconds()
    let daemon = try Child(
      program, ["serve", "--state-dir", directory, "--listen", "127.0.0.1:0"], reading: .errors)
    defer { daemon.end(terminate: true) }
    var port: UInt16?
    while port == nil, let line = daemon.line() {
      guard line.hasPrefix("listening on ") else { continue }
      port = line.split(separator: ":").last.flatMap { UInt16($0) }
    }
    guard let port else { throw BenchError("xiecha serve did not start") }
    measured.ready.append(seconds(since: start) * 1000)
    measured.rss.append(Usage.memory(pid: daemon.pid).now)
    let before = nanoseconds()
    let reply = try Loopback.post(port, "/v1/rehearsal/advance", key: key, "{\"to\":\"\(dueOn)\"}")
    measured.recorded.append(seconds(since: before) * 1000)
    measured.peak.append(Usage.memory(pid: daemon.pid).peak)
    let recorded = try JSON.parse(Array(reply.body.utf8))["recorded"]?.intValue
    guard reply.status == 200, recorded == due else {
      throw BenchError("advance was answered \(reply.status) \(reply.body), wanted \(due) recorded")
    }
  }

  /// Each of them has its event and its callback, on the way or delivered; nothing else has happened.
  private func check(_ directory: String, _ size: Int, round: Int) throws {
    let store = try Store.open(directory: directory, role: .command, procedures: [Office.verification()])
    defer { store.close() }
    var rows: [String: Int64] = [:]
    for (table, count) in try store.counts() { rows[table] = count }
    let owed = (rows["outbox"] ?? 0) + (rows["deliveries"] ?? 0)
    guard rows["events"] == Int64(size + due * round), owed == Int64(due * round) else {
      throw BenchError("after \(round) rounds: \(rows)")
    }
  }
}
