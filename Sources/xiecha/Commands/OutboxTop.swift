internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// The queues of all endpoints at a glance. What only the daemon knows (breakers, what is on the wire, how it went in the
/// last minutes) is asked of it; without it, what the database knows is shown.
struct OutboxTop: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "各回调地址的实时总览 / every endpoint's queue, live",
    discussion: """
      Asks the daemon at `listen` with the operator's key in XIECHA_KEY, or else in DIR/keys.json. Ends with Ctrl-C, or after one table with --once.
      Example / 示例:
        xiecha outbox top --once --state-dir ./state
        XIECHA_KEY=xck_… xiecha outbox top --state-dir ./state    # keys.json 已移走 / once keys.json is moved away
      """)

  @Flag(help: "One table, then end.")
  var once = false

  @Option(help: "Seconds between two tables (1–3600).")
  var interval = 2

  @Option(help: "At most this many endpoints: first those with an open breaker, then the longest queues (1–80).")
  var limit = 40

  @Option(help: "Where the daemon is, when `listen` does not say: https://broker.example:8421")
  var url: String?

  @Flag(help: "Print JSON, one object for each table.")
  var json = false

  @OptionGroup var state: StateDirectory

  func validate() throws {
    guard (1...3600).contains(interval), (1...80).contains(limit) else {
      throw ValidationError("--interval 应为1至3600，--limit 应为1至80 / --interval takes 1 to 3600, --limit 1 to 80")
    }
  }

  func run() async throws {
    let settings = try state.settings()
    let daemon = LocalClient(
      networks: ["0.0.0.0/0", "::/0"], caBundle: settings.tlsCertificate.isEmpty ? nil : settings.tlsCertificate)
    while true {
      let (top, trouble) = try await look(settings, daemon)
      if json {
        print(Self.document(top, trouble))
      } else {
        // A file or a pipe gets one table after the other.
        if !once, isatty(STDOUT_FILENO) == 1 { print("\u{1B}[2J\u{1B}[H", terminator: "") }
        print(TopTable(top, trouble: trouble).text)
      }
      // Through a pipe as well, each table is told when it is there.
      try Output.flush()
      if once { return }
      try await Task.sleep(for: .seconds(interval))
    }
  }

  /// - Returns: the table as the daemon gives it, or from the database with why the daemon did not.
  private func look(_ settings: Settings, _ daemon: LocalClient) async throws -> (JSON, Phrase?) {
    let trouble: Phrase
    do {
      return (try await ask(settings, daemon), nil)
    } catch let failure as Silence {
      trouble = failure.words
    }
    let store = try state.openForCommand()
    defer { store.close() }
    return (try await Self.fromDatabase(store, limit: limit), trouble)
  }

  private struct Silence: Error {
    let words: Phrase
    init(_ zh: String, _ en: String) { words = Phrase(zh, en) }
  }

  private func ask(_ settings: Settings, _ daemon: LocalClient) async throws -> JSON {
    guard InstanceLock.isHeld(directory: state.path) else {
      throw Silence("服务未运行，以下仅为数据库所知", "the daemon is not running: this is what the database knows")
    }
    guard let address = address(settings) else {
      throw Silence("listen 未写明端口，请用 --url 指明", "`listen` names no port; say where with --url")
    }
    guard let key = operatorKey else {
      throw Silence(
        "没有运行人员密钥：请放入环境变量 XIECHA_KEY（keys.json 中没有）",
        "there is no operator's key: give it in the environment, XIECHA_KEY (keys.json has none)")
    }
    do {
      let (status, bytes) = try await daemon.call(
        "GET", "\(address)/v1/outbox/top?limit=\(limit)", key: key, body: [])
      guard status == 200 else { throw Silence("服务答复 \(status)", "the daemon answered \(status)") }
      return try JSON.parse(bytes)
    } catch let silence as Silence {
      throw silence
    } catch {
      let cause = (error as? NoReply)?.words ?? Phrase("\(error)", "\(error)")
      throw Silence(
        "服务没有应答：\(cause.zh)；以 --listen 启动的，请用 --url 指明地址",
        "the daemon does not answer: \(cause.en); if it was started with --listen, say where with --url")
    }
  }

  private var operatorKey: String? {
    if let given = ProcessInfo.processInfo.environment["XIECHA_KEY"], !given.isEmpty { return given }
    return FileManager.default.contents(atPath: state.path + "/keys.json")
      .flatMap { try? JSON.parse(Array($0)) }?["operator"]?.stringValue
  }

  private func address(_ settings: Settings) -> String? {
    if let url { return url.hasSuffix("/") ? String(url.dropLast()) : url }
    guard let (host, port) = settings.address, port > 0 else { return nil }
    let named = ["0.0.0.0": "127.0.0.1", "::": "::1"][host] ?? host
    return
      "\(settings.tlsCertificate.isEmpty ? "http" : "https")://\(named.contains(":") ? "[\(named)]" : named):\(port)"
  }

  /// In the shape of `GET /v1/outbox/top`, with null for what only the daemon knows.
  private static func fromDatabase(_ store: Store, limit: Int) async throws -> JSON {
    let queues = try await store.queues()
    var w = JSONWriter()
    w.object { w in
      w.string("at", store.clock.now.rfc3339)
      w.int("endpoints", queues.count)
      w.int("queued", queues.reduce(0) { $0 + $1.queued })
      w.null("inFlight")
      w.array("items") { w in
        for queue in queues.sorted(by: { $0.queued > $1.queued }).prefix(limit) {
          w.object { w in
            w.string("endpoint", queue.endpoint.description)
            w.object("organ") { w in
              let organ = store.reference.organ(number: queue.organ)
              w.string("code", organ?.code.description)
              w.string("name", organ?.name)
            }
            w.string("origin", queue.origin)
            w.bool("enabled", queue.enabled)
            w.string("disabledReason", queue.disabledReason)
            for name in ["breaker", "inFlight", "recentAttempts", "successRatio", "p50Ms", "p99Ms"] as [StaticString] {
              w.null(name)
            }
            w.int("queued", queue.queued)
            w.string("oldest", queue.oldest?.rfc3339)
            w.string("nextAttemptAt", queue.enabled ? queue.nextAttemptAt?.rfc3339 : nil)
            w.string("failingSince", queue.failingSince?.rfc3339)
          }
        }
      }
    }
    return try JSON.parse(w.bytes)
  }

  private static func document(_ top: JSON, _ trouble: Phrase?) -> String {
    var w = JSONWriter()
    w.object { w in
      w.bool("live", trouble == nil)
      w.string("trouble", trouble.map { "\($0.zh) / \($0.en)" })
      w.value("top", top)
    }
    return w.text
  }
}
