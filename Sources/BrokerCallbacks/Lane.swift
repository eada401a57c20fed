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

    init(_ report: PushReport) {
      switch report.outcome {
      case .status(let code) where (200..<300).contains(code):
        self = report.timings.totalUS < Self.promptMicroseconds ? .prompt : .slow
      case .status: self = .refusal
      case .forbiddenAddress, .failed: self = .silence
      }
    }
  }

  static let start = 8

  private let most: Int
  private(set) var window: Int
  /// Its last attempt was answered well and promptly. The others share half of the wire, so that, however many of them
  /// there are, the other half turns over.
  private(set) var isSteady = false

  init(most: Int) {
    self.most = most
    window = min(Self.start, most)
  }

  mutating func hear(_ answer: Answer) {
    isSteady = answer == .prompt
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
  private let signer: WebhookSigner
  private let identity: TLSIdentity?
  /// When the overlap of a rotated secret ends and the signer must be made anew.
  let signerUntil: Instant?
  /// Sequence numbers that were taken and are not yet recorded.
  var outstanding: Set<Int64> = []
  /// Taken and not yet sent, in order: a read of the queue costs more than a message, so it takes several.
  var ready: ArraySlice<DueDelivery> = []
  /// How many are on the wire.
  var onWire = 0
  /// How much of the wire it may take.
  var pace: Pace
  /// Monotonic microseconds until which it is left alone, after a row that cannot be read.
  var asideUntil: Int64 = 0
  /// When its queue is next due; nil when only an event can change that.
  var dueAt: Instant?
  /// Real time at which its lease ends; nil while it has none.
  var leaseUntil: Instant?

  /// - Parameter inFlight: what it may have on the wire at most.
  init(endpoint: Endpoint, now: Instant, inFlight: Int) {
    self.endpoint = endpoint
    pace = Pace(most: inFlight)
    signer = WebhookSigner(
      secrets: endpoint.signingSecrets(now: now).compactMap { try? WebhookSecret(raw: $0) },
      sm3: endpoint.signatures.contains(.v1sm3))
    identity = endpoint.tls.map { TLSIdentity($0) }
    signerUntil = endpoint.previousUntil.flatMap { now < $0 ? $0 : nil }
  }

  /// How many more it may have on the wire.
  var free: Int { max(0, pace.window - onWire) }

  mutating func arrived(_ answer: Pace.Answer) {
    // A lane that was closed and opened again meanwhile does not know of those sent before.
    onWire = max(0, onWire - 1)
    pace.hear(answer)
  }

  /// Without a lease nothing may be sent: what was taken will be taken again.
  mutating func giveBack() {
    outstanding.subtract(ready.map(\.seq))
    ready = []
    leaseUntil = nil
  }

  /// - Parameter cloudEvent: the attributes of an event that is sent as CloudEvents has it.
  func push(
    token: UInt64, id: String, body: [UInt8], trace: String?, cloudEvent: CloudEvent?, _ options: CallbackOptions
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
    return push
  }

  /// The same trace, a span of our own (W3C Trace Context).
  private static func continued(_ trace: String) -> String {
    let span = String(UInt64.random(in: 1...UInt64.max), radix: 16)
    let padded = String(repeating: "0", count: 16 - span.count) + span
    return "\(trace.prefix(36))\(padded)\(trace.suffix(3))"
  }
}
