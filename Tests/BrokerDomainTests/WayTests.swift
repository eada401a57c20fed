import Testing

@testable import BrokerDomain

/// The progress of a request is a value like its other members, although it is kept apart.
@Suite struct WayTests {
  private struct Whim: Error {}

  private static func fail(_ progress: inout Progress) throws {
    progress.leg += 10
    throw Whim()
  }

  @Test func copiesAreTheirOwn() {
    var way = Way(nil)
    #expect(way.progress == .none && way == Way(Progress.none))
    var copy = way
    copy.progress.leg = 1
    #expect(way.progress.leg == 0 && copy.progress.leg == 1 && way != copy)
    way = copy
    copy.progress.runsOn = true
    #expect(!way.progress.runsOn && way.progress.leg == 1 && copy.progress.leg == 1)
    copy.progress.runsOn = false
    #expect(way == copy, "the same words, whosever they are")
    copy.progress = Progress.none
    #expect(copy == Way(nil) && way.progress.leg == 1)
  }

  /// As of a stored property: what was changed before it failed stays.
  @Test func aChangeThatFailsHalfway() {
    var way = Way(nil)
    #expect(throws: Whim.self) { try Self.fail(&way.progress) }
    #expect(way.progress.leg == 10)
  }
}
