internal import BrokerDomain
internal import Foundation
internal import Testing

@testable internal import BrokerWeb

/// Long work leaves the thread of the connections.
@Suite(.timeLimit(.minutes(5))) struct LoopTests {
  /// Stands for an event loop: one thread.
  private final class OneThread: TaskExecutor {
    private let queue = DispatchQueue(label: "loop")
    private static let key = DispatchSpecificKey<Bool>()

    init() { queue.setSpecific(key: Self.key, value: true) }

    static var isOn: Bool { DispatchQueue.getSpecific(key: key) == true }

    func enqueue(_ job: consuming ExecutorJob) {
      let job = UnownedJob(job)
      let executor = asUnownedTaskExecutor()
      queue.async { job.runSynchronously(on: executor) }
    }
  }

  @Test(arguments: [(1, true), (50, true), (51, false), (500, false)])
  func longAnswersAreWrittenBesideTheLoop(_ items: Int, _ onLoop: Bool) async {
    let seen = await withTaskExecutorPreference(OneThread()) { () -> (Bool, Bool, Bool) in
      let before = OneThread.isOn
      nonisolated(unsafe) var during = false
      _ = await Reply.long(items) { w in
        during = OneThread.isOn
        w.string("status", "ok")
      }
      return (before, during, OneThread.isOn)
    }
    #expect(seen == (true, onLoop, true))
  }
}
