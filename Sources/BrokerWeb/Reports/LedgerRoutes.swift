internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// 日常监管台账 (莱芜方案 8): one row a request, oldest first, for the supervisor of a region or for an organ itself.
///
/// By itself it has the procedures by which what was granted on a promise is handed to those who watch over it:
/// 监管衔接, 现场核查推送, 免核征求意见, 承诺不实处理. Others are listed when they are named; what is sealed is in nobody's.
struct LedgerRoutes {
  let reports: ReportRoutes
  var broker: Broker { reports.broker }

  static let procedures = [
    "supervision-handover", "on-site-dispatch", "exemption-consultation", "false-commitment",
  ]
  /// Rows of one answer; `Link` leads to the next.
  static let mostRows = 5000

  func ledger(_ call: Call) async throws -> Reply {
    try call.checkQuery("from", "to", "procedure", "limit", "cursor", "format", lists: ["procedure"])
    let organ = try call.requireOrgan()
    let period = try reports.requiredPeriod(call)
    guard period.to.dayNumber - period.from.dayNumber < 366 else {
      throw call.badParameter("to", "台账一次不超过366日", "a ledger has 366 days at most")
    }
    if let format = try call.queryChoice("format", ReportFormat.self), format != .csv {
      throw call.badParameter("format", "台账只有 csv", "a ledger is csv")
    }
    let audience = try reports.audience(call)
    let limit = Int(try call.queryInt("limit", 1...Int64(Self.mostRows)) ?? Int64(Self.mostRows))
    let query = LedgerQuery(
      from: period.from, to: period.to, procedures: try procedures(call), organs: audience.scope.organs,
      reader: organ.code, after: try call.cursor() ?? 0, limit: limit)
    let page = try await broker.store.ledger(query)
    try await record(page.items, organ, call)
    let (now, reference) = (broker.store.clock.now, broker.store.reference)
    var reply = await offTheLoop {
      var lines = CSVLines(header: Self.header)
      for stored in page.items { lines.add(LedgerRow(stored, now, reference).fields) }
      return Reply.file(lines, "ledger-\(period.from)-\(period.to)")
    }
    if let next = page.next { reply.link(call, cursor: call.sealed(String(next, radix: 36))) }
    return reply
  }

  private func procedures(_ call: Call) throws(Problem) -> Set<String> {
    let named = call.queryValue("procedure").map { $0.split(separator: ",").map(String.init) }
    let reference = broker.store.reference
    // A request keeps its definition after its file has gone, and its place in the ledger.
    func mayBeListed(_ id: String) -> Bool { reference.knows(procedure: id) && !reference.isSealed(id) }
    for id in named ?? [] where !mayBeListed(id) {
      let list = reference.knownProcedures.filter(mayBeListed).joined(separator: ", ")
      throw call.badParameter(
        "procedure", "没有可列入台账的程序“\(id)”；可用：\(list)", "no procedure \"\(id)\" that a ledger may hold; known: \(list)")
    }
    return Set((named ?? Self.procedures).filter(mayBeListed))
  }

  /// Rows that a supervisor reads, who is no party to them, are on record before they are given away.
  private func record(_ rows: [StoredRequest], _ organ: Organ, _ call: Call) async throws {
    guard let key = call.caller?.keyID else { return }
    var read = rows.filter { $0.request.party(organ.code) == nil }.map(\.request.id)[...]
    while !read.isEmpty {
      let some = Array(read.prefix(Self.recordsAtOnce))
      read = read.dropFirst(some.count)
      try await broker.store.write { context in
        for id in some { try context.recordDisclosure(of: id, to: organ.number, key: key, .ledger) }
      }
    }
  }

  /// Small enough that a submission is not delayed by more than milliseconds.
  private static let recordsAtOnce = 500

  private static let header = [
    "编号", "文号", "程序", "证明事项编号", "证明名称", "行政事项", "请求机关", "请求机关代码", "被请求机关", "被请求机关代码",
    "当事人", "证件号码（遮盖）", "收到时间", "签收时间", "届满日", "状态", "办结时间", "结果", "所用工作日", "是否逾期",
    "是否免核", "行政事项办结日期", "监管重点", "监管方式",
  ]
}

/// One request as the ledger has it.
private struct LedgerRow {
  private(set) var fields: [CSVLines.Field]

  init(_ stored: StoredRequest, _ now: Instant, _ reference: Reference) {
    let request = stored.request
    let procedure = reference.procedure(of: request)
    let item = request.item.flatMap { reference.item($0, at: request.receivedAt) }
    let (from, to) = (reference.organ(request.requester), reference.organ(request.responder))
    // A clock that bound the sender was none of the organ that replies: its days are those from receipt.
    let isSenders = request.progress.bindsSender
    // What was let go of while the clock stood still has used the days until then.
    let done =
      isSenders
      ? request.closedAt
      : request.progress.metAt ?? (request.closedAt == nil ? nil : request.clockStoppedAt)
    let start = isSenders ? request.receivedAt : request.clockFrom
    let days = done.map {
      reference.calendar(of: request).workingDays(
        after: start.date, through: $0.date, region: request.countedRegion(reference))
    }
    let late = request.isSentLate ? "请求机关迟送" : request.clockStatus(now: now) == .missed ? "是" : "否"
    fields = [
      .text(request.id.description), .text(request.content.reference), .text(procedure?.title.zh ?? request.procedure),
      .text(request.item), .text(item?.proof), .text(item?.matter), .text(from?.name),
      .text(request.requester.description), .text(to?.name), .text(request.responder.description),
      .text(stored.subject.map(Self.name)), .text(stored.subject.map { Mask.idNumber($0.idNumber) }),
      .text(request.receivedAt.rfc3339), .text(request.acknowledgement?.at.rfc3339),
      .text(request.deadline.date.description), .text(request.state.name.title), .text(request.closedAt?.rfc3339),
      .text(Self.outcome(request, procedure)), .int(days), .text(late),
    ]
    fields += Self.handover(request)
  }

  /// What is to be watched, and how: of a handover to supervision (监管衔接), and nothing of other procedures. They have fields
  /// of the same names that mean something else.
  private static func handover(_ request: AssistanceRequest) -> [CSVLines.Field] {
    guard request.procedure == "supervision-handover" else { return Array(repeating: .text(nil), count: 4) }
    let (data, answer) = (request.data, request.state.answer?.data)
    return [
      .text(data["exempt"]?.boolValue.map { $0 ? "是" : "否" }), .text(data["grantedOn"]?.stringValue),
      .text(data["focus"]?.stringValue), .text(answer?["method"]?.stringValue),
    ]
  }

  /// Of a person the family name only: who it is tells the number of the request, to those who may read it.
  private static func name(_ subject: Subject) -> String {
    switch subject.kind {
    case .organisation: subject.name
    case .person: subject.name.prefix(1) + String(repeating: "*", count: max(1, subject.name.count - 1))
    }
  }

  private static func outcome(_ request: AssistanceRequest, _ procedure: Procedure?) -> String? {
    let title = { (id: String) in procedure?.outcome(id)?.title.zh ?? id }
    if let answer = request.state.answer {
      return answer.outcome.map(title)
        ?? answer.findings.map { title($0.result) }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        .joined(separator: "、")
    }
    if let decline = request.state.decline {
      let reason = procedure?.declineReasons.first { $0.id == decline.reasonCode }?.title.zh
      return "不能协助：\(reason ?? decline.reasonCode)"
    }
    return switch request.state {
    case .withdrawn: "撤回"
    case .returned, .closed(.returned): "退回"
    default: nil
    }
  }
}
