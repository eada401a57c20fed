internal import BrokerDomain
internal import BrokerStore
internal import Logging
internal import Synchronization

/// The loop that takes due rows and hands them to curl. Runs on a thread of its own; nothing here is shared.
struct Pump {
  let dispatcher: Dispatcher
  var lanes: [Int64: Lane] = [:]
  /// Where the round begins next time, so that no endpoint is always first.
  var turn = 0
  /// What those endpoints may still send that are not steady.
  var unsteadyRoom: UnsteadyRoom
  /// How many more may wait at the sender because their lane has on the wire what it may.
  var waitingRoom = 0
  /// How many bytes of bodies more may be held ready.
  var readyRoom = 0
  /// What lanes that were closed have left behind: without it one that is opened again would send it twice.
  private var left: [Int64: Left] = [:]
  /// Endpoints that are on and cannot be served, with when that was last said, by monotonic microseconds.
  private var unserved: [Int64: Int64] = [:]
  private var swept = monotonicMicroseconds()
  private var looked = monotonicMicroseconds()
  /// The whole outbox is to be looked at: at the start, after a fault, or because much has changed.
  private var isLookDue = true
  /// What is wrong with the database, as it was said last.
  private var trouble: [Work: StoreError] = [:]

  enum Work { case looking, leasing, sending }
  /// Something was read of a queue since it was asked last.
  var isRead = false
  let owner = UUIDText.format(.random(in: 0...UInt64.max), .random(in: 0...UInt64.max))

  /// With the sender or not recorded yet.
  private struct Left {
    var outstanding: Set<Int64>
    var handed: Int
    /// Where what was handed over goes, and in which line.
    let url: String
    let line: Int64
  }

  /// It is renewed when less than half of it is left, and in half of it whatever is sent must have come to its end: who sees
  /// that it has run out takes nothing to be on the wire. What was handed over may wait for the one before it, and each may
  /// be sent twice: once with others on its connection, once alone.
  var leaseMilliseconds: Int64 { max(60_000, 2 * 4 * Int64(dispatcher.options.totalTimeoutMS) + 30_000) }
  /// Longest sleep: also how stale a lane can be when a notice was missed, and how often the pump shows it lives.
  static let longestSleepMilliseconds: Int64 = 5000
  /// How often it looks at the whole outbox, at most: one seek per endpoint.
  private static let lookEveryMicroseconds: Int64 = 1_000_000
  /// How often it gives up what endpoints that are switched off were owed for too long.
  private static let sweepEveryMicroseconds: Int64 = 60_000_000
  /// How often it says the same of an endpoint.
  private static let sayEveryMicroseconds: Int64 = 60_000_000
  /// For how long an endpoint is left alone whose queue has a row that cannot be read.
  static let asideMicroseconds: Int64 = 10_000_000

  init(dispatcher: Dispatcher) {
    self.dispatcher = dispatcher
    unsteadyRoom = UnsteadyRoom(wire: dispatcher.options.inFlight, [])
  }

  mutating func run() {
    var sleep: Int64 = 0
    while true {
      let (news, senderRoom) = dispatcher.listen(milliseconds: sleep)
      if news.stopping { return }
      absorb(news)
      // Another process may have put something in the outbox (an operator's retry); it rings no bell here.
      if monotonicMicroseconds() - looked > Self.lookEveryMicroseconds { isLookDue = true }
      if monotonicMicroseconds() - swept > Self.sweepEveryMicroseconds { sweep() }
      if isLookDue { look() }
      do throws(StoreError) {
        isRead = false
        let room = try serve(room: senderRoom)
        try prepare()
        if isRead { say(nil, of: .sending) }
        // What makes room again, a report or a group of results that is recorded, rings.
        sleep = room > 0 ? sleepMilliseconds() : Self.longestSleepMilliseconds
      } catch {
        say(error, of: .sending)
        isLookDue = true
        sleep = 1000
      }
    }
  }

  /// When it begins, when it becomes something else, and when it is over; not each second.
  mutating func say(_ error: StoreError?, of work: Work) {
    guard error != trouble[work] else { return }
    trouble[work] = error
    if let error {
      dispatcher.logger.error(
        "回调：数据库暂不可用，每秒重试 / callbacks: \(error); trying again every second")
    } else {
      dispatcher.logger.notice("回调：数据库恢复可用 / callbacks: the database can be used again")
    }
  }

  /// Looks at the whole outbox. When it cannot be read, what is known of it goes on.
  private mutating func look() {
    (isLookDue, looked) = (false, monotonicMicroseconds())
    let now = dispatcher.store.clock.now
    let heads: [(endpoint: Int64, at: Instant)]
    do throws(StoreError) {
      heads = try dispatcher.store.queueHeads()
    } catch {
      return say(error, of: .looking)
    }
    say(nil, of: .looking)
    for (key, at) in heads where at.milliseconds != Int64.max {
      _ = open(key, now: now)
      lanes[key]?.dueAt = at
    }
    askedFor(now)
  }

  /// Somebody who asks for a retry is told at once how it is, and not after the breaker's pause.
  private mutating func askedFor(_ now: Instant) {
    for (key, lane) in lanes {
      guard case .open = lane.breaker, let asked = try? dispatcher.store.asked(for: key) else { continue }
      lane.health.probeNow(asked: asked, now: now)
      lanes[key]?.breaker = lane.health.breaker
    }
  }

  private mutating func sweep() {
    swept = monotonicMicroseconds()
    let held = lanes.filter { $0.value.breaker != .closed }.map(\.key)
    dispatcher.sweep(stuck: (held + unserved.keys).sorted())
  }

  private mutating func absorb(_ news: Dispatcher.News) {
    let now = dispatcher.store.clock.now
    for arrival in news.arrived { hear(arrival, now) }
    for (endpoint, seq, line) in news.unsent {
      lanes[endpoint]?.cameBack(seq, from: line, now)
      settleLeft(endpoint, seq, from: line)
    }
    for (endpoint, seq, again) in news.settled {
      lanes[endpoint]?.outstanding.remove(seq)
      settleLeft(endpoint, seq)
      // A failed attempt has put its row back with a due time of its own: look again.
      if again { lanes[endpoint]?.dueAt = now }
    }
    if news.endpointsChanged {
      for (key, lane) in lanes { reload(key, lane, now) }
      dispatcher.trimFailing(lanes: lanes.keys)
      // One that is switched on again has no lane yet.
      isLookDue = true
    }
    for key in news.woken {
      if lanes[key] == nil { _ = open(key, now: now) }
      lanes[key]?.dueAt = now
    }
    if news.clockMoved {
      for key in Array(lanes.keys) { lanes[key]?.dueAt = now }
      isLookDue = true
      sweep()
    }
  }

  /// - Parameters:
  ///   - seq: nil for one that is still to be recorded.
  ///   - line: that of one which leaves the sender now; nil for one that has left it.
  private mutating func settleLeft(_ endpoint: Int64, _ seq: Int64?, from line: Int64? = nil) {
    guard var rest = left[endpoint] else { return }
    if let seq { rest.outstanding.remove(seq) }
    if line == rest.line { rest.handed = max(0, rest.handed - 1) }
    left[endpoint] = rest.outstanding.isEmpty ? nil : rest
  }

  private mutating func hear(_ arrival: Arrival, _ now: Instant) {
    guard let index = lanes.index(forKey: arrival.endpoint) else {
      return settleLeft(arrival.endpoint, nil, from: arrival.line)
    }
    // Of an address that it no longer has, or that it had before another.
    guard lanes.values[index].line == arrival.line else { return }
    let change = lanes.values[index].arrived(arrival, now, dispatcher.options)
    let id = lanes.values[index].endpoint.id
    switch change {
    case .none, .reopened: break
    case .opened:
      dispatcher.logger.warning(
        "回调：接收地址 \(id) 持续失败，已熔断 / callbacks: endpoint \(id) keeps failing; its breaker is open")
    case .closed:
      dispatcher.logger.notice(
        "回调：接收地址 \(id) 已恢复，解除熔断 / callbacks: endpoint \(id) answers again; its breaker is closed")
    }
  }

  /// - Parameter old: the lane it had, when it was reopened.
  private mutating func open(_ key: Int64, now: Instant, old: Lane? = nil) -> Bool {
    if lanes[key] != nil { return true }
    guard let found = readable(key) else { return false }
    // What is known of one address says nothing of another.
    let known = old.flatMap { $0.endpoint.url == found.url ? $0.health : nil }
    let isFailing = old == nil && dispatcher.state.withLock { $0.failing.since(key) != nil }
    let health = known ?? Health(dispatcher.options.breaker, failingAt: isFailing ? now : nil)
    if known == nil { dispatcher.healths.withLock { $0[key] = health } }
    let rest = left.removeValue(forKey: key)
    let isOnWire = rest?.url == found.url
    // Another address is another line; one that was closed and is opened again goes on in its own.
    let line = known != nil ? old?.line : isOnWire ? rest?.line : nil
    var lane = Lane(
      endpoint: found, line: line ?? dispatcher.newLine(), now: now,
      inFlight: dispatcher.options.inFlightPerEndpoint, health: health, isFailing: isFailing)
    if old == nil, wasAskedFor(key, now) { lane.ramp = Ramp(dispatcher.options) }
    if let rest {
      lane.outstanding = rest.outstanding
      lane.handed = isOnWire ? rest.handed : 0
    }
    lanes[key] = lane
    dispatcher.state.withLock { $0.lines[key] = lane.line }
    return true
  }

  /// The endpoint, when it is on and something can be sent there.
  private mutating func readable(_ key: Int64) -> Endpoint? {
    do throws(StoreError) {
      let found = try dispatcher.store.endpoint(key: key)
      guard let found, found.enabled, let loss = found.loss else {
        unserved[key] = nil
        return found?.enabled == true ? found : nil
      }
      sayUnserved(key, "回调：接收地址 \(found.id) 的\(loss.zh) / callbacks: endpoint \(found.id): \(loss.en)")
    } catch {
      sayUnserved(key, "callbacks: an endpoint cannot be read: \(error)")
    }
    return nil
  }

  /// It is tried each second, and said each minute.
  private mutating func sayUnserved(_ key: Int64, _ text: String) {
    let now = monotonicMicroseconds()
    if let said = unserved[key], now - said < Self.sayEveryMicroseconds { return }
    unserved[key] = now
    dispatcher.logger.error("\(text)")
  }

  /// Somebody has just switched it on again, or wants an attempt of it: what has gathered meanwhile does not go out at once.
  private func wasAskedFor(_ key: Int64, _ now: Instant) -> Bool {
    guard let asked = try? dispatcher.store.asked(for: key) else { return false }
    // Asked for after the pump looked at the clock, it may be from later than `now`.
    return now.milliseconds - asked.milliseconds <= Int64(dispatcher.options.recoverySeconds) * 1000
  }

  /// Its address, secret or state changed: a new lane that remembers what is on the wire.
  mutating func reload(_ key: Int64, _ lane: Lane, _ now: Instant) {
    lanes[key] = nil
    let isOpen = open(key, now: now, old: lane)
    if lanes[key]?.endpoint != lane.endpoint { dispatcher.recall(lane.line) }
    if !isOpen || lanes[key]?.endpoint.url != lane.endpoint.url {
      dispatcher.state.withLock { state in
        state.failing.forget(key)
        if !isOpen { state.lines[key] = nil }
      }
    }
    // What was taken and not sent is taken again, for the endpoint as it is now.
    let outstanding = lane.outstanding.subtracting(lane.ready.map(\.seq))
    guard isOpen else {
      if !outstanding.isEmpty {
        left[key] = Left(
          outstanding: outstanding, handed: lane.handed, url: lane.endpoint.url, line: lane.line)
      }
      return dispatcher.healths.withLock { $0[key] = nil }
    }
    lanes[key]?.outstanding = outstanding
    lanes[key]?.leaseUntil = lane.leaseUntil
    lanes[key]?.asideUntil = lane.asideUntil
    lanes[key]?.dueAt = now
    guard let endpoint = lanes[key]?.endpoint, endpoint.url == lane.endpoint.url else { return }
    // What is on the wire to another address takes nothing of this one's share.
    lanes[key]?.handed = lane.handed
    lanes[key]?.pace = lane.pace
    lanes[key]?.ramp = lane.ramp
    // Its organ has set something right, perhaps.
    guard endpoint != lane.endpoint else { return }
    lane.health.probeNow(asked: now, now: now)
    lanes[key]?.breaker = lane.health.breaker
  }
}
