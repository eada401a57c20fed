package import NIOCore

/// Runs tasks on the event loop that owns a socket. Without it each request crosses between the loop's thread and Swift's
/// own pool several times, which costs more than reading and parsing it.
package final class LoopExecutor: TaskExecutor {
  private let loop: any EventLoop

  package init(_ loop: any EventLoop) { self.loop = loop }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let executor = asUnownedTaskExecutor()
    loop.execute { job.runSynchronously(on: executor) }
  }
}

/// Runs what takes long on Swift's own pool, and comes back.
func offTheLoop<T>(_ work: () -> T) async -> T {
  await withTaskExecutorPreference(globalConcurrentExecutor) { work() }
}
