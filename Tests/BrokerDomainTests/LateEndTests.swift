internal import BrokerDomain
internal import TestSupport
internal import Testing

/// Which events say that an organ was late, and how, with the due moment at the end of 9 March.
struct LateEndTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let type: EventType
    let at: String
    var progress = "{\"leg\":0}"
    var keepsClock = false
    let expected: LateEnd?
    var heldSince: String?
    var testDescription: String { "\(type) \(at) \(progress) \(keepsClock)" }
  }

  private static let due = "2026-03-10T00:00:00+08:00"
  private static let before = "2026-03-09T23:59:59.999+08:00"
  private static let after = "2026-03-12T10:00:00+08:00"

  private static func progress(_ members: String) throws -> String {
    // Milliseconds of the ninth, and of the eleventh of March.
    let (ninth, eleventh) = (try instant("2026-03-09T10:00:00+08:00"), try instant("2026-03-11T10:00:00+08:00"))
    return "{\"leg\":0,\(members)}".replacing("9TH", with: "\(ninth.milliseconds)")
      .replacing("11TH", with: "\(eleventh.milliseconds)")
  }

  private static let returned = #""return":{"reason":"不属于本机关职权","at":9TH}"#
  private static let lying = returned + #","runsOn":true"#
  private static let lyingLate = lying.replacing("9TH", with: "11TH")
  private static let moved =
    #""transfers":[{"from":"\#(Qidong.responder.code)","to":"\#(Qidong.stranger.code)","reason":"由其管辖","at":9TH}]"#
  private static let movedLate = moved.replacing("9TH", with: "11TH")
  private static let asked = #""supplement":{"text":"请补正","askedAt":9TH,"usedWorkingDays":1,"supplied":null}"#

  @Test(arguments: [
    Case(type: .answered, at: before, expected: nil), Case(type: .answered, at: due, expected: .answered),
    Case(type: .declined, at: before, expected: nil), Case(type: .declined, at: after, expected: .declined),
    Case(type: .returned, at: before, expected: nil), Case(type: .returned, at: after, expected: .returned),
    Case(type: .returned, at: before, keepsClock: true, expected: nil),
    Case(type: .returned, at: after, progress: lyingLate, keepsClock: true, expected: .returned),
    Case(type: .transferred, at: before, expected: nil), Case(type: .transferred, at: due, expected: .transferred),
    Case(type: .transferred, at: before, keepsClock: true, expected: nil),
    Case(type: .transferred, at: due, keepsClock: true, expected: .transferred),
    // A clock that is kept had run out when the next one received it, or had not.
    Case(
      type: .transferred, at: after, progress: moved, keepsClock: true, expected: .transferred, heldSince: "2026-03-09"),
    Case(type: .transferred, at: after, progress: movedLate, keepsClock: true, expected: nil, heldSince: "2026-03-11"),
    Case(type: .returned, at: after, progress: moved, keepsClock: true, expected: .returned, heldSince: "2026-03-09"),
    Case(type: .returned, at: after, progress: movedLate, keepsClock: true, expected: nil, heldSince: "2026-03-11"),
    // One that starts anew has run out with whoever has it.
    Case(type: .transferred, at: after, progress: movedLate, expected: .transferred, heldSince: "2026-03-11"),
    Case(type: .transferred, at: after, progress: returned, expected: nil),
    Case(type: .withdrawn, at: before, expected: nil), Case(type: .withdrawn, at: after, expected: .withdrawn),
    // The organ had asked for particulars in time, or had sent it back.
    Case(type: .withdrawn, at: after, progress: asked, expected: nil),
    Case(type: .withdrawn, at: after, progress: returned, expected: nil),
    // It ran on where it lay.
    Case(type: .withdrawn, at: after, progress: lying, keepsClock: true, expected: .letGo),
    Case(type: .closed, at: due, progress: lying, keepsClock: true, expected: .letGo),
    Case(type: .closed, at: before, progress: lying, keepsClock: true, expected: nil),
    Case(type: .transferred, at: before, progress: lying, keepsClock: true, expected: nil),
    Case(type: .transferred, at: due, progress: lying, keepsClock: true, expected: .letGo),
    Case(type: .transferred, at: after, progress: lyingLate, keepsClock: true, expected: nil),
    Case(type: .withdrawn, at: after, progress: lyingLate, keepsClock: true, expected: nil),
    Case(type: .closed, at: after, progress: lyingLate, keepsClock: true, expected: nil),
    Case(type: .closed, at: after, expected: nil),
    // Where receipt is all that is owed, it is late once.
    Case(type: .answered, at: after, progress: #""metAt":9TH"#, expected: nil),
    Case(type: .answered, at: after, progress: #""metAt":11TH"#, expected: .receiptReplied),
    Case(type: .declined, at: after, progress: #""metAt":11TH"#, expected: .receiptReplied),
    Case(type: .withdrawn, at: after, progress: #""metAt":11TH"#, expected: nil),
    Case(type: .transferred, at: after, progress: #""metAt":11TH"#, expected: nil),
    Case(type: .transferred, at: after, progress: #""metAt":11TH"#, keepsClock: true, expected: nil),
    // What binds the sender is nobody else's.
    Case(type: .answered, at: after, progress: #""binds":"sender","metAt":11TH"#, expected: nil),
    Case(type: .overdue, at: after, expected: nil), Case(type: .supplementAsked, at: after, expected: nil),
  ]) func lateness(_ one: Case) throws {
    let text = one.progress.hasPrefix("{") ? one.progress : try Self.progress(one.progress)
    let progress = try #require(Progress(encoded: Array(text.utf8)), "\(text)")
    let finish = Finish(
      type: one.type, at: try instant(one.at), receivedAt: try instant("2026-03-02T10:00:00+08:00"), progress: progress,
      dueAt: try instant(Self.due), reasonCode: "other", region: nil, clockRegion: nil, keepsClock: one.keepsClock)
    #expect(finish.lateEnd == one.expected)
    let heldSince = one.heldSince ?? (one.expected == .letGo ? "2026-03-09" : "2026-03-02")
    #expect(finish.heldSince.description == heldSince)
  }

  /// Acknowledged after the due moment, where that is what the clock waits for; elsewhere it is no end of it.
  @Test(arguments: [(true, LateEnd.receipt), (false, nil)] as [(Bool, LateEnd?)])
  func acknowledging(_ meets: Bool, _ expected: LateEnd?) throws {
    let at = try instant(Self.after)
    let progress = try #require(
      Progress(encoded: Array((meets ? "{\"leg\":0,\"metAt\":\(at.milliseconds)}" : "{\"leg\":0}").utf8)))
    let finish = Finish(
      type: .acknowledged, at: at, receivedAt: try instant("2026-03-02T10:00:00+08:00"), progress: progress,
      dueAt: try instant(Self.due), reasonCode: nil, region: nil, clockRegion: nil)
    #expect(finish.lateEnd == expected)
  }
}
