internal import BrokerDomain
internal import BrokerStore

/// The three cases of the demonstration, each told as it happens.
struct ThreeCases {
  let daemon: DemoDaemon
  let receiver: Receiver

  /// 启东市医疗保障局, 启东市民政局, 启东市司法局.
  static let requester = "113206810142605753"
  static let responder = "11320681014260292T"
  static let supervisor = "11320681014260014D"

  func answered() async throws {
    Say.chapter(
      "一", "市医保局请市民政局核查：申请人是否已婚（第47项 结婚证）",
      "the health insurance bureau asks civil affairs about item 47, a marriage certificate")
    try await endpoint(Self.requester, "yibao")
    let request = try await submit("启医保协查〔2026〕12号")
    try await post(request, "acknowledge", .object([.init("officer", .string("王科员"))]))
    Say.step("✓", "市民政局签收", "civil affairs acknowledges")
    let start = monotonicMicroseconds()
    let answer = try await post(
      request, "answer",
      .object([
        .init(
          "findings",
          .array([
            .object([
              .init("question", .string("q1")), .init("result", .string("confirmed")),
              .init("source", .string("婚姻登记信息系统")), .init("asOf", .string("2026-02-12")),
            ])
          ])),
        .init("text", .string("经核查，申请人已办理结婚登记。")), .init("reference", .string("启民协复〔2026〕31号")),
        .init("signatory", .string("李局长")),
      ]))
    Say.step("✓", "市民政局复函：属实（启民协复〔2026〕31号）", "civil affairs answers: confirmed")
    Say.detail("状态 state \(text(answer, "state")) · 时限 clock \(text(answer["due"], "status"))")
    try await arrived("request.answered", request, since: start, to: "市医保局")
  }

  func declined() async throws {
    Say.chapter("二", "第二件：市民政局不能协助，书面说明理由", "a second request is declined, in writing and with reasons")
    let request = try await submit("启医保协查〔2026〕13号")
    let start = monotonicMicroseconds()
    let reply = try await post(
      request, "decline",
      .object([
        .init("reasonCode", .string("holds-no-information")),
        .init("reason", .string("申请人的婚姻登记在外省办理，本机关系统中无此档案，无法核实。")), .init("signatory", .string("李局长")),
      ]))
    Say.step("✓", "市民政局书面告知不能协助并说明理由", "civil affairs declines and says why")
    Say.detail("理由 reason \(text(reply["decline"], "reasonCode"))：\(text(reply["decline"], "reason"))")
    try await arrived("request.declined", request, since: start, to: "市医保局")
  }

  /// Played in rehearsal: five working days over Spring Festival pass in a moment.
  func escalated() async throws {
    Say.chapter(
      "三", "第三件（演练模式，时钟自2026年2月13日起）：逾期未答，升级督办",
      "a third, in rehearsal mode from 13 February 2026: nobody answers, and it is escalated")
    try await endpoint(Self.supervisor, "sifa")
    try await endpoint(Self.requester, "yibao")
    let request = try await submit("启医保协查〔2026〕14号")
    let start = monotonicMicroseconds()
    let moved = try await daemon.call(
      "POST", "/v1/rehearsal/advance", key: daemon.operatorKey,
      body: .object([.init("to", .string("2026-03-02T09:00:00+08:00"))]), want: 200)
    Say.step(
      "✓", "时钟拨到 \(text(moved, "now"))，记录事件 \(moved["recorded"]?.intValue ?? 0) 件",
      "the clock is moved past the deadline; the ladder fires")
    let timeline = try await daemon.call(
      "GET", "/v1/requests/\(request)/timeline", key: daemon.key(of: Self.requester), want: 200)
    for event in timeline["items"]?.arrayValue ?? [] {
      Say.detail("\(text(event, "at"))  \(text(event, "type"))  \(text(event["data"], "rung"))")
    }
    let types = (timeline["items"]?.arrayValue ?? []).map { text($0, "type") }
    guard
      types == ["request.submitted", "request.due-soon", "request.due-soon", "request.overdue", "request.escalated"]
    else { throw Failure(text: "提醒和升级没有依次发出 / the ladder did not fire as it should: \(types)") }
    try await arrived("request.escalated", request, since: start, to: "市司法局")
  }

  private func endpoint(_ organ: String, _ name: String) async throws {
    let created = try await daemon.call(
      "POST", "/v1/endpoints", key: daemon.key(of: organ),
      body: .object([.init("url", .string("\(receiver.url)/\(name)"))]), want: 201)
    try receiver.trust(name, secret: text(created, "secret"))
  }

  private func submit(_ reference: String) async throws -> String {
    let body = JSON.object([
      .init("item", .string("47")),
      .init(
        "subject",
        .object([
          .init("kind", .string("person")), .init("name", .string("张三")), .init("idType", .string("resident-id")),
          .init("idNumber", .string("11010519491231002X")),
        ])),
      .init(
        "questions", .array([.object([.init("id", .string("q1")), .init("text", .string("申请人是否已办理结婚登记"))])])),
      .init("purpose", .string("产前检查费支付")), .init("reason", .string("数据尚未实现网络共享")),
      .init("reference", .string(reference)), .init("signatory", .string("陈主任")),
    ])
    let request = try await daemon.call(
      "POST", "/v1/requests", key: daemon.key(of: Self.requester), body: body, want: 201)
    Say.step(
      "✓", "市医保局提出请求，按协助清单送 \(text(request["to"], "name"))", "the request is routed by the assistance list and on disk")
    Say.detail("编号 id \(text(request, "id")) · 证件 \(text(request["subject"], "idNumber"))")
    Say.detail(
      "收到 \(text(request, "receivedAt")) · 届满 \(text(request["due"], "date"))（\(request["due"]?["workingDays"]?.intValue ?? 0)个工作日）"
    )
    return text(request, "id")
  }

  @discardableResult
  private func post(_ request: String, _ verb: String, _ body: JSON) async throws -> JSON {
    try await daemon.call(
      "POST", "/v1/requests/\(request)/\(verb)", key: daemon.key(of: Self.responder), body: body, want: 200)
  }

  private func arrived(_ type: String, _ request: String, since: Int64, to organ: String) async throws {
    let message = try await receiver.wait(type, request)
    let took = max(0, message.atMicroseconds - since) / 1000
    Say.step("✓", "\(organ)收到回调 \(type)，签名有效（\(took) 毫秒）", "the callback arrived, its signature is valid (\(took) ms)")
  }

  private func text(_ json: JSON?, _ name: String) -> String { json?[name]?.stringValue ?? "" }
}
