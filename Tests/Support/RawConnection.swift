internal import Glibc

/// A TCP connection to loopback without any HTTP: for half requests, nonsense, and slow senders.
/// For one thread.
package final class RawConnection {
  /// How a connection stood when reading stopped.
  package enum Ending: Sendable, Equatable { case closed, reset, stillOpen }

  private let descriptor: Int32

  package init(port: Int, address: String = "127.0.0.1") throws {
    descriptor = try Socket.connect(to: address, port: port, by: Deadline(in: 10))
  }

  deinit { Glibc.close(descriptor) }

  package func send(_ text: String, timeout: Double = 10) throws {
    try Socket.send(Array(text.utf8), to: descriptor, by: Deadline(in: timeout))
  }

  package func send(_ bytes: [UInt8], timeout: Double = 10) throws {
    try Socket.send(bytes, to: descriptor, by: Deadline(in: timeout))
  }

  /// Says that no more will be sent; reading goes on.
  package func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads until the other side ends the connection, `limit` bytes have come, or the time is over.
  package func receive(within seconds: Double, limit: Int = .max) -> (text: String, end: Ending) {
    let deadline = Deadline(in: seconds)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    var end = Ending.stillOpen
    while bytes.count < limit {
      guard (try? Socket.ready(descriptor, for: Int16(POLLIN), by: deadline)) != nil else { break }
      let count = recv(descriptor, &chunk, min(chunk.count, limit - bytes.count), 0)
      if count > 0 {
        bytes += chunk[..<count]
      } else if count == 0 || errno != EINTR {
        end = count == 0 ? .closed : .reset
        break
      }
    }
    return (String(decoding: bytes, as: UTF8.self), end)
  }
}
