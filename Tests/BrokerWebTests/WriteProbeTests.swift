internal import Synchronization
internal import Testing

@testable internal import BrokerWeb

/// What is said of trial writes to those who ask for readiness.
@Suite(.timeLimit(.minutes(1))) struct WriteProbeTests {
  /// The timer of the first rang, and had its turn only when the second was under way.
  @Test func aTimerThatComesLateSaysNothingOfTheNextTry() async throws {
    let tries = Mutex(0)
    let isHeld = Mutex(true)
    let probe = WriteProbe {
      let number = tries.withLock { tries in
        tries += 1
        return tries
      }
      while number == 2, isHeld.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(2)) }
      return true
    }
    #expect(await probe.isWritable)
    // The answer holds for a second.
    try await Task.sleep(for: .milliseconds(1100))
    async let second = probe.isWritable
    for _ in 0..<400 where tries.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(2)) }
    probe.settle(1, false, until: .max, isOver: false)
    isHeld.withLock { $0 = false }
    #expect(await second)
    #expect(await probe.isWritable)
    #expect(tries.withLock { $0 } == 2)
  }
}
