internal import Glibc

/// A real HTTP/1.1 server on loopback that stands in for a department's callback endpoint.
///
/// It records every request and answers as `behaviour` says. One thread a connection: plain
/// blocking code that is easy to make misbehave on purpose. Closed by `close()` or when released.
package final class Sink: Sendable {
  package typealias Behaviour = @Sendable (ReceivedPush) -> SinkReply

  private let core: SinkCore
  /// `http://ADDRESS:PORT`, without a slash at the end.
  package let url: String
  package let port: Int

  /// Listens on a free port of `address`, which must be a loopback IPv4 address.
  package init(
    address: String = "127.0.0.1", behaviour: @escaping Behaviour = { _ in .status(204) }
  ) throws {
    let (descriptor, port) = try Socket.listen(on: address)
    self.port = Int(port)
    url = "http://\(address):\(port)"
    core = SinkCore(listener: descriptor, behaviour: behaviour)
    try core.start()
  }

  deinit { core.stop() }

  /// How requests are answered from now on. Runs on connection threads, several at once; a closure
  /// that needs the sink must capture it weakly.
  package var behaviour: Behaviour {
    get { core.manners.withLock { $0.behaviour } }
    set { core.manners.withLock { $0.behaviour = newValue } }
  }

  /// Connections accepted so far.
  package var connectionCount: Int { core.state.withLock { $0.accepted } }
  package var openConnectionCount: Int { core.state.withLock { $0.open.count } }
  /// In order of arrival.
  package var received: [ReceivedPush] { core.state.withLock { $0.received } }
  package var receivedCount: Int { core.state.withLock { $0.received.count } }
  /// What was not an HTTP/1.1 request with a length; a test of a well-behaved client expects none.
  package var faults: [String] { core.state.withLock { $0.faults } }

  /// Waits until `count` requests have arrived.
  /// - Returns: false when they had not within `timeout` seconds.
  package func wait(for count: Int, timeout: Double = 10) -> Bool {
    let found: Void? = core.state.wait(Deadline(in: timeout)) { state in
      if state.received.count >= count { return () }
      state.wanted = min(state.wanted, count)
      return nil
    }
    return found != nil
  }

  /// Waits until `condition` holds for what has arrived; it is asked after each arrival, without a
  /// lock held.
  package func wait(timeout: Double = 10, until condition: ([ReceivedPush]) -> Bool) -> Bool {
    let deadline = Deadline(in: timeout)
    var seen = -1
    while true {
      let next: [ReceivedPush]? = core.state.wait(deadline) { state in
        if state.received.count != seen { return state.received }
        state.wanted = min(state.wanted, seen + 1)
        return nil
      }
      guard let next else { return false }
      if condition(next) { return true }
      seen = next.count
    }
  }

  /// Drops every open connection with RST and keeps listening.
  package func dropConnections() { core.dropConnections() }

  /// Stops listening, cuts every connection and waits for their threads. Idempotent.
  /// - Returns: false when a thread is still busy after 10 s, which only a behaviour that blocks
  ///   can bring about.
  @discardableResult
  package func close() -> Bool {
    core.stop()
    let done: Void? = core.state.wait(Deadline(in: 10)) { $0.threads == 0 ? () : nil }
    return done != nil
  }
}
