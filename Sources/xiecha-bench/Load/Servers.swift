internal import BrokerCallbacks
internal import BrokerDomain
internal import BrokerStore
internal import BrokerWeb
internal import Logging
internal import ServiceLifecycle

/// A server in this process that listens on a port of its own until it is stopped.
struct Running {
  let port: Int
  private let task: Task<Void, any Error>

  /// - Parameter make: gets what to call with the port once connections are accepted.
  init(_ make: (@escaping @Sendable (Int) async -> Void) throws -> any Service) async throws {
    let (ports, listening) = AsyncStream<Int>.makeStream()
    let service = try make { port in listening.yield(port) }
    task = Task {
      defer { listening.finish() }
      try await service.run()
    }
    var first: Int?
    for await port in ports {
      first = port
      break
    }
    guard let first else { throw BenchError("a server did not start") }
    port = first
  }

  func stop() async {
    task.cancel()
    _ = await task.result
  }
}

extension Logger {
  static var quiet: Logger {
    var logger = Logger(label: "xiecha-bench")
    logger.logLevel = .critical
    return logger
  }
}

extension CallbackOptions {
  /// To sinks on this machine.
  static var loopback: CallbackOptions {
    get throws {
      var options = CallbackOptions(policy: NetworkPolicy(allowed: [try CIDR("127.0.0.0/8")]))
      options.allowHTTP = true
      return options
    }
  }
}

/// The broker as the daemon wires it: store, keeper, callbacks, web. Only the rate limit is lifted.
struct BrokerServer {
  let office: Office
  let running: Running
  private let keeping: Task<Void, Never>
  let dispatcher: Dispatcher

  /// - Parameter callbacks: how they are sent; nobody is owed any unless there are endpoints.
  init(_ office: Office, callbacks: CallbackOptions? = nil) async throws {
    self.office = office
    let store = office.store
    let keeper = DeadlineKeeper(store: store) { Logger.quiet.error("\($0)") }
    store.onCommit { notice in if let earliest = notice.earliestTimer { keeper.armed(earliest) } }
    keeping = Task { await keeper.run() }
    let dispatcher = Dispatcher(
      store: store, options: callbacks ?? CallbackOptions(policy: NetworkPolicy(allowed: [])), logger: .quiet)
    dispatcher.start()
    self.dispatcher = dispatcher
    var web = WebOptions(host: "127.0.0.1", port: 0)
    web.limits.requestsPerSecond = 1_000_000_000
    web.limits.burst = 1_000_000_000
    let server = try WebServer(
      store: store, machinery: Self.machinery(dispatcher), options: web, logger: .quiet)
    running = try await Running { listening in try server.service(onListening: listening) }
  }

  func stop() async {
    await running.stop()
    await dispatcher.stop(graceSeconds: 1)
    keeping.cancel()
    await keeping.value
    office.store.close()
  }

  private static func machinery(_ dispatcher: Dispatcher) -> Machinery {
    Machinery(
      urlFault: { _ in nil }, newSecret: { WebhookSecret.generate().raw },
      secretText: { raw in (try? WebhookSecret(raw: raw))?.text ?? "" },
      tlsFaults: { _ in [] }, signsSM3: false,
      test: { _ in
        TestReport(
          delivered: false, status: nil, error: nil, durationMS: 0, timingsMS: (0, 0, 0, 0), remoteAddress: "",
          reply: "")
      },
      dispatcherAlive: { dispatcher.isAlive }, keeperAlive: { true }, advance: nil,
      deliveryCounts: { dispatcher.counts }, deliverySeconds: { dispatcher.seconds.snapshot },
      inFlight: { dispatcher.inFlight })
  }
}
