internal import CCurl
internal import Glibc
internal import Synchronization

/// Sends pushes: one thread owns one libcurl multi handle and drives up to `maxConnections`
/// transfers at once over kept connections, HTTP/2 where the receiver's TLS offers it.
///
/// A thread of its own because libcurl blocks in `poll`; Swift's cooperative pool must not.
/// Proxies, redirects, cookies and `.netrc` are off: a push goes to its URL's host or nowhere.
package final class CurlMulti: Sendable {
  private let mailbox: Mailbox
  private let thread: Mutex<pthread_t?>

  /// Starts the thread.
  /// - Parameters:
  ///   - policy: judges each resolved address before a socket is made for it.
  ///   - plainHTTP: whether a push may go to http://; it goes nowhere otherwise.
  ///   - caBundle: path of a PEM file that replaces the system's trusted authorities.
  ///   - maxConnections: transfers in flight and connections kept; pushes beyond wait here, and
  ///     their timeouts begin when they start. At least 1.
  ///   - onReports: called on the curl thread once per turn of its loop with all that ended in it, and on that of who
  ///     recalls or submits with what goes back at once. It must be cheap (hand over and return): no transfer moves while
  ///     it runs. It may call ``submit(_:)``.
  package init(
    policy: NetworkPolicy, plainHTTP: Bool = true, caBundle: String?, maxConnections: Int,
    onReports: @escaping @Sendable ([PushReport]) -> Void
  ) {
    precondition(maxConnections >= 1, "maxConnections must be at least 1")
    _ = Self.libcurl
    guard let raw = curl_multi_init() else { preconditionFailure("curl_multi_init: no memory") }
    let multi = MultiHandle(raw: raw)
    let mailbox = Mailbox(multi: multi, onReports: onReports)
    self.mailbox = mailbox
    let loop = CurlLoop(
      mailbox: mailbox, multi: multi, maxActive: maxConnections,
      context: TransferContext(policy: policy, plainHTTP: plainHTTP, caBundle: caBundle))
    self.thread = Mutex(startThread(loop))
  }

  deinit { stop() }

  /// Queues pushes; returns at once. Each is reported exactly once, also when refused, when more
  /// than ``maxQueued`` are waiting, or after ``stop()`` (then on the caller's thread). When one of a line does not
  /// end with a 2xx, those of it that wait are reported as `unsent`.
  package func submit(_ pushes: [Push]) {
    if !pushes.isEmpty { mailbox.post(pushes) }
  }

  /// Reports what waits of a line as `unsent`; what of it is on the wire goes on.
  package func recall(_ line: Int64) { mailbox.recall(line) }

  /// Aborts what is in flight, reports each unfinished push as failed (or by the final status that
  /// had already arrived), and joins the thread. May be called twice. From within `onReports` it
  /// cannot join its own thread: it returns at once and the thread ends after this turn.
  package func stop() {
    mailbox.close()
    thread.withLock { thread in
      guard let running = thread else { return }
      thread = nil
      if pthread_equal(running, pthread_self()) != 0 {
        pthread_detach(running)
      } else {
        pthread_join(running, nil)
      }
    }
  }

  /// Pushes that may wait for a free connection.
  package static let maxQueued = 65_536

  /// Initialised once per process, before the first handle.
  private static let libcurl: Void = {
    let code = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    precondition(code == CURLE_OK, "curl_global_init failed: \(code.rawValue)")
  }()
}

private func startThread(_ loop: CurlLoop) -> pthread_t {
  var thread = pthread_t()
  let code = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      Unmanaged<CurlLoop>.fromOpaque(argument).takeRetainedValue().run()
      return nil
    }, Unmanaged.passRetained(loop).toOpaque())
  precondition(code == 0, "pthread_create failed: \(code)")
  return thread
}

/// Unchecked: libcurl lets other threads call `curl_multi_wakeup`, which ``Mailbox`` does, and
/// nothing else, which only ``CurlLoop`` does.
struct MultiHandle: @unchecked Sendable {
  let raw: OpaquePointer
}

/// What other threads hand to the curl thread.
final class Mailbox: Sendable {
  private struct State {
    var letters = Letters()
    /// The curl thread is in, or about to enter, `curl_multi_poll`.
    var polling = false
    let multi: MultiHandle

    /// Only a sleeping loop needs a wake-up, and only one: each costs a system call.
    mutating func wake() {
      guard polling else { return }
      polling = false
      curl_multi_wakeup(multi.raw)
    }
  }

  struct Letters {
    /// Lines of which nothing that waits is to be sent: what was posted before, not what is posted with it.
    var recalled: Set<Int64> = []
    var pushes: [Push] = []
    /// These are the last.
    var closed = false
  }

  private let state: Mutex<State>
  let onReports: @Sendable ([PushReport]) -> Void

  init(multi: MultiHandle, onReports: @escaping @Sendable ([PushReport]) -> Void) {
    self.state = Mutex(State(multi: multi))
    self.onReports = onReports
  }

  func post(_ pushes: [Push]) {
    // The wake-up stays under the lock: after `take` has returned closed nobody touches the multi
    // handle but the loop, which may then free it.
    let accepted = state.withLock { state in
      if state.letters.closed { return false }
      state.letters.pushes.append(contentsOf: pushes)
      state.wake()
      return true
    }
    if !accepted { onReports(pushes.map { .aborted($0.token) }) }
  }

  func recall(_ line: Int64) {
    let back = state.withLock { state -> [Push] in
      if state.letters.closed { return [] }
      let back = state.letters.pushes.filter { $0.line == line }
      if !back.isEmpty { state.letters.pushes.removeAll { $0.line == line } }
      state.letters.recalled.insert(line)
      state.wake()
      return back
    }
    if !back.isEmpty { onReports(back.map { PushReport(token: $0.token, outcome: .unsent) }) }
  }

  func close() {
    state.withLock { state in
      if state.letters.closed { return }
      state.letters.closed = true
      state.wake()
    }
  }

  /// Everything since the last call.
  func take() -> Letters {
    state.withLock { state in
      state.polling = false
      var taken = Letters()
      taken.closed = state.letters.closed
      swap(&taken, &state.letters)
      return taken
    }
  }

  /// Declares the loop asleep; false when something has been posted meanwhile.
  func mayPoll() -> Bool {
    state.withLock { state in
      let letters = state.letters
      state.polling = letters.pushes.isEmpty && letters.recalled.isEmpty && !letters.closed
      return state.polling
    }
  }
}

extension PushReport {
  /// A push that did not get to a status because the sender stopped.
  static func aborted(_ token: UInt64) -> PushReport {
    PushReport(
      token: token,
      outcome: .failed(code: Int(CURLE_ABORTED_BY_CALLBACK.rawValue), "the sender was stopped"))
  }
}
