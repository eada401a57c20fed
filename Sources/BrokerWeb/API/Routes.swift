internal import BrokerDomain
internal import HTTPTypes

/// One operation of the API. The table of these is what the server serves, what the OpenAPI document is held against,
/// and what the authorisation matrix runs through.
package struct Route: Sendable {
  package enum Access: String, Sendable {
    /// No key.
    case open
    /// Any key.
    case anyKey
    /// An organ's key.
    case organ
    /// The operator's key.
    case operatorOnly
  }

  package let method: String
  /// With `{name}` for a parameter, as OpenAPI writes it.
  package let path: String
  package let access: Access
  let handler: @Sendable (Call) async throws -> Reply

  init(
    _ method: HTTPRequest.Method, _ path: String, _ access: Access,
    _ handler: @escaping @Sendable (Call) async throws -> Reply
  ) {
    self.method = method.rawValue
    self.path = path
    self.access = access
    self.handler = handler
  }

  /// The name under which it is counted.
  var name: String { "\(method) \(path)" }
}

extension Route {
  static func table(_ broker: Broker, openAPI: [UInt8]) -> [Route] {
    let requests = RequestRoutes(broker: broker)
    let read = ReadRoutes(broker: broker, requests: requests)
    let endpoints = EndpointRoutes(broker: broker)
    let deliveries = DeliveryRoutes(broker: broker)
    let outbox = OutboxRoutes(broker: broker)
    let reference = ReferenceRoutes(broker: broker)
    let catalogue = CatalogueRoutes(broker: broker)
    let machinery = MachineryRoutes(broker: broker, openAPI: openAPI)
    let reports = ReportRoutes(broker: broker)
    var table = [
      Route(.post, "/v1/requests", .organ, requests.submit),
      Route(.get, "/v1/requests", .organ, read.list),
      Route(.get, "/v1/requests/{id}", .organ, read.get),
      Route(.get, "/v1/requests/{id}/timeline", .organ, read.timeline),
      Route(.get, "/v1/requests/{id}/deadline", .organ, read.deadline),
      Route(.get, "/v1/requests/{id}/disclosures", .organ, read.disclosures),
    ]
    for verb in Verb.allCases {
      table.append(
        Route(.post, "/v1/requests/{id}/\(verb.rawValue)", .organ, requests.transition(verb)))
    }
    table += [
      Route(.post, "/v1/commitments/withdraw", .organ, CommitmentRoutes(broker: broker).withdraw),
      Route(.get, "/v1/events", .organ, read.feed),
      Route(.get, "/v1/inbox", .organ, InboxRoutes(broker: broker).list),
      Route(.post, "/v1/endpoints", .organ, endpoints.create),
      Route(.get, "/v1/endpoints", .organ, endpoints.list),
      Route(.get, "/v1/endpoints/{id}", .organ, endpoints.get),
      Route(.patch, "/v1/endpoints/{id}", .organ, endpoints.change),
      Route(.delete, "/v1/endpoints/{id}", .organ, endpoints.delete),
      Route(.post, "/v1/endpoints/{id}/test", .organ, endpoints.test),
      Route(.post, "/v1/endpoints/{id}/rotate", .organ, endpoints.rotate),
      Route(.post, "/v1/endpoints/{id}/replay", .organ, endpoints.replay),
      Route(.get, "/v1/deliveries", .anyKey, deliveries.list),
      Route(.get, "/v1/deliveries/call-list", .anyKey, deliveries.callList),
      Route(.post, "/v1/deliveries/retry", .anyKey, deliveries.retryDead),
      Route(.get, "/v1/deliveries/{id}", .anyKey, deliveries.get),
      Route(.post, "/v1/deliveries/{id}/retry", .anyKey, deliveries.retry),
      Route(.get, "/v1/outbox/top", .operatorOnly, outbox.top),
      Route(.get, "/v1/organs", .anyKey, reference.organs),
      Route(.get, "/v1/items", .anyKey, reference.items),
      Route(.get, "/v1/assistance-list", .anyKey, reference.assistanceList),
      Route(.post, "/v1/catalogue/publications", .organ, catalogue.publish),
      Route(.get, "/v1/catalogue/publications", .organ, catalogue.list),
      Route(.get, "/v1/procedures", .anyKey, reference.procedures),
      Route(.get, "/v1/working-days", .anyKey, reference.workingDays),
      Route(.get, "/v1/reports/timeliness", .anyKey, reports.timeliness),
      Route(.get, "/v1/reports/summary", .organ, reports.summary),
      Route(.get, "/v1/reports/circular", .organ, reports.circular),
      Route(.get, "/v1/reports/ledger", .organ, LedgerRoutes(reports: reports).ledger),
      Route(.post, "/v1/rehearsal/advance", .operatorOnly, machinery.advance),
      Route(.get, "/healthz", .open, machinery.health),
      Route(.get, "/readyz", .open, machinery.readiness),
      Route(.get, "/metrics", .open, machinery.metrics),
      Route(.get, "/openapi.json", .open, machinery.document),
    ]
    return table
  }
}
