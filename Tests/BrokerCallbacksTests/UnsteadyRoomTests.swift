import BrokerDomain
import BrokerStore
import TestSupport
import Testing

@testable import BrokerCallbacks

/// Endpoints that do not answer well share a part of the wire, and of it those that are asked for the first time have theirs.
@Suite(.timeLimit(.minutes(5))) struct UnsteadyRoomTests {
  enum Kind { case new, failing, slow, steady }

  private static func lane(_ kind: Kind, handed: Int, _ endpoint: Endpoint) -> Lane {
    var lane = Lane(
      endpoint: endpoint, now: Instant(milliseconds: 0), inFlight: 64, health: Health(BreakerOptions()))
    switch kind {
    case .new: break
    case .failing: lane.pace.hear(.silence)
    case .slow: lane.pace.hear(.slow)
    case .steady: lane.pace.hear(.prompt)
    }
    lane.handed = handed
    return lane
  }

  /// Of a wire for 256: 128 first ones, 64 of them of failing lanes, and 64 behind them.
  @Test(
    arguments: [
      ([], [.new: 65, .failing: 65, .slow: 65, .steady: Int.max]),
      // 16 that stall have a first one and seven more each, as far as there is room.
      ([(Kind.new, 5, 16)], [.new: 1, .failing: 1, .slow: 1]),
      ([(.slow, 32, 2)], [.new: 3]),
      ([(.failing, 1, 64)], [.new: 65, .slow: 65, .failing: 0]),
      ([(.failing, 1, 64), (.new, 1, 64)], [.new: 0, .failing: 0, .steady: Int.max]),
      ([(.steady, 64, 3)], [.new: 65, .failing: 65]),
    ] as [([(Kind, Int, Int)], [Kind: Int])])
  func shares(_ busy: [(kind: Kind, handed: Int, lanes: Int)], _ shares: [Kind: Int]) async throws {
    let office = try Office()
    let endpoint = try await office.endpoint("http://127.0.0.1:9/")
    let lanes = busy.flatMap { Array(repeating: Self.lane($0.kind, handed: $0.handed, endpoint), count: $0.lanes) }
    let room = UnsteadyRoom(wire: 256, lanes)
    for (kind, share) in shares {
      #expect(room.share(of: Self.lane(kind, handed: 0, endpoint)) == share, "\(kind)")
    }
    office.store.close()
  }

  /// However small the wire is, somebody new is asked.
  @Test(arguments: [1, 2, 3, 4, 8]) func aNarrowWire(_ wire: Int) async throws {
    let office = try Office()
    let endpoint = try await office.endpoint("http://127.0.0.1:9/")
    let room = UnsteadyRoom(wire: wire, [])
    for kind in [Kind.new, .failing, .slow] { #expect(room.share(of: Self.lane(kind, handed: 0, endpoint)) >= 1) }
    office.store.close()
  }

  /// Forty that take connections and never answer, each with more than it may have on the wire; then comes one that is well.
  @Test func manyThatStallKeepNoNewOneWaiting() async throws {
    let office = try Office()
    let stalled = try Sink { _ in .stall(seconds: 60) }
    for _ in 0..<40 { _ = try await office.endpoint(stalled.url, of: .responder) }
    try await office.submit(12)
    office.dispatcher.start()
    #expect(try await within(10) { stalled.receivedCount >= 100 }, "\(stalled.receivedCount)")
    let healthy = try Sink()
    _ = try await office.endpoint(healthy.url)
    try await office.submit(20)
    #expect(try await within(2) { healthy.receivedCount == 20 }, "\(healthy.receivedCount) of 20")
    await office.close()
  }
}
