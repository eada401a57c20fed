internal import BrokerStore
internal import Foundation
internal import Synchronization
internal import TestSupport
internal import Testing

/// A writer that another process blocks: what waits too long, or is too much to wait, is told to come back, and nothing
/// of it is written.
@Suite(.timeLimit(.minutes(5)))
struct QueueTests {
  /// Holds the write lock of a database from outside the daemon.
  private final class ForeignWriter: Sendable {
    private let store: Store
    private let release = DispatchSemaphore(value: 0)

    /// Returns once it holds the lock. The work itself blocks a thread of the database, none of the tests'.
    init(_ directory: String) async throws {
      store = try Store.open(directory: directory, role: .command, procedures: [])
      let (store, release) = (store, release)
      await withCheckedContinuation { holding in
        Task {
          try? await store.write { _ in
            holding.resume()
            release.wait()
          }
        }
      }
    }

    func letGo() {
      release.signal()
      store.close()
    }
  }

  private static func daemon() throws -> Daemon {
    try Daemon(
      state: StateDirectory(config: ["database.queueLimit": "1", "database.busyTimeoutSeconds": "2"]))
  }

  @Test func queueThatIsFullSaysSo() async throws {
    let daemon = try Self.daemon()
    let writer = try await ForeignWriter(daemon.state.path)
    let replies = Mutex<[Reply]>([])
    let count = 6
    let key = try daemon.state.key(of: Qidong.requester)
    // Of six, the writer takes one and one may wait for it.
    DispatchQueue.global().async {
      try? onThreads(count) { _ in
        let reply = try daemon.client(key: key).call("POST", "/v1/requests", json: marriageRequest())
        replies.withLock { $0.append(reply) }
      }
    }
    try eventually("four are refused") { replies.withLock { $0.count } >= count - 2 }
    let refused = replies.withLock { $0 }
    writer.letGo()
    try eventually("all have an answer") { replies.withLock { $0.count } == count }
    for reply in refused {
      expectProblem(reply, 503, "queue-full")
      #expect(reply.headers["retry-after"] == "1")
    }
    let accepted = replies.withLock { $0 }.filter { $0.status == 201 }
    #expect(accepted.count == count - refused.count)
    let listed = try daemon.client(key: key).ids("/v1/requests")
    #expect(Set(listed) == Set(accepted.compactMap { $0.json["id"].string }))
  }

  /// Whoever asks for readiness does not wait for the lock, and asking often queues nothing.
  @Test func readinessIsSaidAtOnce() async throws {
    let daemon = try Daemon(state: StateDirectory(config: ["database.busyTimeoutSeconds": "20"]))
    let writer = try await ForeignWriter(daemon.state.path)
    let client = daemon.client()
    var times: [Duration] = []
    for _ in 0..<4 {
      let begun = ContinuousClock.now
      let reply = try client.call("GET", "/readyz")
      times.append(ContinuousClock.now - begun)
      #expect(reply.status == 503 && reply.json["database"]["writable"].bool == false, "\(reply.text)")
      usleep(600_000)
    }
    // A try that waits for the lock takes a second before it is given up; who asks meanwhile is told at once.
    #expect(times[0] < .seconds(10) && times[1...].min() ?? .seconds(9) < .milliseconds(900), "\(times)")
    let page = try PrometheusText(client.done("GET", "/metrics").text)
    #expect(page["xiecha_queue_depth", ["queue": "commit"]] ?? 9 <= 1)
    writer.letGo()
    try eventually("it is ready again") { try client.call("GET", "/readyz").status == 200 }
  }

  @Test func lockThatStaysIsUnavailable() async throws {
    let daemon = try Self.daemon()
    let client = try daemon.client(Qidong.requester)
    let writer = try await ForeignWriter(daemon.state.path)
    let reply = try client.call("POST", "/v1/requests", json: marriageRequest())
    expectProblem(reply, 503, "storage-unavailable")
    #expect(reply.headers["retry-after"] == "1")
    // Reading goes on, and readiness says what is wrong.
    #expect(try client.get("/v1/requests")["items"] == .array([]))
    let readiness = try daemon.client().call("GET", "/readyz")
    #expect(readiness.status == 503)
    #expect(readiness.json["status"].string == "unavailable")
    #expect(readiness.json["database"]["writable"].bool == false)
    writer.letGo()
    try client.done("POST", "/v1/requests", json: marriageRequest(), 201)
    // The answer before holds for a second.
    try eventually("it is ready again") {
      try daemon.client().call("GET", "/readyz").json["database"]["writable"].bool == true
    }
  }
}
