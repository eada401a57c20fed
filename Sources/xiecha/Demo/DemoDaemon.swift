internal import BrokerCallbacks
internal import BrokerDomain
internal import Foundation
internal import Synchronization
internal import UnixSignals

/// A real daemon in a process of its own, as an operator would run it, and a client for it.
final class DemoDaemon: Sendable {
  let url: String
  private let keys: JSON
  private let process: Mutex<Process?>
  private let client = LocalClient()

  private init(url: String, keys: JSON, process: Process) {
    self.url = url
    self.keys = keys
    self.process = Mutex(process)
  }

  /// Makes the state directory when it is not there, starts `xiecha serve` on it and waits until it listens.
  static func start(
    directory: String, listen: String, rehearseAt: String?, example: String = "qidong"
  ) async throws -> DemoDaemon {
    if !FileManager.default.fileExists(atPath: directory + "/keys.json") {
      var arguments = ["init", "--state-dir", directory, "--example", example]
      if let rehearseAt { arguments += ["--rehearse-at", rehearseAt] }
      let initialise = process(arguments)
      initialise.standardOutput = FileHandle.nullDevice
      try initialise.run()
      initialise.waitUntilExit()
      guard initialise.terminationStatus == 0 else {
        throw Failure(text: "\(directory) 未能建立，原因见上 / xiecha init failed for \(directory); see above")
      }
    }
    guard let data = FileManager.default.contents(atPath: directory + "/keys.json"),
      let keys = try? JSON.parse(Array(data))
    else { throw Failure(text: "\(directory)/keys.json 无法读取 / \(directory)/keys.json cannot be read") }
    let daemon = process(["serve", "--state-dir", directory, "--listen", listen])
    let errors = Pipe()
    daemon.standardError = errors
    try daemon.run()
    let url = try await listening(errors, daemon)
    return DemoDaemon(url: url, keys: keys, process: daemon)
  }

  private static func process(_ arguments: [String]) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    return process
  }

  /// Reads the daemon's log up to the line that says where it listens; passes the rest through.
  private static func listening(_ pipe: Pipe, _ daemon: Process) async throws -> String {
    let log = Mutex("")
    let end = Date().addingTimeInterval(30)
    pipe.fileHandleForReading.readabilityHandler = { handle in
      let data = handle.availableData
      log.withLock { $0 += String(decoding: data, as: UTF8.self) }
    }
    while Date() < end, daemon.isRunning {
      for line in log.withLock({ $0 }).split(separator: "\n") where line.hasPrefix("listening on ") {
        pipe.fileHandleForReading.readabilityHandler = { FileHandle.standardError.write($0.availableData) }
        return String(line.dropFirst("listening on ".count))
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    daemon.terminate()
    throw Failure(text: "服务没有启动 / the daemon did not start:\n\(log.withLock { $0 })")
  }

  func key(of organ: String) -> String { keys["organs"]?[organ]?.stringValue ?? "" }
  var operatorKey: String { keys["operator"]?.stringValue ?? "" }

  /// One call; anything but the wanted status fails the story.
  @discardableResult
  func call(_ method: String, _ path: String, key: String, body: JSON? = nil, want: Int) async throws -> JSON {
    let (status, reply) = try await exchange(method, path, key: key, body: body)
    guard status == want else {
      throw Failure(
        text: "\(method) \(path)：应答复 \(want)，实为 \(status) / \(status), wanted \(want): \(reply.plain)")
    }
    return reply
  }

  /// One call, whatever comes of it.
  func exchange(_ method: String, _ path: String, key: String, body: JSON? = nil) async throws -> (Int, JSON) {
    do {
      let (status, bytes) = try await client.call(method, url + path, key: key, body: body?.bytes ?? [])
      return (status, bytes.isEmpty ? .null : try JSON.parse(bytes))
    } catch let silence as NoReply {
      throw Failure(text: "\(silence.words.zh) / \(silence.words.en)")
    }
  }

  /// Ends the daemon that this started, and waits until it has drained.
  func stop() {
    let running = process.withLock { $0.take() }
    guard let running, running.isRunning else { return }
    running.terminate()
    running.waitUntilExit()
  }

  func waitUntilInterrupted() async throws {
    for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return }
  }
}

/// A call that nobody answered, and why.
struct NoReply: Error {
  let words: Phrase
}

/// Calls the API of a daemon on this machine with the sender that also brings callbacks; replies of up to 64 KiB.
final class LocalClient: Sendable {
  private final class Waiting: Sendable {
    let calls = Mutex<[UInt64: CheckedContinuation<PushReport, Never>]>([:])
  }

  private let waiting: Waiting
  private let curl: CurlMulti

  /// - Parameters:
  ///   - networks: where the daemon may be.
  ///   - caBundle: a PEM file of authorities that is trusted instead of the system's.
  init(networks: [String] = ["127.0.0.0/8"], caBundle: String? = nil) {
    let waiting = Waiting()
    self.waiting = waiting
    let allowed = networks.compactMap { try? CIDR($0) }
    curl = CurlMulti(policy: NetworkPolicy(allowed: allowed), caBundle: caBundle, maxConnections: 4) { reports in
      for report in reports {
        waiting.calls.withLock { $0.removeValue(forKey: report.token) }?.resume(returning: report)
      }
    }
  }

  func call(_ method: String, _ url: String, key: String, body: [UInt8]) async throws -> (Int, [UInt8]) {
    let token = UInt64.random(in: 1...UInt64.max)
    var push = Push(
      token: token, url: url, headers: ["authorization: Bearer \(key)", "content-type: application/json"], body: body)
    push.method = method
    push.keptBytes = 64 * 1024
    let report = await withCheckedContinuation { continuation in
      waiting.calls.withLock { $0[token] = continuation }
      curl.submit([push])
    }
    switch report.outcome {
    case .status(let status): return (status, report.bodyStart)
    case .failed(_, let words):
      throw NoReply(
        words: Phrase("\(method) \(url)：没有接通（\(report.chinese ?? words)）", "\(method) \(url): \(words)"))
    case .unsent, .plainHTTP: throw NoReply(words: Phrase("\(method) \(url)：没有发出", "\(method) \(url): not sent"))
    case .forbiddenAddress(let address):
      throw NoReply(
        words: Phrase(
          "\(method) \(url)：\(address) 不是本机地址", "\(method) \(url): \(address) is no address of this machine"))
    }
  }
}
