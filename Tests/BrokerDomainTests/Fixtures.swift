internal import BrokerDomain
internal import Testing

/// A small directory: three members and the supervisor of 启东, the supervisors of its province and of another city.
enum Organs {
  static let requester = "113206810142605753"
  static let responder = "11320681014260292T"
  static let stranger = "11320681014260225W"
  static let supervisor = "11320681014260014D"
  static let provincialSupervisor = "11320000014000014G"
  static let otherSupervisor = "11320500014000014A"
  /// A valid code that the directory does not hold.
  static let unlisted = "113206810142610686"
}

func code(_ text: String) throws -> OrganCode { try OrganCode(text) }

extension Procedure {
  static let verification = Procedure(
    id: "verification", title: Phrase("协助核查", "verification"), clause: "启东 二（五）", workingDays: 5,
    ladder: Rung.allCases,
    outcomes: ["confirmed", "partly", "contradicted", "no-record"].map {
      Outcome(id: $0, title: Phrase($0, $0))
    },
    declineReasons: ["not-competent", "holds-no-information", "forbidden-by-law", "state-secret", "other"]
      .map { Outcome(id: $0, title: Phrase($0, $0)) })

  /// Short, and only the red card of the ladder.
  static let creditCheck = Procedure(
    id: "credit-check", title: Phrase("失信限制核验", "credit check"), clause: "all", workingDays: 1,
    ladder: [.overdue], outcomes: [Outcome(id: "clear", title: Phrase("无", "clear"))], declineReasons: [])
}

func makeReference(
  procedures: [Procedure] = [.verification, .creditCheck], lastDay: LastDayPolicy = .midnight
) throws -> Reference {
  func organ(_ number: Int64, _ text: String, _ name: String, _ regionCode: String, _ roles: [Organ.Role])
    throws -> Organ
  {
    Organ(
      number: number, code: try code(text), name: name, shortName: name, region: try region(regionCode),
      superior: nil, roles: roles)
  }
  func entry(_ item: String, _ requester: String, _ obliged: String, _ days: Int) throws -> AssistanceEntry {
    AssistanceEntry(
      item: item, requester: try code(requester), obliged: try code(obliged), workingDays: days)
  }
  return Reference(
    organs: [
      try organ(1, Organs.requester, "启东市医疗保障局", "320681", [.member]),
      try organ(2, Organs.responder, "启东市民政局", "320681", [.member]),
      try organ(3, Organs.stranger, "启东市公安局", "320681", [.member]),
      try organ(4, Organs.supervisor, "启东市司法局", "320681", [.supervisor]),
      try organ(5, Organs.provincialSupervisor, "江苏省司法厅", "320000", [.member, .supervisor]),
      try organ(6, Organs.otherSupervisor, "苏州市司法局", "320500", [.supervisor]),
    ],
    items: [
      Item(code: "47", proof: "结婚证", matter: "产前检查费支付", departments: []),
      Item(code: "2", proof: "无犯罪记录证明", matter: "教师资格认定", departments: []),
      Item(code: "3", proof: "学历证明", matter: "保安员证核发", departments: []),
    ],
    assistance: [
      try entry("47", Organs.requester, Organs.responder, 3),
      // Obliges an organ that has since left the directory.
      try entry("3", Organs.requester, Organs.unlisted, 7),
    ],
    calendar: try Vectors.calendar.get(), procedures: procedures, lastDay: lastDay)
}

let sampleID = EntityID(key: 0x0199_0000_0000_123, tail: 0x1234_5678_9ABC_DEF0)

func sampleContent() -> Content {
  Content(
    questions: [
      Question(id: "q1", text: "申请人是否已办理结婚登记", asOf: CalendarDate("2026-11-20")),
      Question(id: "q2", text: "登记日期", asOf: nil),
    ], purpose: "产前检查费支付")
}

func submission(
  procedure: String = "verification", item: String? = "47", to: String? = nil, content: Content = sampleContent()
) throws -> Submission {
  var organ: OrganCode?
  if let to { organ = try code(to) }
  return Submission(procedure: procedure, item: item, to: organ, subject: sampleSubject, content: content)
}

let sampleSubject = Subject(kind: .person, name: "张三", idType: "resident-id", idNumber: "11010519491231002X")

/// A request of 2026-11-20 10:00, due on 2026-11-25 (three days by the list).
func sampleRequest(_ state: AssistanceRequest.State = .submitted, _ reference: Reference? = nil) throws
  -> AssistanceRequest
{
  let reference = try reference ?? makeReference()
  var request = try AssistanceRequest.submit(
    try submission(), by: try #require(reference.organ(code(Organs.requester))), id: sampleID,
    now: try instant("2026-11-20T10:00:00+08:00"), reference: reference
  ).request
  guard state != .submitted else { return request }
  request.version = 7
  request.updatedAt = try instant("2026-11-23T09:00:00+08:00")
  request.acknowledgement = Acknowledgement(officer: "赵六", at: request.updatedAt)
  request.state = state
  return request
}

func sampleAnswer(_ results: [(String, String)] = [("q1", "confirmed"), ("q2", "no-record")]) throws -> Answer {
  Answer(
    findings: try results.map {
      Finding(question: $0.0, result: $0.1, source: "婚姻登记信息系统", asOf: try date("2026-03-16"), note: nil)
    }, text: "函复如上", reference: "启民协复〔2026〕1号", signatory: "赵六")
}

func sampleDecline(_ reasonCode: String = "not-competent", competent: String? = nil) -> Decline {
  Decline(
    reasonCode: reasonCode, reason: "依法不掌握相关信息", competentOrgan: competent, signatory: "赵六")
}

/// One state of each name.
func sampleState(_ name: StateName) throws -> AssistanceRequest.State {
  switch name {
  case .submitted: .submitted
  case .acknowledged: .acknowledged
  case .answered: .answered(try sampleAnswer([("q1", "contradicted"), ("q2", "no-record")]))
  case .declined: .declined(sampleDecline())
  case .withdrawn: .withdrawn(Withdrawal(reason: "承诺退出"))
  case .awaitingSupplement: .awaitingSupplement
  case .returned: .returned
  case .closed: .closed(.declined(sampleDecline()))
  }
}

func sampleCommand(_ verb: Verb) throws -> Command {
  switch verb {
  case .acknowledge: .acknowledge(officer: "钱七")
  case .answer: .answer(try sampleAnswer())
  case .decline: .decline(sampleDecline())
  case .withdraw: .withdraw(Withdrawal(reason: "承诺退出"))
  case .return: .giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil))
  case .ask: .ask(text: "请补充结婚登记地")
  case .supply: .supply(text: "登记地为启东市")
  case .extend: .extend(.init(workingDays: 3, reason: "需调阅纸质档案", approver: "局长 周一"))
  case .transfer: .transfer(.init(to: try code(Organs.stranger), reason: "由其掌握登记信息"))
  case .remind: .remind(text: "请尽快答复")
  case .dispose: .dispose(.init(measure: .terminate, by: nil, text: "终止办理"))
  case .close: .close(text: nil)
  }
}

/// The JSON value that a text stands for.
func json(_ text: String, _ location: SourceLocation = #_sourceLocation) throws -> JSON {
  do { return try JSON.parse(Array(text.utf8)) } catch {
    Issue.record("\(error) in \(text)", sourceLocation: location)
    throw error
  }
}
