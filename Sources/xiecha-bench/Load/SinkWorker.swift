internal import ArgumentParser
internal import CLimits
internal import Foundation

/// Receives callbacks and answers each with 204: a process of its own, one thread.
struct SinkWorker: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sink-worker", abstract: "Answers every POST with 204 (started by the other commands).",
    discussion: """
      Prints its port; says for each byte of its input what arrived since the last one; ends when its input closes.
      Example: xiecha-bench sink-worker
      """,
    shouldDisplay: false)

  /// Never answers.
  @Flag var stalls = false
  /// Where the request named in each body and the nanoseconds of its arrival go, one a line.
  @Option var record: String?

  private static let answer = Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)
  private static let bufferBytes = 65_536
  private static let mark = Array("\"request\":\"".utf8)
  private static let idBytes = 36

  private final class Connection {
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: SinkWorker.bufferBytes)
    var received = 0
    deinit { buffer.deallocate() }
  }

  private struct Seen {
    var arrivals = Arrivals()
    var moments: [(id: [UInt8], at: UInt64)] = []
  }

  func run() throws {
    let (listener, port) = try Loopback.listen()
    FileHandle.standardOutput.write(Data("\(port)\n".utf8))
    let poller = Poller()
    var connections: [Int32: Connection] = [:]
    var (seen, ended) = (Seen(), false)
    poller.add(listener)
    poller.add(0)
    while !ended {
      poller.wait(nanoseconds: nil) { fd in
        if fd == 0 {
          var byte: UInt8 = 0
          guard read(0, &byte, 1) == 1 else { return ended = true }
          FileHandle.standardOutput.write(Data("\(seen.arrivals.line)\n".utf8))
          seen.arrivals = Arrivals()
        } else if fd == listener {
          while case let new = accept(listener, nil, nil), new >= 0 {
            Loopback.setNonBlocking(new)
            Loopback.setNoDelay(new)
            connections[new] = Connection()
            poller.add(new)
          }
        } else if let connection = connections[fd], !serve(fd, connection, &seen) {
          connections[fd] = nil
          close(fd)
        }
      }
    }
    if let record {
      let lines = seen.moments.map { "\(String(decoding: $0.id, as: UTF8.self)) \($0.at)\n" }.joined()
      try lines.write(toFile: record, atomically: false, encoding: .utf8)
    }
  }

  /// - Returns: false when the peer has closed.
  private func serve(_ fd: Int32, _ connection: Connection, _ seen: inout Seen) -> Bool {
    let buffer = connection.buffer
    let count = recv(fd, buffer + connection.received, Self.bufferBytes - connection.received, 0)
    if count < 0, errno == EAGAIN { return true }
    guard count > 0 else { return false }
    connection.received += count
    while connection.received > 0, let length = HTTPScan.length(buffer, connection.received),
      connection.received >= length
    {
      let now = nanoseconds()
      seen.arrivals.add(now)
      if record != nil, let id = Self.request(buffer, length) { seen.moments.append((id, now)) }
      connection.received -= length
      memmove(buffer, buffer + length, connection.received)
      if stalls { continue }
      guard send(fd, Self.answer, Self.answer.count, Int32(MSG_NOSIGNAL)) == Self.answer.count else { return false }
    }
    // A request that does not fit is none of ours.
    return connection.received < Self.bufferBytes
  }

  /// The id that a body names.
  private static func request(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> [UInt8]? {
    guard let at = limits_find(bytes, count, mark, mark.count) else { return nil }
    let id = at.assumingMemoryBound(to: UInt8.self) + mark.count
    guard id + idBytes <= bytes + count else { return nil }
    return Array(UnsafeBufferPointer(start: id, count: idBytes))
  }
}

/// What a sink has seen within some time: how many, and the monotonic nanoseconds of the first and the last.
struct Arrivals {
  var count = 0
  var first: UInt64 = 0
  var last: UInt64 = 0

  mutating func add(_ now: UInt64) {
    if count == 0 { first = now }
    count += 1
    last = now
  }

  var line: String { "\(count) \(first) \(last)" }

  init() {}

  init?(_ line: String) {
    let fields = line.split(separator: " ").compactMap { UInt64($0) }
    guard fields.count == 3 else { return nil }
    (count, first, last) = (Int(fields[0]), fields[1], fields[2])
  }
}

/// A running sink.
final class Sink {
  let port: UInt16
  private let child: Child

  init(stalls: Bool = false, record: String? = nil) throws {
    child = try Child(
      Child.ownProgram, ["sink-worker"] + (stalls ? ["--stalls"] : []) + (record.map { ["--record", $0] } ?? []))
    guard let port = child.line().flatMap({ UInt16($0) }) else { throw BenchError("the sink did not start") }
    self.port = port
  }

  /// What has arrived since this was last asked.
  func arrivals() throws -> Arrivals {
    child.nudge()
    guard let arrivals = child.line().flatMap({ Arrivals($0) }) else { throw BenchError("the sink has gone") }
    return arrivals
  }

  @discardableResult
  func end() -> Double { child.end().cpuSeconds }
}
