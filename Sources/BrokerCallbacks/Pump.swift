internal import BrokerDomain
internal import BrokerStore
internal import Dispatch
internal import Logging
internal import Synchronization

/// One endpoint's way out.
struct Lane {
  let endpoint: Endpoint
  private let signer: WebhookSigner
  /// When the overlap of a rotated secret ends and the signer must be made anew.
  let signerUntil: Instant?
  /// Sequence numbers that were taken and are not yet recorded.
  var outstanding: Set<Int64> = []
  /// Taken and not yet sent, in order: a read of the queue costs more than a message, so it takes several.
  var ready: ArraySlice<DueDelivery> = []
  /// How many are on the wire.
  var onWire = 0
  /// When its queue is next due; nil when only an event can change that.
  var dueAt: Instant?
  /// Real time at which its lease ends; nil while it has none.
  var leaseUntil: Instant?

  init(endpoint: Endpoint, now: Instant) {
    self.endpoint = endpoint
    signer = WebhookSigner(
      secrets: endpoint.signingSecrets(now: now).compactMap { try? WebhookSecret(raw: $0) })
    signerUntil = endpoint.previousUntil.flatMap { now < $0 ? $0 : nil }
  }

  mutating func arrived(_ count: Int) {
    // A lane that was closed and opened again meanwhile does not know of those sent before.
    onWire = max(0, onWire - count)
  }

  /// Without a lease nothing may be sent: what was taken will be taken again.
  mutating func giveBack() {
    outstanding.subtract(ready.map(\.seq))
    ready = []
    leaseUntil = nil
  }

  func push(token: UInt64, id: String, body: [UInt8], trace: String?, _ options: CallbackOptions) -> Push {
    // Receivers refuse a stale timestamp, so this is the real time, also in rehearsal.
    let timestamp = BrokerClock.wall.milliseconds / 1000
    var headers = [
      "content-type: application/json", "webhook-id: \(id)", "webhook-timestamp: \(timestamp)",
      "webhook-signature: \(signer.signature(id: id, timestamp: timestamp, body: body))",
    ]
    if let trace { headers.append("traceparent: \(Self.continued(trace))") }
    return Push(
      token: token, url: endpoint.url, headers: headers, body: body,
      connectTimeoutMS: options.connectTimeoutMS, totalTimeoutMS: options.totalTimeoutMS)
  }

  /// The same trace, a span of our own (W3C Trace Context).
  private static func continued(_ trace: String) -> String {
    let span = String(UInt64.random(in: 1...UInt64.max), radix: 16)
    let padded = String(repeating: "0", count: 16 - span.count) + span
    return "\(trace.prefix(36))\(padded)\(trace.suffix(3))"
  }
}

/// The loop that takes due rows and hands them to curl. Runs on a thread of its own; nothing here is shared.
struct Pump {
  private let dispatcher: Dispatcher
  private var lanes: [Int64: Lane] = [:]
  /// Where the round begins next time, so that no endpoint is always first.
  private var turn = 0
  private let owner = UUIDText.format(.random(in: 0...UInt64.max), .random(in: 0...UInt64.max))

  private static let leaseMilliseconds: Int64 = 60_000
  /// Longest sleep: also how stale a lane can be when a notice was missed, and how often the pump shows it lives.
  private static let longestSleepMilliseconds: Int64 = 5000
  /// How often it looks at the whole outbox, at most: one seek per endpoint.
  private static let lookEveryMicroseconds: Int64 = 1_000_000

  init(dispatcher: Dispatcher) { self.dispatcher = dispatcher }

  mutating func run() {
    recover()
    var looked = monotonicMicroseconds()
    var sleep: Int64 = 0
    while true {
      let (news, onWire) = dispatcher.listen(milliseconds: sleep)
      if news.stopping { return }
      absorb(news)
      // Another process may have put something in the outbox (an operator's retry); it rings no bell here.
      if monotonicMicroseconds() - looked > Self.lookEveryMicroseconds {
        recover()
        looked = monotonicMicroseconds()
      }
      do throws(StoreError) {
        let room = try serve(wireRoom: dispatcher.options.inFlight - onWire)
        // With the wire full only a report makes room, and it rings.
        sleep = room > 0 ? sleepMilliseconds() : Self.longestSleepMilliseconds
      } catch {
        dispatcher.logger.error("callbacks: \(error); trying again in 1 s")
        recover()
        sleep = 1000
      }
    }
  }

  /// Looks at the whole outbox: at start, and after a fault.
  private mutating func recover() {
    let now = dispatcher.store.clock.now
    guard let heads = try? dispatcher.store.queueHeads() else { return }
    for (key, at) in heads where at.milliseconds != Int64.max {
      _ = open(key, now: now)
      lanes[key]?.dueAt = at
    }
  }

  private mutating func absorb(_ news: Dispatcher.News) {
    let now = dispatcher.store.clock.now
    for (endpoint, count) in news.arrived { lanes[endpoint]?.arrived(count) }
    for (endpoint, seq, again) in news.settled {
      lanes[endpoint]?.outstanding.remove(seq)
      // A failed attempt has put its row back with a due time of its own: look again.
      if again { lanes[endpoint]?.dueAt = now }
    }
    if news.endpointsChanged {
      for (key, lane) in lanes { reload(key, lane, now) }
    }
    for key in news.woken {
      if lanes[key] == nil { _ = open(key, now: now) }
      lanes[key]?.dueAt = now
    }
    if news.clockMoved {
      for key in Array(lanes.keys) { lanes[key]?.dueAt = now }
      recover()
    }
  }

  private mutating func open(_ key: Int64, now: Instant) -> Bool {
    if lanes[key] != nil { return true }
    guard let found = try? dispatcher.store.endpoint(key: key), found.enabled else { return false }
    lanes[key] = Lane(endpoint: found, now: now)
    return true
  }

  /// Its address, secret or state changed: a new lane that remembers what is on the wire.
  private mutating func reload(_ key: Int64, _ lane: Lane, _ now: Instant) {
    lanes[key] = nil
    guard open(key, now: now) else { return }
    // What was taken and not sent is taken again, for the endpoint as it is now.
    lanes[key]?.outstanding = lane.outstanding.subtracting(lane.ready.map(\.seq))
    lanes[key]?.onWire = lane.onWire
    lanes[key]?.leaseUntil = lane.leaseUntil
    lanes[key]?.dueAt = now
  }

  /// Gives every lane that is due a share of what the wire has room for, starting with another one each time.
  /// - Returns: the room that is left.
  private mutating func serve(wireRoom: Int) throws(StoreError) -> Int {
    let now = dispatcher.store.clock.now
    let due = lanes.filter { isDue($0.value, now) }.keys.sorted()
    guard !due.isEmpty else { return wireRoom }
    var room = wireRoom
    turn = (turn + 1) % due.count
    for index in due.indices where room > 0 {
      let key = due[(turn + index) % due.count]
      let share = max(1, room / (due.count - index))
      room -= try fill(key, room: share, now: now)
    }
    return room
  }

  /// Something can be sent or looked for, and the endpoint's own share of the wire is not used up.
  private func isDue(_ lane: Lane, _ now: Instant) -> Bool {
    guard lane.onWire < dispatcher.options.inFlightPerEndpoint else { return false }
    if !lane.ready.isEmpty { return true }
    return lane.outstanding.count < mostOutstanding && lane.dueAt.map { $0 <= now } ?? false
  }

  /// Those that arrived and wait to be recorded count as well, so the bound is above the wire's own.
  private var mostOutstanding: Int { dispatcher.options.inFlightPerEndpoint * 2 }

  /// - Returns: how many messages went on the wire.
  private mutating func fill(_ key: Int64, room: Int, now: Instant) throws(StoreError) -> Int {
    guard let old = lanes[key] else { return 0 }
    if let until = old.signerUntil, now >= until { reload(key, old, now) }
    guard hasLease(key), let lane = lanes[key] else { return 0 }
    if lane.ready.isEmpty { try take(key, lane, room: room) }
    let free = min(room, dispatcher.options.inFlightPerEndpoint - lane.onWire)
    guard let sending = lanes[key]?.ready.prefix(free), !sending.isEmpty else { return 0 }
    lanes[key]?.ready.removeFirst(sending.count)
    lanes[key]?.onWire += sending.count
    let first = dispatcher.state.withLock { state in
      let first = state.nextToken + 1
      state.nextToken += UInt64(sending.count)
      for (offset, delivery) in sending.enumerated() {
        state.onWire[first + UInt64(offset)] = delivery
      }
      return first
    }
    dispatcher.submit(
      sending.enumerated().map { offset, delivery in
        lane.push(
          token: first + UInt64(offset), id: delivery.webhookID, body: delivery.body,
          trace: delivery.trace, dispatcher.options)
      })
    return sending.count
  }

  /// Messages that one read of a queue takes at least, where there are so many: bounds what is held in memory for all
  /// endpoints together.
  private static let page = 32

  private mutating func take(_ key: Int64, _ lane: Lane, room: Int) throws(StoreError) {
    let limit = min(max(room, Self.page), mostOutstanding - lane.outstanding.count)
    guard limit > 0 else { return }
    let (due, next) = try dispatcher.store.dueDeliveries(
      lane.endpoint, outstanding: lane.outstanding, limit: limit)
    lanes[key]?.dueAt = next
    lanes[key]?.ready = due[...]
    for delivery in due { lanes[key]?.outstanding.insert(delivery.seq) }
  }

  /// Takes or renews the lease of an endpoint when less than half of it is left. The first time costs a commit, for
  /// which the pump waits; renewals go along with the groups that settle.
  private mutating func hasLease(_ key: Int64) -> Bool {
    let now = BrokerClock.wall
    if let until = lanes[key]?.leaseUntil, until.milliseconds - now.milliseconds > Self.leaseMilliseconds / 2 {
      return true
    }
    let until = now + Self.leaseMilliseconds
    let taken = Handover<Bool>()
    let (store, owner) = (dispatcher.store, owner)
    Task {
      taken.give(
        (try? await store.write { context in
          try context.lease(endpoint: key, owner: owner, until: until)
        }) ?? false)
    }
    guard taken.take() else {
      // Another dispatcher may hold it until it runs out, or the disk takes no writes: ask again in a second. What was
      // taken and not sent goes back, or the lane would look busy and the pump would not sleep.
      lanes[key]?.giveBack()
      lanes[key]?.dueAt = dispatcher.store.clock.now + 1000
      return false
    }
    lanes[key]?.leaseUntil = until
    return true
  }

  private func sleepMilliseconds() -> Int64 {
    let now = dispatcher.store.clock.now
    var wait = Self.longestSleepMilliseconds
    for lane in lanes.values {
      // The wire has room and the lane has something: go on at once.
      if !lane.ready.isEmpty, isDue(lane, now), lane.leaseUntil != nil { return 0 }
      // A lane that is full waits for its own results, which ring the bell.
      guard let at = lane.dueAt, lane.outstanding.count < mostOutstanding else { continue }
      wait = min(wait, max(1, at.milliseconds - now.milliseconds))
    }
    return wait
  }
}

/// One value from a task to a waiting thread.
private final class Handover<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let ready = DispatchSemaphore(value: 0)

  func give(_ value: Value) {
    self.value.withLock { $0 = value }
    ready.signal()
  }

  func take() -> Value {
    ready.wait()
    guard let value = value.withLock({ $0 }) else { preconditionFailure("given before signalled") }
    return value
  }
}
