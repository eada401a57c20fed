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
  private static let asked = #""supplement":{"text":"请补正","askedAt":9TH,"usedWorkingDays":1,"supplied":null}"#

  @Test(arguments: [
    Case(type: .answered, at: before, expected: nil), Case(type: .answered, at: due, expected: .answered),
    Case(type: .declined, at: before, expected: nil), Case(type: .declined, at: after, expected: .declined),
    Case(type: .returned, at: before, expected: nil), Case(type: .returned, at: after, expected: .returned),
    Case(type: .returned, at: after, keepsClock: true, expected: nil),
    Case(type: .transferred, at: before, expected: nil), Case(type: .transferred, at: due, expected: .transferred),
    Case(type: .transferred, at: after, keepsClock: true, expected: nil),
    Case(type: .transferred, at: after, progress: returned, expected: nil),
    Case(type: .withdrawn, at: before, expected: nil), Case(type: .withdrawn, at: after, expected: .withdrawn),
    // The organ had asked for particulars in time, or had sent it back.
    Case(type: .withdrawn, at: after, progress: asked, expected: nil),
    Case(type: .withdrawn, at: after, progress: returned, expected: nil),
    // It ran on where it lay.
    Case(type: .withdrawn, at: after, progress: returned + #","runsOn":true"#, keepsClock: true, expected: .letGo),
    Case(type: .closed, at: due, progress: returned + #","runsOn":true"#, keepsClock: true, expected: .letGo),
    Case(type: .closed, at: before, progress: returned + #","runsOn":true"#, keepsClock: true, expected: nil),
    Case(type: .closed, at: after, expected: nil),
    // Where receipt is all that is owed, it is late once.
    Case(type: .answered, at: after, progress: #""metAt":9TH"#, expected: nil),
    Case(type: .answered, at: after, progress: #""metAt":11TH"#, expected: .receiptReplied),
    Case(type: .declined, at: after, progress: #""metAt":11TH"#, expected: .receiptReplied),
    Case(type: .withdrawn, at: after, progress: #""metAt":11TH"#, expected: nil),
    Case(type: .transferred, at: after, progress: #""metAt":11TH"#, expected: nil),
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
    #expect(finish.heldSince.description == (one.expected == .letGo ? "2026-03-09" : "2026-03-02"))
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
