package import BrokerDomain
package import BrokerStore
internal import Dispatch
package import Logging
internal import Synchronization

/// How callbacks are sent. Every one is a key of the configuration.
package struct CallbackOptions: Sendable {
  package var policy: NetworkPolicy
  package var allowHTTP = false
  package var schedule = RetrySchedule.standard
  package var connectTimeoutMS = 5000
  package var totalTimeoutMS = 15_000
  /// Messages on the wire at once, over all endpoints and for one.
  package var inFlight = 256
  package var inFlightPerEndpoint = 64
  package var caBundle: String?
  /// The URI of this broker, for CloudEvents.
  package var source = "/v1"
  /// For how long attempts stay on record.
  package var keepAttemptsDays = 90
  package var breaker = BreakerOptions()
  /// What goes out in the first second after a breaker has closed, doubled every second; and for how many seconds.
  package var recoveryPerSecond = 50
  package var recoverySeconds = 10
  /// Working days of nothing but failures after which an endpoint is switched off; 0 for never.
  package var disableAfterDays = 5

  package init(policy: NetworkPolicy) { self.policy = policy }

  /// What waits at the sender beside what is on the wire, so that one that ends is followed at once.
  var ahead: Int { min(32, inFlight / 2) }
}

/// Brings what is owed to each endpoint: takes due rows from the outbox, signs and sends them, and records how each
/// attempt ended, in groups. Endpoints have a lane each; a slow or dead one delays nobody else.
///
/// One thread of its own (the pump) takes and signs; the curl thread sends; the writer's group commit records. They
/// meet in `state`, under a lock that is held for moments.
package final class Dispatcher: Sendable {
  /// What the pump is told, and takes away as it wakes.
  struct News {
    /// Endpoints that may have something due.
    var woken: Set<Int64> = []
    var endpointsChanged = false
    var clockMoved = false
    /// What came back from the wire, in order.
    var arrived: [Arrival] = []
    /// What the sender gave back: never sent, and due as before.
    var unsent: [(endpoint: Int64, seq: Int64, line: Int64)] = []
    /// Recorded since the pump last looked; `again` when the message is to be tried once more.
    var settled: [(endpoint: Int64, seq: Int64, again: Bool)] = []
    var stopping = false
  }

  /// One message that is with the sender, and the line that it was put in: an endpoint that gets its old address back has
  /// another one, and what was sent before takes nothing of its share.
  struct Handed {
    let delivery: DueDelivery
    let line: Int64
  }

  struct State {
    var news = News()
    /// The bell has been rung and not yet been heard: ringing again would only make the pump run for nothing.
    var rung = false
    /// What is with the sender, by the token under which curl knows it.
    var onWire: [UInt64: Handed] = [:]
    /// In which line an endpoint's messages go out now; of those only that have a lane.
    var lines: [Int64: Int64] = [:]
    var tests: [UInt64: CheckedContinuation<PushReport, Never>] = [:]
    /// Endpoints with a test under way.
    var testing: Set<Int64> = []
    var nextToken: UInt64 = 1
    /// The sender's lines are numbered: an endpoint has another one with every address.
    var lastLine: Int64 = 0
    /// Results that wait for the next group.
    var unsettled: [AttemptResult] = []
    /// How many are in the group that is being written.
    var recording = 0
    var settling = false
    var sweeping = false
    var beat: Int64 = monotonicMicroseconds()
    var failing: FailingBook
    var counts: [String: Int] = ["delivered": 0, "retried": 0, "dead": 0]
  }

  let store: Store
  let options: CallbackOptions
  let logger: Logger
  let state: Mutex<State>
  /// By endpoint; of those that have a lane.
  let healths = Mutex<[Int64: Health]>([:])
  private let bell = Bell()
  private let pumpEnded = DispatchSemaphore(value: 0)
  package let seconds = LatencyHistogram()
  private let curl: Mutex<CurlMulti?> = Mutex(nil)

  package init(store: Store, options: CallbackOptions, logger: Logger) {
    self.store = store
    self.options = options
    self.logger = logger
    state = Mutex(State(failing: FailingBook(options)))
  }

  /// Starts the curl thread and the pump.
  package func start() {
    let multi = CurlMulti(
      policy: options.policy, plainHTTP: options.allowHTTP, caBundle: options.caBundle,
      maxConnections: options.inFlight
    ) { [weak self] reports in self?.receive(reports) }
    curl.withLock { $0 = multi }
    store.onCommit { [weak self] notice in self?.hear(notice) }
    DispatchQueue(label: "xiecha.pump", qos: .userInitiated).async {
      self.recallFailing()
      var pump = Pump(dispatcher: self)
      pump.run()
      self.pumpEnded.signal()
    }
  }

  /// The clock was moved: look at every queue again.
  package func kick() { ring { $0.clockMoved = true } }

  /// Tells the pump something and wakes it.
  func ring(_ tell: (inout News) -> Void) {
    let first = state.withLock { state -> Bool in
      tell(&state.news)
      defer { state.rung = true }
      return !state.rung
    }
    if first { bell.signal() }
  }

  /// For the pump: sleeps until told something or the time is over, and takes the news with how many messages more the
  /// sender may be handed.
  func listen(milliseconds: Int64) -> (news: News, room: Int) {
    bell.wait(milliseconds: milliseconds)
    return state.withLock { state in
      state.rung = false
      state.beat = monotonicMicroseconds()
      let stopping = state.news.stopping
      defer {
        state.news = News()
        state.news.stopping = stopping
      }
      let unrecorded = state.unsettled.count + state.recording
      return (
        state.news, unrecorded < Self.mostUnrecorded ? options.inFlight + options.ahead - state.onWire.count : 0
      )
    }
  }

  package var isAlive: Bool {
    monotonicMicroseconds() - state.withLock { $0.beat } < 30_000_000
  }

  /// Messages on the wire; what waits behind them at the sender is not.
  package var inFlight: Int { min(options.inFlight, state.withLock { $0.onWire.count }) }

  package var counts: [(outcome: String, count: Int)] {
    state.withLock { $0.counts }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Takes nothing new, gives what is on the wire `graceSeconds` to arrive, records it and ends. What did not arrive
  /// stays in the outbox.
  package func stop(graceSeconds: Int) async {
    // In a task that was cancelled, as all are when another service fails, no pause lasts: each wait here would spin.
    await Task { await end(graceSeconds: graceSeconds) }.value
  }

  private func end(graceSeconds: Int) async {
    ring { $0.stopping = true }
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        self.pumpEnded.wait()
        continuation.resume()
      }
    }
    for line in 0...state.withLock({ $0.lastLine }) { recall(line) }
    let end = monotonicMicroseconds() + Int64(graceSeconds) * 1_000_000
    while monotonicMicroseconds() < end, state.withLock({ !$0.onWire.isEmpty }) {
      try? await Task.sleep(for: .milliseconds(10))
    }
    // From here on reports of aborted pushes mean nothing: their rows are still there.
    state.withLock { $0.onWire.removeAll() }
    let multi = curl.withLock { $0.take() }
    multi?.stop()
    while state.withLock({ $0.settling }), monotonicMicroseconds() < end + 5_000_000 {
      try? await Task.sleep(for: .milliseconds(5))
    }
  }

  private func hear(_ notice: CommitNotice) {
    for (endpoint, why) in notice.switchedOff {
      logger.warning("callbacks: endpoint \(endpoint) is switched off: \(why.reason.en)")
    }
    guard !notice.endpoints.isEmpty || notice.endpointsChanged else { return }
    ring { news in
      news.woken.formUnion(notice.endpoints)
      if notice.endpointsChanged { news.endpointsChanged = true }
    }
  }

  func submit(_ pushes: [Push]) {
    guard let multi = curl.withLock({ $0 }) else { return receive(pushes.map { .aborted($0.token) }) }
    multi.submit(pushes)
  }

  func newLine() -> Int64 {
    state.withLock { state in
      state.lastLine += 1
      return state.lastLine
    }
  }

  /// What waits in a line at the sender is given back.
  func recall(_ line: Int64) { curl.withLock { $0 }?.recall(line) }

  /// Somebody has something to tell the pump.
  var hasNews: Bool { state.withLock { $0.rung } }

  /// On the curl thread, or on one that recalls: hand over and return.
  private func receive(_ reports: [PushReport]) {
    let now = store.clock.now
    var tests: [(CheckedContinuation<PushReport, Never>, PushReport)] = []
    var arrived = false
    let start = state.withLock { state -> Bool in
      for report in reports {
        if let test = state.tests.removeValue(forKey: report.token) {
          tests.append((test, report))
        } else if let handed = state.onWire.removeValue(forKey: report.token) {
          arrived = true
          let delivery = handed.delivery
          if report.outcome == .unsent {
            state.news.unsent.append((delivery.endpoint, delivery.seq, handed.line))
            continue
          }
          let isPresent = state.lines[delivery.endpoint] == handed.line
          let result = verdict(delivery, report, isPresent: isPresent, now: now, &state.failing)
          state.unsettled.append(result)
          state.news.arrived.append(Arrival(endpoint: delivery.endpoint, line: handed.line, report))
        }
      }
      guard !state.unsettled.isEmpty, !state.settling else { return false }
      state.settling = true
      return true
    }
    for report in reports where report.outcome != .unsent { seconds.record(microseconds: report.timings.totalUS) }
    for (test, report) in tests { test.resume(returning: report) }
    if arrived { ring { _ in } }
    if start { Task { await settle() } }
  }
}
