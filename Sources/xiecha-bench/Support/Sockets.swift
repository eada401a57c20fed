internal import CLimits
internal import Foundation

/// TCP on the loopback interface.
enum Loopback {
  private static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  private static func with<T>(
    _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> T
  ) -> T {
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func socket() throws -> Int32 {
    let fd = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else { throw BenchError("socket: \(String(cString: strerror(errno)))") }
    return fd
  }

  static func connect(_ port: UInt16) throws -> Int32 {
    let fd = try socket()
    var address = address(port)
    guard with(&address, { Glibc.connect(fd, $0, $1) }) == 0 else {
      close(fd)
      throw BenchError("connect to port \(port): \(String(cString: strerror(errno)))")
    }
    setNoDelay(fd)
    return fd
  }

  /// - Returns: the listening socket and the port that the system picked.
  static func listen() throws -> (fd: Int32, port: UInt16) {
    let fd = try socket()
    var address = address(0)
    guard with(&address, { bind(fd, $0, $1) }) == 0, Glibc.listen(fd, 1024) == 0 else {
      throw BenchError("listen: \(String(cString: strerror(errno)))")
    }
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = with(&address) { pointer, _ in getsockname(fd, pointer, &length) }
    setNonBlocking(fd)
    return (fd, UInt16(bigEndian: address.sin_port))
  }

  static func setNoDelay(_ fd: Int32) {
    var one: Int32 = 1
    setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  static func setNonBlocking(_ fd: Int32) {
    _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
  }

  /// One POST of JSON, blocking, on a connection of its own.
  static func post(_ port: UInt16, _ path: String, key: String, _ body: String) throws -> (status: Int, body: String) {
    let head = """
      POST \(path) HTTP/1.1\r
      Host: 127.0.0.1\r
      Authorization: Bearer \(key)\r
      Content-Type: application/json\r
      Content-Length: \(body.utf8.count)\r
      Connection: close\r
      \r\n
      """
    return try exchange(port, path, head + body)
  }

  /// One GET that must succeed, likewise.
  /// - Returns: the body.
  static func get(_ port: Int, _ path: String, key: String) throws -> String {
    let head = """
      GET \(path) HTTP/1.1\r
      Host: 127.0.0.1\r
      Authorization: Bearer \(key)\r
      Connection: close\r
      \r\n
      """
    let reply = try exchange(UInt16(port), path, head)
    guard reply.status == 200 else { throw BenchError("\(path): \(reply.status) \(reply.body)") }
    return reply.body
  }

  private static func exchange(_ port: UInt16, _ path: String, _ request: String) throws -> (status: Int, body: String)
  {
    let fd = try connect(port)
    defer { close(fd) }
    let bytes = Array(request.utf8)
    guard send(fd, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw BenchError("\(path) was not sent whole")
    }
    var reply: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = recv(fd, &buffer, buffer.count, 0), count > 0 { reply += buffer[..<count] }
    let text = String(decoding: reply, as: UTF8.self)
    let status = text.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap { Int($0) }
    guard let status, let end = text.range(of: "\r\n\r\n") else { throw BenchError("\(path): no reply") }
    return (status, String(text[end.upperBound...]))
  }
}

/// Which descriptors are ready. A descriptor that was closed drops out by itself.
final class Poller {
  private var watched: [pollfd] = []

  func add(_ descriptor: Int32) {
    watched.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
  }

  /// - Parameter nanoseconds: at most; nil for as long as it takes.
  func wait(nanoseconds: UInt64?, _ ready: (Int32) throws -> Void) rethrows {
    guard limits_poll(&watched, watched.count, nanoseconds.map { Int64($0) } ?? -1) > 0 else { return }
    let round = watched
    watched.removeAll { $0.revents & Int16(POLLNVAL) != 0 }
    for entry in round where entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 { try ready(entry.fd) }
  }
}
