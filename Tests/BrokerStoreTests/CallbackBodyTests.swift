import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// The same `webhook-id` has the same body at every attempt, whatever has happened to the request in between.
@Suite(.timeLimit(.minutes(5))) struct CallbackBodyTests {
  private struct Sent: Hashable {
    let endpoint: EntityID
    let seq: Int64
  }

  @Test(arguments: [Endpoint.Body.thin, .full])
  func bodiesOfAllEventsStayAsTheyWere(_ kind: Endpoint.Body) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    // An endpoint for each type: no message waits for another, so each has a first attempt at once.
    var endpoints: [Endpoint] = []
    for type in EventType.allCases {
      endpoints.append(try await store.addEndpoint(of: .requester, events: [type.rawValue], body: kind))
    }
    var first: [Sent: DueDelivery] = [:]
    func attempt() throws -> Int {
      var compared = 0
      for endpoint in endpoints {
        for delivery in try store.due(endpoint) {
          let sent = Sent(endpoint: endpoint.id, seq: delivery.seq)
          guard let before = first[sent] else {
            first[sent] = delivery
            continue
          }
          #expect(String(decoding: delivery.body, as: UTF8.self) == String(decoding: before.body, as: UTF8.self))
          #expect(delivery.webhookID == before.webhookID)
          compared += 1
        }
      }
      return compared
    }

    let (late, punctual) = (try await store.submit(), try await store.submit())
    _ = try attempt()
    store.clock.advance(to: store.clock.now + 60_000)
    try await store.carryOut(.acknowledge(officer: "李四"), punctual.id)
    _ = try attempt()
    // Rungs of a request that nobody has acknowledged, and of one that somebody has.
    for moment in ["2026-03-06T12:00:00+08:00", "2026-03-10T12:00:00+08:00", "2026-03-12T12:00:00+08:00"] {
      try await store.advance(to: moment)
      _ = try attempt()
    }
    try await store.carryOut(.acknowledge(officer: nil), late.id)
    _ = try attempt()
    store.clock.advance(to: store.clock.now + 60_000)
    try await store.carryOut(.confirm, late.id)
    try await store.carryOut(.refuse, punctual.id)
    _ = try attempt()
    let third = try await store.submit()
    _ = try attempt()
    store.clock.advance(to: store.clock.now + 60_000)
    try await store.carryOut(.pullBack, third.id, by: .requester)
    _ = try attempt()
    store.clock.advance(to: store.clock.now + 40 * Instant.millisecondsPerDay)
    #expect(try attempt() == first.count)
    let types = first.values.map { delivery in
      EventType.allCases.first { String(decoding: delivery.body, as: UTF8.self).contains("\"\($0.rawValue)\"") }
    }
    #expect(
      Set(types) == [
        .submitted, .acknowledged, .answered, .declined, .withdrawn, .dueSoon, .overdue, .escalated,
      ])
    #expect(first.count >= 12)
  }

  /// A supervisor's reading is on record, and a push would be no reading: it is told what the thin body tells.
  @Test func whoIsNoPartyGetsTheThinBody() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let endpoints = try await [
      store.addEndpoint(of: .supervisor, body: .full), store.addEndpoint(of: .responder, body: .full),
    ]
    let request = try await store.submit()
    try await store.advance(to: "2026-03-20T00:00:00+08:00")
    for (endpoint, knows) in zip(endpoints, [false, true]) {
      let escalated = try store.due(endpoint).map { String(decoding: $0.body, as: UTF8.self) }
        .filter { $0.contains("request.escalated") || knows }
      let text = try #require(escalated.last)
      #expect(text.contains(request.id.description) && text.contains("产前检查费支付"))
      #expect(text.contains("张三") == knows && text.contains("110105********002X") == knows, "\(text)")
      #expect(text.contains("\"subject\"") == knows && text.contains("\"questions\"") == knows)
    }
    // Nor is who has given it away one any more, whatever of before is sent to it from now on.
    try await store.carryOut(
      .transfer(.init(to: Qidong.stranger.organ, reason: "登记在公安机关")), request.id, by: .supervisor)
    let after = try store.due(endpoints[1]).map { String(decoding: $0.body, as: UTF8.self) }
    #expect(!after.isEmpty && after.allSatisfy { !$0.contains("张三") && !$0.contains("\"subject\"") }, "\(after)")
  }
}
