import BrokerDomain
import TestSupport
import Testing

@testable import BrokerCallbacks
@testable import BrokerStore

/// A wall clock that somebody sets, and what waits by it.
@Suite(.timeLimit(.minutes(2))) struct ClockStepTests {
  private static let hour: Int64 = 3_600_000

  /// Messages wait for their second attempt, or behind a breaker, while the clock is set by an hour.
  @Test(arguments: [[-hour], [hour, -hour], [-hour, hour], [hour]], [3, 40])
  func noRetryWaitsForTheClock(steps: [Int64], count: Int) async throws {
    let wall = Wall()
    let office = try Office(totalTimeoutMS: 2000, wall: wall) { options in
      options.schedule = RetrySchedule(stepsSeconds: [1, 2], giveUpAfterSeconds: 15 * 86_400, jitter: 0)
      options.breaker.pauseSeconds = 1
      options.breaker.longestPauseSeconds = 2
    }
    let sink = try Sink { _ in .status(503) }
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(count)
    office.dispatcher.start()
    #expect(try await within(5) { sink.receivedCount >= min(count, 10) })
    for step in steps {
      wall.step(step)
      // Of each setting some attempts know.
      let seen = sink.receivedCount
      #expect(try await within(10) { sink.receivedCount > seen }, "after \(step)")
    }
    sink.behaviour = { _ in .status(204) }
    #expect(try await within(20) { try await office.store.outboxDepth().count == 0 })
    let delivered = try await office.store.deliveries(
      organ: nil, endpoint: endpoint.id.key, state: .delivered, cursor: nil, limit: 500
    ).items
    #expect(delivered.count == count)
    await office.close()
  }

  @Test func bellIsHeardOnceAndDoesNotWaitForEver() {
    let bell = Bell()
    func waited(_ milliseconds: Int64) -> Int64 {
      let start = monotonicMicroseconds()
      bell.wait(milliseconds: milliseconds)
      return (monotonicMicroseconds() - start) / 1000
    }
    bell.signal()
    bell.signal()
    #expect(waited(5000) < 1000)
    #expect((50..<2000).contains(waited(50)))
    #expect((1001..<4000).contains(waited(1001)))
  }
}
