internal import BrokerDomain
package import BrokerStore
internal import Logging
internal import Synchronization

extension AttemptResult.Verdict {
  var name: String {
    switch self {
    case .delivered: "delivered"
    case .retry: "retried"
    case .dead: "dead"
    }
  }
}

extension Dispatcher {
  /// Any 2xx is delivered; 410 switches the endpoint off; anything else is tried again until the schedule ends, and days
  /// of nothing else switch the endpoint off as well.
  /// - Parameter isPresent: it went out in the line that its endpoint has now. What went to an address of before, or was on
  ///   the wire when it was switched off, says of the message what came of it, and nothing of the endpoint.
  func verdict(
    _ delivery: DueDelivery, _ report: PushReport, isPresent: Bool, now: Instant, _ failing: inout FailingBook
  ) -> AttemptResult {
    let (status, error) = report.told
    let trip = Trip(report)
    if report.outcome.isSuccess {
      return AttemptResult(
        delivery: delivery, at: now, status: status, error: nil, verdict: .delivered,
        mark: isPresent ? failing.succeeded(delivery.endpoint) : nil, trip: trip)
    }
    precondition(report.outcome != .unsent, "a verdict on what never left")
    if status == 410 {
      return AttemptResult(
        delivery: delivery, at: now, status: 410, error: error, verdict: .dead, mark: .off(.gone), trip: trip)
    }
    let next = options.schedule.next(
      attempts: delivery.attempts + 1, createdAt: delivery.createdAt, now: now,
      retryAfterSeconds: report.retryAfterSeconds, random: .random(in: -1...1))
    return AttemptResult(
      delivery: delivery, at: now, status: status, error: error,
      verdict: next.map { .retry(at: $0) } ?? .dead,
      mark: isPresent ? failing.failed(delivery.endpoint, now: now, store.reference.calendar) : nil, trip: trip)
  }

  /// What cannot be made into a message counts as an attempt that failed, and is tried again when those are: the row may be
  /// mended by then. It says nothing of the endpoint.
  func fail(_ unreadable: [DueDelivery]) {
    let now = store.clock.now
    let results = unreadable.map { delivery in
      let next = options.schedule.next(
        attempts: delivery.attempts + 1, createdAt: delivery.createdAt, now: now, retryAfterSeconds: nil,
        random: .random(in: -1...1))
      return AttemptResult(
        delivery: delivery, at: now, status: nil, error: Self.unreadable, verdict: next.map { .retry(at: $0) } ?? .dead)
    }
    let start = state.withLock { state -> Bool in
      state.unsettled += results
      defer { state.settling = true }
      return !state.settling
    }
    if start { Task { await settle() } }
  }

  private static let unreadable =
    "平台数据库中该件的记录无法读取，消息未能生成；请联系运行人员 / the broker cannot read its record of this request and has no message to send; "
    + "tell its operator"

  /// Records results in groups until there are none; while one group is being written the next one gathers. A disk that
  /// takes no writes is tried again: the results stay here, and were they lost, the rows are still in the outbox and the
  /// messages go out twice rather than never.
  func settle() async {
    while true {
      while store.storm.holdsBack { try? await Task.sleep(for: Self.stormPause) }
      let batch = state.withLock { state -> [AttemptResult] in
        if state.unsettled.isEmpty {
          (state.settling, state.recording) = (false, 0)
          return []
        }
        let batch = Array(state.unsettled.prefix(Self.settleGroup))
        state.unsettled.removeFirst(batch.count)
        state.recording = batch.count
        return batch
      }
      if batch.isEmpty { return }
      var (left, trouble): (ArraySlice<AttemptResult>, StoreError?) = (batch[...], nil)
      do throws(StoreError) {
        let settled = try await store.settle(batch)
        (left, trouble) = (settled.left, settled.trouble)
        let done = batch.dropLast(left.count)
        count(done, revived: settled.revived)
        tell(done, except: settled.failed)
      } catch {
        trouble = error
      }
      guard let trouble else { continue }
      logger.error("callbacks: cannot record \(left.count) results: \(trouble); trying again in 1 s")
      state.withLock { state in
        state.unsettled.insert(contentsOf: left, at: 0)
        state.recording = 0
        if trouble == .closed { state.settling = false }
      }
      if trouble == .closed { return }
      try? await Task.sleep(for: .seconds(1))
    }
  }

  private func count(_ batch: ArraySlice<AttemptResult>, revived: Int) {
    state.withLock { state in
      for result in batch { state.counts[result.verdict.name, default: 0] += 1 }
      state.counts["dead", default: 0] -= revived
      state.counts["retried", default: 0] += revived
    }
  }

  /// Tells the pump what is recorded. What cannot be recorded is still in the outbox and would go out again at once, and
  /// again: the pump hears of it after a minute only.
  private func tell(_ batch: ArraySlice<AttemptResult>, except failed: [Store.Unrecorded]) {
    var unrecorded: [Int64: Set<Int64>] = [:]
    for (result, error) in failed {
      let delivery = result.delivery
      logger.error("callbacks: cannot record \(result.verdict.name) of \(delivery.webhookID): \(error)")
      unrecorded[delivery.endpoint, default: []].insert(delivery.seq)
      Task {
        try? await Task.sleep(for: .seconds(60))
        ring { $0.settled.append((delivery.endpoint, delivery.seq, true)) }
      }
    }
    ring { news in
      for result in batch {
        let (endpoint, seq) = (result.delivery.endpoint, result.delivery.seq)
        if unrecorded[endpoint]?.contains(seq) == true { continue }
        // What was given up may be due again all the same: its endpoint has been set right meanwhile.
        news.settled.append((endpoint, seq, result.verdict != .delivered))
      }
    }
  }

  private static let settleGroup = 256
  /// With so many results waiting to be recorded, over all endpoints, nothing more is handed to the sender: after a crash
  /// they go out again.
  static let mostUnrecorded = 2 * settleGroup
  /// How often it looks whether a storm of deadlines is over.
  private static let stormPause = Duration.milliseconds(5)

  /// Tests under way at once: they share the wire with the callbacks and know no queue.
  private static let testsAtOnce = 8

  /// Sends one message of type `endpoint.test` at once, outside the queue.
  /// - Returns: nil when the endpoint's last test is still under way, or too many others are.
  package func test(_ endpoint: Endpoint) async -> PushReport? {
    let key = endpoint.id.key
    let token = state.withLock { state -> UInt64? in
      guard state.testing.count < Self.testsAtOnce, state.testing.insert(key).inserted else { return nil }
      state.nextToken += 1
      return state.nextToken
    }
    guard let token else { return nil }
    defer { state.withLock { _ = $0.testing.remove(key) } }
    var body = JSONWriter(capacity: 128)
    let now = store.clock.now
    let event = CloudEvent(type: "endpoint.test", time: now.rfc3339, subject: endpoint.id.description)
    let data: (inout JSONWriter) -> Void = { w in w.string("endpoint", event.subject) }
    body.object { w in
      guard endpoint.format == .standard else { return data(&w) }
      w.string("type", event.type)
      w.string("timestamp", event.time)
      w.object("data", data)
    }
    let lane = Lane(endpoint: endpoint, now: now, inFlight: 1, health: Health(options.breaker))
    let id = EntityID(key: now.milliseconds << 12, tail: .random(in: 0...Int64.max)).description
    return await withCheckedContinuation { continuation in
      state.withLock { $0.tests[token] = continuation }
      let cloudEvent = endpoint.format == .cloudevents ? event : nil
      var push = lane.push(
        token: token, id: id, body: body.bytes, trace: nil, cloudEvent: cloudEvent, options)
      push.inspects = true
      submit([push])
    }
  }
}

extension Trip {
  fileprivate init(_ report: PushReport) {
    let timings = report.timings
    self.init(
      dnsUS: timings.dnsUS, connectUS: timings.connectUS, tlsUS: timings.tlsUS, firstByteUS: timings.firstByteUS,
      totalUS: timings.totalUS, remoteAddress: report.remoteAddress)
  }
}
