internal import Glibc

/// What went wrong on a socket, said once for the sink and the client.
package enum SocketFault: Error, Sendable, Equatable {
  /// The peer closed; `midway` when part of a message had already been read.
  case closed(midway: Bool)
  case timedOut
  case broken(errno: Int32)
  case malformed(String)
  case tooLarge(limit: Int)
  case noSocket(String)
}

/// TCP over IPv4 loopback. Every descriptor is close-on-exec: tests run in parallel, and a daemon
/// spawned by one of them must not inherit, and so hold open, the sockets of another.
enum Socket {
  static func listen(on address: String) throws(SocketFault) -> (descriptor: Int32, port: UInt16) {
    let descriptor = try make()
    var yes: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
    var name = try socketAddress(address, port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withSockaddr(&name) { bind(descriptor, $0, length) }
    // Not blocking: a connection that vanished before its accept must not block the one who accepts.
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    guard bound == 0, Glibc.listen(descriptor, 1_024) == 0,
      withSockaddr(&name, { getsockname(descriptor, $0, &length) }) == 0
    else {
      let reason = errno
      Glibc.close(descriptor)
      throw .noSocket("listen on \(address): \(describe(reason))")
    }
    return (descriptor, UInt16(bigEndian: name.sin_port))
  }

  static func connect(to address: String, port: Int, by deadline: Deadline)
    throws(SocketFault) -> Int32
  {
    guard let number = UInt16(exactly: port) else { throw .noSocket("no port \(port)") }
    let descriptor = try make()
    do throws(SocketFault) {
      try connect(descriptor, to: socketAddress(address, port: number), by: deadline)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    setNoDelay(descriptor)
    return descriptor
  }

  private static func connect(_ descriptor: Int32, to name: sockaddr_in, by deadline: Deadline)
    throws(SocketFault)
  {
    var name = name
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    defer { _ = fcntl(descriptor, F_SETFL, flags) }
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    if withSockaddr(&name, { Glibc.connect(descriptor, $0, length) }) == 0 { return }
    guard errno == EINPROGRESS else { throw .broken(errno: errno) }
    try ready(descriptor, for: Int16(POLLOUT), by: deadline)
    var failure: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
    if failure != 0 { throw .broken(errno: failure) }
  }

  /// Takes a pending connection; negative, with `errno` set, when there is none.
  static func accept(_ listener: Int32) -> Int32 {
    spawnLock.withLock { _ in
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
      return descriptor
    }
  }

  static func setNoDelay(_ descriptor: Int32) {
    var yes: Int32 = 1
    setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Makes the coming `close` send RST instead of FIN.
  static func resetOnClose(_ descriptor: Int32) {
    var value = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
  }

  /// Sends everything. Without a deadline the call ends when the peer reads or the socket is shut.
  static func send(_ bytes: [UInt8], to descriptor: Int32, by deadline: Deadline? = nil)
    throws(SocketFault)
  {
    var sent = 0
    let flags = Int32(MSG_NOSIGNAL) | (deadline == nil ? 0 : Int32(MSG_DONTWAIT))
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        Glibc.send(descriptor, raw.baseAddress! + sent, raw.count - sent, flags)
      }
      if count >= 0 {
        sent += count
      } else if errno == EAGAIN, let deadline {
        try ready(descriptor, for: Int16(POLLOUT), by: deadline)
      } else if errno != EINTR {
        throw .broken(errno: errno)
      }
    }
  }

  /// Waits until `descriptor` is ready for `events`.
  static func ready(_ descriptor: Int32, for events: Int16, by deadline: Deadline)
    throws(SocketFault)
  {
    while true {
      var entry = pollfd(fd: descriptor, events: events, revents: 0)
      let count = poll(&entry, 1, deadline.pollMilliseconds)
      if count > 0 { return }
      if count == 0 { throw .timedOut }
      if errno != EINTR { throw .broken(errno: errno) }
    }
  }

  static func describe(_ code: Int32) -> String { String(cString: strerror(code)) }

  private static func make() throws(SocketFault) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_INET, kind, 0)
    if descriptor < 0 { throw .noSocket("socket: \(describe(errno))") }
    return descriptor
  }

  private static func socketAddress(_ address: String, port: UInt16)
    throws(SocketFault) -> sockaddr_in
  {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    guard inet_pton(AF_INET, address, &name.sin_addr) == 1 else {
      throw .noSocket("\(address) is no IPv4 address")
    }
    return name
  }

  private static func withSockaddr<T>(
    _ name: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> T
  ) -> T {
    withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
    }
  }
}
