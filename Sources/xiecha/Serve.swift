internal import ArgumentParser
internal import BrokerCallbacks
internal import BrokerDomain
internal import BrokerStore
internal import BrokerWeb
internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import UnixSignals

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "运行服务 / run the daemon",
    discussion: """
      Prints "listening on http://HOST:PORT" to standard error when it is ready. SIGTERM, SIGINT and SIGHUP drain and end with 0.
      Example / 示例:
        xiecha serve --state-dir ./state --listen 127.0.0.1:8421
      """)

  @OptionGroup var state: StateDirectory

  @Option(help: "host:port, over the configuration; port 0 picks one.")
  var listen: String?

  @Option(help: "Start the rehearsed clock here; only for a database made with init --rehearse-at. 演练")
  var rehearseAt: String?

  /// The whole program, in order: configuration, store, keeper, callbacks, web, ready, signals.
  func run() async throws {
    // A reader of the log who goes away ends nothing.
    signal(SIGPIPE, SIG_IGN)
    var settings = try state.settings()
    let faults = settings.apply(environment: [:], assignments: listen.map { ["listen=\($0)"] } ?? [])
    if let fault = ConfigurationFault(faults) { throw fault }
    guard let address = settings.address else {
      throw ValidationError("--listen 应为 host:port / --listen takes host:port")
    }
    let logger = Self.logger(settings.logLevel)

    let start = try rehearsalStart()
    let starting = Notify.Starting()
    let store = try Store.open(
      directory: state.path, role: .daemon, procedures: try state.procedures(), lastDay: settings.lastDay,
      options: settings.database, rehearseAt: start)
    store.damagedRows.onFound { text in
      logger.error("有记录无法读取，已跳过，其余照常办理；请运行 xiecha verify 核对 / a row cannot be read and is passed over: \(text)")
    }
    if store.clock.isRehearsal { Self.banner(store.clock.now, wanted: start) }

    let keeper = DeadlineKeeper(store: store) { logger.error("\($0)") }
    store.onCommit { notice in if let earliest = notice.earliestTimer { keeper.armed(earliest) } }

    if let words = try settings.plainEndpointsWarning(store) { logger.warning("\(words.zh) / \(words.en)") }
    for words in settings.certificateWarnings() { logger.warning("\(words.zh) / \(words.en)") }
    let callbacks = try settings.callbackOptions()
    let dispatcher = Dispatcher(store: store, options: callbacks, logger: logger)
    dispatcher.start()

    let web = try WebServer(
      store: store, machinery: Self.machinery(store, keeper, dispatcher, callbacks), options: settings.webOptions(),
      logger: logger)
    let scheme = settings.tlsCertificate.isEmpty ? "http" : "https"
    let server = try web.service { port in
      warn("listening on \(scheme)://\(address.host.contains(":") ? "[\(address.host)]" : address.host):\(port)")
      starting.end()
      Notify.send("READY=1\nSTATUS=listening on port \(port)")
    }

    // Stopped in reverse: long polls let go, the web drains, then callbacks, then the keeper.
    let drain = settings.drainSeconds
    let group = ServiceGroup(
      services: [
        Keeping(keeper: keeper), Delivering(dispatcher: dispatcher, graceSeconds: drain),
        Refreshing(store: store, logger: logger),
        Inspecting(store: store, logger: logger), Missing(store: store, logger: logger), Watching(store: store),
        ClockWatching(clock: store.clock, logger: logger), TellingOfRefusals(web: web, logger: logger),
        Serving(server: server, logger: logger), Releasing(web: web),
      ],
      gracefulShutdownSignals: Self.endings, logger: logger)
    defer { LogLines.standardError.flush() }
    do {
      try await group.run()
    } catch let fault as ListenFault {
      store.close()
      throw Failure(
        text:
          "\(fault.address): \(fault.words.zh)，或者用 --listen 另指定地址 / \(fault.words.en), or name another with --listen")
    } catch {
      store.close()
      throw Failure(text: "服务异常结束：\(error) / the daemon ended: \(error)")
    }
    store.close()
  }

  /// A terminal that is closed ends us like any other wish to stop; under nohup it does not.
  private static var endings: [UnixSignal] {
    var action = sigaction()
    sigaction(SIGHUP, nil, &action)
    let ignored = unsafeBitCast(SIG_IGN, to: Int.self)
    let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == ignored
    return isIgnored ? [.sigterm, .sigint] : [.sigterm, .sigint, .sighup]
  }

  private func rehearsalStart() throws -> Instant? {
    try rehearseAt.map { text in
      guard let instant = Instant(rfc3339: text) else {
        throw ValidationError(
          "--rehearse-at 应为 RFC 3339 时刻 / --rehearse-at takes a moment of RFC 3339 such as 2026-02-13T17:45:00+08:00")
      }
      return instant
    }
  }

  private static func logger(_ level: String) -> Logger {
    let isJournal = LineLogHandler.isJournal(ProcessInfo.processInfo.environment["JOURNAL_STREAM"])
    LoggingSystem.bootstrap { _ in LineLogHandler(lines: .standardError, isForJournal: isJournal) }
    var logger = Logger(label: "xiecha")
    logger.logLevel = Logger.Level(rawValue: level) ?? .info
    return logger
  }

  /// - Parameter wanted: where the clock was asked to start.
  private static func banner(_ now: Instant, wanted: Instant?) {
    // One that is started again with the same words goes on where it was.
    if let wanted, wanted.date < now.date {
      warn(
        "演练时钟只能向前：数据库已到 \(now.rfc3339)，从那里继续，未用 --rehearse-at / a rehearsed clock only goes forward: this "
          + "database has come to \(now.rfc3339) and goes on from there; --rehearse-at \(wanted.rfc3339) is not used")
    }
    warn(
      """
      ==========================================================================
        演练模式 REHEARSAL — 非真实办理，时钟为 \(now.rfc3339)
        Nothing here is real. Move the clock: POST /v1/rehearsal/advance {"to": …}
      ==========================================================================
      """)
  }

  private static func machinery(
    _ store: Store, _ keeper: DeadlineKeeper, _ dispatcher: Dispatcher, _ options: CallbackOptions
  ) -> Machinery {
    let advance: @Sendable (Instant) async throws(StoreError) -> Int = { instant async throws(StoreError) -> Int in
      let recorded = try await keeper.rehearse(to: instant)
      dispatcher.kick()
      return recorded
    }
    return Machinery(
      urlFault: { url in
        do throws(URLFault) {
          try checkURL(url, allowHTTP: options.allowHTTP, policy: options.policy)
          return nil
        } catch {
          return Phrase(error.zh, error.en)
        }
      },
      newSecret: { WebhookSecret.generate().raw },
      secretText: { raw in (try? WebhookSecret(raw: raw))?.text ?? "" },
      tlsFaults: { $0.inspect(now: BrokerClock.wall) }, signsSM3: WebhookSigner.signsSM3,
      owedSeconds: options.schedule.giveUpAfterSeconds,
      test: { endpoint in
        if let loss = endpoint.loss { return TestReport(unsent: "\(loss.zh) / \(loss.en)") }
        return await dispatcher.test(endpoint).map { TestReport($0) }
      },
      dispatcherAlive: { dispatcher.isAlive }, keeperAlive: { keeper.isAlive },
      advance: store.clock.isRehearsal ? advance : nil,
      deliveryCounts: { dispatcher.counts }, deliverySeconds: { dispatcher.seconds.snapshot },
      inFlight: { dispatcher.inFlight }, health: { dispatcher.health(of: $0) }, breakers: { dispatcher.breakers })
  }
}

extension TestReport {
  /// Of what a tested receiver says: enough for its owner to see what is wrong, too little to read other places through.
  private static let replyBytes = 512

  /// Nothing could be sent.
  fileprivate init(unsent error: String) {
    self.init(
      delivered: false, status: nil, error: error, durationMS: 0, timingsMS: (0, 0, 0, 0), remoteAddress: "", reply: "")
  }

  fileprivate init(_ report: PushReport) {
    let (status, error) = report.told
    self.init(
      delivered: error == nil, status: status, error: error, durationMS: report.timings.totalUS / 1000,
      timingsMS: (
        report.timings.dnsUS / 1000, report.timings.connectUS / 1000, report.timings.tlsUS / 1000,
        report.timings.firstByteUS / 1000
      ),
      remoteAddress: report.remoteAddress,
      reply: String(decoding: report.bodyStart.prefix(Self.replyBytes), as: UTF8.self).printable)
    certificate = report.certificate.map {
      Certificate(subject: $0.subject, issuer: $0.issuer, expiresAt: $0.expiresAt)
    }
  }
}
