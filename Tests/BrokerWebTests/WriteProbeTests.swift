internal import Synchronization
internal import Testing

@testable internal import BrokerWeb

/// What is said of trial writes to those who ask for readiness.
@Suite(.timeLimit(.minutes(5))) struct WriteProbeTests {
  /// The timer of the first rang, and has its turn only now that the second is under way.
  @Test func aTimerThatComesLateSaysNothingOfTheNextTry() async throws {
    let tries = Mutex(0)
    let box = Mutex<WriteProbe?>(nil)
    let probe = WriteProbe {
      let number = tries.withLock { tries in
        tries += 1
        return tries
      }
      if number == 2 { box.withLock { $0 }?.settle(1, false, until: .max, isOver: false) }
      return true
    }
    box.withLock { $0 = probe }
    #expect(await probe.isWritable)
    // The answer holds for a second.
    try await Task.sleep(for: .milliseconds(1100))
    #expect(await probe.isWritable)
    #expect(tries.withLock { $0 } == 2)
    box.withLock { $0 = nil }
  }
}
