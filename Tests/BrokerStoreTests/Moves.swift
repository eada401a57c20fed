import BrokerDomain
import GRDB
import TestSupport

@testable import BrokerStore

extension Qidong {
  var organ: OrganCode { try! OrganCode(code) }
}

extension Subject {
  static func person(_ name: String = "张三", _ number: String = "11010519491231002X") -> Subject {
    Subject(kind: .person, name: name, idType: "resident-id", idNumber: number)
  }
}

extension Submission {
  static func marriage(
    to: Qidong? = .responder, item: String? = "47", procedure: String = "verification",
    subject: Subject? = .person(), reference: String? = nil, data: JSON = .object([])
  ) -> Submission {
    Submission(
      procedure: procedure, item: item, to: to?.organ, subject: subject,
      content: Content(
        questions: [Question(id: "q1", text: "申请人是否已办理结婚登记", asOf: nil)], purpose: "产前检查费支付",
        reference: reference, data: data))
  }
}

extension Command {
  static let confirm = Command.answer(
    Answer(
      findings: [
        Finding(
          question: "q1", result: "confirmed", source: "婚姻登记信息系统",
          asOf: CalendarDate(year: 2026, month: 3, day: 2)!, note: nil)
      ], text: nil, reference: nil, signatory: "赵六"))
  static let refuse = Command.decline(
    Decline(reasonCode: "not-competent", reason: "登记档案由省级部门保管", competentOrgan: nil, signatory: "赵六"))
  static let pullBack = Command.withdraw(Withdrawal(reason: "申请人退出承诺"))
}

extension WriteContext {
  /// Opens a request as the web does, without a key.
  func submit(_ submission: Submission, by requester: Qidong = .requester) throws -> AssistanceRequest {
    guard let organ = reference.organ(requester.organ) else { throw StoreError.notFound }
    return try open(submission, by: organ)
  }

  func carryOut(_ command: Command, _ id: EntityID, by organ: Qidong) throws -> AssistanceRequest {
    guard let stored = try request(id) else { throw StoreError.notFound }
    return try carryOut(command, on: stored, by: organ.organ)
  }
}

extension Store {
  @discardableResult
  func submit(_ submission: Submission = .marriage(), by requester: Qidong = .requester) async throws
    -> AssistanceRequest
  {
    try await write { try $0.submit(submission, by: requester) }
  }

  @discardableResult
  func carryOut(_ command: Command, _ id: EntityID, by organ: Qidong = .responder) async throws
    -> AssistanceRequest
  {
    try await write { try $0.carryOut(command, id, by: organ) }
  }

  func number(_ organ: Qidong) throws -> Int64 {
    guard let number = reference.organ(organ.organ)?.number else { throw StoreError.notFound }
    return number
  }

  /// Moves the rehearsed clock and fires what is due on the way.
  @discardableResult
  func advance(to instant: String) async throws -> Int {
    guard let instant = Instant(rfc3339: instant) else { throw StoreError.unexpected(instant) }
    return try await DeadlineKeeper(store: self) { _ in }.rehearse(to: instant)
  }

  /// One number from the database.
  func scalar(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64 {
    try pool.read { db in try Int64.fetchOne(db, sql: sql, arguments: arguments) ?? 0 }
  }

  /// A statement by hand, past all rules of the house but the schema's.
  func plant(_ sql: String, _ arguments: StatementArguments = [], foreignKeys: Bool = true) throws {
    try pool.writeWithoutTransaction { db in
      if !foreignKeys { try db.execute(sql: "PRAGMA foreign_keys = OFF") }
      defer { if !foreignKeys { try? db.execute(sql: "PRAGMA foreign_keys = ON") } }
      try db.execute(sql: sql, arguments: arguments)
    }
    points.committed()
  }

  /// Rows per table in words, for comparing.
  var countsText: String {
    get throws { try counts().map { "\($0.table)=\($0.rows)" }.joined(separator: " ") }
  }
}

/// The error that `body` ends with, or nil.
func failure(_ body: () async throws -> Void) async -> StoreError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? StoreError ?? .unexpected("another kind of error: \(error)")
  }
}

extension Store {
  /// Deletes it, and drops what was owed to it.
  func remove(_ endpoint: Endpoint) async throws {
    try await write { try $0.delete(endpoint) }
    try await dropDeletedQueues()
  }

  @discardableResult
  func addEndpoint(
    of organ: Qidong, events: [String] = ["*"], body: Endpoint.Body = .thin
  ) async throws -> Endpoint {
    let number = try number(organ)
    return try await write { context in
      let endpoint = Endpoint(
        id: try context.newID(), organ: number, url: "https://example.org/hook", events: events, body: body,
        description: nil, secret: [UInt8](repeating: 7, count: 32), createdAt: context.now)
      try context.insert(endpoint)
      return endpoint
    }
  }
}
