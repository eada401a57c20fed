internal import BrokerDomain
internal import Foundation
internal import FoundationNetworking
internal import Synchronization
internal import UnixSignals

/// A real daemon in a process of its own, as an operator would run it, and a client for it.
final class DemoDaemon: Sendable {
  let url: String
  private let keys: JSON
  private let process: Mutex<Process?>

  /// An answer of the API.
  struct Answer {
    let status: Int
    let json: JSON
  }

  private init(url: String, keys: JSON, process: Process) {
    self.url = url
    self.keys = keys
    self.process = Mutex(process)
  }

  /// Makes the state directory when it is not there, starts `xiecha serve` on it and waits until it listens.
  static func start(directory: String, listen: String, rehearseAt: String?) async throws -> DemoDaemon {
    if !FileManager.default.fileExists(atPath: directory + "/keys.json") {
      var arguments = ["init", "--state-dir", directory, "--example", "qidong"]
      if let rehearseAt { arguments += ["--rehearse-at", rehearseAt] }
      let initialise = process(arguments)
      initialise.standardOutput = FileHandle.nullDevice
      try initialise.run()
      initialise.waitUntilExit()
      guard initialise.terminationStatus == 0 else { throw Failure(text: "xiecha init failed for \(directory)") }
    }
    guard let data = FileManager.default.contents(atPath: directory + "/keys.json"),
      let keys = try? JSON.parse(Array(data))
    else { throw Failure(text: "\(directory)/keys.json cannot be read") }
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
    throw Failure(text: "the daemon did not start:\n\(log.withLock { $0 })")
  }

  func key(of organ: String) -> String { keys["organs"]?[organ]?.stringValue ?? "" }
  var operatorKey: String { keys["operator"]?.stringValue ?? "" }

  /// One call; anything but the wanted status fails the story.
  @discardableResult
  func call(_ method: String, _ path: String, key: String, body: JSON? = nil, want: Int) async throws -> JSON {
    guard let target = URL(string: url + path) else { throw Failure(text: "bad path \(path)") }
    var request = URLRequest(url: target)
    request.httpMethod = method
    request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
    request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    request.httpBody = body.map { Data($0.bytes) }
    let (data, response) = try await URLSession.shared.data(for: request)
    let status = (response as? HTTPURLResponse)?.statusCode ?? 0
    guard status == want else {
      throw Failure(text: "\(method) \(path): \(status), wanted \(want): \(String(decoding: data, as: UTF8.self))")
    }
    return data.isEmpty ? .null : try JSON.parse(Array(data))
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
