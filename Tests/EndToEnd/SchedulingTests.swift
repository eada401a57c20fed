internal import Foundation
internal import TestSupport
internal import Testing

extension EndToEnd {
  /// The daemon under the scheduling policy of its systemd unit.
  @Suite struct Scheduling {
    /// SCHED_BATCH of sched(7), which glibc's header shows to GNU sources only.
    private static let batch: Int32 = 3

    private static func threads(of pid: Int32) throws -> [Int32] {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").compactMap { Int32($0) }
    }

    /// Of the threads that there are; one that has just ended has none.
    private static func policies(of pid: Int32) throws -> Set<Int32> {
      Set(try threads(of: pid).map { sched_getscheduler($0) }.filter { $0 >= 0 })
    }

    /// Who waits for the disk is not made to wait for those who wait for it; all others are what the unit makes them.
    @Test func theWriterIsOrdinaryAmongBatchThreads() throws {
      let daemon = try Daemon(state: try StateDirectory())
      // Threads that they start are as they are; one that was just started by another is found the next time.
      try eventually("all are batch threads", within: 30) {
        for thread in try Self.threads(of: daemon.pid) {
          var parameters = sched_param()
          // It may have ended.
          _ = sched_setscheduler(thread, Self.batch, &parameters)
        }
        return try Self.policies(of: daemon.pid) == [Self.batch]
      }
      let load = Load(daemon)
      try onThreads(4) { index in
        guard index == 0 else { return try load.run(pauseMS: 0...1) }
        defer { load.stop() }
        try eventually("somebody commits as an ordinary thread", within: 30) {
          try Self.policies(of: daemon.pid) == [Self.batch, SCHED_OTHER]
        }
      }
      try eventually("nobody remains one", within: 30) { try Self.policies(of: daemon.pid) == [Self.batch] }
      #expect(!load.ledger.promises.isEmpty && load.ledger.unexpected.isEmpty, "\(load.ledger.unexpected)")
      #expect(try daemon.terminate() == 0)
    }
  }
}
