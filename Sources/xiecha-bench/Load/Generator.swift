internal import Foundation
internal import Histogram

/// Sends ready-made requests over a fixed number of connections, the next one on each as soon as the last is answered.
/// One thread and no allocation per request: it shares the machine with what it measures.
final class Generator {
  private struct Connection {
    let out: UnsafeMutablePointer<UInt8>
    let buffer: UnsafeMutablePointer<UInt8>
    var received = 0
    var sentAt: UInt64 = 0
  }

  struct Result {
    var all = 0
    var recorded = 0
    var failed = 0
    var seconds = 0.0
    var histogram = Latencies.histogram()
  }

  private let requests: [[UInt8]]
  private let keyOffsets: [Int?]
  private var connections: [Int32: Connection] = [:]
  private let poller = Poller()
  private var next = 0
  private var serial: UInt64
  private static let bufferBytes = 65_536
  /// Stands where each request carries a key of its own.
  static let keyPlaceholder = String(repeating: "0", count: 32)

  /// - Parameter file: requests, each behind its length as four bytes (little-endian).
  init(file: String, port: UInt16, connections count: Int) throws {
    guard let data = FileManager.default.contents(atPath: file) else { throw BenchError("\(file) cannot be read") }
    var (requests, at): ([[UInt8]], Int) = ([], 0)
    let bytes = [UInt8](data)
    while at + 4 <= bytes.count {
      let length = bytes[at..<(at + 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
      requests.append(Array(bytes[(at + 4)..<(at + 4 + length)]))
      at += 4 + length
    }
    self.requests = requests
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
    let last = request.count - placeholder.count
    let found = (0..<max(0, last)).first { request[$0...].starts(with: placeholder) }
    return found.map { $0 + placeholder.count - keyPlaceholder.utf8.count }
  }

  func run(warmup: Double, seconds limit: Double) throws -> Result {
    var result = Result()
    let start = nanoseconds() + UInt64(warmup * 1e9)
    let end = start + UInt64(limit * 1e9)
    for fd in Array(connections.keys) { try send(fd) }
    var now = nanoseconds()
    while now < end {
      try poller.wait(milliseconds: 100) { fd in
        guard let status = try receive(fd) else { return }
        now = nanoseconds()
        result.all += 1
        if status != 2 { result.failed += 1 }
        if now >= start, let sentAt = connections[fd]?.sentAt {
          result.recorded += 1
          result.histogram.record((now - sentAt) / 1000)
        }
        if now < end { try send(fd) }
      }
      now = nanoseconds()
    }
    result.seconds = Double(now - start) / 1e9
    for fd in connections.keys { close(fd) }
    return result
  }

  private func send(_ fd: Int32) throws {
    let request = requests[next]
    let out = connections[fd]!.out
    request.withUnsafeBufferPointer { out.update(from: $0.baseAddress!, count: $0.count) }
    if let offset = keyOffsets[next] { writeSerial(out + offset) }
    next = (next + 1) % requests.count
    connections[fd]!.sentAt = nanoseconds()
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
