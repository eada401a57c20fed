package import HummingbirdCore
package import Logging
package import NIOCore

/// Runs every connection's tasks on the event loop that owns its socket. Without it each request crosses between the
/// loop's thread and Swift's own pool several times, which costs more than reading and parsing it.
package struct OnEventLoop<Base: ServerChildChannel>: ServerChildChannel {
  private let base: Base

  package init(_ base: Base) { self.base = base }

  package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    base.setup(channel: channel, logger: logger)
  }

  package func handle(value: Base.Value, logger: Logger) async {
    await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
      await base.handle(value: value, logger: logger)
    }
  }
}

/// Runs what takes long on Swift's own pool, and comes back.
func offTheLoop<T>(_ work: () -> T) async -> T {
  await withTaskExecutorPreference(globalConcurrentExecutor) { work() }
}

final class LoopExecutor: TaskExecutor {
  private let loop: any EventLoop

  init(_ loop: any EventLoop) { self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let executor = asUnownedTaskExecutor()
    loop.execute { job.runSynchronously(on: executor) }
  }
}
