internal import ArgumentParser
internal import Glibc

/// Measures the broker against what the machine allows, in the same run: a limit that was measured on another day, or
/// beside other work, says nothing.
@main
struct Bench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "xiecha-bench",
    abstract: "测量受理、回调与期限的速度 / how fast requests are accepted, callbacks pushed, deadlines kept",
    discussion: """
      Everything happens on the loopback interface and in a temporary directory that is removed at the end.
      Example / 示例:
        xiecha-bench accept --connections 64 --seconds 5
        xiecha-bench push --messages 20000
        xiecha-bench together --seconds 10
        xiecha-bench latency --rate 1000 --seconds 60
        xiecha-bench backlog --messages 1000000
        xiecha-bench read --rows 1000000
        xiecha-bench fair --backlog 100000
        xiecha-bench timers --open 1000000 --due 10000
        xiecha-bench recompute --requests 1000000
        xiecha-bench reports --requests 1000000
        xiecha-bench limits
      """,
    subcommands: [
      Accept.self, PushCommand.self, Together.self, Latency.self, BacklogCommand.self, Read.self, Fair.self,
      Timers.self, Recompute.self, Reports.self,
      Limits.self, LoadWorker.self,
      LimitsWorker.self,
      SinkWorker.self,
    ])

  /// SCHED_BATCH of sched(7), which glibc's header shows to GNU sources only.
  private static let batch: Int32 = 3

  /// What is measured runs under the scheduling policy of the systemd unit; those who send and receive, as they would
  /// elsewhere.
  static func main() async {
    let outside = [LoadWorker.configuration, SinkWorker.configuration].compactMap(\.commandName)
    let isOutside = CommandLine.arguments.dropFirst().first.map(outside.contains) ?? false
    var parameters = sched_param()
    guard sched_setscheduler(0, isOutside ? SCHED_OTHER : batch, &parameters) == 0 else {
      exit(withError: BenchError("the scheduling policy cannot be set: \(String(cString: strerror(errno)))"))
    }
    await main(nil)
  }
}
