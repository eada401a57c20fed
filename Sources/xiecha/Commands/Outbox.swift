internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

struct Outbox: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "回调投递：查看、追查、重试、总览 / callbacks: list, trace, retry, top",
    discussion: """
      Example / 示例:
        xiecha outbox list --state dead --state-dir ./state
        xiecha outbox top --state-dir ./state
        xiecha outbox trace 019ca5f2-7c00-7abc-8000-00000000002a --state-dir ./state
        xiecha outbox retry 019ca5f2-7c00-7abc-8000-00000000002a --state-dir ./state
      """,
    subcommands: [List.self, Trace.self, Retry.self, OutboxTop.self])

  func run() async throws {
    throw ValidationError("请写明 list、trace、retry 或 top / name one of list, trace, retry and top")
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "列出投递 / list deliveries",
      discussion: "Example / 示例:\n  xiecha outbox list --state dead --state-dir ./state --json")

    @Option(name: .customLong("state"), help: "pending, delivered or dead")
    var deliveryState: String?

    @Option(help: "At most this many, newest first.")
    var limit = 50

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateDirectory

    func run() async throws {
      let wanted = try deliveryState.map { text in
        guard let value = Delivery.State(rawValue: text) else {
          throw ValidationError("--state 应为 pending、delivered 或 dead / --state takes pending, delivered or dead")
        }
        return value
      }
      guard (1...10_000).contains(limit) else { throw ValidationError("--limit 应为1至10000 / --limit takes 1 to 10000") }
      let store = try state.openForCommand()
      defer { store.close() }
      let page = try await store.deliveries(organ: nil, endpoint: nil, state: wanted, cursor: nil, limit: limit)
      if json {
        var w = JSONWriter()
        w.array { w in
          for delivery in page.items {
            w.object { w in
              w.string("id", delivery.id)
              w.string("state", delivery.state.rawValue)
              w.string("type", delivery.type)
              w.string("request", delivery.request.description)
              w.string("endpoint", delivery.endpoint.description)
              w.int("attempts", delivery.attempts)
              w.string("nextAttemptAt", delivery.nextAttemptAt?.rfc3339)
              w.string("lastAttemptAt", delivery.lastAttemptAt?.rfc3339)
              w.int("lastStatus", delivery.lastStatus)
              w.string("lastError", delivery.lastError)
            }
          }
        }
        return print(w.text)
      }
      let owners = try await store.endpointOrgans()
      for delivery in page.items {
        let owner = owners[delivery.endpoint.key].flatMap { store.reference.organ(number: $0) }
        let last = delivery.lastError ?? delivery.lastStatus.map { "HTTP \($0)" } ?? "-"
        print(
          "\(delivery.id)  \(delivery.state.rawValue)  \(delivery.type)  \(owner?.name ?? "-")  endpoint \(delivery.endpoint)  "
            + "attempts \(delivery.attempts)  \(last)")
      }
      print("\(page.items.count)条 / deliveries\(page.next == nil ? "" : "，还有更多 / and more")")
    }
  }

  struct Retry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "立即重试 / try again at once",
      discussion: """
        Example / 示例:
          xiecha outbox retry ID --state-dir ./state
          xiecha outbox retry --all --state-dir ./state
          xiecha outbox retry --all --endpoint ID --state-dir ./state
        """)

    @Argument(help: "The delivery's id, from: xiecha outbox list")
    var id: String?

    @Flag(help: "Every dead delivery, oldest first, and every one that has failed and waits for its next attempt.")
    var all = false

    @Flag(help: "Every dead delivery, oldest first.")
    var allDead = false

    @Option(help: "With --all or --all-dead: of this endpoint only.")
    var endpoint: String?

    @OptionGroup var state: StateDirectory

    func run() async throws {
      guard [id != nil, all, allDead].count(where: { $0 }) == 1 else {
        throw ValidationError(
          "请写明投递编号、--all 或者 --all-dead，三者取一 / name one of a delivery's ID, --all and --all-dead")
      }
      guard endpoint == nil || id == nil else {
        throw ValidationError("--endpoint 与 --all、--all-dead 同用 / --endpoint goes with --all or --all-dead")
      }
      let only = try endpoint.map { text in
        guard let id = EntityID(text) else {
          throw ValidationError("\(text) 不是回调地址的编号 / \(text) is not the id of an endpoint")
        }
        return id
      }
      let store = try state.openForCommand()
      defer { store.close() }
      var count = 1
      if let id {
        guard let target = DerivedID.parseDelivery(id) else {
          throw ValidationError("\(id) 不是投递的编号 / \(id) is not the id of a delivery")
        }
        do {
          try await store.write { try $0.retry(endpoint: target.endpoint, seq: target.seq, organ: nil) }
        } catch {
          let known = try await store.trace(endpoint: target.endpoint, seq: target.seq, organ: nil)
          guard error == .notFound, known != nil else { throw error }
          throw Failure(text: "该投递的接收地址已删除，无处可投 / its endpoint was deleted: there is nowhere to send it")
        }
      } else if let only {
        guard try await store.endpoint(only) != nil else { throw StoreError.notFound }
        count = try await store.retryDead(of: only.key, limit: .max).queued
      } else {
        count = try await store.retryAllDead()
      }
      if all { count += try await store.retryWaiting(of: only?.key) }
      print("已安排重试\(count)条 / callbacks that will be tried again: \(count)")
    }
  }
}
