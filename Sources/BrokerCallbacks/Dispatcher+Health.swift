package import BrokerDomain
internal import BrokerStore
internal import Logging
internal import Synchronization

extension Dispatcher {
  /// On the pump's thread, before it sends anything.
  func recallFailing() {
    do throws(StoreError) {
      let book = FailingBook(options, try store.failingEndpoints(), today: store.clock.now.date)
      state.withLock { $0.failing = book }
    } catch {
      logger.error("callbacks: cannot read which endpoints are failing; their days are counted anew: \(error)")
    }
  }

  /// Endpoints were changed: of those without a lane only what the database still says holds.
  func trimFailing(lanes: some Sequence<Int64>) {
    guard let known = try? store.failingEndpoints().map(\.key) else { return }
    state.withLock { $0.failing.keep(Set(known).union(lanes)) }
  }

  /// How an endpoint fares; nil for one to which nothing has been owed since the start, or that is switched off.
  package func health(of endpoint: Int64) -> EndpointHealth? {
    guard let health = healths.withLock({ $0[endpoint] }) else { return nil }
    var shown = health.snapshot(now: store.clock.now)
    state.withLock { state in
      shown.failingSince = state.failing.since(endpoint)
      shown.inFlight = min(options.inFlightPerEndpoint, state.onWire.values.count { $0.delivery.endpoint == endpoint })
    }
    return shown
  }

  /// Endpoints by the state of their breaker, of those to which something has been owed since the start.
  package var breakers: [EndpointHealth.Breaker: Int] {
    let all = healths.withLock { Array($0.values) }
    var counts = Dictionary(uniqueKeysWithValues: EndpointHealth.Breaker.allCases.map { ($0, 0) })
    for health in all {
      switch health.breaker {
      case .closed: counts[.closed, default: 0] += 1
      case .open: counts[.open, default: 0] += 1
      case .halfOpen: counts[.halfOpen, default: 0] += 1
      }
    }
    return counts
  }
}
