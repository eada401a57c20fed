internal import Glibc

/// What the sink's threads share. They hold it, not the `Sink`, so that a forgotten sink is freed
/// and stops them.
final class SinkCore: Sendable {
  struct State {
    var received: [ReceivedPush] = []
    var faults: [String] = []
    var accepted = 0
    /// Descriptors that may be shut down; each is closed under the lock by its own thread, so that
    /// a number reused by somebody else is never touched.
    var open: Set<Int32> = []
    var threads = 0
    var stopped = false
    /// The smallest arrival count a waiter sleeps for; spares a wake-up for every push under load.
    var wanted = Int.max
  }

  /// In a struct on purpose. A bare function as a generic `inout` state is wrapped once more at
  /// every access; after some ten thousand requests calling it would overflow the stack.
  struct Manners {
    var behaviour: Sink.Behaviour
  }

  /// More connections than this are closed at once.
  static let connectionLimit = 2_048
  /// POLLRDHUP, which Swift's Glibc does not show.
  private static let peerClosed: Int16 = 0x2000

  let state = Monitor(State())
  let manners: Monitor<Manners>
  private let listener: Int32
  /// Its write end is closed when the sink stops, which ends every pause on its read end.
  private let stopSignal = Pipe()

  init(listener: Int32, behaviour: @escaping Sink.Behaviour) {
    self.listener = listener
    self.manners = Monitor(Manners(behaviour: behaviour))
  }

  /// No thread is left, but `stop` may never have been called if `start` failed.
  deinit {
    stop()
    Glibc.close(stopSignal.readEnd)
  }

  func start() throws(SocketFault) {
    state.withLock { $0.threads += 1 }
    if !startThread({ self.acceptLoop() }) {
      Glibc.close(listener)
      state.withLock { $0.threads -= 1 }
      throw .noSocket("no thread for the listener")
    }
  }

  func stop() {
    state.change { state in
      if state.stopped { return }
      state.stopped = true
      Glibc.close(stopSignal.writeEnd)
      for descriptor in state.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
  }

  func dropConnections() {
    state.withLock { state in
      for descriptor in state.open {
        // The thread that owns it closes it; lingering zero turns that into RST.
        Socket.resetOnClose(descriptor)
        shutdown(descriptor, Int32(SHUT_RD))
      }
    }
  }

  /// Waits on the stop signal and, if given, on the peer of a connection.
  /// - Returns: true when the whole time passed undisturbed.
  func pause(seconds: Double, watching connection: Int32? = nil) -> Bool {
    let deadline = Deadline(in: seconds)
    while true {
      var entries = [pollfd(fd: stopSignal.readEnd, events: Int16(POLLIN), revents: 0)]
      // A peer that closes its side while we dawdle has given up.
      if let connection {
        entries.append(pollfd(fd: connection, events: SinkCore.peerClosed, revents: 0))
      }
      let count = poll(&entries, nfds_t(entries.count), deadline.pollMilliseconds)
      if count == 0 { return true }
      if count > 0 || errno != EINTR { return false }
    }
  }

  func record(_ head: MessageHead, body: [UInt8], method: String, path: String, connection: Int)
    -> ReceivedPush
  {
    var headers: [String: [String]] = [:]
    for field in head.fields { headers[field.name, default: []].append(field.value) }
    let (push, wake) = state.withLock { state in
      let push = ReceivedPush(
        order: state.received.count, connection: connection, method: method, path: path,
        headers: headers, body: body, at: .now)
      state.received.append(push)
      let wake = state.received.count >= state.wanted
      if wake { state.wanted = .max }
      return (push, wake)
    }
    if wake { state.wakeAll() }
    return push
  }

  func record(fault: String) { state.withLock { $0.faults.append(fault) } }

  private func acceptLoop() {
    while true {
      var entries = [
        pollfd(fd: stopSignal.readEnd, events: Int16(POLLIN), revents: 0),
        pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&entries, 2, -1)
      if entries[0].revents != 0 { break }
      let descriptor = Socket.accept(listener)
      if descriptor >= 0 {
        admit(descriptor)
      } else if errno == EMFILE || errno == ENFILE {
        // The pending connection keeps the listener readable: do not spin on it.
        _ = pause(seconds: 0.02)
      }
    }
    Glibc.close(listener)
    state.change { $0.threads -= 1 }
  }

  private func admit(_ descriptor: Int32) {
    let number: Int? = state.withLock { state in
      if state.stopped || state.open.count >= SinkCore.connectionLimit { return nil }
      state.accepted += 1
      state.threads += 1
      state.open.insert(descriptor)
      return state.accepted
    }
    guard let number else {
      Glibc.close(descriptor)
      return
    }
    Socket.setNoDelay(descriptor)
    let connection = SinkConnection(core: self, descriptor: descriptor, number: number)
    let started = startThread {
      connection.serve()
      self.release(descriptor)
    }
    if !started { release(descriptor) }
  }

  private func release(_ descriptor: Int32) {
    state.change { state in
      state.open.remove(descriptor)
      Glibc.close(descriptor)
      state.threads -= 1
    }
  }
}
