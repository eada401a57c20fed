internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore

extension Outbox {
  struct Trace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "一条投递的来龙去脉 / the whole story of one delivery",
      discussion: """
        Example / 示例:
          xiecha outbox trace 019ca5f2-7c00-7abc-8000-00000000002a --state-dir ./state
        """)

    @Argument(help: "The delivery's id, from: xiecha outbox list")
    var id: String

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateDirectory

    func run() async throws {
      guard let target = DerivedID.parseDelivery(id) else {
        throw ValidationError("\(id) 不是投递的编号 / \(id) is not the id of a delivery")
      }
      let store = try state.openForCommand()
      defer { store.close() }
      guard let trace = try await store.trace(endpoint: target.endpoint, seq: target.seq, organ: nil) else {
        throw StoreError.notFound
      }
      if json {
        var w = JSONWriter()
        w.object { w in trace.write(&w, store.reference) }
        return print(w.text)
      }
      for line in trace.lines(store.reference) { print(line) }
    }
  }
}

extension DeliveryTrace {
  fileprivate func lines(_ reference: Reference) -> [String] {
    let owner = reference.organ(number: organ).map { "\($0.name) \($0.code)" } ?? "?"
    var lines = [
      "投递 / delivery   \(delivery.id)", "事件 / event      \(delivery.type)  seq \(delivery.seq)  \(delivery.event)",
      "发生 / happened   \(delivery.eventAt.rfc3339)",
      "请求 / request    \(delivery.request)  \(title(reference))",
      "接收 / endpoint   \(delivery.endpoint)  \(owner)  \(url)",
      "排入 / queued     \(delivery.createdAt.rfc3339)",
    ]
    for attempt in attempts { lines.append(attempt.line) }
    if attempts.count < delivery.attempts {
      lines.append(
        "另有\(delivery.attempts - attempts.count)次已不在记录 / \(delivery.attempts - attempts.count) more are no longer on record"
      )
    }
    if let failingSince, delivery.state == .pending {
      lines.append("接收地址失败始于 / endpoint failing since \(failingSince.rfc3339)")
    }
    lines.append("现状 / now        \(now)")
    return lines
  }

  private func title(_ reference: Reference) -> String {
    guard let procedure else { return "（封存 / sealed）" }
    return reference.procedures[procedure]?.title.zh ?? procedure
  }

  private var now: String {
    switch (delivery.state, wait) {
    case (.delivered, _): return "已送达 / delivered \(delivery.lastAttemptAt?.rfc3339 ?? "")"
    case (.dead, _) where isEndpointDeleted:
      return "已放弃：\(delivery.lastError ?? "-")；接收地址已删除 / dead, and its endpoint is deleted: there is nowhere to send it"
    case (.dead, _):
      return "已放弃，不再重试：\(delivery.lastError ?? "-") / dead; to try again: xiecha outbox retry \(delivery.id)"
    case (.pending, .earlier(let other)):
      return "等待同一请求较早的投递 / waits for an earlier one of the same request: \(other)"
    case (.pending, .endpointOff(let reason)):
      return "接收地址已停用（\(reason ?? "-")），启用后继续 / the endpoint is switched off; it goes out when it is on again"
    case (.pending, .endpointFailing):
      return "已到期，待接收地址可达（试投成功或轮到） / due since \(due); waits for the endpoint to be reached, by a probe or in its turn"
    case (.pending, nil) where isDue: return "已到期，轮到即投 / due since \(due); it goes out in its turn"
    case (.pending, nil): return "待投，下次 / pending, next attempt \(due)"
    }
  }

  private var due: String { delivery.nextAttemptAt?.rfc3339 ?? "-" }

  fileprivate func write(_ w: inout JSONWriter, _ reference: Reference) {
    w.string("id", delivery.id)
    w.string("state", delivery.state.rawValue)
    w.string("type", delivery.type)
    w.int("seq", delivery.seq)
    w.string("event", delivery.event)
    w.string("eventAt", delivery.eventAt.rfc3339)
    w.string("request", delivery.request.description)
    w.string("procedure", procedure)
    w.string("endpoint", delivery.endpoint.description)
    w.string("organ", reference.organ(number: organ)?.code.description)
    w.string("url", url)
    w.string("createdAt", delivery.createdAt.rfc3339)
    w.string("nextAttemptAt", delivery.nextAttemptAt?.rfc3339)
    switch wait {
    case .earlier(let other)?:
      w.string("waitsFor", "earlier-message")
      w.string("earlier", other)
    case .endpointOff(let reason)?:
      w.string("waitsFor", "endpoint-disabled")
      w.string("disabledReason", reason)
    case .endpointFailing?: w.string("waitsFor", "endpoint-failing")
    case nil: w.null("waitsFor")
    }
    w.string("failingSince", failingSince?.rfc3339)
    w.array("history") { w in
      for attempt in attempts {
        w.object { w in
          w.int("number", attempt.number)
          w.string("at", attempt.at.rfc3339)
          w.int("status", attempt.status)
          w.string("error", attempt.error)
          w.string("remoteAddress", attempt.trip?.remoteAddress)
          w.int("dnsUs", attempt.trip?.dnsUS)
          w.int("connectUs", attempt.trip?.connectUS)
          w.int("tlsUs", attempt.trip?.tlsUS)
          w.int("firstByteUs", attempt.trip?.firstByteUS)
          w.int("totalUs", attempt.trip?.totalUS)
        }
      }
    }
  }
}

extension Attempt {
  fileprivate var line: String {
    let said = error ?? status.map { "HTTP \($0)" } ?? "-"
    guard let trip else { return "第\(number)次 / attempt \(number)  \(at.rfc3339)  \(said)" }
    func ms(_ microseconds: Int64) -> String {
      let tenths = microseconds / 100
      return "\(tenths / 10).\(tenths % 10)"
    }
    let times = "DNS \(ms(trip.dnsUS))  connect \(ms(trip.connectUS))  TLS \(ms(trip.tlsUS))"
    let rest = "first byte \(ms(trip.firstByteUS))  total \(ms(trip.totalUS)) ms"
    let address = trip.remoteAddress.isEmpty ? "" : "  \(trip.remoteAddress)"
    return "第\(number)次 / attempt \(number)  \(at.rfc3339)  \(said)\(address)  \(times)  \(rest)"
  }
}
