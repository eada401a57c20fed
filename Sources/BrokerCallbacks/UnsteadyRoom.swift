/// What of the wire is left for endpoints that do not answer well and promptly: new ones, of which nothing is known, slow
/// ones, and those that fail. A message of theirs may be gone for the whole timeout.
///
/// The first message of each is what finds out how it fares, so there is more room for first ones than for those behind
/// them: however many a few of them would send, one that is asked for the first time is not kept waiting for theirs. Those
/// that failed the last time may take half of that room, so that they keep nobody waiting of whom that is not known. The
/// rest of the wire always turns over.
struct UnsteadyRoom {
  private var first: Int
  private var firstOfFailing: Int
  private var more: Int

  /// - Parameter wire: messages that may be on it, over all endpoints.
  init(wire: Int, _ lanes: some Sequence<Lane>) {
    first = max(1, wire / 2)
    firstOfFailing = max(1, wire / 4)
    more = wire / 4
    for lane in lanes where !lane.pace.isSteady && lane.handed > 0 { take(lane.handed, of: lane, after: 0) }
  }

  /// How many more a lane may have.
  func share(of lane: Lane) -> Int {
    if lane.pace.isSteady { return .max }
    guard lane.handed == 0 else { return max(0, more) }
    guard first > 0, !lane.pace.isFailing || firstOfFailing > 0 else { return 0 }
    return 1 + max(0, more)
  }

  /// - Parameter before: what it had on the wire.
  mutating func take(_ count: Int, of lane: Lane, after before: Int) {
    guard count > 0, !lane.pace.isSteady else { return }
    more -= count
    guard before == 0 else { return }
    more += 1
    first -= 1
    if lane.pace.isFailing { firstOfFailing -= 1 }
  }
}
