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
    var filing = SubjectFiling(run: 4, Array(entries.prefix(3)))
    #expect(filing.take(9, atOnce: 7).isEmpty && filing.finish() == nil, "not enough of them yet")
    filing.gather(Array(entries.dropFirst(3)))
    var taken: [String] = []
    for _ in 0..<3 {
      #expect(filing.finish() == nil)
      taken += filing.take(3, atOnce: 7).map(\.idNumber)
    }
    #expect(taken.prefix(1) == [""] && taken.suffix(4) == ["a", "b1", "b10", "b2"])
    #expect(filing.run == 4 && filing.finish() == 7)
    #expect(filing.finish() == nil && filing.run == 5)
    // Those of the next time begin anew.
    filing.gather([.init(idNumber: "c", request: 8)])
    #expect(filing.take(3, atOnce: 1).map(\.request) == [8] && filing.finish() == 8)
  }

  private struct Submitted {
    var all: [(number: String, id: EntityID)] = []

    mutating func submit(_ count: Int, to store: Store, atOnce: Int) async throws {
      let organ = try #require(store.reference.organ(Qidong.requester.organ))
      for _ in 0..<count {
        let number = try resident(all.count)
        let submission = Submission.marriage(subject: .person("某人", number))
        let id = try await store.write { context in
          let opened = try context.open(submission, by: organ)
          try context.fileSubjects(atOnce: atOnce)
          return opened.id
        }
        all.append((number, id))
      }
    }

    func expectAllFound(_ store: Store, _ note: Comment) async throws {
      for (number, id) in all { #expect(try await found(store, number) == [id], note) }
      #expect(try store.verify() == [], note)
    }
  }

  @Test func foundFiledOrNot() async throws {
    let fixture = try Fixture()
    var submitted = Submitted()
    try await fixture.life { store in
      try await submitted.submit(8, to: store, atOnce: 10)
      #expect(try store.scalar("SELECT count(*) FROM filed_subject") == 0)
      try await submitted.expectAllFound(store, "none is filed")
      try await submitted.submit(3, to: store, atOnce: 10)
      #expect(try store.scalar("SELECT count(*) FROM filed_subject") == 6, "three for each that came")
      #expect(try Self.through(store) == 0)
      try await submitted.expectAllFound(store, "some are filed")
    }
    // What was begun is not known to the next daemon, and is done again.
    try await fixture.life { store in
      try await submitted.expectAllFound(store, "opened anew")
      try await submitted.submit(5, to: store, atOnce: 10)
      #expect(try Self.through(store) == submitted.all[11].id.key, "all that there were when the filing began")
      #expect(try store.scalar("SELECT count(*) FROM filed_subject") == 12)
      try await submitted.expectAllFound(store, "filed")
    }
  }

  /// A group that is rolled back leaves no trace in what is gathered.
  @Test func whatWasRolledBackIsNotFiled() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (first, second) = (try Self.resident(1), try Self.resident(2))
    let reference = store.reference
    let organ = try #require(reference.organ(Qidong.requester.organ))
    struct Refused: Error {}
    await #expect(throws: StoreError.self) {
      try await store.write { context in
        _ = try context.open(Submission.marriage(subject: .person("某人", first)), by: organ)
        throw Refused()
      }
    }
    let id = try await store.write { context in
      let id = try context.open(Submission.marriage(subject: .person("某人", second)), by: organ).id
      try context.fileSubjects(atOnce: 1)
      return id
    }
    #expect(try await Self.found(store, first) == [])
    #expect(try await Self.found(store, second) == [id])
    #expect(try store.scalar("SELECT count(*) FROM filed_subject") == 1)
    #expect(try Self.through(store) == id.key && store.verify() == [])
  }

  @Test func verifyFindsWhatIsMissing() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let organ = try #require(store.reference.organ(Qidong.requester.organ))
    try await store.write { context in
      _ = try context.open(Submission.marriage(), by: organ)
      try context.fileSubjects(atOnce: 1)
      try context.db.execute(sql: "DELETE FROM filed_subject WHERE run > 0")
    }
    #expect(try store.verify() == ["subjects that are not filed under their id numbers: 1 rows"])
  }
}
