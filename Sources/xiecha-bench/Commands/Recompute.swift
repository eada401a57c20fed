internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation
internal import Histogram
internal import Synchronization

/// How long a change of the calendar takes that moves every open deadline, and what submissions feel of it.
struct Recompute: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "日历变更：重算全部未结期限时受理要等多久 / a changed calendar under load",
    discussion: """
      Opens --requests, gives the organ that must answer them an endpoint, and announces one of the days that they count as a
      day off, as `xiecha import calendar` does beside a daemon, while --submitters submit without a pause.
      Example / 示例:
        xiecha-bench recompute --requests 1000000 --submitters 4
      """)

  @OptionGroup var common: Common

  @Option(help: "Open requests whose deadlines all move (1–10000000).")
  var requests = 1_000_000

  @Option(help: "Writers that submit one request after the other (1–256).")
  var submitters = 4

  @Option(help: "Seconds of submissions before the change, for comparison.")
  var seconds = 2.0

  func validate() throws {
    guard (1...10_000_000).contains(requests), (1...256).contains(submitters), seconds > 0 else {
      throw ValidationError("requests 1–10000000, submitters 1–256, seconds above 0")
    }
  }

  /// What the submitters saw.
  private struct Seen {
    var histogram = Latencies.histogram()
    var took = 0.0
    var rate: Double { Double(histogram.totalCount) / took }
  }

  private final class Watch: Sendable {
    let seen = Mutex(Seen())
    let isOver = Atomic(false)
  }

  func run() async throws {
    let workspace = try Workspace(in: common.dir)
    defer { workspace.remove() }
    let office = try await Office(directory: try workspace.folder("state"), share: common.share)
    let (store, samples) = (office.store, office.samples)
    defer { store.close() }
    let organs = store.reference.organs
    let (asker, answerer) = (organs[0], organs[1])
    try await store.fill(requests) { index in (asker, samples.submission(index, to: answerer.code)) }
    try await store.write { context in
      try context.insert(
        Endpoint(
          id: try context.newID(), organ: answerer.number, url: "http://127.0.0.1:9/hook", events: ["*"], body: .thin,
          description: nil, secret: [UInt8](repeating: 7, count: 32), createdAt: context.now))
    }
    let pause = seconds
    let before = try await load(store, samples) { try await Task.sleep(for: .seconds(pause)) }
    try announce(store)
    let newest = try store.newestEventNow()
    Usage.resetPeak()
    let cpu = Usage.cpuSeconds
    let during = try await load(store, samples) {
      guard try await store.refresh() else { throw BenchError("the change was not taken up") }
    }
    let used = Usage.cpuSeconds - cpu
    let moved = try store.deadlinesMoved(after: newest)
    guard moved >= requests else { throw BenchError("only \(moved) of \(requests) deadlines moved") }
    common.report(report(before, during, moved, used))
  }

  /// As an operator's command beside the daemon does it.
  private func announce(_ store: Store) throws {
    let command = try Store.open(
      directory: store.directory, role: .command, procedures: [Office.verification()])
    defer { command.close() }
    let reference = store.reference
    let day = reference.calendar.workingDay(2, from: store.clock.now.date, region: reference.organs[1].region)
    let file = "date,kind,festival,notice\n\(day),off,测试,测试通知\n"
    do { _ = try command.importFile(.calendar, Array(file.utf8)) } catch { throw BenchError("\(error)") }
  }

  /// Submits until the work is done.
  private func load(_ store: Store, _ samples: Samples, _ work: @escaping @Sendable () async throws -> Void)
    async throws -> Seen
  {
    let watch = Watch()
    let organs = store.reference.organs
    let start = nanoseconds()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<submitters {
        group.addTask {
          var index = number
          while !watch.isOver.load(ordering: .relaxed) {
            let organ = organs[2 + number % (organs.count - 2)]
            let submission = samples.submission(index, to: organs[1].code)
            let began = nanoseconds()
            try await store.write { context in
              let decision = try AssistanceRequest.submit(
                submission, by: organ, id: try context.newID(), now: context.now, reference: context.reference)
              try context.apply(decision, previous: nil, subject: submission.subject)
            }
            let took = (nanoseconds() - began) / 1000
            watch.seen.withLock { _ = $0.histogram.record(took) }
            index += submitters
          }
        }
      }
      defer { watch.isOver.store(true, ordering: .relaxed) }
      try await work()
    }
    return watch.seen.withLock { seen in
      seen.took = Double(nanoseconds() - start) / 1_000_000_000
      return seen
    }
  }

  private func report(_ before: Seen, _ during: Seen, _ moved: Int, _ cpu: Double) -> Report {
    var report = Report(
      "recompute: \(moved) open deadlines moved, \(submitters) submitters",
      columns: ["", "seconds", "accepted/s"] + Latencies.columns + ["longest ms"])
    for (name, seen) in [("before the change", before), ("while it moves them", during)] {
      report.rows.append(
        [.text(name), .number(seen.took, digits: 1), .number(seen.rate, digits: 0)]
          + Latencies(seen.histogram).values.map { .number($0, digits: 0) }
          + [.number(Double(seen.histogram.max) / 1000, digits: 1)])
    }
    report.notes = [
      "µs a deadline: \(Int(during.took * 1_000_000 / Double(moved))); CPU s \(Int(cpu)), submissions included; "
        + "peak \(Int(Usage.memory().peak)) MB",
      "one endpoint is owed every event; those submitted between file and change move too",
      "wanted with 1000000: under 60 s, no submission waits more than 200 ms",
    ]
    return report
  }
}
