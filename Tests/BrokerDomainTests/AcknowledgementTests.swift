internal import BrokerDomain
internal import Testing

/// Whether an organ said in time that it has a request: received on Thursday 5 March 2026, within one working day unless
/// said otherwise.
@Suite struct AcknowledgementTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let type: EventType
    let at: String
    let expected: Measure?
    var was = false
    var days: Int? = 1
    var endMinute = 24 * 60
    /// When it came to the organ by a transfer.
    var movedAt: String?
    var testDescription: String { "\(type.rawValue) \(at) \(days ?? 0) \(endMinute) \(movedAt ?? "")" }
  }

  static let cases: [Case] = [
    Case(type: .acknowledged, at: "03-05T10:00:00", expected: .acknowledgedOnTime),
    Case(type: .acknowledged, at: "03-06T23:59:59", expected: .acknowledgedOnTime),
    // A Saturday is no second working day, and after the first all the same.
    Case(type: .acknowledged, at: "03-07T00:00:00", expected: .acknowledgedLate),
    Case(type: .acknowledged, at: "03-09T09:00:00", expected: .acknowledgedLate),
    Case(type: .acknowledged, at: "03-09T09:00:00", expected: .acknowledgedOnTime, days: 2),
    Case(type: .acknowledged, at: "03-05T10:00:00", expected: nil, days: nil),
    // By the office's close where the region has it so.
    Case(type: .acknowledged, at: "03-06T17:29:59", expected: .acknowledgedOnTime, endMinute: 17 * 60 + 30),
    Case(type: .acknowledged, at: "03-06T17:30:00", expected: .acknowledgedLate, endMinute: 17 * 60 + 30),
    // Who replies has it.
    Case(type: .answered, at: "03-06T10:00:00", expected: .acknowledgedOnTime),
    Case(type: .declined, at: "03-09T10:00:00", expected: .acknowledgedLate),
    Case(type: .returned, at: "03-06T10:00:00", expected: .acknowledgedOnTime),
    Case(type: .supplementAsked, at: "03-10T10:00:00", expected: .acknowledgedLate),
    Case(type: .answered, at: "03-10T10:00:00", expected: nil, was: true),
    Case(type: .supplementAsked, at: "03-05T11:00:00", expected: nil, was: true),
    // Nobody's word that it came.
    Case(type: .submitted, at: "03-05T10:00:00", expected: nil),
    Case(type: .transferred, at: "03-06T10:00:00", expected: nil),
    Case(type: .withdrawn, at: "03-06T10:00:00", expected: nil),
    // Each organ from when it came there.
    Case(type: .acknowledged, at: "03-12T10:00:00", expected: .acknowledgedOnTime, movedAt: "03-11T10:00:00"),
    Case(type: .acknowledged, at: "03-13T10:00:00", expected: .acknowledgedLate, movedAt: "03-11T10:00:00"),
  ]

  @Test(arguments: cases) func measure(_ one: Case) throws {
    func moment(_ text: String) throws -> Instant { try instant("2026-\(text)+08:00") }
    let move = try one.movedAt.map {
      let (from, to) = (Organs.responder, Organs.stranger)
      return #"{"from":"\#(from)","to":"\#(to)","reason":"由其掌握登记信息","at":\#(try moment($0).milliseconds)}"#
    }
    let progress = try #require(Progress(encoded: Array(#"{"leg":0,"transfers":[\#(move ?? "")]}"#.utf8)))
    let finish = Finish(
      type: one.type, at: try moment(one.at), receivedAt: try moment("03-05T10:00:00"), progress: progress,
      dueAt: try moment("03-11T00:00:00") + Int64(one.endMinute) * 60_000, reasonCode: nil, region: nil,
      clockRegion: nil, acknowledgeDays: one.days,
      wasAcknowledged: one.was)
    let measure = finish.acknowledgement(try Vectors.calendar.get())
    #expect(measure == one.expected)
    if let measure { #expect(Measure(name: measure.name) == measure) }
    #expect(Finish.types.contains(one.type))
  }
}
