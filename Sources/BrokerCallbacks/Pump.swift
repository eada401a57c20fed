internal import BrokerDomain
internal import BrokerStore
internal import Logging
internal import Synchronization

/// The loop that takes due rows and hands them to curl. Runs on a thread of its own; nothing here is shared.
struct Pump {
  private let dispatcher: Dispatcher
  private var lanes: [Int64: Lane] = [:]
  /// Where the round begins next time, so that no endpoint is always first.
  private var turn = 0
  /// What those endpoints may still send that are not steady: together they get half of the wire.
  private var unsteadyRoom = 0
  private var swept = monotonicMicroseconds()
  private let owner = UUIDText.format(.random(in: 0...UInt64.max), .random(in: 0...UInt64.max))

  private static let leaseMilliseconds: Int64 = 60_000
  /// Longest sleep: also how stale a lane can be when a notice was missed, and how often the pump shows it lives.
  private static let longestSleepMilliseconds: Int64 = 5000
  /// How often it looks at the whole outbox, at most: one seek per endpoint.
  private static let lookEveryMicroseconds: Int64 = 1_000_000
  /// How often it gives up what endpoints that are switched off were owed for too long.
  private static let sweepEveryMicroseconds: Int64 = 60_000_000
  /// For how long an endpoint is left alone whose queue has a row that cannot be read.
  private static let asideMicroseconds: Int64 = 10_000_000

  init(dispatcher: Dispatcher) { self.dispatcher = dispatcher }

  mutating func run() {
    recover()
    var looked = monotonicMicroseconds()
    var sleep: Int64 = 0
    while true {
      let (news, wireRoom) = dispatcher.listen(milliseconds: sleep)
      if news.stopping { return }
      absorb(news)
      // Another process may have put something in the outbox (an operator's retry); it rings no bell here.
      if monotonicMicroseconds() - looked > Self.lookEveryMicroseconds {
        recover()
        looked = monotonicMicroseconds()
      }
      if monotonicMicroseconds() - swept > Self.sweepEveryMicroseconds { sweep() }
      do throws(StoreError) {
        let room = try serve(wireRoom: wireRoom)
        try prepare()
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
    dispatcher.sweep(stuck: lanes.filter { $0.value.breaker != .closed }.keys.sorted())
  }

  private mutating func absorb(_ news: Dispatcher.News) {
    let now = dispatcher.store.clock.now
    for arrival in news.arrived { hear(arrival, now) }
    for (endpoint, seq) in news.unsent { lanes[endpoint]?.cameBack(seq, now) }
    for (endpoint, seq, again) in news.settled {
      lanes[endpoint]?.outstanding.remove(seq)
      // A failed attempt has put its row back with a due time of its own: look again.
      if again { lanes[endpoint]?.dueAt = now }
    }
    if news.endpointsChanged {
      for (key, lane) in lanes { reload(key, lane, now) }
      // One that is switched on again has no lane yet.
      recover()
      dispatcher.trimFailing(lanes: lanes.keys)
    }
    for key in news.woken {
      if lanes[key] == nil { _ = open(key, now: now) }
      lanes[key]?.dueAt = now
    }
    if news.clockMoved {
      for key in Array(lanes.keys) { lanes[key]?.dueAt = now }
      recover()
      sweep()
    }
  }

  private mutating func hear(_ arrival: Arrival, _ now: Instant) {
    guard let index = lanes.index(forKey: arrival.endpoint) else { return }
    let change = lanes.values[index].arrived(arrival, now, dispatcher.options)
    let id = lanes.values[index].endpoint.id
    switch change {
    case .none, .reopened: break
    case .opened: dispatcher.logger.warning("callbacks: endpoint \(id) keeps failing; its breaker is open")
    case .closed: dispatcher.logger.notice("callbacks: endpoint \(id) answers again; its breaker is closed")
    }
  }

  /// - Parameter old: the lane it had, when it was reopened.
  private mutating func open(_ key: Int64, now: Instant, old: Lane? = nil) -> Bool {
    if lanes[key] != nil { return true }
    guard let found = try? dispatcher.store.endpoint(key: key), found.enabled else { return false }
    // What is known of one address says nothing of another.
    let known = old.flatMap { $0.endpoint.url == found.url ? $0.health : nil }
    let health = known ?? Health(dispatcher.options.breaker)
    if known == nil { dispatcher.healths.withLock { $0[key] = health } }
    lanes[key] = Lane(
      endpoint: found, now: now, inFlight: dispatcher.options.inFlightPerEndpoint, ahead: dispatcher.options.ahead,
      health: health)
    return true
  }

  /// Its address, secret or state changed: a new lane that remembers what is on the wire.
  private mutating func reload(_ key: Int64, _ lane: Lane, _ now: Instant) {
    lanes[key] = nil
    let isOpen = open(key, now: now, old: lane)
    if lanes[key]?.endpoint != lane.endpoint { dispatcher.recall(key) }
    if !isOpen || lanes[key]?.endpoint.url != lane.endpoint.url {
      dispatcher.state.withLock { $0.failing.forget(key) }
    }
    guard isOpen else { return dispatcher.healths.withLock { $0[key] = nil } }
    // What was taken and not sent is taken again, for the endpoint as it is now.
    lanes[key]?.outstanding = lane.outstanding.subtracting(lane.ready.map(\.seq))
    lanes[key]?.handed = lane.handed
    lanes[key]?.leaseUntil = lane.leaseUntil
    lanes[key]?.asideUntil = lane.asideUntil
    lanes[key]?.dueAt = now
    guard let endpoint = lanes[key]?.endpoint, endpoint.url == lane.endpoint.url else { return }
    lanes[key]?.pace = lane.pace
    lanes[key]?.ramp = lane.ramp
    // Its organ has set something right, perhaps.
    guard endpoint != lane.endpoint else { return }
    lane.health.probeNow(asked: now, now: now)
    lanes[key]?.breaker = lane.health.breaker
  }

  /// Gives every lane that is due a share of what the wire has room for, starting with another one each time.
  /// - Returns: the room that is left.
  private mutating func serve(wireRoom: Int) throws(StoreError) -> Int {
    let now = dispatcher.store.clock.now
    let unsteady = lanes.values.reduce(0) { $1.pace.isSteady ? $0 : $0 + $1.handed }
    unsteadyRoom = max(1, dispatcher.options.inFlight / 2) - unsteady
    guard wireRoom > 0 else { return 0 }
    let due = lanes.compactMap { isDue($0.value, now) ? $0.key : nil }.sorted()
    guard !due.isEmpty else { return wireRoom }
    var room = wireRoom
    turn = (turn + 1) % due.count
    for index in due.indices where room > 0 {
      let key = due[(turn + index) % due.count]
      let isSteady = lanes[key]?.pace.isSteady ?? false
      let share = min(max(1, room / (due.count - index)), isSteady ? room : unsteadyRoom)
      guard share > 0 else { continue }
      let sent = try alone(key) { pump throws(StoreError) in try pump.fill(key, room: share, now: now) }
      room -= sent
      if !isSteady { unsteadyRoom -= sent }
    }
    return room
  }

  /// Works on one lane so that what is wrong with its queue is its own trouble. A fault of the whole database is not.
  private mutating func alone(
    _ key: Int64, _ work: (inout Pump) throws(StoreError) -> Int
  ) throws(StoreError) -> Int {
    do throws(StoreError) {
      return try work(&self)
    } catch {
      guard !error.concernsAll else { throw error }
      dispatcher.logger.error(
        "callbacks: the queue of endpoint \(lanes[key]?.endpoint.id.description ?? "?") cannot be read: \(error)")
      lanes[key]?.asideUntil = monotonicMicroseconds() + Self.asideMicroseconds
      return 0
    }
  }

  /// Something can be sent or looked for, and the endpoint's own share of the wire is not used up.
  private func isDue(_ lane: Lane, _ now: Instant) -> Bool {
    guard lane.free > 0, !lane.isAside else { return false }
    if lane.breaker != .closed || lane.ramp != nil, lane.allowed(now, monotonicMicroseconds()) == 0 { return false }
    if !lane.ready.isEmpty { return true }
    return lane.outstanding.count < mostOutstanding && lane.dueAt.map { $0 <= now } ?? false
  }

  /// Those that arrived and wait to be recorded count as well, so the bound is above the wire's own.
  private var mostOutstanding: Int { dispatcher.options.inFlightPerEndpoint * 2 + Dispatcher.mostUnrecorded }

  /// - Returns: how many messages went on the wire.
  private mutating func fill(_ key: Int64, room: Int, now: Instant) throws(StoreError) -> Int {
    guard let old = lanes[key] else { return 0 }
    if let until = old.signerUntil, now >= until { reload(key, old, now) }
    guard hasLease(key), let lane = lanes[key] else { return 0 }
    let clock = monotonicMicroseconds()
    let room = min(room, lane.free, lane.allowed(now, clock))
    guard room > 0 else { return 0 }
    if lane.ready.count < room { try take(key, lane, room: room - lane.ready.count) }
    guard let sending = lanes[key]?.ready.prefix(room), !sending.isEmpty else { return 0 }
    lanes[key]?.ready.removeFirst(sending.count)
    lanes[key]?.sent(sending.count, clock)
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
          token: first + UInt64(offset), line: key, id: delivery.webhookID, body: delivery.body,
          trace: delivery.trace, cloudEvent: delivery.cloudEvent, dispatcher.options)
      })
    return sending.count
  }

  /// Messages that one read of a queue takes at least, where there are so many.
  private static let page = 32
  /// What is held ready for all endpoints together: with a thousand of them each read takes eight.
  private static let mostReady = 8192
  /// What is read before there is room for it, for all endpoints together.
  private static let readAhead = 512

  private var page: Int { max(1, min(Self.page, Self.mostReady / max(1, lanes.count))) }

  /// Reads on while the sender is busy, so that what it has room for next lies ready: a page of each endpoint, the next
  /// one's first. Stops as soon as there is news.
  private mutating func prepare() throws(StoreError) {
    let now = dispatcher.store.clock.now
    var ready = lanes.values.reduce(0) { $0 + $1.ready.count }
    guard ready < Self.readAhead else { return }
    let wanting = lanes.compactMap { wantsMore($0.value, now) ? $0.key : nil }.sorted()
    for index in wanting.indices where ready < Self.readAhead && !dispatcher.hasNews {
      let key = wanting[(turn + 1 + index) % wanting.count]
      ready += try alone(key) { pump throws(StoreError) in
        guard let lane = pump.lanes[key] else { return 0 }
        try pump.take(key, lane, room: 0)
        return (pump.lanes[key]?.ready.count ?? 0) - lane.ready.count
      }
    }
  }

  /// It has little ready, more is due, and nothing speaks against sending it.
  private func wantsMore(_ lane: Lane, _ now: Instant) -> Bool {
    lane.goesWell && !lane.isAside && lane.leaseUntil != nil && lane.ready.count < page
      && lane.outstanding.count < mostOutstanding && lane.dueAt.map { $0 <= now } ?? false
  }

  private mutating func take(_ key: Int64, _ lane: Lane, room: Int) throws(StoreError) {
    // One that may stall takes what it sends and no more: what it holds ready would be old when its turn comes.
    let wanted = lane.pace.isSteady ? max(room, page) : room
    let limit = min(wanted, mostOutstanding - lane.outstanding.count)
    guard limit > 0 else { return }
    let clock = monotonicMicroseconds()
    let page = try dispatcher.store.dueDeliveries(
      lane.endpoint, outstanding: lane.outstanding, after: lane.mark(clock), limit: limit)
    lanes[key]?.take(page, clock)
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
    let clock = monotonicMicroseconds()
    var wait = Self.longestSleepMilliseconds
    for lane in lanes.values {
      // One that has used up its room on the wire waits for results, which ring the bell.
      guard lane.free > 0, lane.pace.isSteady || unsteadyRoom > 0 else { continue }
      if lane.asideUntil > clock {
        wait = min(wait, (lane.asideUntil - clock) / 1000 + 1)
        continue
      }
      guard let held = lane.heldMilliseconds(now, clock) else { continue }
      if held > 0 {
        wait = min(wait, held)
        continue
      }
      // The wire has room and the lane has something: go on at once.
      if !lane.ready.isEmpty, lane.leaseUntil != nil { return 0 }
      // The same holds for one that waits for its results to be recorded.
      guard let at = lane.dueAt, lane.outstanding.count < mostOutstanding else { continue }
      wait = min(wait, max(1, at.milliseconds - now.milliseconds))
    }
    return wait
  }
}
