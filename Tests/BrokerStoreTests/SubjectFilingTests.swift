import BrokerDomain
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

/// A person's requests are found whether their subjects are filed, being filed or not filed yet.
@Suite(.timeLimit(.minutes(5))) struct SubjectFilingTests {
  /// The number of a resident with the right check character, scattered.
  private static func resident(_ index: Int) throws -> String {
    let stem = "32068119" + String((index * 7919) % 900_000_000 + 1_000_000_000).suffix(9)
    return try #require("0123456789X".map { stem + String($0) }.first { (try? ResidentID($0)) != nil } ?? stem + "0")
  }

  private static func found(_ store: Store, _ idNumber: String) async throws -> [EntityID] {
    var filter = RequestFilter()
    filter.subject = idNumber
    return try await store.requests(of: try store.number(.requester), filter, cursor: nil, limit: 10)
      .items.map(\.request.id)
  }

  private static func through(_ store: Store) throws -> Int64 {
    try store.scalar("SELECT max(through) FROM subject_run")
  }

  @Test func inTheOrderOfNumbersAndAFewAtATime() {
    let numbers = ["b2", "a", "b10", "", "b1", "320681198502020025", "32068119850202002X"]
    let entries = numbers.enumerated().map { SubjectFiling.Entry(idNumber: $1, request: Int64($0 + 1)) }
    var filing = SubjectFiling(run: 4, atOnce: 7, Array(entries.prefix(3)))
    #expect(filing.take(9).isEmpty && filing.finish() == nil, "not enough of them yet")
    filing.gather(Array(entries.dropFirst(3)))
    var taken: [String] = []
    for _ in 0..<3 {
      #expect(filing.finish() == nil)
      taken += filing.take(3).map(\.idNumber)
    }
    #expect(taken == ["", "320681198502020025", "32068119850202002X", "a", "b1", "b10", "b2"])
    #expect(filing.run == 4 && filing.finish()?.through == 7)
    #expect(filing.finish() == nil && filing.run == 5)
    #expect(filing.take(3).isEmpty, "those of the next time begin anew")
    // One that was begun takes in what came since, and leaves out what it has.
    var begun = SubjectFiling(run: 4, atOnce: 7, entries, begun: [1, 2, 4])
    #expect(begun.take(9).map(\.idNumber) == ["320681198502020025", "32068119850202002X", "b1", "b10"])
    let finished = begun.finish()
    #expect(finished?.through == 7)
    #expect(numbers.allSatisfy { finished?.filter.mayContain(.init($0)) == true }, "of those that it had as well")
  }

  private struct Submitted {
    var all: [(number: String, id: EntityID)] = []

    mutating func submit(_ count: Int, to store: Store) async throws {
      let organ = try #require(store.reference.organ(Qidong.requester.organ))
      for _ in 0..<count {
        let number = try resident(all.count)
        let submission = Submission.marriage(subject: .person("某人", number))
        let id = try await store.write { context in try context.open(submission, by: organ).id }
        all.append((number, id))
      }
    }

    func expectAllFound(_ store: Store, _ note: Comment) async throws {
      for (number, id) in all { #expect(try await found(store, number) == [id], note) }
      #expect(try store.verify() == [], note)
    }
  }

  private static func options(_ subjectsAtOnce: Int) -> StoreOptions {
    var options = StoreOptions()
    options.subjectsAtOnce = subjectsAtOnce
    return options
  }

  @Test func foundFiledOrNot() async throws {
    let fixture = try Fixture()
    var submitted = Submitted()
    try await fixture.life(options: Self.options(10)) { store in
      try await submitted.submit(8, to: store)
      #expect(try store.scalar("SELECT count(*) FROM filed_subject") == 0)
      try await submitted.expectAllFound(store, "none is filed")
      try await submitted.submit(3, to: store)
      #expect(try store.scalar("SELECT count(*) FROM filed_subject") == 6, "three for each that came")
      #expect(try Self.through(store) == 0)
      try await submitted.expectAllFound(store, "some are filed")
    }
    // What was begun goes on in the next life, however short each of them is.
    for (life, filed) in [9, 12].enumerated() {
      try await fixture.life(options: Self.options(10)) { store in
        try await submitted.expectAllFound(store, "opened anew")
        try await submitted.submit(1, to: store)
        #expect(try store.scalar("SELECT count(*) FROM filed_subject") == filed, "life \(life)")
        #expect(try Self.through(store) == 0)
      }
    }
    try await fixture.life(options: Self.options(10)) { store in
      try await submitted.submit(1, to: store)
      #expect(try Self.through(store) == submitted.all[13].id.key, "all that there are")
      try await submitted.expectAllFound(store, "filed")
      try await submitted.submit(30, to: store)
      #expect(try store.scalar("SELECT count(*) FROM subject_run") >= 3)
      try await submitted.expectAllFound(store, "in several runs")
    }
  }

  private struct Whim: Error {}

  /// A group that is run again, and one that is not committed, leave no trace in what is gathered.
  @Test func whatWasRolledBackIsNotFiled() async throws {
    let store = try Fixture().open(options: Self.options(3))
    defer { store.close() }
    var submitted = Submitted()
    try await submitted.submit(1, to: store)
    let organ = try #require(store.reference.organ(Qidong.requester.organ))
    let lost = try Self.resident(500)
    // One that fails after it has written spoils its group, which is run again with the others alone.
    let good = try Self.resident(501)
    let (barrier, holder) = try await GroupCommitTests.hold(store)
    let failing = Task {
      try await store.write { context in
        _ = try context.open(Submission.marriage(subject: .person("某人", lost)), by: organ)
        throw Whim()
      }
    }
    try await until("the failing one waits") { store.commitQueueDepth == 1 }
    let kept = Task {
      try await store.write { context in
        try context.open(Submission.marriage(subject: .person("某人", good)), by: organ).id
      }
    }
    try await until("both wait") { store.commitQueueDepth == 2 }
    barrier.open()
    try await holder.value
    await #expect(throws: StoreError.self) { try await failing.value }
    let id = try await kept.value
    try await submitted.submit(3, to: store)
    #expect(try await Self.found(store, lost) == [])
    #expect(try await Self.found(store, good) == [id])
    #expect(try store.scalar("SELECT count(*) FROM filed_subject WHERE id_number = '\(lost)'") == 0)
    #expect(try Self.through(store) > id.key)
    try await submitted.expectAllFound(store, "after all")
  }

  @Test func verifyFindsWhatIsMissingAndWhatIsElsewhere() async throws {
    let store = try Fixture().open(options: Self.options(1))
    defer { store.close() }
    var submitted = Submitted()
    try await submitted.submit(2, to: store)
    #expect(try store.verify() == [])
    try await store.write { context in
      try context.db.execute(sql: "UPDATE filed_subject SET run = 2 WHERE run = 1")
    }
    #expect(
      try store.verify().map(\.en) == [
        "subjects that are not filed under their id numbers: 1 row",
        "subjects that are filed in another run than their own: 1 row",
        "subjects that the filter of their run does not know: 1 row",
      ])
  }

  /// A filter that does not know a subject of its run hides a request: it is a fault like a row that is missing.
  @Test func verifyFindsAFilterThatHidesSomebody() async throws {
    let fixture = try Fixture()
    var submitted = Submitted()
    try await fixture.life(options: Self.options(2)) { store in
      try await submitted.submit(4, to: store)
      try await submitted.expectAllFound(store, "in two runs")
      try store.plant("UPDATE subject_run SET filter = zeroblob(3) WHERE run = 1")
      #expect(try store.verify().map(\.en) == ["subjects that the filter of their run does not know: 2 rows"])
    }
  }
}
