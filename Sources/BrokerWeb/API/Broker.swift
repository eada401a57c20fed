package import BrokerDomain
package import BrokerStore
internal import HTTPTypes
internal import Logging

/// What the HTTP face needs of the rest of the program. Wired once, in `xiecha/Serve.swift`; the web never imports the
/// callbacks.
package struct Machinery: Sendable {
  /// Why a callback URL would be refused, or nil.
  package var urlFault: @Sendable (String) -> Phrase?
  package var newSecret: @Sendable () -> [UInt8]
  package var secretText: @Sendable ([UInt8]) -> String
  /// What is wrong with an endpoint's certificates and key; fills in what is shown of them.
  package var tlsFaults: @Sendable (inout EndpointTLS) -> [Fault]
  /// Whether `v1sm3` signatures can be made here.
  package var signsSM3: Bool
  /// For how long a callback is owed before it is given up.
  package var owedSeconds: Int
  /// Sends one test message now and waits for what comes of it; nil when too many are under way.
  package var test: @Sendable (Endpoint) async -> TestReport?
  package var dispatcherAlive: @Sendable () -> Bool
  package var keeperAlive: @Sendable () -> Bool
  /// Moves the rehearsed clock; returns how many events that brought about. Nil outside rehearsal.
  package var advance: (@Sendable (Instant) async throws(StoreError) -> Int)?
  /// Callbacks by outcome since start: delivered, retried, dead.
  package var deliveryCounts: @Sendable () -> [(outcome: String, count: Int)]
  package var deliverySeconds: @Sendable () -> LatencyHistogram.Snapshot
  package var inFlight: @Sendable () -> Int
  /// How an endpoint fares, by its key; nil while nothing has been owed to it since the start.
  package var health: @Sendable (Int64) -> EndpointHealth?
  /// Endpoints by the state of their breaker.
  package var breakers: @Sendable () -> [EndpointHealth.Breaker: Int]

  package init(
    urlFault: @escaping @Sendable (String) -> Phrase?, newSecret: @escaping @Sendable () -> [UInt8],
    secretText: @escaping @Sendable ([UInt8]) -> String,
    tlsFaults: @escaping @Sendable (inout EndpointTLS) -> [Fault], signsSM3: Bool,
    owedSeconds: Int = RetrySchedule.standard.giveUpAfterSeconds,
    test: @escaping @Sendable (Endpoint) async -> TestReport?,
    dispatcherAlive: @escaping @Sendable () -> Bool, keeperAlive: @escaping @Sendable () -> Bool,
    advance: (@Sendable (Instant) async throws(StoreError) -> Int)?,
    deliveryCounts: @escaping @Sendable () -> [(outcome: String, count: Int)],
    deliverySeconds: @escaping @Sendable () -> LatencyHistogram.Snapshot,
    inFlight: @escaping @Sendable () -> Int,
    health: @escaping @Sendable (Int64) -> EndpointHealth? = { _ in nil },
    breakers: @escaping @Sendable () -> [EndpointHealth.Breaker: Int] = { [:] }
  ) {
    self.urlFault = urlFault
    self.newSecret = newSecret
    self.secretText = secretText
    self.tlsFaults = tlsFaults
    self.signsSM3 = signsSM3
    self.owedSeconds = owedSeconds
    self.test = test
    self.dispatcherAlive = dispatcherAlive
    self.keeperAlive = keeperAlive
    self.advance = advance
    self.deliveryCounts = deliveryCounts
    self.deliverySeconds = deliverySeconds
    self.inFlight = inFlight
    self.health = health
    self.breakers = breakers
  }
}

/// What a test message to an endpoint came to.
package struct TestReport: Sendable {
  package var delivered: Bool
  package var status: Int?
  package var error: String?
  package var durationMS: Int64
  /// DNS, connect, TLS, first byte.
  package var timingsMS: (dns: Int64, connect: Int64, tls: Int64, firstByte: Int64)
  package var remoteAddress: String
  /// The beginning of what the receiver said.
  package var reply: String
  /// Nil without TLS, and when the handshake failed.
  package var certificate: Certificate?

  package struct Certificate: Sendable {
    package let subject: String?
    package let issuer: String?
    package let expiresAt: Instant?

    package init(subject: String?, issuer: String?, expiresAt: Instant?) {
      self.subject = subject
      self.issuer = issuer
      self.expiresAt = expiresAt
    }
  }

  package init(
    delivered: Bool, status: Int?, error: String?, durationMS: Int64,
    timingsMS: (dns: Int64, connect: Int64, tls: Int64, firstByte: Int64), remoteAddress: String,
    reply: String
  ) {
    self.delivered = delivered
    self.status = status
    self.error = error
    self.durationMS = durationMS
    self.timingsMS = timingsMS
    self.remoteAddress = remoteAddress
    self.reply = reply
  }
}

/// Limits of the HTTP face; every one is a key of the configuration.
package struct WebLimits: Sendable, Equatable {
  package var bodyBytes = 262_144
  package var requestsPerSecond = 20_000
  package var burst = 40_000
  package var longPollSeconds = 60
  /// What anybody may ask for; where the broker allows less, less comes.
  package static let longestPollSeconds = 60
  package var waiters = 10_000
  package var connections = 4096
  package var idleSeconds = 75

  package init() {}
}

/// Everything the handlers share. A class, because each call hands it on.
final class Broker: Sendable {
  let store: Store
  let machinery: Machinery
  let limits: WebLimits
  let language: Language
  let waiters: Waiters
  let metrics: WebMetrics
  let refused = RefusedCalls()
  let logger: Logger

  init(
    store: Store, machinery: Machinery, limits: WebLimits, language: Language, waiters: Waiters, metrics: WebMetrics,
    logger: Logger
  ) {
    self.store = store
    self.machinery = machinery
    self.limits = limits
    self.language = language
    self.waiters = waiters
    self.metrics = metrics
    self.logger = logger
  }
}

extension Broker {
  /// Does `work` in the next group commit, and once only for each Idempotency-Key: its repetition gets the same status
  /// and body.
  func once(
    _ call: Call, _ status: HTTPResponse.Status, _ work: @escaping @Sendable (WriteContext) throws -> [UInt8]
  ) async throws -> Reply {
    guard let claim = try call.idempotencyClaim() else { return Reply(status, try await store.write(work)) }
    let outcome = try await store.write { context -> (kept: KeptReply?, body: [UInt8]) in
      if let kept = try context.replay(claim) { return (kept, []) }
      let body = try work(context)
      try context.keep(KeptReply(status: status.code, request: nil, headers: [], body: body), for: claim)
      return (nil, body)
    }
    return outcome.kept.map { Reply($0) } ?? Reply(status, outcome.body)
  }
}
