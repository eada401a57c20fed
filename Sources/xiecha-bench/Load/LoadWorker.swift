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

  func run() throws {
    let generator = try Generator(file: file, port: port, connections: connections)
    let result = try generator.run(warmup: warmup, seconds: seconds)
    let percentiles = Latencies(result.histogram).values.map { String($0) }
    let fields = ["\(result.all)", "\(result.recorded)", "\(result.failed)", "\(result.seconds)"] + percentiles
    print(fields.joined(separator: " "))
  }
}

/// One round of load from outside.
struct Round {
  let rate: Double
  let latencies: Latencies
  /// The server's (this process's) and the generator's, for a thousand requests.
  let cpuPerThousand: Double
  let loadCPUPerThousand: Double

  static func run(
    port: Int, connections: Int, warmup: Double, seconds: Double, file: String
  ) throws -> Round {
    let before = Usage.cpuSeconds
    let child = try Child(
      Child.ownProgram,
      [
        "load-worker", "--port", "\(port)", "--connections", "\(connections)", "--warmup", "\(warmup)",
        "--seconds", "\(seconds)", "--file", file,
      ])
    let line = child.line()
    let after = Usage.cpuSeconds
    let (loadCPU, ok) = child.end()
    let fields = (line ?? "").split(separator: " ").compactMap { Double($0) }
    guard ok, fields.count == 8, let latencies = Latencies(values: Array(fields[4...])), fields[0] > 0 else {
      throw BenchError("the load generator failed")
    }
    guard fields[2] == 0 else { throw BenchError("\(Int(fields[2])) of \(Int(fields[0])) requests were refused") }
    return Round(
      rate: fields[1] / fields[3], latencies: latencies,
      cpuPerThousand: (after - before) / fields[0] * 1000, loadCPUPerThousand: loadCPU / fields[0] * 1000)
  }
}
