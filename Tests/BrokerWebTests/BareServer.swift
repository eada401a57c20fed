internal import BrokerDomain
internal import BrokerStore
internal import BrokerWeb
internal import Foundation
internal import Logging
internal import TestSupport

/// The table of routes and the document, without a daemon around them.
struct BareServer {
  let routes: [Route]
  /// `/openapi.json`.
  let document: JSON

  static let shared = Result { try BareServer() }

  private init() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("xiecha-web-\(UUID())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: directory) }
    try Store.create(directory: directory.path, rehearseAt: nil)
    let store = try Store.open(directory: directory.path, role: .daemon, procedures: [])
    defer { store.close() }
    routes = try WebServer(
      store: store, machinery: Self.idle, options: WebOptions(host: "127.0.0.1", port: 0),
      logger: Logger(label: "xiecha")
    ).routes
    document = try JSON.parse(try WebServer.openAPIDocument())
  }

  /// Machinery of which nothing is asked.
  private static let idle = Machinery(
    urlFault: { _ in nil }, newSecret: { [] }, secretText: { _ in "" }, tlsFaults: { _ in [] }, signsSM3: false,
    test: { _ in
      TestReport(
        delivered: false, status: nil, error: nil, durationMS: 0, timingsMS: (0, 0, 0, 0),
        remoteAddress: "", reply: "")
    }, dispatcherAlive: { true }, keeperAlive: { true }, advance: nil, deliveryCounts: { [] },
    deliverySeconds: { LatencyHistogram().snapshot }, inFlight: { 0 })
}

extension JSON {
  var members: [Member] {
    if case .object(let members) = self { members } else { [] }
  }

  /// What `$ref` points to, in `document`; itself when it is none.
  func resolved(in document: JSON) -> JSON {
    guard let reference = self["$ref"]?.stringValue else { return self }
    return reference.split(separator: "/").dropFirst().reduce(document) { value, name in
      value[String(name)] ?? .null
    }
  }
}

extension Route {
  /// As the document and the metrics write it.
  var operation: String { "\(method) \(path)" }
}
