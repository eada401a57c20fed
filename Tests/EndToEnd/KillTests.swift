internal import Foundation
internal import Synchronization
internal import TestSupport
internal import Testing

extension EndToEnd {
  /// The power goes, again and again, in the middle of work.
  @Suite struct Kill {
    static let kills =
      ProcessInfo.processInfo.environment["XIECHA_KILLS"].flatMap { Int($0) } ?? 50
    static let clients = 5

    @Test func nothingAcknowledgedIsEverLost() throws {
      let state = try StateDirectory(config: [
        "callbacks.retry.stepsSeconds": "[1]", "callbacks.retry.jitterPercent": "0",
      ])
      let receivers = [Careful(), Careful()]
      let sinks = try receivers.map { receiver in try Sink { receiver.take($0) } }
      let running = Mutex(try Daemon(state: state))
      let load = Load(running.withLock { $0 })
      for (sink, organ) in zip(sinks, [Qidong.requester, .responder]) {
        _ = try running.withLock { try $0.client(organ).createEndpoint(sink.url) }
      }
      try onThreads(1 + Self.clients, within: 200) { index in
        if index > 0 { return try load.run(pauseMS: 5...25) }
        defer { load.stop() }
        for _ in 0..<Self.kills {
          // Also while it is still recovering from the kill before.
          pause(milliseconds: .random(in: 0...700))
          running.withLock { $0.kill9() }
          load.move(to: nil)
          let next = try Daemon(state: state)
          running.withLock { $0 = next }
          load.move(to: next.port)
        }
      }
      let daemon = running.withLock { $0 }
      let record = try Record(of: try daemon.client(.requester))
      let ledger = load.ledger
      let broken = record.expectKept(ledger)
      try eventually("every event at both sinks", within: 60) {
        pause(milliseconds: 200)
        let ids = Set(record.events.values.joined().map(\.id))
        return sinks.allSatisfy { Set($0.received.map(\.webhookID)).isSuperset(of: ids) }
      }
      try eventually("an empty outbox", within: 30) {
        pause(milliseconds: 200)
        let metrics = try daemon.client().call("GET", "/metrics").text
        return metrics.contains("xiecha_queue_depth{queue=\"outbox\"} 0\n")
      }
      #expect(try daemon.terminate() == 0)
      let repetitions = sinks.map { record.expectArrived($0.received) }.reduce(0, +)
      let early = receivers.flatMap(\.early)
      #expect(early.isEmpty, "\(early.count) came before their turn: \(early.prefix(5))")
      #expect(sinks.flatMap(\.faults).allSatisfy { $0 == "closed in the middle of a request" })
      try state.expectVerified()
      let arrivals = sinks.map(\.receivedCount).reduce(0, +)
      print(
        "kill -9: \(Self.kills) kills, \(ledger.promises.count) × 201, \(record.eventCount) events, "
          + "\(arrivals) callbacks of which \(repetitions) duplicates, \(ledger.replays) lost replies "
          + "repeated under their key, \(ledger.unknown.count) unknown without one, \(broken) promises broken, "
          + "\(early.count) out of order")
    }
  }
}

/// A receiver that fails and dawdles now and then, so that kills also meet retries and open pushes,
/// and that notices a message which comes before the one it follows has been taken.
private final class Careful: Sendable {
  private struct State {
    /// Request → the last version that was taken.
    var taken: [String: Int] = [:]
    var early: [String] = []
  }

  private let state = Mutex(State())

  var early: [String] { state.withLock { $0.early } }

  func take(_ push: ReceivedPush) -> SinkReply {
    let (request, version) = (push.request, push.json["data"]["version"].int ?? 0)
    return state.withLock { state in
      let last = state.taken[request] ?? 0
      if version > last + 1 { state.early.append("\(request) \(version) after \(last)") }
      if push.order % 11 == 10 { return .status(500) }
      state.taken[request] = max(last, version)
      return push.order % 5 == 0 ? .delay(ms: 20, .status(204)) : .status(204)
    }
  }
}
