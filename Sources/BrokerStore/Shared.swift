internal import Synchronization

/// One answer for all who ask within a short time, and for all who ask while it is being found: what costs a commit or
/// a scan is not paid by anybody who likes to ask often.
package final class Shared<Value: Sendable>: Sendable {
  private struct State {
    var task: Task<Value, Never>?
    /// Until when a finished answer holds, by the monotonic clock; nil while it is being found.
    var goodUntil: Int64?
  }

  private let state = Mutex(State())
  private let milliseconds: Int64
  private let find: @Sendable () async -> Value

  /// - Parameter milliseconds: how long an answer holds once it is there.
  package init(milliseconds: Int64, _ find: @escaping @Sendable () async -> Value) {
    self.milliseconds = milliseconds
    self.find = find
  }

  package var value: Value {
    get async {
      let task = state.withLock { state -> Task<Value, Never> in
        if let task = state.task, state.goodUntil.map({ monotonicMicroseconds() < $0 }) ?? true { return task }
        let task = Task {
          let value = await find()
          self.state.withLock { $0.goodUntil = monotonicMicroseconds() + milliseconds * 1000 }
          return value
        }
        state = State(task: task)
        return task
      }
      return await task.value
    }
  }
}
