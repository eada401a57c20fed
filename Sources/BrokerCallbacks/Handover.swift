internal import Dispatch
internal import Synchronization

/// One value from a task to a waiting thread.
final class Handover<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let ready = DispatchSemaphore(value: 0)

  func give(_ value: Value) {
    self.value.withLock { $0 = value }
    ready.signal()
  }

  func take() -> Value {
    ready.wait()
    guard let value = value.withLock({ $0 }) else { preconditionFailure("given before signalled") }
    return value
  }
}
