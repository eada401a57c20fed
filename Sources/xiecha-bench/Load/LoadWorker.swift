internal import ArgumentParser
internal import Foundation

/// The load generator as a process of its own, so that its CPU time is its own.
struct LoadWorker: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load-worker", abstract: "Sends requests from a file (started by the other commands).",
    discussion: "Example: xiecha-bench load-worker --port 8421 --connections 64 --seconds 5 --file requests",
    shouldDisplay: false)

  @Option var port: UInt16
  @Option var connections: Int
  @Option var warmup = 0.0
  @Option var seconds: Double
  @Option var file: String
  /// A second; without it the next as soon as the last is answered.
  @Option var rate: Double?
  /// Where the times of each request go: two numbers of nanoseconds a line.
  @Option var times: String?

  func run() throws {
    let generator = try Generator(file: file, port: port, connections: connections, keepsTimes: times != nil)
    let result =
      if let rate {
        try generator.run(warmup: warmup, seconds: seconds, rate: rate)
      } else {
        try generator.run(warmup: warmup, seconds: seconds)
      }
    if let times {
      let lines = result.times.map { "\($0.sent) \($0.answered)\n" }.joined()
      try lines.write(toFile: times, atomically: false, encoding: .utf8)
    }
    let percentiles = Latencies(result.histogram).values.map { String($0) }
    let fields = ["\(result.all)", "\(result.recorded)", "\(result.failed)", "\(result.seconds)"] + percentiles
    print(fields.joined(separator: " "))
  }
}

/// What a load generator is to do.
struct LoadPlan {
  let port: Int
  let connections: Int
  var warmup = 1.0
  let seconds: Double
  let file: String
  var rate: Double?
  var times: String?
}

/// One round of load from outside.
struct Round {
  let all: Int
  let rate: Double
  let latencies: Latencies
  /// The server's and the generator's, for a thousand requests.
  let cpuPerThousand: Double
  let loadCPUPerThousand: Double

  /// - Parameter cpu: of the server so far; this process, if it is none of its own.
  static func run(_ plan: LoadPlan, cpu: () -> Double = { Usage.cpuSeconds }) throws -> Round {
    try Load(plan).finish(cpu: cpu)
  }
}

/// A round under way.
final class Load {
  private let child: Child

  init(_ plan: LoadPlan) throws {
    var arguments = [
      "load-worker", "--port", "\(plan.port)", "--connections", "\(plan.connections)", "--warmup", "\(plan.warmup)",
      "--seconds", "\(plan.seconds)", "--file", plan.file,
    ]
    if let rate = plan.rate { arguments += ["--rate", "\(rate)"] }
    if let times = plan.times { arguments += ["--times", times] }
    child = try Child(Child.ownProgram, arguments)
  }

  func finish(cpu: () -> Double = { Usage.cpuSeconds }) throws -> Round {
    let before = cpu()
    let line = child.line()
    let after = cpu()
    let (loadCPU, ok) = child.end()
    let fields = (line ?? "").split(separator: " ").compactMap { Double($0) }
    guard ok, fields.count == 8, let latencies = Latencies(values: Array(fields[4...])), fields[0] > 0 else {
      throw BenchError("the load generator failed")
    }
    guard fields[2] == 0 else { throw BenchError("\(Int(fields[2])) of \(Int(fields[0])) requests were refused") }
    return Round(
      all: Int(fields[0]), rate: fields[1] / fields[3], latencies: latencies,
      cpuPerThousand: (after - before) / fields[0] * 1000, loadCPUPerThousand: loadCPU / fields[0] * 1000)
  }
}
