package import BrokerDomain
internal import GRDB

/// A notice to people about a request, for one audience in one organ.
package struct InboxNotice: Sendable {
  package enum Matter: Sendable, Equatable {
    case rung(Rung)
    /// Its result does not reach the requester, who needs it by `dueDate`.
    case undelivered
    /// It is for the organ to rule who is to answer.
    case ruling
    /// It was reminded of (催办), by the requester or a supervisor.
    /// - Parameter toSupply: particulars were waited for then.
    case reminder(by: OrganCode, toSupply: Bool)
  }

  package let seq: Int64
  package let request: EntityID
  package let matter: Matter
  package let audience: Audience
  package let at: Instant
  package let dueDate: CalendarDate
  /// `dueDate` was when the notice was given: the days of its year are not announced.
  package let provisional: Bool
  package let procedure: String
  package let requester: OrganCode
  /// Who had it in hand when the notice was given.
  package let responder: OrganCode
  /// Working days that were left then; 0 when the last one had begun.
  package let daysLeft: Int
  /// The requester's reference number.
  package let reference: String?
  /// As it is now; nil for an organ that has given the request away.
  package let state: String?
  /// Whom the clock binds, and so who is told.
  package let binds: Procedure.Bound
  /// All that the clock waits for is that receipt is acknowledged.
  package let owesReceiptOnly: Bool
  /// So was a supervisor, of the same rung.
  package let supervisorIsTold: Bool

  /// Columns in the order of `InboxSQL.list`.
  init(_ row: SQLRow, _ reference: Reference) throws {
    request = EntityID(key: row.int(1), tail: row.int(2))
    guard let code = RungCode(row.int(3)), let audience = Audience(rawValue: row.text(4)),
      let requester = reference.organ(number: row.int(8)), let responder = reference.organ(number: row.int(9))
    else { throw StoreError.damaged(file: StoreError.database, "a notice of \(request) cannot be read") }
    seq = row.int(0)
    if RulingTimer.isOne(row.int(3)) {
      matter = .ruling
    } else if let actor = row.optionalInt(13) {
      matter = .reminder(
        by: reference.organ(number: actor)?.code ?? requester.code,
        toSupply: row.optionalText(17) == StateName.awaitingSupplement.rawValue)
    } else {
      matter = UndeliveredTimer.version(row.int(3)) == nil ? .rung(code.rung) : .undelivered
    }
    self.audience = audience
    at = Instant(milliseconds: row.int(5))
    dueDate = CalendarDate(dayNumber: Int(row.int(6)))
    provisional = row.int(14) == 1
    procedure = row.text(7)
    self.requester = requester.code
    self.responder = responder.code
    self.reference = row.optionalText(10)
    state = row.optionalText(11)
    binds = row.optionalText(12).flatMap(Procedure.Bound.init(rawValue:)) ?? .receiver
    owesReceiptOnly = reference.procedure(procedure, version: Int(row.int(15)))?.owesReceiptOnly == true
    supervisorIsTold = row.int(16) == 1
    daysLeft = reference.calendar(at: at).workingDays(
      after: at.date, through: dueDate, region: responder.region(at: at))
  }
}

/// What people are told, of either kind.
package enum InboxItem: Sendable {
  case request(InboxNotice)
  case endpoint(EndpointNotice)

  package var seq: Int64 {
    switch self {
    case .request(let notice): notice.seq
    case .endpoint(let notice): notice.seq
    }
  }
}

enum InboxSQL: String, CaseIterable {
  /// Numbered with the notices of endpoints: readers go on after the last number they have seen.
  case insert = """
    INSERT INTO inbox (organ, request, rung, audience, at, due_day, responder, provisional, seq)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
      1 + max(coalesce((SELECT max(seq) FROM inbox), 0), coalesce((SELECT max(seq) FROM endpoint_notice), 0)))
    ON CONFLICT (request, rung, organ) DO NOTHING
    """
  case list = """
    SELECT i.seq, i.request, r.tail, i.rung, i.audience, i.at, i.due_day, r.procedure, r.requester, i.responder,
      r.reference, CASE WHEN i.audience = 'supervisor' OR i.organ IN (r.requester, r.responder) THEN r.state END,
      iif(json_valid(r.progress), json_extract(r.progress, '$.binds'), NULL), (SELECT e.actor FROM event e WHERE e.seq = i.rung / 10 - 4000000),
      i.provisional, r.procedure_version,
      EXISTS (SELECT 1 FROM inbox s WHERE s.request = i.request AND s.rung = i.rung AND s.responder = i.responder
        AND s.audience = 'supervisor'),
      (SELECT e.state FROM event e WHERE e.seq = i.rung / 10 - 4000000)
    FROM inbox i CROSS JOIN request r ON r.key = i.request
    WHERE i.organ = $1 AND i.seq > $2 AND (i.audience = $3 OR $3 IS NULL) ORDER BY i.seq LIMIT $4
    """
  /// The last rung of a clock that has fired, as an event holds it.
  case fired = "SELECT max(rung) FROM event WHERE request = $1 AND rung IS NOT NULL AND rung > $2 AND rung < $3"
  /// Whose turn it was when it was reminded of.
  case reminded = """
    SELECT CASE WHEN e.state IN ('returned', 'awaiting-supplement') THEN e.requester ELSE e.responder END
    FROM event e WHERE e.seq = $1
    """
}

extension WriteContext {
  /// A clock that runs on has come to another organ with the request: rungs that have fired do not fire again, and the last
  /// of them is told to its people, who were told of none.
  func tellSuccessor(of previous: AssistanceRequest, _ request: AssistanceRequest) throws {
    guard request.bound != previous.bound, request.progress.leg == previous.progress.leg, request.isLadderRunning
    else { return }
    let clock = Int64(request.progress.leg * 10)
    let fired = try db.first(InboxSQL.fired, .int(request.id.key), .int(clock), .int(clock + 10)) {
      $0.optionalInt(0).flatMap { RungCode($0)?.rung }
    }
    if let rung = fired ?? nil { try tellPeople(of: rung, of: request) }
  }

  /// Tells the people whom a rung that has fired is for: now, when they are at work by the calendar of the organ that the
  /// clock binds, else when they come in next.
  /// - Parameter moment: of the rung, when that may lie ahead.
  func tellPeople(of rung: Rung, of request: AssistanceRequest, from moment: Instant? = nil) throws {
    // Whose it is to answer: of what was returned and runs on, who has to find it another organ.
    let answerer = request.progress.bindsSender ? request.responder : request.holder
    guard let organ = reference.organ(request.bound), let answerer = reference.organ(answerer)?.number else { return }
    let code = RungCode(rung, leg: request.progress.leg, isForPeople: true)
    let at = reference.calendar.officeMoment(from: max(now, moment ?? now), region: organ.region)
    // A reminder of what is overdue by the time they come in reminds nobody: they are told that it is overdue.
    guard rung.rawValue >= Rung.overdue.rawValue || at < request.deadline.at else { return }
    guard at <= now else {
      try db.run(ApplySQL.insertTimer, .int(at.milliseconds), .int(request.id.key), .int(Int64(code.code)))
      return noteTimer(at: at)
    }
    let isSealed = reference.procedure(of: request)?.isSealed == true
    for audience in rung.audiences {
      let told =
        audience != .supervisor
        ? [organ] : isSealed ? [] : [request.supervisor(of: organ, reference)].compactMap(\.self)
      for reader in told {
        try db.run(
          InboxSQL.insert, .int(reader.number), .int(request.id.key), .int(Int64(code.code)),
          .text(audience.rawValue), .int(now.milliseconds), .int(Int64(request.deadline.date.dayNumber)),
          .int(answerer), .int(request.deadline.provisional ? 1 : 0))
      }
    }
  }
}

extension Store {
  /// The notices to an organ's people after `seq`, in order, at most `limit`.
  /// - Parameter audience: nil for all.
  package func inbox(organ: Int64, audience: Audience?, after seq: Int64, limit: Int) async throws(StoreError)
    -> [InboxItem]
  {
    let reference = reference
    return try await read { db in
      var items = try db.all(
        InboxSQL.list, .int(organ), .int(seq), .optionalText(audience?.rawValue), .int(Int64(limit))
      ) { InboxItem.request(try InboxNotice($0, reference)) }
      // Machines are the contact's business.
      guard audience == nil || audience == .contact else { return items }
      items += try db.all(EndpointMarkSQL.notices, .int(organ), .int(seq), .int(Int64(limit))) {
        .endpoint(EndpointNotice($0))
      }
      return Array(items.sorted { $0.seq < $1.seq }.prefix(limit))
    }
  }
}
