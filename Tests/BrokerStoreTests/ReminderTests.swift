import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// 催办 by hand: the contact of the organ that has the request in hand finds it in the inbox, in office hours. Requests are
/// received on Monday 2 March 2026.
@Suite(.timeLimit(.minutes(5))) struct ReminderTests {
  private static let remind = Command.remind(text: "当事人已到窗口")

  /// Who reminded, and when its people were told.
  private func reminders(_ store: Store, _ organ: Qidong) async throws -> [String] {
    try await store.inbox(organ: try store.number(organ), audience: .contact, after: 0, limit: 100).compactMap { item in
      guard case .request(let notice) = item, case .reminder(let by, _) = notice.matter else { return nil }
      let name = store.reference.organ(by)?.shortName ?? "?"
      #expect(notice.responder == organ.organ)
      return "\(name) \(notice.at.rfc3339.dropFirst(5).prefix(11))"
    }
  }

  @Test func atOnceInOfficeHoursAndInTheMorningOtherwise() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.carryOut(Self.remind, request.id, by: .requester)
    #expect(try await reminders(store, .responder) == ["市医保局 03-02T10:00"])
    try await store.advance(to: "2026-03-02T17:00:00+08:00")
    try await store.carryOut(Self.remind, request.id, by: .supervisor)
    try await store.carryOut(Self.remind, request.id, by: .requester)
    #expect(try await reminders(store, .responder).count == 1, "after hours")
    try await store.advance(to: "2026-03-03T08:59:59+08:00")
    #expect(try await reminders(store, .responder).count == 1, "not before they come in")
    try await store.advance(to: "2026-03-04T12:00:00+08:00")
    #expect(
      try await reminders(store, .responder)
        == ["市医保局 03-02T10:00", "市司法局 03-03T09:00", "市医保局 03-03T09:00"])
    for other in [Qidong.requester, .supervisor, .stranger] { #expect(try await reminders(store, other) == []) }
    #expect(try store.verify() == [])
  }

  @Test func asOftenAsItMay() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    for _ in 0..<AssistanceRequest.maximumReminders {
      try await store.carryOut(Self.remind, request.id, by: .requester)
    }
    let refused = await failure { try await store.carryOut(Self.remind, request.id, by: .requester) }
    #expect(refused == .refused(.notAllowed(.reminderLimit)))
    try await store.carryOut(Self.remind, request.id, by: .supervisor)
    #expect(try await store.timeline(request.id).count == AssistanceRequest.maximumReminders + 2)
  }

  /// While particulars are awaited it is the requester's turn: nobody else is told to hurry, and nobody by himself.
  @Test func whoIsAskedForParticularsIsTold() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.carryOut(.ask(text: "请补充婚姻登记日期"), request.id)
    try await store.carryOut(Self.remind, request.id, by: .requester)
    try await store.carryOut(Self.remind, request.id, by: .supervisor)
    let told = try await store.inbox(organ: try store.number(.requester), audience: .contact, after: 0, limit: 100)
    #expect(told.count == 1)
    #expect(try await reminders(store, .responder) == [])
  }

  /// Closed, or with another organ, by the morning: nobody is told of what is not theirs to do any more.
  @Test(arguments: ["answered", "withdrawn", "transferred", "acknowledged"])
  func whatHasMovedOnIsNotTold(_ what: String) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.advance(to: "2026-03-02T18:00:00+08:00")
    try await store.carryOut(Self.remind, request.id, by: .requester)
    switch what {
    case "answered": try await store.carryOut(.confirm, request.id)
    case "withdrawn": try await store.carryOut(.pullBack, request.id, by: .requester)
    case "transferred":
      try await store.carryOut(
        .transfer(.init(to: Qidong.stranger.organ, reason: "登记在公安机关")), request.id, by: .supervisor)
    default: try await store.carryOut(.acknowledge(officer: "赵六"), request.id)
    }
    try await store.advance(to: "2026-03-03T12:00:00+08:00")
    #expect(try await reminders(store, .responder) == (what == "acknowledged" ? ["市医保局 03-03T09:00"] : []))
    #expect(try await reminders(store, .stranger) == [])
    #expect(try store.verify() == [])
  }

  /// A party is told of what is sealed as of anything else.
  @Test func whatIsSealedToo() async throws {
    let like = try #require(Fixture.procedures.first)
    let sealed = Procedure(
      id: "sealed", title: like.title, clause: like.clause, openers: .roles([]), answerers: [], clock: like.clock,
      acknowledgeDays: 1, returnDays: 2, supplement: true, allowsExtension: true, allowsTransfer: true, item: .optional,
      subject: .optional, questions: .required, answerKind: .findings, outcomes: like.outcomes,
      declineReasons: like.declineReasons, fields: [], answerFields: [], isSealed: true, copies: [], ladder: like.ladder
    )
    let store = try Store.open(
      directory: Fixture().directory, role: .daemon, procedures: Fixture.procedures + [sealed])
    defer { store.close() }
    let request = try await store.submit(.marriage(procedure: "sealed"))
    try await store.carryOut(Self.remind, request.id, by: .requester)
    #expect(try await reminders(store, .responder) == ["市医保局 03-02T10:00"])
  }
}
