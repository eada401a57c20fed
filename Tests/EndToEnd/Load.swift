internal import Synchronization
internal import TestSupport

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
