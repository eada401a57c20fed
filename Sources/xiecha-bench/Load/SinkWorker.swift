internal import ArgumentParser
internal import Foundation

/// Receives callbacks and answers each with 204: a process of its own, one thread.
struct SinkWorker: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sink-worker", abstract: "Answers every POST with 204 (started by the other commands).",
    discussion: "Example: xiecha-bench sink-worker   (prints its port; ends when its input closes)",
    shouldDisplay: false)

  private static let answer = Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)
  private static let bufferBytes = 65_536

  private final class Connection {
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: SinkWorker.bufferBytes)
    var received = 0
    deinit { buffer.deallocate() }
  }

  func run() throws {
    let (listener, port) = try Loopback.listen()
    FileHandle.standardOutput.write(Data("\(port)\n".utf8))
    let poller = Poller()
    var connections: [Int32: Connection] = [:]
    var ended = false
    poller.add(listener)
    poller.add(0)
    while !ended {
      poller.wait(milliseconds: -1) { fd in
        if fd == 0 {
          ended = true
        } else if fd == listener {
          while case let new = accept(listener, nil, nil), new >= 0 {
            Loopback.setNonBlocking(new)
            Loopback.setNoDelay(new)
            connections[new] = Connection()
            poller.add(new)
          }
        } else if let connection = connections[fd], !Self.serve(fd, connection) {
          connections[fd] = nil
          close(fd)
        }
      }
    }
  }

  /// - Returns: false when the peer has closed.
  private static func serve(_ fd: Int32, _ connection: Connection) -> Bool {
    let count = recv(fd, connection.buffer + connection.received, bufferBytes - connection.received, 0)
    if count < 0, errno == EAGAIN { return true }
    guard count > 0 else { return false }
    connection.received += count
    while connection.received > 0, let length = HTTPScan.length(connection.buffer, connection.received),
      connection.received >= length
    {
      connection.received -= length
      memmove(connection.buffer, connection.buffer + length, connection.received)
      guard send(fd, answer, answer.count, Int32(MSG_NOSIGNAL)) == answer.count else { return false }
    }
    // A request that does not fit is none of ours.
    return connection.received < bufferBytes
  }
}

/// A running sink.
final class Sink {
  let port: UInt16
  private let child: Child

  init() throws {
    child = try Child(Child.ownProgram, ["sink-worker"])
    guard let port = child.line().flatMap({ UInt16($0) }) else { throw BenchError("the sink did not start") }
    self.port = port
  }

  @discardableResult
  func end() -> Double { child.end().cpuSeconds }
}
