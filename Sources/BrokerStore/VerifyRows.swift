internal import BrokerDomain
internal import GRDB

/// What SQLite takes for sound and nobody can read: a bit that has turned within a text is no fault of its pages.
enum VerifyRowsSQL: String, CaseIterable {
  case requests = "SELECT key, tail FROM request ORDER BY key"
  case past =
    "SELECT r.key, r.tail, p.state, p.outcome, p.progress FROM request_past p JOIN request r ON r.key = p.request"
  case events = "SELECT seq, data FROM event"
}

extension Database {
  /// Reads every text that others read, one after the other.
  func unreadableRows(_ reference: Reference) throws -> [Phrase] {
    var (requests, past, events) = (Unreadable(), Unreadable(), Unreadable())
    try each(VerifyRowsSQL.requests, []) { row in
      let stored = (try? StoredRequest.load(row.int(0), self, reference)) ?? nil
      if !(stored.map { Self.isObject($0.request.content.bytes) } ?? false) {
        requests.add(EntityID(key: row.int(0), tail: row.int(1)).description)
      }
    }
    try each(VerifyRowsSQL.past, []) { row in
      let state = StateName(rawValue: row.text(2)).flatMap {
        AssistanceRequest.State(name: $0, payload: row.optionalBytes(3))
      }
      let isRead = state != nil && (row.isNull(4) || Progress(encoded: row.optionalBytes(4)) != nil)
      if !isRead { past.add(EntityID(key: row.int(0), tail: row.int(1)).description) }
    }
    try each(VerifyRowsSQL.events, []) { row in
      if !Self.isObject(row.bytes(1)) { events.add(String(row.int(0))) }
    }
    return [
      requests.words(Phrase("无法读取的请求", "requests that cannot be read")),
      past.words(Phrase("无法读取的请求历史", "requests whose past cannot be read")),
      events.words(Phrase("无法读取的事件（序号）", "events that cannot be read, by number")),
    ].compactMap(\.self)
  }

  private static func isObject(_ bytes: [UInt8]) -> Bool {
    guard case .object? = try? JSON.parse(bytes) else { return false }
    return true
  }
}

/// Some of them by name.
private struct Unreadable {
  private static let named = 20
  private var names: [String] = []
  private var count = 0

  mutating func add(_ name: String) {
    count += 1
    if names.count < Self.named { names.append(name) }
  }

  /// Nil of none.
  func words(_ what: Phrase) -> Phrase? {
    guard count > 0 else { return nil }
    let list = names.joined(separator: ", ") + (count > names.count ? " …" : "")
    return Phrase("\(what.zh)：\(count)行，\(list)", "\(what.en): \(Phrase.count(count, "row")), \(list)")
  }
}
