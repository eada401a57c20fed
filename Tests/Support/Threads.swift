internal import Glibc

/// Runs `body` on a detached thread of its own: blocking calls must stay off Swift's cooperative
/// pool, which has as many threads as the machine has cores.
/// - Returns: false when the system gives no more threads.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  pthread_attr_setstacksize(&attributes, 1 << 20)
  let box = Unmanaged.passRetained(Box(body))
  var thread = pthread_t()
  let status = pthread_create(
    &thread, &attributes,
    { raw in
      guard let raw else { return nil }
      Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body()
      return nil
    }, box.toOpaque())
  if status != 0 { box.release() }
  return status == 0
}

/// Runs `body(0)` … `body(count - 1)` at once, each on a thread of its own, and waits for all.
/// - Throws: the first error a body threw, or `WaitFault` when they did not end in time.
package func onThreads(
  _ count: Int, within seconds: Double = 60, _ body: @escaping @Sendable (Int) throws -> Void
) throws {
  struct Progress {
    var running: Int
    var fault: (any Error)?
  }
  let progress = Monitor(Progress(running: count))
  for index in 0..<count {
    let started = startThread {
      let outcome = Result { try body(index) }
      progress.change { state in
        state.running -= 1
        if case .failure(let error) = outcome, state.fault == nil { state.fault = error }
      }
    }
    if !started { throw WaitFault("thread \(index) of \(count) could not be started") }
  }
  let done: Void? = progress.wait(Deadline(in: seconds)) { $0.running == 0 ? () : nil }
  if let fault = progress.withLock({ $0.fault }) { throw fault }
  if done == nil { throw WaitFault("\(count) threads did not end within \(seconds) s") }
}
