internal import BrokerDomain
internal import BrokerStore

/// 算式: how the deadline of a request was counted, day by day and span by span.
extension ReadRoutes {
  func deadline(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let id = try call.id()
    let organ = try call.requireOrgan()
    let request = try await requests.requireParty(id, organ, mayRead: true).request
    // The reasons of an extension or a transfer are part of the timeline.
    try await requests.recordWatching(request, organ, call, .timeline)
    let (now, reference) = (broker.store.clock.now, broker.store.reference)
    let timeline = try await broker.store.timeline(id)
    let ledger = timeline.filter { Self.movesTheClock.contains($0.type) }
    let spans = request.clockSpans(try timeline.compactMap(Self.read), now: now, reference: reference)
    return Reply { w in
      w.string("request", request.id.description)
      w.string("receivedAt", request.receivedAt.rfc3339)
      // The days that follow are counted from here: from receipt, or from where the clock started anew.
      w.string("countedFrom", request.clockFrom.rfc3339)
      w.string("status", request.clockStatus(now: now).rawValue)
      let region = request.countedRegion(reference)
      let calendar = reference.calendar(of: request)
      request.deadline.write(
        &w, receivedAt: request.clockFrom, region: region, calendar: calendar,
        start: request.countingStart(reference), text: request.senderSummary(calendar, region: region))
      if request.progress.bindsSender { w.string("binds", Procedure.Bound.sender.rawValue) }
      w.array("spans") { w in
        for span in spans { w.object { w in span.write(&w) { reference.organ($0)?.name } } }
      }
      w.array("ledger") { w in
        for event in ledger {
          w.object { w in
            w.string("type", event.type)
            w.string("at", event.at.rfc3339)
            w.raw("data", event.data)
          }
        }
      }
      // Deadlines are recomputed when a calendar notice changes them.
      w.array("recomputations") { w in
        for event in ledger where event.type == EventType.deadlineChanged.rawValue {
          w.object { w in
            w.string("at", event.at.rfc3339)
            w.raw("data", event.data)
          }
        }
      }
    }
  }

  /// What opened, stopped, restarted or moved the clock of a request.
  private static let movesTheClock: Set<String> = Set(
    [EventType.submitted, .supplementAsked, .supplied, .extended, .returned, .transferred, .deadlineChanged]
      .map(\.rawValue))

  private static func read(_ event: StoredEvent) throws -> ClockEvent? {
    guard let type = EventType(rawValue: event.type) else { return nil }
    return ClockEvent(type: type, at: event.at, data: try JSON.parse(event.data))
  }
}
