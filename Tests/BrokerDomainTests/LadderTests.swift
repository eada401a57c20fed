internal import BrokerDomain
internal import Testing

/// Which rung comes next, and what firing one does.
@Suite struct LadderTests {
  let reference: Reference

  init() throws { reference = try makeReference() }

  @Test func names() {
    #expect(Rung.allCases.map(\.name) == ["T-2", "T-1", "T", "T+1"])
    #expect(Rung.allCases.map { Rung(name: $0.name) } == Rung.allCases)
    #expect(Rung(name: "T-3") == nil)
    #expect(Rung.allCases.map(\.rawValue) == [1, 2, 3, 4])
    #expect(Rung.allCases.map(\.eventType) == [.dueSoon, .dueSoon, .overdue, .escalated])
  }

  /// The whole way up: what is armed at submission, and after each rung.
  static let ways: [(String, Int, [String])] = [
    ("2026-11-20T10:00:00+08:00", 5, ["T-2 11-25", "T-1 11-26", "T 11-28", "T+1 11-30"]),
    ("2026-11-20T10:00:00+08:00", 3, ["T-2 11-23", "T-1 11-24", "T 11-26", "T+1 11-26"]),
    // Two days: T−2 was the day of receipt, and over.
    ("2026-11-20T10:00:00+08:00", 2, ["T-1 11-23", "T 11-25", "T+1 11-25"]),
    ("2026-11-20T00:00:00+08:00", 2, ["T-1 11-23", "T 11-25", "T+1 11-25"]),
    // One day: no reminder at all, whenever it was received.
    ("2026-11-20T10:00:00+08:00", 1, ["T 11-24", "T+1 11-24"]),
    ("2026-11-23T00:00:00+08:00", 1, ["T 11-25", "T+1 11-25"]),
    ("2026-11-21T12:00:00+08:00", 1, ["T 11-24", "T+1 11-24"]),
    ("2026-11-21T12:00:00+08:00", 2, ["T-1 11-23", "T 11-25", "T+1 11-25"]),
    ("2026-11-26T23:59:59+08:00", 1, ["T 11-28", "T+1 11-30"]),
    // Over the Spring Festival: the make-up Saturday is a rung.
    ("2026-02-12T10:00:00+08:00", 3, ["T-2 02-13", "T-1 02-14", "T 02-25", "T+1 02-25"]),
    ("2026-02-11T10:00:00+08:00", 3, ["T-2 02-12", "T-1 02-13", "T 02-15", "T+1 02-24"]),
  ]

  @Test(arguments: ways)
  func next(_ received: String, _ days: Int, _ expected: [String]) throws {
    let calendar = reference.calendar
    let receivedAt = try instant(received)
    let deadline = calendar.deadline(receivedAt: receivedAt, workingDays: days, region: nil)
    var found: [String] = []
    var rung: Rung?
    while let timer = calendar.next(
      after: rung, ladder: Rung.allCases, deadline: deadline, receivedAt: receivedAt, region: nil)
    {
      try #require(found.count < 4)
      // Escalation is for people and waits for the office to open; the rest is for machines.
      #expect(timer.at.millisecondOfDay == (timer.rung == .escalated ? 9 * 3_600_000 : 0) && timer.at > receivedAt)
      found.append("\(timer.rung.name) \(timer.at.date.description.dropFirst(5))")
      rung = timer.rung
    }
    #expect(found == expected)
  }

  @Test func nextKeepsToTheProceduresLadder() throws {
    let receivedAt = try instant("2026-11-20T10:00:00+08:00")
    let deadline = reference.calendar.deadline(receivedAt: receivedAt, workingDays: 5, region: nil)
    func next(_ rung: Rung?, _ ladder: [Rung]) -> Rung? {
      reference.calendar.next(
        after: rung, ladder: ladder, deadline: deadline, receivedAt: receivedAt, region: nil)?.rung
    }
    #expect(next(nil, [.oneDayLeft, .overdue]) == .oneDayLeft)
    #expect(next(.oneDayLeft, [.oneDayLeft, .overdue]) == .overdue)
    #expect(next(.overdue, [.oneDayLeft, .overdue]) == nil)
    #expect(next(.twoDaysLeft, [.twoDaysLeft, .escalated]) == .escalated)
    #expect(next(nil, []) == nil)
    #expect(next(.escalated, Rung.allCases) == nil)
  }

  /// Where the office closes at 17:30, overdue comes then and escalation still waits for the next working day.
  @Test func officeClose() throws {
    let receivedAt = try instant("2026-11-20T10:00:00+08:00")
    let deadline = reference.calendar.deadline(
      receivedAt: receivedAt, workingDays: 5, region: nil, lastDay: LastDayPolicy(endMinute: 1050))
    func at(_ rung: Rung) -> String {
      reference.calendar.moment(of: rung, deadline: deadline, region: nil).rfc3339
    }
    #expect(
      Rung.allCases.map(at) == [
        "2026-11-25T00:00:00+08:00", "2026-11-26T00:00:00+08:00", "2026-11-27T17:30:00+08:00",
        "2026-11-30T09:00:00+08:00",
      ])
  }

  /// Each rung on each state, at its own moment and at one that an older deadline asked for.
  @Test(arguments: StateName.allCases, Rung.allCases) func fire(_ name: StateName, _ rung: Rung) throws {
    let request = try sampleRequest(try sampleState(name), reference)
    let moments: [Rung: String] = [
      .twoDaysLeft: "2026-11-23T00:00:00+08:00", .oneDayLeft: "2026-11-24T00:00:00+08:00",
      .overdue: "2026-11-26T00:00:00+08:00", .escalated: "2026-11-26T09:00:00+08:00",
    ]
    let remaining = [Rung.twoDaysLeft: 2, .oneDayLeft: 1, .overdue: 0, .escalated: 0]
    let at = try instant(try #require(moments[rung]))
    let now = at + 1500
    for wrong in [at + 1, at + -1, at + Instant.millisecondsPerDay] {
      #expect(request.fire(LadderTimer(rung: rung, at: wrong), now: now, reference: reference) == nil)
    }
    let fired = request.fire(LadderTimer(rung: rung, at: at), now: now, reference: reference)
    guard name == .submitted || name == .acknowledged else {
      #expect(fired == nil)
      return
    }
    let decision = try #require(fired)
    #expect(decision.request == request)
    let left = try #require(remaining[rung])
    // The clock fires a moment late: in office hours that is the moment of the people, too.
    let notify = rung == .escalated ? now : at.date.midnight + 9 * 3_600_000
    let data = try json(
      """
      {"rung":"\(rung.name)","scheduledAt":"\(at.rfc3339)","dueDate":"2026-11-25","provisional":false,"remaining":\(left),
      "audience":"\(rung.audience.rawValue)","notifyAt":"\(notify.rfc3339)"}
      """)
    #expect(
      decision.event
        == Event(
          type: rung.eventType, at: now, actor: .clock, version: request.version, state: name, rung: rung,
          data: data))
    #expect(decision.timer?.rung.rawValue == (rung == .escalated ? nil : rung.rawValue + 1))
    // The supervisor of the county; not the one of the province above it, nor that of another city.
    #expect(decision.alsoTell == (rung == .escalated ? [try code(Organs.supervisor)] : []))
  }

  /// Who is told of every event of a procedure is told of every rung, once; of what is sealed nobody is.
  @Test(arguments: Rung.allCases, [false, true]) func copiesGoWithEveryRung(_ rung: Rung, _ isSealed: Bool) throws {
    let reference = try makeReference(procedures: [
      Self.copying([.supervisor], isSealed: isSealed), .creditCheck,
    ])
    let request = try sampleRequest(.submitted, reference)
    let timer = LadderTimer(rung: rung, at: request.moment(of: rung, reference))
    let told = try #require(request.fire(timer, now: timer.at, reference: reference)).alsoTell
    let expected = try [Organs.supervisor, Organs.provincialSupervisor].map(code)
    #expect(told == (isSealed ? [] : expected))
  }

  private static func copying(_ roles: [Organ.Role], isSealed: Bool = false) -> Procedure {
    let like = Procedure.verification
    return Procedure(
      id: like.id, title: like.title, clause: like.clause, openers: like.openers, answerers: like.answerers,
      clock: like.clock, acknowledgeDays: 1, returnDays: 2, supplement: true, allowsExtension: true,
      allowsTransfer: true, item: like.item, subject: like.subject, questions: like.questions,
      answerKind: like.answerKind, outcomes: like.outcomes, declineReasons: like.declineReasons, fields: [],
      answerFields: [], isSealed: isSealed, copies: isSealed ? [] : roles, ladder: like.ladder)
  }

  private func copy(
    _ request: AssistanceRequest, procedure: String? = nil, procedureVersion: Int? = nil, receivedAt: Instant? = nil
  ) -> AssistanceRequest {
    AssistanceRequest(
      id: request.id, procedure: procedure ?? request.procedure, requester: request.requester,
      responder: request.responder, item: request.item, receivedAt: receivedAt ?? request.receivedAt,
      deadline: request.deadline, content: request.content, version: request.version, updatedAt: request.updatedAt,
      acknowledgement: request.acknowledgement, state: request.state, progress: request.progress,
      procedureVersion: procedureVersion ?? request.procedureVersion)
  }

  /// What is taken over from a request that is alike is what would have been worked out, and enough of them are alike.
  @Test(arguments: Rung.allCases, [[], [.supervisor], [.member]] as [[Organ.Role]])
  func firedAlike(_ rung: Rung, _ copies: [Organ.Role]) throws {
    let reference = try makeReference(procedures: [Self.copying(copies), .creditCheck])
    let sample = try sampleRequest(.submitted, reference)
    func changed(_ change: (inout AssistanceRequest) throws -> Void) rethrows -> AssistanceRequest {
      var request = sample
      try change(&request)
      return request
    }
    var all = [sample, try sampleRequest(try sampleState(.acknowledged), reference)]
    for organ in [Organs.stranger, Organs.supervisor, Organs.otherSupervisor, Organs.unlisted] {
      all.append(try changed { $0.responder = try code(organ) })
    }
    all.append(changed { $0.version = 5 })
    all.append(changed { $0.progress.clockFrom = $0.receivedAt + 1 })
    all.append(changed { $0.progress.clockFrom = $0.deadline.at + -1 })
    all.append(changed { $0.progress.bindsSender = true })
    all.append(changed { $0.progress.leg = 1 })
    all.append(
      try changed {
        $0.deadline = Deadline(
          at: $0.deadline.at + Instant.millisecondsPerDay, date: try date("2026-11-26"), workingDays: 4,
          provisional: false)
      })
    all += try StateName.allCases.map { try sampleRequest(try sampleState($0), reference) }
    // Received when all but the last reminders were over, and by other definitions.
    for moment in [sample.deadline.at + -1, sample.moment(of: .oneDayLeft, reference) + 1] {
      all.append(copy(sample, receivedAt: moment))
    }
    all.append(copy(sample, procedure: "complaint"))
    all.append(copy(sample, procedureVersion: 2))
    var alike = 0
    for one in all {
      let timer = LadderTimer(rung: rung, leg: one.progress.leg, at: one.moment(of: rung, reference))
      guard let decision = one.fire(timer, now: timer.at + 1500, reference: reference) else { continue }
      for other in all where other.isAlike(one, for: timer, reference) {
        let own = LadderTimer(rung: rung, leg: other.progress.leg, at: other.moment(of: rung, reference))
        #expect(own == timer)
        #expect(
          other.fire(timer, like: decision) == other.fire(own, now: decision.event.at, reference: reference))
        alike += 1
      }
    }
    // Whom a copy goes to differs from organ to organ where each of them would be told of the others.
    #expect(alike >= (copies == [.member] ? all.count * 3 / 4 : all.count))
  }

  /// An office that closes after the next day's opening (a due moment past 09:00 of it) still is overdue first.
  @Test func escalationNeverComesBeforeOverdue() throws {
    let receivedAt = try instant("2026-11-20T10:00:00+08:00")
    let deadline = reference.calendar.deadline(
      receivedAt: receivedAt, workingDays: 4, region: nil, lastDay: LastDayPolicy(endMinute: 34 * 60))
    #expect(deadline.at.rfc3339 == "2026-11-27T10:00:00+08:00")
    #expect(reference.calendar.moment(of: .escalated, deadline: deadline, region: nil) == deadline.at)
  }

  /// A rung that fires late (the daemon was down) counts what is left then, and goes on with the next.
  @Test func fireLate() throws {
    let request = try sampleRequest(.submitted, reference)
    let at = try date("2026-11-23").midnight
    let decision = try #require(
      request.fire(
        LadderTimer(rung: .twoDaysLeft, at: at), now: try instant("2026-11-27T09:00:00+08:00"),
        reference: reference))
    #expect(decision.event.data["remaining"]?.intValue == 0)
    #expect(decision.timer == LadderTimer(rung: .oneDayLeft, at: try date("2026-11-24").midnight))
  }

  /// An organ is not told of its own lateness a second time as supervisor.
  @Test func supervisorIsNotItsOwn() throws {
    let organ = try #require(reference.organ(try code(Organs.supervisor)))
    #expect(reference.supervisors(of: organ).map(\.code.description) == [Organs.provincialSupervisor])
    let city = try #require(reference.organ(try code(Organs.otherSupervisor)))
    #expect(reference.supervisors(of: city).map(\.code.description) == [Organs.provincialSupervisor])
  }
}
