internal import BrokerDomain
internal import BrokerStore

/// How many messages an endpoint may have on the wire. An endpoint that takes connections and never answers holds each
/// message for the whole timeout; were it given its full share, a few of them would hold the whole wire, and those that
/// answer in a millisecond would wait for them. So a lane starts with a few, doubles with every success, and is down to
/// one after an attempt without an answer: the price of finding out is one message at a time.
struct Pace {
  enum Answer {
    /// 2xx within a second.
    case prompt
    /// 2xx, later.
    case slow
    /// Another final status.
    case refusal
    /// No connection, no answer in time.
    case silence

    private static let promptMicroseconds: Int64 = 1_000_000

    /// - Parameter report: of a push that left.
    init(_ report: PushReport) {
      switch report.outcome {
      case .status(let code) where (200..<300).contains(code):
        self = report.timings.totalUS < Self.promptMicroseconds ? .prompt : .slow
      case .status: self = .refusal
      case .forbiddenAddress, .plainHTTP, .failed, .unsent: self = .silence
      }
    }
  }

  static let start = 8

  private let most: Int
  private(set) var window: Int
  /// Its last attempt was answered well and promptly. The others share a part of the wire (`UnsteadyRoom`).
  private(set) var isSteady = false
  /// Its last attempt failed.
  private(set) var isFailing: Bool

  init(most: Int, isFailing: Bool = false) {
    self.most = most
    self.isFailing = isFailing
    window = min(Self.start, most)
  }

  mutating func hear(_ answer: Answer) {
    isSteady = answer == .prompt
    isFailing = answer == .refusal || answer == .silence
    switch answer {
    case .prompt, .slow: window = min(most, window * 2)
    case .refusal: window = min(Self.start, window)
    case .silence: window = 1
    }
  }
}

/// One endpoint's way out.
struct Lane {
  let endpoint: Endpoint
  /// In which its messages wait at the sender.
  let line: Int64
  let health: Health
  /// The breaker as of the last look; `health` knows it for others.
  var breaker = Breaker.State.closed
  /// Bounds what goes out after the breaker has closed.
  var ramp: Ramp?
  private let signer: WebhookSigner
  private let identity: TLSIdentity?
  /// When the overlap of a rotated secret ends and the signer must be made anew.
  let signerUntil: Instant?
  /// Sequence numbers that were taken and are not yet recorded.
  var outstanding: Set<Int64> = []
  /// Taken and not yet sent, in order: a read of the queue costs more than a message, so it takes several.
  private(set) var ready: ArraySlice<DueDelivery> = []
  /// Of their bodies.
  private(set) var readyBytes = 0
  /// Where its queue is read on, and the monotonic microseconds until which it may be: what was put before that place
  /// meanwhile is found by the next read from the beginning.
  private var readOn: (mark: QueueMark, until: Int64)?
  private static let readOnMicroseconds: Int64 = 250_000
  /// How many are with the sender: on the wire, or about to be.
  var handed = 0
  /// How much of the wire it may take.
  var pace: Pace
  /// Monotonic microseconds until which it is left alone, after a row that cannot be read.
  var asideUntil: Int64 = 0
  /// When its queue is next due; nil when only an event can change that.
  var dueAt: Instant?
  /// Real time at which its lease ends; nil while it has none.
  var leaseUntil: Instant?

  /// - Parameters:
  ///   - line: 0 for one whose messages wait for no other.
  ///   - inFlight: what it may have on the wire at most.
  ///   - isFailing: as far as is known from before.
  init(
    endpoint: Endpoint, line: Int64 = 0, now: Instant, inFlight: Int, health: Health, isFailing: Bool = false
  ) {
    self.endpoint = endpoint
    self.line = line
    self.health = health
    breaker = health.breaker
    pace = Pace(most: inFlight, isFailing: isFailing)
    signer = WebhookSigner(
      secrets: endpoint.signingSecrets(now: now).compactMap { try? WebhookSecret(raw: $0) },
      sm3: endpoint.signatures.contains(.v1sm3))
    identity = endpoint.tls.map { TLSIdentity($0) }
    signerUntil = endpoint.nextEnd(now: now)
  }

  /// Its last attempt was answered well, and nothing holds it back.
  var goesWell: Bool { pace.isSteady && breaker == .closed && ramp == nil }

  /// A row of its queue could not be read a moment ago.
  var isAside: Bool { asideUntil != 0 && asideUntil > monotonicMicroseconds() }

  /// How many more it may have on the wire.
  var free: Int { max(0, pace.window - handed) }

  /// How many wait at the sender because that many are on the wire. When one fails, it gives those back; so a lane that
  /// does not go well has none.
  var waiting: Int { goesWell ? max(0, handed - pace.window) : 0 }

  /// How many the breaker, and what it allows after it has closed, let out now.
  func allowed(_ now: Instant, _ clock: Int64) -> Int {
    switch breaker {
    case .closed: ramp?.allowed(clock) ?? .max
    // The probe is told by being alone.
    case .open: handed == 0 && health.mayProbe(now) ? 1 : 0
    case .halfOpen: 0
    }
  }

  /// For how long its breaker, or what it allows after it has closed, holds it back: 0 for not at all, nil until a result
  /// or an event rings.
  func heldMilliseconds(_ now: Instant, _ clock: Int64) -> Int64? {
    let hasWork = dueAt != nil || !ready.isEmpty
    switch breaker {
    case .closed:
      guard let ramp, ramp.allowed(clock) == 0 else { return 0 }
      return hasWork ? ramp.waitMilliseconds(clock) : nil
    case .open(let until):
      guard handed == 0, hasWork else { return nil }
      return health.mayProbe(now) ? 0 : max(1, until.milliseconds - now.milliseconds)
    case .halfOpen: return nil
    }
  }

  mutating func sent(_ count: Int, _ clock: Int64) {
    handed += count
    ramp?.send(count)
    if ramp?.isOver(clock) == true { ramp = nil }
    guard case .open = breaker else { return }
    health.probeSent()
    breaker = .halfOpen
  }

  /// - Returns: what that did to the breaker.
  mutating func arrived(_ arrival: Arrival, _ now: Instant, _ options: CallbackOptions) -> Breaker.Change {
    // A lane that was closed and opened again meanwhile does not know of those sent before.
    handed = max(0, handed - 1)
    pace.hear(arrival.answer)
    let change = health.hear(arrival, now: now)
    if change == .none { return change }
    breaker = health.breaker
    // What it held ready is due as before, and so is what came meanwhile.
    putBack()
    dueAt = now
    ramp =
      change == .closed
      ? Ramp(options) : nil
    return change
  }

  /// Where the next read of its queue begins; nil for at its head.
  func mark(_ clock: Int64) -> QueueMark? {
    readOn.flatMap { clock < $0.until ? $0.mark : nil }
  }

  mutating func take(_ page: DuePage, _ clock: Int64) {
    dueAt = page.nextAt
    ready += page.due
    for delivery in page.due + page.unreadable { outstanding.insert(delivery.seq) }
    readyBytes += page.due.reduce(0) { $0 + $1.body.count }
    let until = mark(clock) == nil ? clock + Self.readOnMicroseconds : readOn?.until
    readOn = page.end.flatMap { end in until.map { (end, $0) } }
  }

  /// Takes out what is sent now.
  mutating func takeReady(_ count: Int) -> ArraySlice<DueDelivery> {
    let sending = ready.prefix(count)
    ready.removeFirst(sending.count)
    readyBytes -= sending.reduce(0) { $0 + $1.body.count }
    return sending
  }

  /// The sender has given one back.
  /// - Parameter line: in which it waited.
  mutating func cameBack(_ seq: Int64, from line: Int64, _ now: Instant) {
    outstanding.remove(seq)
    // It lies before the place where the queue would be read on.
    readOn = nil
    dueAt = now
    guard line == self.line else { return }
    handed = max(0, handed - 1)
    ramp?.send(-1)
    guard breaker == .halfOpen else { return }
    health.probeCameBack(now)
    breaker = health.breaker
  }

  /// What was taken and not sent will be taken again.
  mutating func putBack() {
    readOn = nil
    outstanding.subtract(ready.map(\.seq))
    (ready, readyBytes) = ([], 0)
  }

  /// Without a lease nothing may be sent.
  mutating func giveBack() {
    putBack()
    leaseUntil = nil
  }

  /// - Parameters:
  ///   - cloudEvent: the attributes of an event that is sent as CloudEvents has it.
  func push(
    token: UInt64, id: String, body: [UInt8], trace: String?, cloudEvent: CloudEvent?,
    _ options: CallbackOptions
  ) -> Push {
    // Receivers refuse a stale timestamp, so this is the real time, also in rehearsal.
    let timestamp = BrokerClock.wall.milliseconds / 1000
    var headers = [
      "content-type: application/json", "webhook-id: \(id)", "webhook-timestamp: \(timestamp)",
      "webhook-signature: \(signer.signature(id: id, timestamp: timestamp, body: body))",
    ]
    if let trace { headers.append("traceparent: \(Self.continued(trace))") }
    if let cloudEvent { headers += CloudEvents.headers(cloudEvent, id: id, source: options.source) }
    var push = Push(
      token: token, url: endpoint.url, headers: headers, body: body,
      connectTimeoutMS: options.connectTimeoutMS, totalTimeoutMS: options.totalTimeoutMS)
    push.identity = identity
    if line > 0 { (push.line, push.atOnce) = (line, pace.window) }
    return push
  }

  /// The same trace, a span of our own (W3C Trace Context).
  private static func continued(_ trace: String) -> String {
    let span = String(UInt64.random(in: 1...UInt64.max), radix: 16)
    let padded = String(repeating: "0", count: 16 - span.count) + span
    return "\(trace.prefix(36))\(padded)\(trace.suffix(3))"
  }
}
