internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// What operators and their monitoring ask. Nobody needs a key for it, so whatever costs more than memory is found at
/// most once a second, however many ask.
struct MachineryRoutes {
  let broker: Broker
  let openAPI: [UInt8]
  private let writable: WriteProbe
  private let outbox: Shared<Result<(count: Int, oldest: Instant?, held: Int), StoreError>>
  private let switchedOff: Shared<Result<[String: Int], StoreError>>
  /// As they are when somebody asks; for all who ask meanwhile too.
  private let tallies: Shared<Result<[Tally], StoreError>>

  private static let holdsMilliseconds: Int64 = 1000

  init(broker: Broker, openAPI: [UInt8]) {
    self.broker = broker
    self.openAPI = openAPI
    let store = broker.store
    writable = WriteProbe {
      do { try await store.probe() } catch { return false }
      return true
    }
    switchedOff = Shared(milliseconds: Self.holdsMilliseconds) {
      do throws(StoreError) {
        return .success(try await store.switchedOff())
      } catch {
        return .failure(error)
      }
    }
    tallies = Shared(milliseconds: 0) {
      do throws(StoreError) {
        return .success(try await store.tallies())
      } catch {
        return .failure(error)
      }
    }
    outbox = Shared(milliseconds: Self.holdsMilliseconds) {
      do throws(StoreError) {
        return .success(try await store.outboxDepth())
      } catch {
        return .failure(error)
      }
    }
  }

  func health(_: Call) async throws -> Reply {
    // What an operator must do soon makes nobody ill.
    let missing = broker.store.missingYears
    return Reply { w in
      w.string("status", "ok")
      w.array("warnings") { w in
        for year in missing {
          w.object { w in
            w.string("code", "calendar-missing-year")
            w.int("year", year)
            w.phrase("text", WorkingCalendar.missing(year))
          }
        }
      }
    }
  }

  func readiness(_: Call) async throws -> Reply {
    let writable = await writable.isWritable
    let dispatcher = broker.machinery.dispatcherAlive()
    let keeper = broker.machinery.keeperAlive()
    let damage = broker.store.damage
    let ready = writable && damage == nil && dispatcher && keeper
    var reply = Reply(ready ? .ok : .serviceUnavailable) { w in
      w.string("status", ready ? "ok" : "unavailable")
      w.object("database") { w in
        w.bool("writable", writable)
        w.string("damaged", damage)
      }
      w.object("dispatcher") { w in w.bool("alive", dispatcher) }
      w.object("keeper") { w in w.bool("alive", keeper) }
      let years = broker.store.reference.calendar.knownYears
      w.object("calendar") { w in
        w.int("lastKnownYear", years.max() ?? 0)
        w.bool("nextYearKnown", years.contains(broker.store.clock.now.date.year + 1))
      }
      w.bool("rehearsal", broker.store.clock.isRehearsal)
    }
    if !ready { reply.headers[.retryAfter] = "5" }
    return reply
  }

  func metrics(_: Call) async throws -> Reply {
    let writable = await writable.isWritable
    var page = PrometheusPage()
    // What is sealed is for its two parties: here anybody would learn when there is a case.
    let reference = broker.store.reference
    let tallies = try await tallies.value.get().filter { !reference.isSealed($0.procedure) }
    page.gauge("xiecha_requests", "Requests by procedure and state, without those of sealed procedures.")
    for tally in tallies where tally.state != Store.overdueTally {
      page.sample("xiecha_requests", ["procedure": tally.procedure, "state": tally.state], tally.count)
    }
    page.gauge("xiecha_requests_overdue", "Open requests past their due moment, without those of sealed procedures.")
    for tally in tallies where tally.state == Store.overdueTally {
      page.sample("xiecha_requests_overdue", ["procedure": tally.procedure], tally.count)
    }
    page.counter("xiecha_deliveries_total", "Callback attempts by outcome since start.")
    for (outcome, count) in broker.machinery.deliveryCounts() {
      page.sample("xiecha_deliveries_total", ["outcome": outcome], count)
    }
    let outbox = try await outbox.value.get()
    let now = broker.store.clock.now
    page.gauge(
      "xiecha_queue_depth",
      "What waits: writes, callbacks, callbacks kept for endpoints that are off, age of the oldest callback, callbacks in"
        + " flight, long polls.")
    page.sample("xiecha_queue_depth", ["queue": "commit"], broker.store.commitQueueDepth)
    page.sample("xiecha_queue_depth", ["queue": "outbox"], outbox.count)
    page.sample("xiecha_queue_depth", ["queue": "outbox_held"], outbox.held)
    page.sample(
      "xiecha_queue_depth", ["queue": "outbox_oldest_seconds"],
      Int(outbox.oldest.map { max(0, now.milliseconds - $0.milliseconds) / 1000 } ?? 0))
    page.sample("xiecha_queue_depth", ["queue": "in_flight"], broker.machinery.inFlight())
    page.sample("xiecha_queue_depth", ["queue": "long_polls"], broker.waiters.count)
    page.gauge("xiecha_endpoints", "Endpoints by the state of their breaker, of those owed anything since start.")
    for (breaker, count) in broker.machinery.breakers().sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      page.sample("xiecha_endpoints", ["breaker": breaker.rawValue], count)
    }
    page.gauge("xiecha_endpoints_disabled", "Endpoints that the broker has switched off and nobody switched on again.")
    for (cause, count) in try await switchedOff.value.get().sorted(by: { $0.key < $1.key }) {
      page.sample("xiecha_endpoints_disabled", ["cause": cause], count)
    }
    page.batchSizes(broker.store.batchSizes)
    page.counter("xiecha_http_requests_total", "HTTP requests by route and status.")
    for request in broker.metrics.requests {
      page.sample(
        "xiecha_http_requests_total", ["route": request.route, "status": String(request.status)],
        request.count)
    }
    page.histogram(
      "xiecha_http_request_seconds", "HTTP latency by route.",
      broker.metrics.latencies.map { (["route": $0.route], $0.snapshot) })
    page.histogram(
      "xiecha_delivery_seconds", "Time of a callback attempt.",
      [([:], broker.machinery.deliverySeconds())])
    page.gauge("xiecha_database_writable", "1 when a probe write succeeded just now.")
    page.sample("xiecha_database_writable", [:], writable ? 1 : 0)
    page.gauge("xiecha_database_damaged", "1 when reading the whole file has found damage.")
    page.sample("xiecha_database_damaged", [:], broker.store.damage == nil ? 0 : 1)
    page.gauge("xiecha_database_unreadable_rows", "Rows that could not be read since start and were passed over.")
    page.sample("xiecha_database_unreadable_rows", [:], broker.store.damagedRows.count)
    page.gauge("xiecha_calendar_next_year_known", "1 when next year's holiday notice is loaded.")
    page.sample(
      "xiecha_calendar_next_year_known", [:],
      broker.store.reference.calendar.isKnown(now.date.year + 1) ? 1 : 0)
    page.gauge(
      "xiecha_calendar_missing_year",
      "1 when a year's holiday notice should be loaded and is not; the next year's from 1 November, Chinese time.")
    let missing = broker.store.missingYears
    for year in [now.date.year, now.date.year + 1] {
      page.sample("xiecha_calendar_missing_year", ["year": String(year)], missing.contains(year) ? 1 : 0)
    }
    let (clock, steps) = (broker.store.clock, broker.store.clock.steps)
    page.gauge(
      "xiecha_clock_ahead_seconds", "By how much the broker's time is ahead of a system clock that was set back.")
    page.sample("xiecha_clock_ahead_seconds", [:], Int(clock.ahead / 1000))
    page.counter(
      "xiecha_clock_steps_total", "How often the system clock was set since start, by more than ten seconds.")
    page.sample("xiecha_clock_steps_total", ["direction": "forward"], steps.forward)
    page.sample("xiecha_clock_steps_total", ["direction": "back"], steps.back)
    return Reply(.ok, Array(page.text.utf8), type: "text/plain; version=0.0.4; charset=utf-8")
  }

  func document(_: Call) async throws -> Reply { Reply(.ok, openAPI) }

  func advance(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    guard let advance = broker.machinery.advance else {
      throw Problem(
        .notFound, "not-found", "不在演练模式，时钟不能拨动；演练另建实例：xiecha init --rehearse-at 时刻",
        "the clock moves in rehearsal mode only, and this is none; make another instance: xiecha init --rehearse-at INSTANT"
      )
    }
    var reader = BodyReader()
    let m = reader.object(try call.json(), at: "", members: ["to"]) ?? Members()
    let text = reader.text(m["to"], at: "/to", required: true)
    let to = text.flatMap { Instant(rfc3339: $0) }
    if text != nil, to == nil {
      reader.fault("/to", "应为 RFC 3339 时刻", "must be a moment of RFC 3339")
    }
    if let to, to < broker.store.clock.now {
      reader.fault("/to", "演练时钟只能向前", "the rehearsed clock only goes forward")
    }
    // A date of a later year is taken for a slip elsewhere, and every deadline from there would lie in one.
    let last = Procedure.Field.years.upperBound
    if let to, to.date.year > last {
      reader.fault(
        "/to", "最迟为\(last)年12月31日，之后的年份不作计算", "must not be after 31 December \(last), up to which days are counted")
    }
    guard let to, reader.faults.isEmpty else { throw Problem(reader.faults) }
    let recorded = try await advance(to)
    return Reply { w in
      w.string("now", broker.store.clock.now.rfc3339)
      w.int("recorded", recorded)
    }
  }
}
