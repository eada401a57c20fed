internal import Foundation
internal import TestSupport
internal import Testing

/// How an organ chooses signatures, form and TLS of an endpoint, and what it is shown of them.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct EndpointSecurityTests {
  private static let daemon = Result { try Daemon(state: StateDirectory()) }

  private static func certificate() throws -> (certificate: String, key: String) {
    let base = FileManager.default.temporaryDirectory.appending(path: "web-\(UUID().uuidString)").path
    defer { for end in [".pem", ".key"] { try? FileManager.default.removeItem(atPath: base + end) } }
    let made = try runTool(
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key",
        "-out", base + ".pem", "-days", "2", "-subj", "/CN=client",
      ], binary: "/usr/bin/openssl")
    try #require(made.status == 0, "\(made.stderr)")
    return (
      try String(contentsOfFile: base + ".pem", encoding: .utf8),
      try String(contentsOfFile: base + ".key", encoding: .utf8)
    )
  }

  private static func body(_ members: [String: JSONBody]) -> String {
    JSONBody.object(["url": .string("http://127.0.0.1:9/")].merging(members) { $1 }).description
  }

  @Test func choicesAreKeptShownAndChanged() throws {
    let client = try Self.daemon.get().client(.responder)
    let plain = try client.done("POST", "/v1/endpoints", json: Self.body([:]), 201).json
    #expect(plain["signatures"] == .array([.string("v1")]) && plain["format"].string == "standard")
    #expect(plain["tls"].isNull)
    let (certificate, key) = try Self.certificate()
    let tls = JSONBody.object([
      "ca": .string(certificate), "certificate": .string(certificate), "key": .string(key),
    ])
    let both = JSONBody.array([.string("v1"), .string("v1sm3")])
    let repeated = ["Idempotency-Key": "secure-1"]
    let body = Self.body(["signatures": both, "format": .string("cloudevents"), "tls": tls])
    let reply = try client.done("POST", "/v1/endpoints", json: body, headers: repeated, 201)
    let again = try client.done("POST", "/v1/endpoints", json: body, headers: repeated, 201)
    #expect(again.body == reply.body && again.headers["idempotency-replayed"] == "true")
    let path = "/v1/endpoints/\(reply.json["id"].string ?? "?")"
    let seen = try client.done("GET", path)
    for made in [reply, seen] {
      #expect(made.json["signatures"] == both && made.json["format"].string == "cloudevents")
      #expect(made.json["tls"]["certificate"]["subject"].string == "CN=client")
      #expect(made.json["tls"]["certificate"] == made.json["tls"]["ca"][0])
      #expect(made.json["tls"]["certificate"]["sha256"].string?.count == 64)
      #expect(!made.text.contains("BEGIN"))
    }
    // What is not named stays.
    let kept = try client.done("PATCH", path, json: #"{"description": "x"}"#).json
    #expect(kept["tls"] == seen.json["tls"] && kept["signatures"] == both)
    let less = try client.done("PATCH", path, json: #"{"signatures": ["v1"], "format": "standard", "tls": null}"#).json
    #expect(less["signatures"] == .array([.string("v1")]) && less["format"].string == "standard" && less["tls"].isNull)

    // Nothing of it lies open on the disk.
    let state = try Self.daemon.get().state.path
    let line = Data(key.split(separator: "\n")[1].utf8)
    let secret = try #require(Data(base64Encoded: String((reply.json["secret"].string ?? "").dropFirst(6))))
    for file in ["xiecha.sqlite", "xiecha.sqlite-wal"] {
      guard let data = FileManager.default.contents(atPath: "\(state)/\(file)") else { continue }
      #expect(data.range(of: line) == nil && data.range(of: secret) == nil, "\(file)")
      #expect(data.range(of: Data((reply.json["secret"].string ?? "?").utf8)) == nil, "\(file)")
    }
  }

  static let faults: [(members: String, pointers: [String])] = [
    (#""signatures": []"#, ["/signatures"]), (#""signatures": ["v1sm3"]"#, ["/signatures"]),
    (#""signatures": ["v1", "v1"]"#, ["/signatures"]), (#""signatures": ["v1", "v2"]"#, ["/signatures/1"]),
    (#""signatures": "v1""#, ["/signatures"]), (#""format": "xml""#, ["/format"]), (#""tls": true"#, ["/tls"]),
    (#""tls": {}"#, ["/tls"]), (#""tls": {"cert": "x"}"#, ["/tls/cert"]), (#""tls": {"ca": "x"}"#, ["/tls/ca"]),
    (#""tls": {"key": "x"}"#, ["/tls/certificate"]),
    (#""tls": {"certificate": "x", "key": "y"}"#, ["/tls/certificate"]),
    (#""tls": {"ca": 1}, "format": 2"#, ["/format", "/tls/ca"]),
    (#""url": "http://127.0.0.1:9/\r\nX: 1""#, ["/url"]), (#""url": "http://127.0.0.1:9/\u0000""#, ["/url"]),
    (#""description": "a\u0000b""#, ["/description"]),
  ]

  /// Null takes back what an endpoint can be without, and is no way to leave the rest alone.
  @Test func nullIsForWhatCanBeTakenBack() throws {
    let client = try Self.daemon.get().client(.stranger)
    let id = try Self.daemon.get().register("http://127.0.0.1:9/", for: .stranger)
    let path = "/v1/endpoints/\(id)"
    let before = try client.done("PATCH", path, json: #"{"description": "x"}"#).json
    let names = ["body", "enabled", "events", "format", "signatures", "url"]
    let all = names.map { "\"\($0)\": null" }
    for members in all + [all.joined(separator: ", ") + #", "description": null"#] {
      let reply = try client.call("PATCH", path, json: "{\(members)}")
      expectProblem(reply, 422, "invalid-body", members)
      #expect(pointers(reply) == names.filter { members.contains("\"\($0)\"") }.map { "/\($0)" })
    }
    #expect(try client.get(path) == before)
    let after = try client.done("PATCH", path, json: #"{"description": null, "tls": null}"#).json
    #expect(after["description"].isNull && after["tls"].isNull)
    try client.done("DELETE", path, 204)
  }

  @Test(arguments: faults) func faultsAreNamed(_ row: (members: String, pointers: [String])) throws {
    let client = try Self.daemon.get().client(.stranger)
    let url = row.members.contains("\"url\"") ? "" : #""url": "http://127.0.0.1:9/", "#
    let reply = try client.call("POST", "/v1/endpoints", json: "{\(url)\(row.members)}")
    expectProblem(reply, 422, "invalid-body", row.members)
    #expect(pointers(reply).sorted() == row.pointers, "\(reply.text)")
    let id = try Self.daemon.get().register("http://127.0.0.1:9/", for: .stranger)
    let before = try client.get("/v1/endpoints/\(id)")
    expectProblem(try client.call("PATCH", "/v1/endpoints/\(id)", json: "{\(row.members)}"), 422, "invalid-body")
    #expect(try client.get("/v1/endpoints/\(id)") == before)
    try client.done("DELETE", "/v1/endpoints/\(id)", 204)
  }
}
