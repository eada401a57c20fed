internal import BrokerDomain
internal import BrokerStore
internal import Logging
internal import Synchronization

/// Who gets what of the wire, and what is read for it.
extension Pump {
  /// Gives every lane that is due a share of what the sender has room for, starting with another one each time.
  /// - Parameter room: for how many messages more there is any.
  /// - Returns: the room that is left.
  mutating func serve(room wireRoom: Int) throws(StoreError) -> Int {
    let now = dispatcher.store.clock.now
    unsteadyRoom = UnsteadyRoom(wire: dispatcher.options.inFlight, lanes.values)
    waitingRoom = dispatcher.options.ahead - lanes.values.reduce(0) { $0 + $1.waiting }
    readyRoom = Self.mostReadyBytes - lanes.values.reduce(0) { $0 + $1.readyBytes }
    guard wireRoom > 0 else { return 0 }
    let due = lanes.compactMap { isDue($0.value, now) ? $0.key : nil }.sorted()
    guard !due.isEmpty else { return wireRoom }
    var room = wireRoom
    turn = (turn + 1) % due.count
    for index in due.indices where room > 0 {
      let key = due[(turn + index) % due.count]
      guard let lane = lanes[key] else { continue }
      let share = min(max(1, room / (due.count - index)), unsteadyRoom.share(of: lane))
      guard share > 0 else { continue }
      let sent = try alone(key) { pump throws(StoreError) in try pump.fill(key, room: share, now: now) }
      room -= sent
      unsteadyRoom.take(sent, of: lane, after: lane.handed)
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
        "callbacks: the queue of endpoint \(lanes[key]?.endpoint.id.description ?? "?") cannot be served: \(error)")
      lanes[key]?.asideUntil = monotonicMicroseconds() + Self.asideMicroseconds
      return 0
    }
  }

  /// How many more the lane may hand over: what it may have on the wire and, while all goes well, some that follow without
  /// anybody being asked. These are few for all lanes together: should their receivers stall, they take nobody's place.
  private func free(_ lane: Lane) -> Int { lane.free + (lane.goesWell ? max(0, waitingRoom) : 0) }

  /// Something can be sent or looked for, and the endpoint's own share of the wire is not used up.
  private func isDue(_ lane: Lane, _ now: Instant) -> Bool {
    guard free(lane) > 0, !lane.isAside else { return false }
    if lane.breaker != .closed || lane.ramp != nil, lane.allowed(now, monotonicMicroseconds()) == 0 { return false }
    if !lane.ready.isEmpty { return true }
    return lane.outstanding.count < mostOutstanding && lane.dueAt.map { $0 <= now } ?? false
  }

  /// Those that arrived and wait to be recorded count as well, so the bound is above the wire's own.
  private var mostOutstanding: Int { dispatcher.options.inFlightPerEndpoint * 2 + Dispatcher.mostUnrecorded }

  /// - Returns: how many messages were handed over.
  private mutating func fill(_ key: Int64, room: Int, now: Instant) throws(StoreError) -> Int {
    guard let old = lanes[key] else { return 0 }
    if let until = old.signerUntil, now >= until { reload(key, old, now) }
    guard hasLease(key), let lane = lanes[key] else { return 0 }
    let clock = monotonicMicroseconds()
    let room = min(room, free(lane), lane.allowed(now, clock))
    guard room > 0 else { return 0 }
    if lane.ready.count < room, lane.dueAt.map({ $0 <= now }) ?? false {
      do throws(StoreError) {
        try take(key, lane, room: room - lane.ready.count, isSent: true)
      } catch {
        // A queue that cannot be read from some place on holds up what is behind it, not what is before.
        guard !lane.ready.isEmpty, !error.concernsAll else { throw error }
      }
    }
    guard let sending = lanes[key]?.takeReady(room), !sending.isEmpty else { return 0 }
    readyRoom += sending.reduce(0) { $0 + $1.body.count }
    lanes[key]?.sent(sending.count, clock)
    waitingRoom += lane.waiting - (lanes[key]?.waiting ?? 0)
    let first = dispatcher.state.withLock { state in
      let first = state.nextToken + 1
      state.nextToken += UInt64(sending.count)
      for (offset, delivery) in sending.enumerated() {
        state.onWire[first + UInt64(offset)] = Dispatcher.Handed(delivery: delivery, line: lane.line)
      }
      return first
    }
    dispatcher.submit(
      sending.enumerated().map { offset, delivery in
        lane.push(
          token: first + UInt64(offset), id: delivery.webhookID, body: delivery.body,
          trace: delivery.trace, cloudEvent: delivery.cloudEvent, dispatcher.options)
      })
    return sending.count
  }

  /// Messages that one read of a queue takes at least, where there are so many.
  private static let page = 32
  /// What is held ready for all endpoints together: with a thousand of them each read takes eight.
  private static let mostReady = 8192
  /// Bodies may be long, and what is held ready is no more than this, for all endpoints together, however many they are.
  static let mostReadyBytes = 64 << 20
  /// What is read before there is room for it, for all endpoints together.
  private static let readAhead = 512

  private var page: Int { max(1, min(Self.page, Self.mostReady / max(1, lanes.count))) }

  /// Reads on while the sender is busy, so that what it has room for next lies ready: a page of each endpoint, the next
  /// one's first. Stops as soon as there is news.
  mutating func prepare() throws(StoreError) {
    let now = dispatcher.store.clock.now
    var ready = lanes.values.reduce(0) { $0 + $1.ready.count }
    guard ready < Self.readAhead, readyRoom > 0 else { return }
    let wanting = lanes.compactMap { wantsMore($0.value, now) ? $0.key : nil }.sorted()
    let wanted = page * 2
    for index in wanting.indices where ready < Self.readAhead && readyRoom > 0 && !dispatcher.hasNews {
      let key = wanting[(turn + 1 + index) % wanting.count]
      ready += try alone(key) { pump throws(StoreError) in
        guard let lane = pump.lanes[key] else { return 0 }
        try pump.take(key, lane, room: wanted, isSent: false)
        return pump.lanes[key]?.ready.count ?? 0
      }
    }
  }

  /// It has nothing ready, more is due, and nothing speaks against sending it.
  private func wantsMore(_ lane: Lane, _ now: Instant) -> Bool {
    lane.goesWell && !lane.isAside && lane.leaseUntil != nil && lane.ready.isEmpty
      && lane.outstanding.count < mostOutstanding && lane.dueAt.map { $0 <= now } ?? false
  }

  /// - Parameter isSent: it has room on the wire now; otherwise it is held ready.
  private mutating func take(_ key: Int64, _ lane: Lane, room: Int, isSent: Bool) throws(StoreError) {
    // One that may stall takes what it sends and no more: what it holds ready would be old when its turn comes.
    let wanted = lane.pace.isSteady ? max(room, page) : room
    let limit = min(wanted, mostOutstanding - lane.outstanding.count)
    guard limit > 0 else { return }
    let clock = monotonicMicroseconds()
    let page = try dispatcher.store.dueDeliveries(
      lane.endpoint, outstanding: lane.outstanding, after: lane.mark(clock),
      limit: DueLimit(limit, room: isSent ? room : 0, bytes: readyRoom))
    isRead = true
    lanes[key]?.take(page, clock)
    readyRoom += lane.readyBytes - (lanes[key]?.readyBytes ?? 0)
    if !page.unreadable.isEmpty { dispatcher.fail(page.unreadable) }
  }

  /// Takes or renews the lease of an endpoint when less than half of it is left. The first time costs a commit, for
  /// which the pump waits; renewals go along with the groups that settle.
  private mutating func hasLease(_ key: Int64) -> Bool {
    let now = BrokerClock.wall
    if let until = lanes[key]?.leaseUntil {
      if until.milliseconds - now.milliseconds > leaseMilliseconds / 2 { return true }
      // Once it had run out the order may have been changed: what was taken by it is taken again.
      if until <= now, lanes[key]?.ready.isEmpty == false {
        lanes[key]?.putBack()
        lanes[key]?.dueAt = dispatcher.store.clock.now
      }
    }
    let until = now + leaseMilliseconds
    let taken = Handover<Result<Bool, StoreError>>()
    let (store, owner) = (dispatcher.store, owner)
    Task {
      do throws(StoreError) {
        taken.give(.success(try await store.write { try $0.lease(endpoint: key, owner: owner, until: until) }))
      } catch {
        taken.give(.failure(error))
      }
    }
    let answer = taken.take()
    guard answer == .success(true) else {
      // Another dispatcher may hold it until it runs out, or the database takes no writes: ask again in a second. What was
      // taken and not sent goes back, or the lane would look busy and the pump would not sleep. Others may have theirs.
      lanes[key]?.giveBack()
      lanes[key]?.dueAt = dispatcher.store.clock.now + 1000
      if case .failure(let error) = answer { say(error, of: .leasing) }
      return false
    }
    say(nil, of: .leasing)
    lanes[key]?.leaseUntil = until
    return true
  }

  func sleepMilliseconds() -> Int64 {
    let now = dispatcher.store.clock.now
    let clock = monotonicMicroseconds()
    var wait = Self.longestSleepMilliseconds
    for lane in lanes.values {
      // One that has used up its room on the wire waits for results, which ring the bell.
      guard free(lane) > 0, unsteadyRoom.share(of: lane) > 0 else { continue }
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
