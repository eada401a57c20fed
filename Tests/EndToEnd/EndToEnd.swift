internal import Foundation
internal import TestSupport
internal import Testing

/// The whole program from outside: real processes, real sockets, real disks.
///
/// One after another, because most of them watch the clock or kill what they started, and a machine
/// that is busy with its neighbours would be measured instead.
@Suite(.serialized, .timeLimit(.minutes(4))) enum EndToEnd {}

/// An endpoint as its owner got it: where to look it up, and what to check signatures with.
struct OwnEndpoint: Sendable {
  let id: String
  let secret: String
  var path: String { "/v1/endpoints/\(id)" }
}

extension Client {
  /// Opens a request and returns its id.
  func submit(_ json: String = marriageRequest()) throws -> String {
    let reply = try call("POST", "/v1/requests", json: json)
    try #require(reply.status == 201, "\(reply.text)")
    return try #require(reply.json["id"].string)
  }

  @discardableResult
  func move(
    _ id: String, _ verb: String, _ json: String = "{}", headers: [String: String] = [:]
  ) throws -> Reply {
    try call("POST", "/v1/requests/\(id)/\(verb)", json: json, headers: headers)
  }

  func request(_ id: String) throws -> JSONBody {
    let reply = try call("GET", "/v1/requests/\(id)")
    try #require(reply.status == 200, "\(reply.text)")
    return reply.json
  }

  /// The items of one page.
  func items(_ path: String) throws -> [JSONBody] {
    let reply = try call("GET", path)
    try #require(reply.status == 200, "\(path): \(reply.text)")
    return try #require(reply.json["items"].array)
  }

  func timeline(_ id: String) throws -> [JSONBody] { try items("/v1/requests/\(id)/timeline") }

  /// - Parameter members: replace or join the url.
  func createEndpoint(_ url: String, _ members: [String: JSONBody] = [:]) throws -> OwnEndpoint {
    let json = JSONBody.object(["url": .string(url)].merging(members) { _, new in new })
    let reply = try call("POST", "/v1/endpoints", json: json.description)
    try #require(reply.status == 201, "\(reply.text)")
    return OwnEndpoint(
      id: try #require(reply.json["id"].string), secret: try #require(reply.json["secret"].string))
  }

  /// The deliveries to one endpoint, newest first.
  func deliveries(to endpoint: OwnEndpoint, state: String? = nil) throws -> [JSONBody] {
    try items(
      "/v1/deliveries?limit=500&endpoint=\(endpoint.id)" + (state.map { "&state=\($0)" } ?? ""))
  }
}

extension ReceivedPush {
  var json: JSONBody { JSONBody(parsing: body) }
  var type: String { json["type"].string ?? "" }
  var request: String { json["data"]["request"].string ?? "" }
  var seq: Int { json["data"]["seq"].int ?? 0 }
  var webhookID: String { header("webhook-id") ?? "" }
}

extension JSONBody {
  /// `code` of a problem.
  var code: String? { self["code"].string }
}

extension StateDirectory {
  /// Reads every row back; what it says when something is wrong is in the failure.
  func expectVerified(_ place: SourceLocation = #_sourceLocation) throws {
    let result = try run(["verify"])
    #expect(result.status == 0, "\(result.stdout)\(result.stderr)", sourceLocation: place)
  }
}

/// Checks callbacks as a department would: with programs that share no code with the sender.
enum Receiver {
  /// The signatures of a push, without their `v1,`.
  static func signatures(_ push: ReceivedPush) -> [String] {
    (push.header("webhook-signature") ?? "").split(separator: " ").compactMap { part in
      part.hasPrefix("v1,") ? String(part.dropFirst(3)) : nil
    }
  }

  /// What OpenSSL makes of `id.timestamp.body` under a secret, in base64.
  static func expected(_ push: ReceivedPush, secret: String) throws -> String {
    let text = String(secret.dropFirst("whsec_".count))
    let key = try #require(Data(base64Encoded: text), "\(secret.prefix(6)) is no base64")
    #expect(secret.hasPrefix("whsec_") && key.count == 32)
    let hex = key.map { String(format: "%02x", $0) }.joined()
    let timestamp = try #require(push.header("webhook-timestamp"))
    let result = try runTool(
      ["dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:\(hex)"],
      stdin: "\(push.webhookID).\(timestamp).\(push.text)", binary: "/usr/bin/openssl")
    let digest = try #require(result.stdout.split(separator: " ").last).filter(\.isHexDigit)
    try #require(digest.count == 64, "\(result.stdout)\(result.stderr)")
    let bytes = stride(from: 0, to: 64, by: 2).compactMap { at in
      UInt8(digest.dropFirst(at).prefix(2), radix: 16)
    }
    return Data(bytes).base64EncodedString()
  }

  /// A Python that has the package `standardwebhooks`, when the environment names one.
  static let python = ProcessInfo.processInfo.environment["XIECHA_TEST_PYTHON"].flatMap { path in
    let import_ = try? runTool(["-c", "import standardwebhooks"], binary: path)
    return import_?.status == 0 ? path : nil
  }

  /// Expects one of the push's signatures to be right under the secret.
  static func verify(
    _ push: ReceivedPush, secret: String, _ place: SourceLocation = #_sourceLocation
  ) throws {
    #expect(push.method == "POST" && push.header("content-type") == "application/json")
    let right = try expected(push, secret: secret)
    #expect(signatures(push).contains(right), sourceLocation: place)
    guard let python else { return }
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map { name in
      "\(JSONBody.quote(name)): \(JSONBody.quote(push.header(name) ?? ""))"
    }
    let script = """
      import json, sys, standardwebhooks
      print(standardwebhooks.Webhook(sys.argv[1]).verify(sys.stdin.buffer.read(), json.loads(sys.argv[2]))["type"])
      """
    let result = try runTool(
      ["-c", script, secret, "{\(headers.joined(separator: ", "))}"], stdin: push.text,
      binary: python)
    #expect(
      result.stdout.trimmingCharacters(in: .newlines) == push.type, "\(result.stderr)",
      sourceLocation: place)
  }
}

func pause(milliseconds: Int) { usleep(UInt32(milliseconds) * 1_000) }
