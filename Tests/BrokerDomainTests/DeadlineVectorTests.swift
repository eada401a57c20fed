internal import BrokerDomain
internal import Testing

/// The calendar files of the product against due dates that were computed elsewhere.
@Suite struct DeadlineVectorTests {
  struct Vector: Sendable, CustomTestStringConvertible {
    let row: [String: String]
    var testDescription: String { "\(row["received_at"] ?? "?") + \(row["working_days"] ?? "?")" }

    func text(_ column: String) throws -> String { try #require(row[column]) }
    var receivedAt: Instant { get throws { try instant(text("received_at")) } }
    var workingDays: Int { get throws { try #require(Int(text("working_days"))) } }

    func deadline(_ calendar: WorkingCalendar, _ region: RegionCode?) throws -> Deadline {
      calendar.deadline(receivedAt: try receivedAt, workingDays: try workingDays, region: region)
    }
  }

  static func vectors(_ name: String) -> [Vector] {
    ((try? Vectors.rows(name)) ?? []).map { Vector(row: $0) }
  }

  @Test func tablesAreWhole() {
    #expect(Self.vectors("deadline-vectors").count == 64)
    #expect(Self.vectors("deadlines-2018-2026").count == 1100)
  }

  @Test(arguments: vectors("deadline-vectors") + vectors("deadlines-2018-2026"))
  func dueDate(_ vector: Vector) throws {
    let calendar = try Vectors.calendar.get()
    let deadline = try vector.deadline(calendar, RegionCode("320681"))
    #expect(deadline.date.description == (try vector.text("due_date")))
    #expect(deadline.at.rfc3339 == (try vector.text("expires_at_exclusive")))
    #expect(deadline.workingDays == (try vector.workingDays))
    #expect(!deadline.provisional)
    #expect(try vector.deadline(calendar, nil) == deadline)
    let left = calendar.workingDays(after: try vector.receivedAt.date, through: deadline.date, region: nil)
    #expect(left == deadline.workingDays)
  }

  /// The 算式 of each vector: every day once, n of them counted, the others with a reason.
  @Test(arguments: vectors("deadlines-2018-2026"))
  func explanation(_ vector: Vector) throws {
    let calendar = try Vectors.calendar.get()
    let deadline = try vector.deadline(calendar, nil)
    let received = try vector.receivedAt
    let lines = calendar.explanation(receivedAt: received, deadline: deadline, region: nil)
    #expect(lines.map(\.date.dayNumber) == Array(received.date.dayNumber + 1...deadline.date.dayNumber))
    #expect(lines.compactMap(\.ordinal) == Array(1...deadline.workingDays))
    #expect(lines.last?.ordinal == deadline.workingDays)
    let skipped = lines.filter { $0.ordinal == nil }
    #expect(String(skipped.count) == (try vector.text("skipped")))
    #expect(skipped.allSatisfy { !$0.reason.zh.isEmpty && !$0.reason.en.isEmpty })
    let summary = calendar.summary(receivedAt: received, deadline: deadline, region: nil)
    #expect(summary.zh.contains("跳过\(skipped.count)个非工作日"))
  }

  @Test(arguments: vectors("deadlines-2018-2026"))
  func rungs(_ vector: Vector) throws {
    let calendar = try Vectors.calendar.get()
    let deadline = try vector.deadline(calendar, nil)
    func moment(_ rung: Rung) -> String {
      calendar.moment(of: rung, deadline: deadline, region: nil).rfc3339
    }
    for (rung, column) in [(Rung.twoDaysLeft, "two_days_left"), (.oneDayLeft, "one_day_left")] {
      let day = try vector.text(column)
      // Empty: the day would lie before 2018.
      if !day.isEmpty { #expect(moment(rung) == "\(day)T00:00:00+08:00") }
    }
    #expect(moment(.escalated) == "\(try vector.text("escalated"))T09:00:00+08:00")
    #expect(moment(.overdue) == (try vector.text("expires_at_exclusive")))
  }

  /// A region may close the last day with the office.
  @Test func officeClose() throws {
    let calendar = try Vectors.calendar.get()
    let deadline = calendar.deadline(
      receivedAt: try instant("2026-11-20T10:00:00+08:00"), workingDays: 5, region: nil,
      lastDay: LastDayPolicy(endMinute: 17 * 60 + 30))
    #expect(deadline.at.rfc3339 == "2026-11-27T17:30:00+08:00")
    #expect(deadline.date.description == "2026-11-27")
    #expect(LastDayPolicy.midnight.endMinute == 1440)
    let escalated = calendar.moment(of: .escalated, deadline: deadline, region: nil)
    #expect(escalated.rfc3339 == "2026-11-30T09:00:00+08:00")
  }
}
