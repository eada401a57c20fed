internal import BrokerDomain
internal import Testing

/// Every kind of clock, over Spring Festival, make-up days and the end of the known years, against due dates that were
/// counted elsewhere.
@Suite struct ProcedureDueTests {
  struct Vector: Sendable, CustomTestStringConvertible {
    let row: [String: String]
    var testDescription: String {
      ["clock", "received_at", "stated", "override"].map { row[$0] ?? "?" }.joined(separator: " | ")
    }

    func text(_ column: String) throws -> String { try #require(row[column]) }

    /// `days N receipt|field`, `acknowledge N`, `dates ROLL MM-DD…`, `stated ROLL N`.
    func clock() throws -> Procedure.Clock {
      let words = try text("clock").split(separator: " ").map(String.init)
      switch words[0] {
      case "days":
        return .workingDays(try #require(Int(words[1])), from: words[2] == "field" ? .field("stated") : .receipt)
      case "acknowledge": return .acknowledge(workingDays: try #require(Int(words[1])))
      case "dates":
        return .fixedDates(
          try words.dropFirst(2).map { try #require(MonthDay($0)) }, roll: try #require(.init(rawValue: words[1])))
      default:
        return .statedDate(
          field: "stated", roll: try #require(.init(rawValue: words[1])), otherwise: try #require(Int(words[2])))
      }
    }

    func data() throws -> JSON {
      let stated = try text("stated")
      return .object(stated.isEmpty ? [] : [.init("stated", .string(stated))])
    }
  }

  static let vectors = ((try? Vectors.rows("procedure-dues")) ?? []).map { Vector(row: $0) }

  @Test func tableIsWhole() {
    #expect(Self.vectors.count == 151)
    for kind in ["days", "acknowledge", "dates", "stated"] {
      #expect(Self.vectors.count { $0.row["clock"]?.hasPrefix(kind) == true } >= 5, "\(kind)")
    }
    for provisional in ["true", "false"] { #expect(Self.vectors.contains { $0.row["provisional"] == provisional }) }
  }

  @Test(arguments: vectors) func due(_ vector: Vector) throws {
    let procedure = sampleProcedure(clock: try vector.clock())
    let calendar = try Vectors.calendar.get()
    let received = try instant(vector.text("received_at"))
    let deadline = procedure.due(
      receivedAt: received, data: try vector.data(), days: Int(try vector.text("override")),
      region: RegionCode("320681"), calendar: calendar, lastDay: .midnight)
    #expect(deadline.date.description == (try vector.text("due_date")))
    #expect(deadline.at.rfc3339 == (try vector.text("due_at")))
    #expect(String(deadline.workingDays) == (try vector.text("working_days")))
    #expect(String(deadline.provisional) == (try vector.text("provisional")))
    // The 算式 from where the clock starts counts as many days as the deadline says.
    let start = procedure.clockStart(receivedAt: received, data: try vector.data())
    let counted = calendar.explanation(receivedAt: start, deadline: deadline, region: nil).compactMap(\.ordinal)
    #expect(counted.count == deadline.workingDays)
  }

  /// The calendar of the region, and its end of the last day, hold for every clock.
  @Test func regionAndLastDay() throws {
    let calendar = WorkingCalendar(
      national: try Vectors.announcedDays(2025...2026),
      overlays: [
        "45": [AnnouncedDay(date: try date("2026-04-20"), kind: .off, festival: "三月三", notice: "")]
      ])
    func due(_ clock: Procedure.Clock, _ code: String) throws -> String {
      sampleProcedure(clock: clock).due(
        receivedAt: try instant("2026-04-17T10:00:00+08:00"),
        data: .object([.init("stated", .string("2026-04-20"))]), days: nil, region: try region(code),
        calendar: calendar, lastDay: LastDayPolicy(endMinute: 17 * 60 + 30)
      ).at.rfc3339
    }
    let clocks: [Procedure.Clock] = [
      .workingDays(1, from: .receipt), .acknowledge(workingDays: 1),
      .fixedDates([try #require(MonthDay("04-20"))], roll: .following),
      .statedDate(field: "stated", roll: .following, otherwise: 9),
    ]
    for clock in clocks {
      #expect(try due(clock, "320681") == "2026-04-20T17:30:00+08:00", "\(clock)")
      #expect(try due(clock, "450102") == "2026-04-21T17:30:00+08:00", "\(clock)")
    }
    #expect(try due(.workingDays(1, from: .field("stated")), "450102") == "2026-04-21T17:30:00+08:00")
    #expect(try due(.workingDays(1, from: .field("stated")), "320681") == "2026-04-21T17:30:00+08:00")
  }

  /// The days up to it would be counted one by one.
  @Test(arguments: [("2036-12-31", false), ("2037-01-01", true), ("2100-12-31", true)])
  func aNamedDateIsNotTooFarAhead(_ day: String, _ isRefused: Bool) throws {
    let stated = Procedure.Field(
      name: "stated", label: Phrase("限期", "by"), kind: .date(.any), required: true)
    let procedure = sampleProcedure(
      clock: .statedDate(field: "stated", roll: .following, otherwise: 9), fields: [stated])
    let reference = try makeReference()
    let faults = procedure.faults(
      item: false, subject: true, questions: false, data: .object([.init("stated", .string(day))]), to: nil,
      by: try #require(reference.organs.first), today: try date("2026-11-30"), reference: reference)
    #expect(faults.contains { $0.pointer == "/data/stated" } == isRefused, "\(faults)")
  }

  @Test func daysOfTheClock() throws {
    let dates = [try #require(MonthDay("08-31"))]
    #expect(sampleProcedure(clock: .workingDays(7, from: .field("x"))).workingDays == 7)
    #expect(sampleProcedure(clock: .acknowledge(workingDays: 2)).workingDays == 2)
    #expect(sampleProcedure(clock: .statedDate(field: "x", roll: .following, otherwise: 20)).workingDays == 20)
    #expect(sampleProcedure(clock: .fixedDates(dates, roll: .following)).workingDays == 0)
    #expect(Procedure.verification.clock == .workingDays(5, from: .receipt))
  }

  @Test(arguments: [
    ("02-29", "2026-02-28", "2024-02-29"), ("08-31", "2026-08-31", "2024-08-31"), ("01-01", "2026-01-01", "2024-01-01"),
  ])
  func monthDays(_ text: String, _ common: String, _ leap: String) throws {
    let day = try #require(MonthDay(text))
    #expect(day.description == text)
    #expect(day.date(in: 2026)?.description == common)
    #expect(day.date(in: 2024)?.description == leap)
  }

  @Test(arguments: ["", "02-30", "13-01", "00-10", "06-31", "6-30", "2026-06-30", "ab-cd", "06-30 "])
  func noMonthDays(_ text: String) { #expect(MonthDay(text) == nil) }
}

/// A procedure that is verification but for these.
func sampleProcedure(
  clock: Procedure.Clock = .workingDays(5, from: .receipt), outcomes: [Procedure.Outcome] = [],
  fields: [Procedure.Field] = [], answerFields: [Procedure.Field] = [], commits: Bool? = nil
) -> Procedure {
  let like = Procedure.verification
  return Procedure(
    id: "sample", title: Phrase("样本", "sample"), clause: "样本方案 一", openers: like.openers, answerers: [], clock: clock,
    acknowledgeDays: nil, returnDays: nil, supplement: false, allowsExtension: false, allowsTransfer: false,
    item: .none, subject: .optional, questions: .none, answerKind: .outcome, outcomes: outcomes, declineReasons: [],
    fields: fields, answerFields: answerFields, isSealed: true, copies: [.supervisor], ladder: [.overdue],
    commits: commits)
}
