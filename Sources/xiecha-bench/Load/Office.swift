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
}

extension Store {
  /// Opens requests straight through the writer, many to a commit.
  func fill(
    _ count: Int, from first: Int = 0, receivedAt: Instant? = nil,
    _ make: @escaping @Sendable (Int) -> (by: Organ, Submission)
  ) async throws {
    let group = 5000
    var done = 0
    while done < count {
      let range = (first + done)..<(first + min(count, done + group))
      try await write { context in
        for index in range {
          let (organ, submission) = make(index)
          let decision = try AssistanceRequest.submit(
            submission, by: organ, id: try context.newID(), now: receivedAt ?? context.now,
            reference: context.reference)
          try context.apply(decision, previous: nil, subject: submission.subject)
        }
      }
      done = range.upperBound - first
    }
  }
}
