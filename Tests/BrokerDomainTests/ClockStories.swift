internal import BrokerDomain
internal import Testing

/// What may become of a clock, each way once, and the spans that its ledger then has.
enum ClockStories {
  fileprivate static func procedure(
    _ clock: Procedure.Clock, handover: Procedure.Handover = .restarts, binds: Procedure.Bound = .receiver
  ) -> Procedure {
    let like = Procedure.verification
    return Procedure(
      id: "case", title: like.title, clause: like.clause, openers: like.openers, answerers: [], clock: clock,
      acknowledgeDays: 1, returnDays: 2, supplement: true, allowsExtension: true, allowsTransfer: true, item: .optional,
      subject: .optional, questions: .optional, answerKind: .findings, outcomes: like.outcomes,
      declineReasons: like.declineReasons,
      fields: ["publishedOn", "until"].map {
        Procedure.Field(name: $0, label: Phrase("日期", "date"), kind: .date(.any), required: false)
      }, answerFields: [], isSealed: false, copies: [], ladder: Rung.allCases, handover: handover, binds: binds)
  }

  fileprivate static let days = Procedure.Clock.workingDays(5, from: .receipt)

  struct Step: Sendable {
    /// Month, day and hour of 2026.
    let at: String
    let by: String
    let command: Command

    init(_ at: String, _ by: String, _ command: Command) { (self.at, self.by, self.command) = (at, by, command) }
  }

  struct Story: Sendable, CustomTestStringConvertible {
    let what: String
    var procedure = ClockStories.procedure(ClockStories.days)
    var received = "11-20T10"
    var data = "{}"
    var steps: [Step] = []
    /// When it is looked at.
    let now: String
    let spans: [String]

    var testDescription: String { what }
  }

  private static let giveBack = Command.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil))
  private static let answer = (try? sampleAnswer()).map(Command.answer) ?? .close(text: nil)
  private static func move(_ organ: String) -> Command {
    (try? code(organ)).map { .transfer(.init(to: $0, reason: "由其管辖")) } ?? .close(text: nil)
  }
  static let (asks, asked, third, office) = (
    Organs.requester, Organs.responder, Organs.stranger, Organs.supervisor
  )

  static let all = [
    Story(
      what: "it runs", now: "11-24T09", spans: ["running submitted 11-20 → … 民政局 #1 2, 2/5 due 11-27"]),
    Story(
      what: "it runs out", now: "12-01T09", spans: ["running submitted 11-20 → … 民政局 #1 7, 7/5 due 11-27 overdue"]),
    Story(
      what: "a supplement",
      steps: [
        Step("11-24T09", asked, .ask(text: "请补充登记地")), Step("12-01T10", asks, .supply(text: "启东市")),
        Step("12-03T10", asked, answer),
      ], now: "12-20T10",
      spans: [
        "running submitted 11-20 → 11-24 民政局 #1 2, 2/5 due 11-27",
        "paused supplement-asked 11-24 → 12-01 医疗保障局 #1 2/5",
        "running supplied 12-01 → 12-03 民政局 #2 2, 2/5 due 12-08 (11-27) anew",
        "ended answered 12-03 → 12-03 民政局 #2 2/5 met",
      ]),
    Story(
      what: "withdrawn while it waits",
      steps: [
        Step("11-24T09", asked, .ask(text: "请补充登记地")), Step("12-11T10", asks, .withdraw(Withdrawal(reason: "退出承诺"))),
      ], now: "12-20T10",
      spans: [
        "running submitted 11-20 → 11-24 民政局 #1 2, 2/5 due 11-27",
        "paused supplement-asked 11-24 → 12-11 医疗保障局 #1 2/5",
        "ended withdrawn 12-11 → 12-11 医疗保障局 #1 2/5 met",
      ]),
    Story(
      what: "a return and a transfer",
      steps: [Step("11-23T09", asked, giveBack), Step("11-25T10", asks, move(third))], now: "12-04T10",
      spans: [
        "running submitted 11-20 → 11-23 民政局 #1 1, 1/5 due 11-27",
        "paused returned 11-23 → 11-25 医疗保障局 #1 1/5 不属于本机关职权",
        "running transferred 11-25 → … 公安局 #2 7, 7/5 due 12-02 (11-27) anew overdue 由其管辖",
      ]),
    Story(
      what: "a return that goes nowhere",
      steps: [Step("11-23T09", asked, giveBack), Step("12-14T10", asks, .close(text: nil))], now: "12-20T10",
      spans: [
        "running submitted 11-20 → 11-23 民政局 #1 1, 1/5 due 11-27",
        "paused returned 11-23 → 12-14 医疗保障局 #1 1/5 不属于本机关职权",
        "ended closed 12-14 → 12-14 医疗保障局 #1 1/5 met",
      ]),
    Story(
      what: "an extension, and declined late",
      steps: [
        Step("11-25T10", asked, .extend(.init(workingDays: 3, reason: "档案在外地", approver: "王局长"))),
        Step("12-03T09", asked, .decline(sampleDecline())), Step("12-04T09", asks, .close(text: nil)),
      ], now: "12-20T10",
      spans: [
        "running submitted 11-20 → 11-25 民政局 #1 3, 3/5 due 11-27",
        "running extended 11-25 → 12-03 民政局 #1 6, 9/8 due 12-02 (11-27) +3 overdue 档案在外地 王局长",
        "ended declined 12-03 → 12-03 民政局 #1 9/8 missed",
      ]),
    Story(
      what: "a clock that is kept",
      procedure: procedure(days, handover: .keeps), received: "03-17T10",
      steps: [
        Step("03-18T09", asked, giveBack), Step("03-20T10", asks, move(third)), Step("03-23T10", office, move(asked)),
        Step("03-23T11", office, move(third)), Step("03-25T10", third, answer),
      ], now: "04-20T10",
      spans: [
        "running submitted 03-17 → 03-18 民政局 #1 1, 1/5 due 03-24",
        "running returned 03-18 → 03-20 医疗保障局 #1 2, 3/5 due 03-24 不属于本机关职权",
        "running transferred 03-20 → 03-23 公安局 #1 1, 4/5 due 03-24 (03-24) 由其管辖",
        "running transferred 03-23 → 03-25 公安局 #1 2, 6/5 due 03-24 (03-24) overdue 由其管辖 ruling kept",
        "ended answered 03-25 → 03-25 公安局 #1 6/5 missed",
      ]),
    Story(
      what: "receipt is what is owed, and another organ's too",
      procedure: procedure(.acknowledge(workingDays: 1)),
      steps: [
        Step("11-20T11", asked, .acknowledge(officer: nil)), Step("11-23T09", office, move(third)),
        Step("11-25T10", third, .acknowledge(officer: nil)), Step("11-26T10", third, answer),
      ], now: "12-20T10",
      spans: [
        "running submitted 11-20 → 11-20 民政局 #1 0, 0/1 due 11-23",
        "ended acknowledged 11-20 → 11-20 民政局 #1 0/1 met",
        "running transferred 11-23 → 11-25 公安局 #2 2, 2/1 due 11-24 (11-23) anew overdue 由其管辖",
        "ended acknowledged 11-25 → 11-25 公安局 #2 2/1 missed",
      ]),
    Story(
      what: "the sender's clock",
      procedure: procedure(.workingDays(7, from: .field("publishedOn")), binds: .sender),
      data: #"{"publishedOn": "2026-11-12"}"#, steps: [Step("12-03T09", asked, answer)], now: "12-20T10",
      spans: [
        "running submitted 11-12 → 11-20 医疗保障局 #1 6, 6/7 due 11-23",
        "ended submitted 11-20 → 11-20 医疗保障局 #1 6/7 met",
      ]),
    Story(
      what: "a date that was named",
      procedure: procedure(.statedDate(field: "until", roll: .following, otherwise: 20)),
      data: #"{"until": "2026-11-28"}"#, steps: [Step("11-27T09", office, move(third))], now: "11-30T09",
      spans: [
        "running submitted 11-20 → 11-27 民政局 #1 5, 5/6 due 11-30",
        "running transferred 11-27 → … 公安局 #2 1, 1/1 due 11-30 (11-30) anew 由其管辖",
      ]),
  ]
}
