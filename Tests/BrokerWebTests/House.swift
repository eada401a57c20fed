internal import TestSupport
internal import Testing

/// The daemon that most tests of this target share; started with the first of them and killed at exit. It rehearses,
/// so that everybody may name dates; nobody moves its clock by more than seconds. Tests that count what a list or the
/// feed holds take a pair of organs of their own.
enum House {
  /// A Monday.
  static let start = "2026-03-02T10:00:00+08:00"

  private static let running = Result { try Daemon(state: StateDirectory(rehearseAt: start)) }

  static var daemon: Daemon { get throws { try running.get() } }
  static func client(_ organ: Qidong) throws -> Client { try daemon.client(organ) }
}

extension Daemon {
  /// Opens a request.
  /// - Returns: its representation.
  @discardableResult
  func submit(_ body: String = marriageRequest(), by organ: Qidong = .requester) throws -> JSONBody {
    try client(organ).done("POST", "/v1/requests", json: body, 201).json
  }

  /// Opens a request.
  /// - Returns: its path.
  func open(_ body: String = marriageRequest(), by organ: Qidong = .requester) throws -> String {
    "/v1/requests/" + (try submit(body, by: organ)["id"].string ?? "?")
  }

  /// Registers an endpoint.
  /// - Returns: its id.
  @discardableResult
  func register(
    _ url: String, events: String = "*", body: String = "thin", for organ: Qidong
  ) throws -> String {
    let json = #"{"url": "\#(url)", "events": ["\#(events)"], "body": "\#(body)"}"#
    let reply = try client(organ).done("POST", "/v1/endpoints", json: json, 201)
    return reply.json["id"].string ?? "?"
  }
}

extension Client {
  /// A call that must end with this status.
  @discardableResult
  func done(
    _ method: String, _ path: String, json: String? = nil, headers: [String: String] = [:],
    _ status: Int = 200
  ) throws -> Reply {
    let reply = try call(method, path, json: json, headers: headers)
    guard reply.status == status else {
      throw WaitFault("\(method) \(path): \(reply.status), not \(status): \(reply.text)")
    }
    return reply
  }

  func get(_ path: String) throws -> JSONBody { try done("GET", path).json }

  /// The ids of a list, following `next` to its end.
  func ids(_ path: String) throws -> [String] {
    var ids: [String] = []
    var cursor: String?
    repeat {
      let more = cursor.map { (path.contains("?") ? "&" : "?") + "cursor=\($0)" } ?? ""
      let page = try get(path + more)
      ids += (page["items"].array ?? []).compactMap { $0["id"].string }
      cursor = page["next"].string
    } while cursor != nil
    return ids
  }
}

/// A problem is complete, and is the one expected.
func expectProblem(
  _ reply: Reply, _ status: Int, _ code: String, _ what: String = "",
  at location: SourceLocation = #_sourceLocation
) {
  let told: Comment = "\(what): \(reply.status) \(reply.text)"
  let json = reply.json
  #expect(reply.status == status, told, sourceLocation: location)
  #expect(
    reply.headers["content-type"] == "application/problem+json", told, sourceLocation: location)
  #expect(json["code"].string == code, told, sourceLocation: location)
  #expect(json["type"].string == "urn:xiecha:problem:\(code)", told, sourceLocation: location)
  #expect(json["status"].int == status, told, sourceLocation: location)
  #expect(json["title"].string?.isEmpty == false, told, sourceLocation: location)
  #expect(json["detail"].string?.isEmpty == false, told, sourceLocation: location)
  #expect(reply.headers["x-request-id"]?.isEmpty == false, told, sourceLocation: location)
}

/// The pointers of a problem's faults, sorted.
func pointers(_ reply: Reply) -> [String] {
  (reply.json["errors"].array ?? []).compactMap { $0["pointer"].string }.sorted()
}

extension String {
  /// Has a Chinese character in it.
  var isChinese: Bool { unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) } }

  /// For the value of a query parameter.
  var percentEncoded: String {
    utf8.map { byte in
      switch byte {
      case 48...57, 65...90, 97...122, 45, 46, 95, 126: String(Unicode.Scalar(byte))
      default: (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}
