import Foundation
import TestSupport
import Testing

@testable import BrokerStore

/// The thread that commits is ordinary among batch threads, and what it was before afterwards.
@Suite struct WriterTurnTests {
  /// SCHED_IDLE of sched(7).
  private static let idle: Int32 = 5

  /// A thread of its own: the policy is the thread's.
  private static func policies(of start: Int32) async -> [Int32] {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var parameters = sched_param()
        guard sched_setscheduler(0, start, &parameters) == 0 else { return continuation.resume(returning: []) }
        var seen = [sched_getscheduler(0)]
        WriterTurn.taking { seen.append(sched_getscheduler(0)) }
        seen.append(sched_getscheduler(0))
        continuation.resume(returning: seen)
      }
    }
  }

  @Test func ordinaryAmongBatchThreads() async {
    #expect(await Self.policies(of: WriterTurn.batch) == [WriterTurn.batch, SCHED_OTHER, WriterTurn.batch])
    #expect(await Self.policies(of: SCHED_OTHER) == [SCHED_OTHER, SCHED_OTHER, SCHED_OTHER])
    #expect(await Self.policies(of: Self.idle) == [Self.idle, Self.idle, Self.idle])
  }
}
