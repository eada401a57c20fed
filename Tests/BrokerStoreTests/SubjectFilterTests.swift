import GRDB
import Testing

@testable import BrokerStore

/// A filter never says of somebody in the run that they are not, and seldom of somebody else that they may be.
@Suite struct SubjectFilterTests {
  private static func number(_ index: Int) -> String {
    "320681" + String((index &* 7919) % 90_000_000 + 10_000_000) + String(1000 + index % 9000)
  }

  @Test(arguments: [1, 2, 7, 1024, 8192]) func knowsAllOfItsRunAndFewOthers(_ count: Int) {
    let filter = SubjectFilter((0..<count).map(Self.number))
    #expect(filter.bytes.count == SubjectFilter.bytes(of: count))
    #expect((0..<count).allSatisfy { filter.mayContain(.init(Self.number($0))) })
    guard count >= 1024 else { return }
    let wrong = (count..<(count + 100_000)).count { filter.mayContain(.init(Self.number($0))) }
    #expect((1..<600).contains(wrong), "one of three hundred")
  }

  @Test func ofNobodyAndWithoutOne() {
    #expect(!SubjectFilter([String]()).mayContain(.init("32068119850202002X")))
    for bytes in [nil, []] as [[UInt8]?] {
      #expect(SubjectFilter(bytes: bytes).mayContain(.init("32068119850202002X")), "it says nothing")
    }
  }

  /// They stand in the database: a version that counts otherwise would not find whom an earlier one has filed. The bytes
  /// are from another program that does the same.
  @Test func isTheSameInEveryVersion() {
    let filter = SubjectFilter([
      "32068119850202002X", "11010519491231002X", "91320681MA1X7X7X7X", "", "11320681014245316N", "320681198502020038",
    ])
    #expect(
      filter.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == "0106478fff3be252a3")
  }

  /// Runs from before get theirs; one that is being written is none yet.
  @Test func runsOfBeforeGetTheirs() throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(configuration: configuration)
    try Schema.migrator.migrate(queue, upTo: "15 subjects are filed in runs")
    try queue.write { db in
      try db.execute(
        sql: """
          INSERT INTO filed_subject VALUES (0, 'a', 10), (0, 'b', 20), (1, 'a', 30), (2, 'c', 40);
          INSERT INTO subject_run VALUES (1, 30);
          """)
    }
    try Schema.migrator.migrate(queue)
    let filters = SubjectFilters()
    try queue.read { db throws in
      #expect(
        try String.fetchOne(db, sql: "SELECT sql FROM sqlite_schema WHERE name = 'subject_run'")
          == GoldenSchema.subjectFilter)
      #expect(try filters.runs(of: "a", db) == [1, 0])
      #expect(try filters.runs(of: "b", db) == [0])
      #expect(try filters.runs(of: "c", db) == [])
      #expect(try db.subjectsBesideTheirFilter() == 0)
    }
    // A run that comes is read; one without a filter, which no version of ours writes, is looked into.
    try queue.write { try $0.execute(sql: "INSERT INTO subject_run (run, through) VALUES (2, 40)") }
    try queue.read { db throws in
      #expect(try filters.runs(of: "c", db) == [2])
      #expect(try filters.runs(of: "a", db) == [2, 1, 0])
    }
  }
}
