package import BrokerDomain
package import BrokerStore
internal import HummingbirdCore
internal import HummingbirdTLS
package import Logging
internal import NIOCore
internal import NIOPosix
package import ServiceLifecycle
internal import Yams

/// Where the HTTP face listens and with which certificate.
package struct WebOptions: Sendable {
  package var host: String
  package var port: Int
  /// PEM files; nil for plain HTTP.
  package var certificate: String?
  package var privateKey: String?
  /// PEM file of authorities; when given, clients must show a certificate.
  package var clientAuthorities: String?
  package var limits = WebLimits()
  package var language = Language.zh

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }
}

/// The HTTP face: the table of routes on a server.
package struct WebServer: Sendable {
  package let routes: [Route]
  private let broker: Broker
  private let gate: Gate
  private let options: WebOptions
  private let logger: Logger

  package init(store: Store, machinery: Machinery, options: WebOptions, logger: Logger) throws {
    self.options = options
    self.logger = logger
    let waiters = Waiters(limit: options.limits.waiters)
    store.onCommit { waiters.tell($0) }
    broker = Broker(
      store: store, machinery: machinery, limits: options.limits, language: options.language,
      waiters: waiters, metrics: WebMetrics(), logger: logger)
    routes = Route.table(broker, openAPI: try Self.openAPIDocument())
    gate = Gate(
      broker: broker, routes: RouteTree(routes),
      rate: RateLimit(perSecond: options.limits.requestsPerSecond, burst: options.limits.burst),
      crowd: Crowd(most: options.limits.connections * 2),
      logger: logger)
  }

  /// Lets the long polls go, so that a drain does not wait for them.
  package func releaseWaiters() { broker.waiters.close() }

  /// What calls without a valid key have come since this was asked last, in one line; nil of none.
  package func takeRefusedCalls() -> String? { broker.refused.take() }

  /// The server as a service of the group; `onListening` gets the port once it accepts connections.
  package func service(onListening: @escaping @Sendable (Int) async -> Void) throws -> any Service {
    let tls = try options.tls()
    // The server's own "started and listening" would stand beside the program's.
    var quiet = logger
    if quiet.logLevel == .info { quiet.logLevel = .notice }
    let http = HTTPChannel(
      options: Exchange.Options(
        bodyBytes: options.limits.bodyBytes, idle: .seconds(Int64(options.limits.idleSeconds))),
      answering: gate)
    let channel: any ServerChildChannel = if let tls { try TLSChannel(http, tlsConfiguration: tls) } else { http }
    let server = channel.server(
      configuration: ServerConfiguration(
        address: .hostname(options.host, port: options.port),
        availableConnectionsDelegate: MaximumAvailableConnections(options.limits.connections)),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet)
    return Listening(server: server, host: options.host, port: options.port)
  }

  /// The document is kept as YAML, which people read and review, and served as JSON.
  package static func openAPIDocument() throws -> [UInt8] {
    let text = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)
    guard let node = try Yams.compose(yaml: text) else { return [] }
    return JSON(node).bytes
  }
}

extension JSON {
  /// A YAML node as JSON; merges (`<<`) are carried out, plain scalars take the type that YAML gives them.
  fileprivate init(_ node: Node) {
    switch node {
    case .mapping(let mapping):
      var members: [Member] = []
      for (key, value) in mapping {
        guard let name = key.string else { continue }
        if name == "<<" {
          guard case .object(let merged) = JSON(value) else { continue }
          members += merged.filter { new in !members.contains { $0.name == new.name } }
        } else {
          members.removeAll { $0.name == name }
          members.append(Member(name, JSON(value)))
        }
      }
      self = .object(members)
    case .sequence(let sequence): self = .array(sequence.map { JSON($0) })
    case .scalar, .alias:
      if node.null != nil {
        self = .null
      } else if let value = node.bool {
        self = .bool(value)
      } else if let value = node.int {
        self = .int(value)
      } else if let value = node.float {
        self = .number("\(value)")
      } else {
        self = .string(node.string ?? "")
      }
    }
  }
}
