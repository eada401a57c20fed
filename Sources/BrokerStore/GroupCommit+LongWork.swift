/// Work that would hold the writer for too long takes one group after the other, with everybody else in them.
extension GroupCommit {
  /// What one step of a long work came to.
  enum Step<Rest: Sendable, T: Sendable>: Sendable {
    case rest(Rest)
    case done(T)
  }

  /// Runs `step` in one group after the other, each time on what the one before left. The next is in line as soon as a
  /// group is on disk, before the next one is taken: otherwise a group would be written for the few who come back in
  /// between.
  /// - Throws: what a step threw or why a commit failed; what the steps before it have done stays.
  func submit<Rest: Sendable, T: Sendable>(
    _ all: Rest, _ step: @escaping @Sendable (WriteContext, Rest) throws -> Step<Rest, T>
  ) async throws(StoreError) -> T {
    let result: Result<T, StoreError> = await withCheckedContinuation { continuation in
      enqueue(all, isAdmitted: false, step) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  private func enqueue<Rest: Sendable, T: Sendable>(
    _ rest: Rest, isAdmitted: Bool, _ step: @escaping @Sendable (WriteContext, Rest) throws -> Step<Rest, T>,
    _ end: @escaping @Sendable (Result<T, StoreError>) -> Void
  ) {
    let job = Job(
      run: { context in
        do {
          let next = try context.attempt { try step(context, rest) }
          return { failure in
            if let failure { return end(.failure(failure)) }
            switch next {
            case .rest(let rest): self.enqueue(rest, isAdmitted: true, step, end)
            case .done(let value): end(.success(value))
            }
          }
        } catch {
          let own = StoreError.from(error)
          return { failure in end(.failure(failure ?? own)) }
        }
      },
      refuse: { end(.failure($0)) })
    if let refusal = enqueue(job, isAdmitted: isAdmitted) { end(.failure(refusal)) }
  }
}
