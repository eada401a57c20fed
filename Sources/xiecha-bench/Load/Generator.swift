internal import CLimits
internal import Foundation
internal import Histogram

/// Sends ready-made requests over a fixed number of connections: the next one on each as soon as the last is answered,
/// or at a constant rate. One thread and no allocation per request: it shares the machine with what it measures.
final class Generator {
  private struct Connection {
    let out: UnsafeMutablePointer<UInt8>
    let buffer: UnsafeMutablePointer<UInt8>
    var received = 0
    /// When it was sent, or should have been: what waits for a busy server waits all the same.
    var sentAt: UInt64 = 0
    var request = 0
  }

  struct Result {
    var all = 0
    var recorded = 0
    var failed = 0
    var seconds = 0.0
    var histogram = Latencies.histogram()
    /// Of each request, in the order of the file: when it should have gone and when it was answered; 0 for never.
    var times: [(sent: UInt64, answered: UInt64)] = []
  }

  private let requests: [[UInt8]]
  private let keyOffsets: [Int?]
  private var connections: [Int32: Connection] = [:]
  private let poller = Poller()
  private var next = 0
  private var serial: UInt64
  private var result = Result()
  /// From when on requests count.
  private var start: UInt64 = 0
  private let keepsTimes: Bool
  /// As long as a full list: 500 requests.
  private static let bufferBytes = 1 << 20
  /// Past the end of a round at a constant rate, what is late is given up.
  private static let graceNanoseconds: UInt64 = 20_000_000_000
  /// Stands where each request carries a key of its own.
  static let keyPlaceholder = String(repeating: "0", count: 32)

  /// - Parameters:
  ///   - file: requests, each behind its length as four bytes (little-endian).
  ///   - keepsTimes: of each request; then none is sent twice.
  init(file: String, port: UInt16, connections count: Int, keepsTimes: Bool = false) throws {
    guard let data = FileManager.default.contents(atPath: file) else { throw BenchError("\(file) cannot be read") }
    var (requests, at): ([[UInt8]], Int) = ([], 0)
    let bytes = [UInt8](data)
    while at + 4 <= bytes.count {
      let length = bytes[at..<(at + 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
      requests.append(Array(bytes[(at + 4)..<(at + 4 + length)]))
      at += 4 + length
    }
    self.requests = requests
    self.keepsTimes = keepsTimes
    if keepsTimes { result.times = Array(repeating: (0, 0), count: requests.count) }
    keyOffsets = requests.map { Self.keyOffset($0) }
    serial = nanoseconds()
    let longest = requests.map(\.count).max() ?? 0
    for _ in 0..<count {
      let fd = try Loopback.connect(port)
      Loopback.setNonBlocking(fd)
      connections[fd] = Connection(
        out: .allocate(capacity: longest), buffer: .allocate(capacity: Self.bufferBytes))
      poller.add(fd)
    }
  }

  /// Where the value of the Idempotency-Key stands.
  private static func keyOffset(_ request: [UInt8]) -> Int? {
    let placeholder = Array("Idempotency-Key: \(keyPlaceholder)".utf8)
    return request.withUnsafeBytes { bytes in
      limits_find(bytes.baseAddress, bytes.count, placeholder, placeholder.count).map { found in
        found - bytes.baseAddress! + placeholder.count - keyPlaceholder.utf8.count
      }
    }
  }

  /// As fast as the answers come.
  func run(warmup: Double, seconds limit: Double) throws -> Result {
    start = nanoseconds() + UInt64(warmup * 1e9)
    let end = start + UInt64(limit * 1e9)
    for fd in Array(connections.keys) { try send(fd, at: nanoseconds()) }
    var now = nanoseconds()
    while now < end {
      try poller.wait(nanoseconds: 100_000_000) { fd in
        guard let status = try receive(fd) else { return }
        now = nanoseconds()
        record(fd, status, now)
        if now < end { try send(fd, at: now) }
      }
      now = nanoseconds()
    }
    return finish(now)
  }

  /// So many a second, whatever the server does: one that is due while every connection is busy goes as soon as one is
  /// free, and counts from when it was due.
  func run(warmup: Double, seconds limit: Double, rate: Double) throws -> Result {
    let begin = nanoseconds() + 10_000_000
    start = begin + UInt64(warmup * 1e9)
    let end = start + UInt64(limit * 1e9)
    var (idle, issued) = (Array(connections.keys), 0)
    var due: UInt64 { begin + UInt64(Double(issued) * 1e9 / rate) }
    var hasMore: Bool { due < end && (!keepsTimes || issued < requests.count) }
    var last = start
    while hasMore || idle.count < connections.count {
      let now = nanoseconds()
      guard now < end + Self.graceNanoseconds else { break }
      while hasMore, due <= now, !idle.isEmpty {
        try send(idle.removeFirst(), at: due)
        issued += 1
      }
      let pause = hasMore && !idle.isEmpty ? due &- min(due, nanoseconds()) : 100_000_000
      try poller.wait(nanoseconds: pause) { fd in
        guard let status = try receive(fd) else { return }
        last = nanoseconds()
        record(fd, status, last)
        idle.append(fd)
      }
    }
    // One that was never answered is a failure, and no fast round.
    result.failed += connections.count - idle.count
    return finish(max(last, end))
  }

  private func finish(_ now: UInt64) -> Result {
    result.seconds = Double(now - start) / 1e9
    for fd in connections.keys { close(fd) }
    return result
  }

  private func record(_ fd: Int32, _ status: UInt8, _ now: UInt64) {
    guard let connection = connections[fd] else { return }
    result.all += 1
    if status != 2 { result.failed += 1 }
    if keepsTimes { result.times[connection.request] = (connection.sentAt, now) }
    // What is answered while it warms up does not count.
    guard now >= start else { return }
    result.recorded += 1
    result.histogram.record(min(Latencies.longest, (now - connection.sentAt) / 1000))
  }

  private func send(_ fd: Int32, at moment: UInt64) throws {
    let request = requests[next]
    let out = connections[fd]!.out
    request.withUnsafeBufferPointer { out.update(from: $0.baseAddress!, count: $0.count) }
    if let offset = keyOffsets[next] { writeSerial(out + offset) }
    connections[fd]!.request = next
    next = (next + 1) % requests.count
    connections[fd]!.sentAt = moment
    // A request is far smaller than a socket's buffer, and only one is under way on each.
    guard Glibc.send(fd, out, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      throw BenchError("a request was not sent whole: \(String(cString: strerror(errno)))")
    }
  }

  private func writeSerial(_ out: UnsafeMutablePointer<UInt8>) {
    serial += 1
    var rest = serial
    for position in (0..<16).reversed() {
      let digit = UInt8(rest & 15)
      out[position] = digit < 10 ? 48 + digit : 87 + digit
      rest >>= 4
    }
  }

  /// - Returns: the class of the status (2 for 2xx) once a response is complete.
  private func receive(_ fd: Int32) throws -> UInt8? {
    let (buffer, received) = (connections[fd]!.buffer, connections[fd]!.received)
    let count = recv(fd, buffer + received, Self.bufferBytes - received, 0)
    if count < 0, errno == EAGAIN { return nil }
    guard count > 0 else { throw BenchError("the server closed a connection") }
    let have = received + count
    guard let length = HTTPScan.length(buffer, have), have >= length else {
      connections[fd]!.received = have
      return nil
    }
    connections[fd]!.received = 0
    return buffer[9] - 48
  }
}
