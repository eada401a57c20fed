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
    var accepted: [Double] = []
    var first: [Double] = []
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
      columns: [
        "open", "database MB", "start to ready ms", "to first 201 ms", "RSS MB", "first callback ms", "recorded ms",
        "µs each", "peak MB",
      ])
    for size in sizes {
      let workspace = try Workspace(in: common.dir)
      defer { workspace.remove() }
      let measured = try await measure(size, workspace)
      let recorded = median(measured.recorded)
      report.rows.append([
        .number(Double(size), digits: 0), .number(measured.fileMB, digits: 0),
        .number(median(measured.ready), digits: 0), .number(median(measured.accepted), digits: 0),
        .number(measured.rss.max() ?? 0, digits: 0), .number(median(measured.first), digits: 1),
        .number(recorded, digits: 0), .number(recorded * 1000 / Double(due), digits: 1),
        .number(measured.peak.max() ?? 0, digits: 0),
      ])
    }
    report.notes = [
      "one endpoint is owed every event; the sink takes them while the timers fire; \(rounds) rounds",
      "the first 201 is counted from the start of the process, the first callback from the moment the clock is moved",
      "wanted with 1000000: first 201 under 1000 ms, RSS under 110 MB, first callback within 20 ms, 10000 recorded under "
        + "250 ms, and no growth",
    ]
    common.report(report)
  }

  private func measure(_ size: Int, _ workspace: Workspace) async throws -> Measured {
    let directory = try workspace.folder("state")
    try Daemon.make(directory, share: common.share, rehearseAt: Self.rehearsalStart)
    let sink = try Sink()
    defer { sink.end() }
    try await fill(directory, size, sinkPort: sink.port)
    let extra = try extra(directory)
    var measured = Measured()
    let attributes = try FileManager.default.attributesOfItem(atPath: Store.databasePath(directory))
    measured.fileMB = Double((attributes[.size] as? Int) ?? 0) / 1_000_000
    // What is still on its way to the disk would slow the first start.
    sync()
    for round in 0..<rounds {
      try once(directory, extra, sink, dueOn: Self.moments[round], &measured)
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
    let store = try Daemon.open(directory, workingDays: workingDays)
    defer { store.close() }
    guard store.reference.organs.count > 2 else { throw BenchError("too few organs") }
    try await body(store)
  }

  private func once(
    _ directory: String, _ extra: Extra, _ sink: Sink, dueOn: String, _ measured: inout Measured
  ) throws {
    let daemon = try Daemon(directory)
    defer { daemon.child.end(signal: SIGTERM) }
    measured.ready.append(seconds(since: daemon.start) * 1000)
    try submit(extra, daemon, &measured)
    measured.rss.append(Usage.memory(pid: daemon.child.pid).now)
    _ = try sink.arrivals()
    let key = try Daemon.keys(directory).operator
    let before = nanoseconds()
    let reply = try Loopback.post(daemon.port, "/v1/rehearsal/advance", key: key, "{\"to\":\"\(dueOn)\"}")
    measured.recorded.append(seconds(since: before) * 1000)
    measured.peak.append(Usage.memory(pid: daemon.child.pid).peak)
    let recorded = try JSON.parse(Array(reply.body.utf8))["recorded"]?.intValue
    guard reply.status == 200, recorded == due else {
      throw BenchError("advance was answered \(reply.status) \(reply.body), wanted \(due) recorded")
    }
    var arrivals = try sink.arrivals()
    while arrivals.count == 0, seconds(since: before) < 60 {
      usleep(10_000)
      arrivals = try sink.arrivals()
    }
    guard arrivals.count > 0 else { throw BenchError("no callback has arrived") }
    measured.first.append(Double(arrivals.first - before) / 1_000_000)
    // The next round begins with an empty queue.
    var arrived = arrivals.count
    while arrived < due {
      guard seconds(since: before) < 300 else { throw BenchError("only \(arrived) of \(due) callbacks have arrived") }
      usleep(10_000)
      arrived += try sink.arrivals().count
    }
  }

  /// The first request of a new process, by and to organs that have no endpoint.
  private struct Extra {
    let key: String
    let body: String
  }

  private func extra(_ directory: String) throws -> Extra {
    let store = try Daemon.open(directory)
    defer { store.close() }
    let (samples, told) = (try Samples(store.reference), store.reference.organs[0].code)
    let found = (0..<Samples.different).first {
      samples.entry($0).requester != told && samples.entry($0).obliged != told
    }
    guard let index = found, let key = try Daemon.keys(directory).organs["\(samples.entry(index).requester)"] else {
      throw BenchError("the example has no such organs")
    }
    return Extra(key: key, body: samples.body(index))
  }

  /// It is withdrawn, so that its timer fires for nothing.
  private func submit(_ extra: Extra, _ daemon: Daemon, _ measured: inout Measured) throws {
    let reply = try Loopback.post(daemon.port, "/v1/requests", key: extra.key, extra.body)
    guard reply.status == 201, let id = try JSON.parse(Array(reply.body.utf8))["id"]?.stringValue else {
      throw BenchError("a request was answered \(reply.status) \(reply.body)")
    }
    measured.accepted.append(seconds(since: daemon.start) * 1000)
    let withdrawn = try Loopback.post(
      daemon.port, "/v1/requests/\(id)/withdraw", key: extra.key, "{\"reason\":\"申请人撤回承诺\"}")
    guard withdrawn.status == 200 else { throw BenchError("withdrawn: \(withdrawn.status) \(withdrawn.body)") }
  }

  /// Each of them has its event and its callback, on the way or delivered; nothing else has happened but one request
  /// a round, submitted and withdrawn.
  private func check(_ directory: String, _ size: Int, round: Int) throws {
    let store = try Daemon.open(directory)
    defer { store.close() }
    var rows: [String: Int64] = [:]
    for (table, count) in try store.counts() { rows[table] = count }
    let owed = (rows["outbox"] ?? 0) + (rows["deliveries"] ?? 0)
    guard rows["events"] == Int64(size + due * round + 2 * round), owed == Int64(due * round) else {
      throw BenchError("after \(round) rounds: \(rows)")
    }
  }
}
