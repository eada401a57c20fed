import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerCallbacks
@testable import BrokerStore

/// What keeps the callbacks from going out is told, once.
@Suite(.timeLimit(.minutes(5))) struct TroubleTests {
  /// Its results reach the call list, nobody else waits, and a new secret sets it right.
  @Test func anEndpointWhoseSecretIsLostIsTold() async throws {
    let office = try Office()
    let (lost, other) = (try Sink(), try Sink())
    let endpoint = try await office.endpoint(lost.url, of: .requester)
    _ = try await office.endpoint(other.url)
    try await office.submit(1)
    try await office.answer()
    try office.plant("UPDATE endpoint SET secret = zeroblob(60) WHERE key = \(endpoint.id.key)")
    let (store, book) = (office.store, LogBook())
    let dispatcher = Dispatcher(store: store, options: office.dispatcher.options, logger: book.logger)
    dispatcher.start()
    #expect(try await within(5) { other.receivedCount == 2 })
    #expect(
      try await within(10) {
        dispatcher.kick()
        return try store.readNow { try Int.fetchOne($0, sql: "SELECT count(*) FROM undelivered") } == 1
      })
    #expect(lost.receivedCount == 0 && book.lines(with: "endpoint \(endpoint.id)") == 1)
    var found = try #require(try await store.endpoint(endpoint.id)?.endpoint)
    #expect(found.rotate(to: [UInt8](repeating: 9, count: 32), now: store.clock.now, oldUntil: store.clock.now) == nil)
    try await store.write { [found] in try $0.update(found) }
    #expect(try await within(10) { lost.receivedCount == 2 })
    await dispatcher.stop(graceSeconds: 0)
    store.close()
  }

  /// Without a lease nothing goes out: when the database lets none be taken, that is said, and when it is over.
  @Test func aDatabaseThatTakesNoLeaseIsTold() async throws {
    let office = try Office()
    let sink = try Sink()
    _ = try await office.endpoint(sink.url)
    try await office.submit(1)
    func set(readOnly: Bool) throws {
      try office.store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = \(readOnly)") }
    }
    try set(readOnly: true)
    let book = LogBook()
    let dispatcher = Dispatcher(store: office.store, options: office.dispatcher.options, logger: book.logger)
    dispatcher.start()
    #expect(try await within(5) { book.lines(with: "trying again every second") == 1 })
    try await Task.sleep(for: .milliseconds(2500))
    #expect(book.lines(with: "callbacks:") == 1 && sink.receivedCount == 0)
    try set(readOnly: false)
    #expect(try await within(10) { sink.receivedCount == 1 })
    #expect(try await within(5) { book.lines(with: "can be used again") == 1 })
    await dispatcher.stop(graceSeconds: 0)
    office.store.close()
  }
}

extension Office {
  /// The responder answers the first request.
  fileprivate func answer() async throws {
    try await store.write { context in
      let key = try Int64.fetchOne(context.db, sql: "SELECT min(key) FROM request")
      guard let stored = try key.flatMap({ try context.request(key: $0) }) else { throw StoreError.notFound }
      let finding = Finding(
        question: "q1", result: "confirmed", source: "婚姻登记信息系统", asOf: stored.request.receivedAt.date, note: nil)
      let answer = Answer(findings: [finding], text: nil, reference: nil, signatory: "赵六")
      _ = try context.carryOut(.answer(answer), on: stored, by: stored.request.responder)
    }
  }
}
