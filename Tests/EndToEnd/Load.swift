internal import Synchronization
internal import TestSupport
internal import Testing

/// What clients do all day, from several threads, against a daemon that may die under them: they
/// submit, acknowledge, answer, decline and withdraw, with and without an idempotency key, and keep
/// book of every promise they were given.
final class Load: Sendable {
  /// What the daemon said of one request, as of the last reply.
  struct Promise {
    let id: String
    var version: Int
    var state: String
  }

  struct Ledger {
    /// Reference → promise: every 201 ever returned.
    var promises: [String: Promise] = [:]
    /// References whose 201 was never seen: the request may be there or not.
    var unknown: Set<String> = []
    /// Replies with `Idempotency-Replayed`: the work was done, the first reply was lost.
    var replays = 0
    /// Refused for now (503); nothing of it may be there.
    var refused: Set<String> = []
    var unexpected: [String] = []
  }

  private let state: StateDirectory
  private let port: Mutex<Int?>
  private let stopped = Mutex(false)
  private let book = Mutex(Ledger())

  init(_ daemon: Daemon) {
    state = daemon.state
    port = Mutex(daemon.port)
  }

  var ledger: Ledger { book.withLock { $0 } }
  var isStopped: Bool { stopped.withLock { $0 } }

  /// Where the daemon is now; nil while there is none.
  func move(to port: Int?) { self.port.withLock { $0 = port } }
  func stop() { stopped.withLock { $0 = true } }

  /// One client's work until the load is stopped.
  /// - Parameter pauseMS: between two steps, so that the sinks can keep up on a small machine.
  func run(pauseMS: ClosedRange<Int>) throws {
    var open: [(reference: String, id: String, acknowledged: Bool)] = []
    while !isStopped {
      pause(milliseconds: .random(in: pauseMS))
      if open.isEmpty || Bool.random() {
        let reference = freshReference()
        if let id = try submit(reference) { open.append((reference, id, false)) }
        continue
      }
      let index = Int.random(in: open.indices)
      let (reference, id, acknowledged) = open[index]
      let verb = ["acknowledge", "answer", "decline", "withdraw"][.random(in: (acknowledged ? 1 : 0)...3)]
      if try move(id, reference, verb), verb == "acknowledge" {
        open[index].acknowledged = true
      } else {
        open.remove(at: index)
      }
    }
  }

  private func submit(_ reference: String) throws -> String? {
    let json = marriageRequest(reference: reference)
    let key = Bool.random() ? "k-\(reference)" : nil
    guard let reply = try call(.requester, "/v1/requests", json, key: key) else {
      // Without a key, or with nobody to ask again: nobody knows.
      book.withLock { _ = $0.unknown.insert(reference) }
      return nil
    }
    guard reply.status == 201, let id = reply.json["id"].string else {
      book.withLock { book in
        if reply.status == 503 {
          book.refused.insert(reference)
        } else {
          book.unexpected.append("submit: \(reply.status) \(reply.text)")
        }
      }
      return nil
    }
    book.withLock { $0.promises[reference] = Promise(id: id, version: 1, state: "submitted") }
    return id
  }

  /// - Returns: whether the step is known to have been taken.
  private func move(_ id: String, _ reference: String, _ verb: String) throws -> Bool {
    let json =
      switch verb {
      case "answer": answerBody()
      case "decline": declineBody()
      case "withdraw": #"{"reason": "申请人退出承诺"}"#
      default: "{}"
      }
    let organ = verb == "withdraw" ? Qidong.requester : .responder
    let key = Bool.random() ? "k-\(reference)-\(verb)" : nil
    var reply = try call(organ, "/v1/requests/\(id)/\(verb)", json, key: key)
    // Done or not, only the request itself can tell; what it says is a promise as well.
    if reply == nil { reply = try call(organ, "/v1/requests/\(id)", nil, key: nil) }
    guard let reply else {
      book.withLock { _ = $0.unknown.insert(reference) }
      return false
    }
    if reply.status == 503 { return false }
    guard reply.status == 200, let version = reply.json["version"].int,
      let name = reply.json["state"].string
    else {
      book.withLock { $0.unexpected.append("\(verb): \(reply.status) \(reply.text)") }
      return false
    }
    book.withLock { $0.promises[reference] = Promise(id: id, version: version, state: name) }
    return name == "acknowledged"
  }

  /// A POST, or a GET without a body. Waits for a daemon that is down; asks again, under the same
  /// key, when the reply was lost.
  /// - Returns: nil when the reply was lost and must not be asked for again, or the load is stopped.
  private func call(_ organ: Qidong, _ path: String, _ json: String?, key: String?) throws -> Reply? {
    let secret = try state.key(of: organ)
    let headers = key.map { ["Idempotency-Key": $0] } ?? [:]
    var lost = false
    while true {
      guard let port = port.withLock({ $0 }) else {
        if isStopped { return nil }
        pause(milliseconds: 2)
        continue
      }
      do {
        let client = Client(port: port, key: secret)
        let reply = try client.call(
          json == nil ? "GET" : "POST", path, json: json, headers: headers)
        if reply.headers["idempotency-replayed"] == "true" {
          book.withLock { $0.replays += lost ? 1 : 0 }
        }
        return reply
      } catch {
        switch error {
        case .notConnected:
          if isStopped { return nil }
          pause(milliseconds: 2)
        case .brokenAfterSend, .timedOut, .badReply:
          lost = true
          if json != nil && key == nil || isStopped { return nil }
        }
      }
    }
  }
}

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
  func expectKept(_ ledger: Load.Ledger, _ place: SourceLocation = #_sourceLocation) {
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
