internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// Every endpoint's queue at a glance, for the operator: machinery, and nobody's personal data.
struct OutboxRoutes {
  let broker: Broker

  func top(_ call: Call) async throws -> Reply {
    try call.checkQuery("limit")
    let limit = try call.limit()
    let queues = try await broker.store.queues()
    // First those that an operator looks for: not closed, then the longest queue.
    let shown = queues.map { ($0, broker.machinery.health($0.endpoint.key) ?? EndpointHealth()) }
      .sorted { ($0.1.rank, -$0.0.queued, $0.0.endpoint.key) < ($1.1.rank, -$1.0.queued, $1.0.endpoint.key) }
    let (reference, now) = (broker.store.reference, broker.store.clock.now)
    return await Reply.long(min(limit, shown.count)) { w in
      w.string("at", now.rfc3339)
      w.int("endpoints", shown.count)
      w.int("queued", queues.reduce(0) { $0 + $1.queued })
      w.int("inFlight", broker.machinery.inFlight())
      w.array("items") { w in
        for (queue, health) in shown.prefix(limit) { w.object { w in queue.write(&w, health, reference) } }
      }
    }
  }
}

extension EndpointHealth {
  fileprivate var rank: Int { breaker == .closed ? 1 : 0 }

  func writeBreaker(_ w: inout JSONWriter) {
    w.string("state", breaker.rawValue)
    w.string("since", since?.rfc3339)
    w.string("nextProbeAt", nextProbeAt?.rfc3339)
    w.ratio("failureRatio", failurePercent)
  }
}

extension JSONWriter {
  /// Hundredths as a number from 0 to 1.
  fileprivate mutating func ratio(_ name: StaticString, _ percent: Int?) {
    guard let percent else { return null(name) }
    let hundredths = percent % 100
    raw(name, Array(percent >= 100 ? "1".utf8 : "0.\(hundredths < 10 ? "0" : "")\(hundredths)".utf8))
  }
}

extension EndpointQueue {
  fileprivate func write(_ w: inout JSONWriter, _ health: EndpointHealth, _ reference: Reference) {
    w.string("endpoint", endpoint.description)
    w.object("organ") { w in
      let found = reference.organ(number: organ)
      w.string("code", found?.code.description)
      w.string("name", found?.name)
    }
    w.string("origin", origin)
    w.bool("enabled", enabled)
    w.string("disabledReason", disabledReason)
    w.object("breaker") { w in health.writeBreaker(&w) }
    w.int("queued", queued)
    w.int("inFlight", health.inFlight)
    w.int("recentAttempts", health.recentAttempts)
    w.ratio("successRatio", health.successPercent)
    w.int("p50Ms", health.p50Microseconds.map { ($0 + 999) / 1000 })
    w.int("p99Ms", health.p99Microseconds.map { ($0 + 999) / 1000 })
    w.string("oldest", oldest?.rfc3339)
    // With the breaker open nothing goes out before the probe.
    let next = nextAttemptAt.map { next in max(next, health.nextProbeAt ?? next) }
    w.string("nextAttemptAt", enabled ? next?.rfc3339 : nil)
    w.string("failingSince", (health.failingSince ?? failingSince)?.rfc3339)
  }
}
