import Foundation
import Glibc

/// A server on loopback that answers its first connection with fixed bytes whatever it is asked:
/// for replies that no orderly server can be talked into.
final class CannedServer: Sendable {
  let url: String
  private let listener: Int32

  enum Fault: Error { case noSocket(Int32) }

  /// - Parameters:
  ///   - reply: sent after the first bytes of the request, and then
  ///   - repeating: again and again until the peer goes away; nothing when empty.
  ///   - closing: whether the connection is closed after `reply`, or left silent.
  init(_ reply: String, repeating: String = "", closing: Bool = true) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, length) == 0 && listen(listener, 8) == 0
          && getsockname(listener, address, &length) == 0
      }
    }
    guard bound else {
      close(listener)
      throw Fault.noSocket(errno)
    }
    self.listener = listener
    url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/"
    Thread.detachNewThread {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      var request = [UInt8](repeating: 0, count: 65_536)
      if recv(connection, &request, request.count, 0) > 0,
        Self.send(reply, to: connection), !repeating.isEmpty
      {
        while Self.send(repeating, to: connection) {}
      }
      // Silence ends when the peer hangs up.
      while !closing, recv(connection, &request, request.count, 0) > 0 {}
      close(connection)
    }
  }

  /// The accepting thread wakes up to an error and ends.
  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private static func send(_ text: String, to connection: Int32) -> Bool {
    let bytes = Array(text.utf8)
    return Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }
}
