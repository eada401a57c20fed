internal import ArgumentParser
internal import BrokerCallbacks
internal import BrokerDomain
internal import BrokerStore
internal import Foundation
internal import Histogram

/// How long a message for one endpoint takes while another endpoint has a long queue.
struct Fair: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "积压不拖累别人 / one endpoint's backlog and another's delay",
    discussion: """
      From before the submission of a message to its answer by the receiver, committed on the way; without a backlog, then
      while one goes out.
      Example / 示例:
        xiecha-bench fair --backlog 100000
        xiecha-bench fair --backlog 100000 --rows 1000000
      """)

  @OptionGroup var common: Common
  @OptionGroup var holding: Holding

  @Option(help: "Messages queued for the busy endpoint.")
  var backlog = 100_000

  @Option(help: "Single messages for the quiet one, at most; those that find the backlog gone do not count.")
  var messages = 200

  func validate() throws {
    guard backlog >= 1000, messages >= 10 else { throw ValidationError("backlog 1000 or more, messages 10 or more") }
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let sink = try Sink()
    defer { sink.end() }
    let seed = try await Seed(workspace, share: common.share, rows: holding.rows)
    let queue = try await Backlog(
      try seed.open(workspace, as: "fair"), count: backlog, endpoints: 1, port: sink.port, body: .full)
    let store = queue.office.store
    defer { store.close() }
    let organs = store.reference.organs
    guard organs.count > 2, let last = organs.last else { throw BenchError("too few organs") }
    let url = "http://127.0.0.1:\(sink.port)/quiet"
    let quiet = try await store.write { context in
      let endpoint = Endpoint(
        id: try context.newID(), organ: organs[1].number, url: url, events: ["*"],
        body: .full, description: nil, secret: WebhookSecret.generate().raw, createdAt: context.now)
      try context.insert(endpoint)
      return endpoint.id.key
    }
    let dispatcher = Dispatcher(store: store, options: try .loopback, logger: .quiet)
    let (start, samples) = (nanoseconds(), queue.office.samples)
    dispatcher.start()
    let histogram = Latencies.histogram()
    var (during, sent) = (histogram, 0)
    while sent < messages {
      let index = sent
      let (began, left) = (nanoseconds(), try await store.outboxDepth().count)
      if left < backlog / 100 { break }
      let submitted = nanoseconds()
      try await store.fill(1, from: backlog + index) { index in
        (organs[1], samples.submission(index, to: last.code))
      }
      sent += 1
      try await arrived(sent, quiet, dispatcher, since: began)
      during.record(UInt64(seconds(since: submitted) * 1_000_000))
    }
    let lasted = seconds(since: start)
    guard sent > 0 else { throw BenchError("the backlog was gone before the first message") }
    try await store.waitForEmptyOutbox(seconds: 600)
    var alone = histogram
    for index in 0..<messages {
      let submitted = nanoseconds()
      try await store.fill(1, from: backlog + sent + index) { index in
        (organs[1], samples.submission(index, to: last.code))
      }
      try await arrived(sent + index + 1, quiet, dispatcher, since: submitted)
      alone.record(UInt64(seconds(since: submitted) * 1_000_000))
    }
    await dispatcher.stop(graceSeconds: 1)
    var report = Report("fair: \(backlog) queued for another endpoint", columns: ["", "messages"] + Latencies.columns)
    for (name, count, times) in [("alone", messages, alone), ("beside the backlog", sent, during)] {
      report.rows.append(
        [.text(name), .number(Double(count), digits: 0)] + Latencies.medians([Latencies(times)]))
    }
    report.notes = [
      "\(holding.shown); from submission to the receiver's answer; the messages took \(String(format: "%.1f", lasted)) s",
      "wanted: less than 50,000 µs at the median beside the backlog",
    ]
    common.report(report)
  }

  private func arrived(_ count: Int, _ endpoint: Int64, _ dispatcher: Dispatcher, since: UInt64) async throws {
    while (dispatcher.health(of: endpoint)?.recentAttempts ?? 0) < count {
      guard seconds(since: since) < 60 else { throw BenchError("message \(count) has not arrived after 60 s") }
      try await Task.sleep(for: .microseconds(100))
    }
  }
}
