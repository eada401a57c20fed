internal import TestSupport
internal import Testing

/// What the daemon has on record, read through the API of one organ.
struct Record {
  /// Id → version, state and reference.
  var requests: [String: (version: Int, state: String, reference: String)] = [:]
  /// Request → (seq, event id), in order.
  var events: [String: [(seq: Int, id: String)]] = [:]
  var eventCount = 0

  init(of client: Client) throws {
    var path: String? = "/v1/requests?limit=500"
    while let next = path {
      let page = try client.call("GET", next).json
      for item in try #require(page["items"].array) {
        requests[item["id"].string ?? ""] = (
          item["version"].int ?? 0, item["state"].string ?? "", item["reference"].string ?? ""
        )
      }
      path = page["next"].string.map { "/v1/requests?limit=500&cursor=\($0)" }
    }
    var after = 0
    while true {
      let page = try client.call("GET", "/v1/events?limit=500&after=\(after)").json
      let items = try #require(page["items"].array)
      if items.isEmpty { break }
      for item in items {
        let seq = item["seq"].int ?? 0
        events[item["request"].string ?? "", default: []].append((seq, item["id"].string ?? ""))
        eventCount += 1
        after = seq
      }
    }
  }

  /// Holds the daemon to every promise of a ledger.
  /// - Returns: how many it broke.
  @discardableResult
  func expectKept(_ ledger: Load.Ledger, _ place: SourceLocation = #_sourceLocation) -> Int {
    #expect(ledger.unexpected.isEmpty, "\(ledger.unexpected.prefix(3))", sourceLocation: place)
    var broken: [String] = []
    for (reference, promise) in ledger.promises {
      guard let found = requests[promise.id] else {
        broken.append("\(promise.id) was acknowledged and is gone")
        continue
      }
      // Only an unkeyed step whose reply was lost may have gone further than its client knows.
      let exact = !ledger.unknown.contains(reference)
      let same = found.version == promise.version && found.state == promise.state
      if exact ? !same : found.version < promise.version {
        broken.append("\(promise.id) is \(found.version) \(found.state), promised \(promise)")
      }
    }
    var references: Set<String> = []
    for (id, request) in requests {
      if !references.insert(request.reference).inserted { broken.append("\(id) is there twice") }
      if ledger.refused.contains(request.reference) { broken.append("\(id) was refused, and is there") }
      if ledger.promises[request.reference] == nil && !ledger.unknown.contains(request.reference) {
        broken.append("\(id) was asked for by nobody")
      }
      if events[id]?.count != request.version { broken.append("\(id) lacks events") }
    }
    #expect(broken.isEmpty, "\(broken.count): \(broken.prefix(5))", sourceLocation: place)
    return broken.count
  }

  /// Holds what one sink got against the record: everything, in order, nothing else.
  /// - Returns: how many arrivals were repetitions.
  func expectArrived(_ pushes: [ReceivedPush], _ place: SourceLocation = #_sourceLocation) -> Int {
    var broken: [String] = []
    var first: [String: [UInt8]] = [:]
    var arrived: [String: [String]] = [:]
    var repetitions = 0
    for push in pushes {
      if let body = first[push.webhookID] {
        repetitions += 1
        if body != push.body { broken.append("\(push.webhookID) came with two bodies") }
        continue
      }
      first[push.webhookID] = push.body
      arrived[push.request, default: []].append(push.webhookID)
    }
    for (request, events) in events {
      let (owed, came) = (events.map(\.id), arrived.removeValue(forKey: request) ?? [])
      if came != owed { broken.append("\(request): owed \(owed), came \(came)") }
    }
    if !arrived.isEmpty { broken.append("\(arrived.count) requests that are not on record") }
    #expect(broken.isEmpty, "\(broken.count): \(broken.prefix(5))", sourceLocation: place)
    return repetitions
  }
}
