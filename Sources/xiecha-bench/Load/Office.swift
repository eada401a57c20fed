internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// A state directory with the example's reference data, open for business.
struct Office {
  let store: Store
  let samples: Samples
  let keys: [OrganCode: String]

  static func share(_ given: String?) throws -> String {
    var candidates = given.map { [$0] } ?? []
    var directory = (Child.ownProgram as NSString).deletingLastPathComponent
    while directory.count > 1 {
      candidates += [directory + "/config", directory + "/share/xiecha"]
      directory = (directory as NSString).deletingLastPathComponent
    }
    candidates.append("/usr/share/xiecha")
    let found = candidates.first { FileManager.default.fileExists(atPath: $0 + "/examples/qidong/organs.csv") }
    guard let found else { throw BenchError("the example was not found; name its directory with --share") }
    return found
  }

  static func verification(workingDays: Int = 5) -> Procedure {
    Procedure(
      id: "verification", title: Phrase("协助核查", "Assisted verification"), clause: "启东方案 二(五)", workingDays: workingDays,
      ladder: Rung.allCases, outcomes: [.init(id: "confirmed", title: Phrase("属实", "Confirmed"))],
      declineReasons: [.init(id: "other", title: Phrase("其他", "Other"))])
  }

  init(directory: String, share: String?, options: StoreOptions = StoreOptions()) async throws {
    let share = try Self.share(share)
    try Store.create(directory: directory, rehearseAt: nil)
    let store = try Store.open(
      directory: directory, role: .daemon, procedures: [Self.verification()], options: options)
    func load(_ kind: ReferenceKind, _ file: String) throws {
      guard let data = FileManager.default.contents(atPath: share + "/" + file) else {
        throw BenchError("\(share)/\(file) cannot be read")
      }
      do { _ = try store.importFile(kind, [UInt8](data)) } catch { throw BenchError("\(file): \(error)") }
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: share + "/calendars/cn").sorted()
    where name.hasSuffix(".csv") {
      try load(.calendar, "calendars/cn/" + name)
    }
    try load(.organs, "examples/qidong/organs.csv")
    try load(.items, "examples/qidong/items.csv")
    try load(.assistanceList, "examples/qidong/assistance-list.csv")
    var keys: [OrganCode: String] = [:]
    for organ in store.reference.organs { keys[organ.code] = try store.createKey(organ: organ.number).key }
    // The keys were made as a command makes them: the daemon's side takes them up.
    try await store.refresh()
    self.store = store
    self.keys = keys
    samples = try Samples(store.reference)
  }

  /// One that was made before, with the keys that it was given then.
  init(opening directory: String, keys: [OrganCode: String], options: StoreOptions = StoreOptions()) throws {
    store = try Store.open(
      directory: directory, role: .daemon, procedures: [Self.verification()], options: options)
    self.keys = keys
    samples = try Samples(store.reference)
  }

  /// Gives each of these organs an endpoint at a sink.
  func listen(_ organs: Set<OrganCode>, events: [String], port: UInt16, body: Endpoint.Body = .full) async throws {
    let numbers = store.reference.organs.filter { organs.contains($0.code) }.map(\.number)
    try await store.write { context in
      for number in numbers {
        try context.insert(
          Endpoint(
            id: try context.newID(), organ: number, url: "http://127.0.0.1:\(port)/hook/\(number)", events: events,
            body: body, description: nil, secret: [UInt8](repeating: 7, count: 32), createdAt: context.now))
      }
    }
  }

  /// The file itself, for programs that use it without the store.
  var database: String { Store.databasePath(store.directory) }
}

extension Store {
  /// Returns when every callback has left the queue, committed.
  func waitForEmptyOutbox(seconds limit: Double) async throws {
    let start = nanoseconds()
    while case let left = try await outboxDepth().count, left > 0 {
      guard seconds(since: start) < limit else { throw BenchError("\(left) callbacks are left after \(limit) s") }
      // Counting a long queue is work.
      try await Task.sleep(for: .milliseconds(left > 1000 ? 50 : 2))
    }
  }

  /// Opens requests straight through the writer, many to a commit.
  /// - Parameter opened: is told the id of each, in order.
  func fill(
    _ count: Int, from first: Int = 0, receivedAt: Instant? = nil,
    opened: (EntityID) -> Void = { _ in },
    _ make: @escaping @Sendable (Int) -> (by: Organ, Submission)
  ) async throws {
    let group = 5000
    var done = 0
    while done < count {
      let range = (first + done)..<(first + min(count, done + group))
      let ids = try await write { context in
        try range.map { index in
          let (organ, submission) = make(index)
          let decision = try AssistanceRequest.submit(
            submission, by: organ, id: try context.newID(), now: receivedAt ?? context.now,
            reference: context.reference)
          try context.apply(decision, previous: nil, subject: submission.subject)
          return decision.request.id
        }
      }
      ids.forEach(opened)
      done = range.upperBound - first
    }
  }
}
