internal import BrokerCallbacks
internal import BrokerDomain
internal import BrokerStore

/// A store with callbacks queued for a number of endpoints, each of another organ, and none sent yet.
struct Backlog {
  let office: Office
  let count: Int
  let urls: [String]
  private(set) var endpoints: [Endpoint] = []

  static let mostEndpoints = 16

  init(_ office: Office, count: Int, endpoints number: Int, port: UInt16, body: Endpoint.Body) async throws {
    self.office = office
    self.count = count
    let organs = office.store.reference.organs
    guard organs.count > number, let responder = organs.last else { throw BenchError("too few organs") }
    urls = (0..<number).map { "http://127.0.0.1:\(port)/hook/\($0)" }
    for index in 0..<number {
      let (organ, url) = (organs[index].number, urls[index])
      endpoints.append(
        try await office.store.write { context in
          let endpoint = Endpoint(
            id: try context.newID(), organ: organ, url: url, events: ["*"], body: body, description: nil,
            secret: WebhookSecret.generate().raw, createdAt: context.now)
          try context.insert(endpoint)
          return endpoint
        })
    }
    let samples = office.samples
    try await office.store.fill(count) { index in
      (organs[index % number], samples.submission(index, to: responder.code))
    }
  }

  /// A body as it will be sent.
  func sampleBody() throws -> [UInt8] {
    let due = try office.store.dueDeliveries(endpoints[0], outstanding: [], limit: DueLimit(1)).due
    guard let first = due.first else { throw BenchError("nothing is queued") }
    return first.body
  }

  struct Result {
    var perSecond: Double
    var cpuPerThousand: Double
    var peak: Double
  }

  /// Sends everything with the real dispatcher; over when the last row has left the queue, committed.
  func drain(inFlight: Int, perEndpoint: Int) async throws -> Result {
    var options = try CallbackOptions.loopback
    options.inFlight = inFlight
    options.inFlightPerEndpoint = perEndpoint
    let dispatcher = Dispatcher(store: office.store, options: options, logger: .quiet)
    Usage.resetPeak()
    let (start, cpu) = (nanoseconds(), Usage.cpuSeconds)
    dispatcher.start()
    var arrived = 0
    while arrived < count {
      try await Task.sleep(for: .milliseconds(2))
      arrived = dispatcher.counts.first { $0.outcome == "delivered" }?.count ?? 0
      guard seconds(since: start) < 120 else { throw BenchError("only \(arrived) of \(count) arrived in 120 s") }
    }
    while try await office.store.outboxDepth().count > 0 { try await Task.sleep(for: .milliseconds(1)) }
    let result = Result(
      perSecond: Double(count) / seconds(since: start),
      cpuPerThousand: (Usage.cpuSeconds - cpu) / Double(count) * 1000, peak: Usage.memory().peak)
    let settled = try office.store.counts().first { $0.table == "deliveries" }?.rows ?? 0
    guard settled == Int64(count) else { throw BenchError("\(settled) of \(count) deliveries are on record") }
    await dispatcher.stop(graceSeconds: 1)
    return result
  }
}
