import BrokerDomain
import Foundation
import GRDB
import Logging
import Synchronization
import TestSupport

@testable import BrokerCallbacks
@testable import BrokerStore

/// The wall clock, which a test may set.
final class Wall: Sendable {
  private let offset = Mutex(Int64(0))
  var now: Instant { BrokerClock.wall + offset.withLock { $0 } }
  func step(_ milliseconds: Int64) { offset.withLock { $0 += milliseconds } }
}

/// A store with the 启东 example in it and a dispatcher that may call loopback. Its directory goes with it.
final class Office: Sendable {
  let store: Store
  let dispatcher: Dispatcher
  private let directory: URL

  init(
    totalTimeoutMS: Int = 15_000, wall: Wall = Wall(),
    _ change: (inout CallbackOptions) -> Void = { _ in }
  ) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("xiecha-callbacks-\(UUID())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    try Store.create(directory: directory.path, rehearseAt: nil)
    let command = try Store.open(directory: directory.path, role: .command, procedures: Self.procedures)
    for (kind, path) in [
      (ReferenceKind.organs, "examples/qidong/organs.csv"), (.items, "examples/qidong/items.csv"),
      (.assistanceList, "examples/qidong/assistance-list.csv"),
    ] { _ = try command.importFile(kind, try Self.config(path)) }
    command.close()
    store = try Store.open(directory: directory.path, role: .daemon, procedures: Self.procedures, wall: { wall.now })
    var options = CallbackOptions(policy: NetworkPolicy(allowed: [try CIDR("127.0.0.0/8")]))
    options.allowHTTP = true
    options.totalTimeoutMS = totalTimeoutMS
    change(&options)
    dispatcher = Dispatcher(store: store, options: options, logger: Logger(label: "office"))
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  func close() async {
    await dispatcher.stop(graceSeconds: 0)
    store.close()
  }

  /// What a start of the daemon makes after the first dispatcher has ended: nobody holds a lease any more.
  func nextDispatcher() throws -> Dispatcher {
    try plant("UPDATE endpoint SET lease_owner = NULL, lease_until = NULL")
    return Dispatcher(store: store, options: dispatcher.options, logger: dispatcher.logger)
  }

  /// An endpoint of the responder.
  func endpoint(
    _ url: String, body: Endpoint.Body = .thin, of owner: Qidong = .responder,
    _ adjust: @escaping @Sendable (inout Endpoint) -> Void = { _ in }
  ) async throws -> Endpoint {
    let organ = try organ(owner).number
    return try await store.write { context in
      var endpoint = Endpoint(
        id: try context.newID(), organ: organ, url: url, events: ["*"], body: body, description: nil,
        secret: [UInt8](repeating: 7, count: 32), createdAt: context.now)
      adjust(&endpoint)
      try context.insert(endpoint)
      return endpoint
    }
  }

  func submit(_ count: Int, to owner: Qidong = .responder) async throws {
    let (requester, responder) = (try organ(.requester), try organ(owner).code)
    try await store.write { context in
      for _ in 0..<count {
        let submission = Submission(
          procedure: "verification", item: "47", to: responder,
          subject: Subject(kind: .person, name: "张三", idType: "resident-id", idNumber: "11010519491231002X"),
          content: Content(
            questions: [Question(id: "q1", text: "申请人是否已办理结婚登记", asOf: nil)], purpose: "产前检查费支付", reference: nil))
        let decision = try AssistanceRequest.submit(
          submission, by: requester, id: try context.newID(), now: context.now, reference: context.reference)
        try context.apply(decision, previous: nil, subject: submission.subject)
      }
    }
  }

  /// A statement by hand, past all rules of the house.
  func plant(_ sql: String) throws {
    try store.pool.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA foreign_keys = OFF")
      defer { try? db.execute(sql: "PRAGMA foreign_keys = ON") }
      try db.execute(sql: sql)
    }
    store.points.committed()
  }

  private func organ(_ organ: Qidong) throws -> Organ {
    guard let found = store.reference.organ(try OrganCode(organ.code)) else { throw StoreError.notFound }
    return found
  }

  private static func config(_ path: String) throws -> [UInt8] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.deletingLastPathComponent().appendingPathComponent("config/" + path)
    return Array(try Data(contentsOf: file))
  }

  private static let procedures = [
    Procedure(
      id: "verification", title: Phrase("协助核查", "verification"), clause: "启东方案 二(五)", workingDays: 5,
      ladder: Rung.allCases, outcomes: [.init(id: "confirmed", title: Phrase("属实", "confirmed"))], declineReasons: [])
  ]
}

/// Asks again every 10 ms without holding a thread. Returns false when it took longer than `seconds`.
func within(_ seconds: Double, _ condition: () async throws -> Bool) async throws -> Bool {
  let end = ContinuousClock.now + .seconds(seconds)
  while ContinuousClock.now < end {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return try await condition()
}
