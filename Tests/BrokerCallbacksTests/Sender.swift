import Testing

@testable import BrokerCallbacks

/// A `CurlMulti` whose reports can be awaited.
final class Sender: Sendable {
  let curl: CurlMulti
  private let batches: AsyncStream<[PushReport]>

  init(
    allowed: [String] = ["127.0.0.0/8"], caBundle: String? = nil, maxConnections: Int = 8
  ) throws {
    let (batches, continuation) = AsyncStream.makeStream(of: [PushReport].self)
    self.batches = batches
    curl = CurlMulti(
      policy: NetworkPolicy(allowed: try allowed.map { try CIDR($0) }), caBundle: caBundle,
      maxConnections: maxConnections
    ) { continuation.yield($0) }
  }

  deinit { curl.stop() }

  /// The next `count` reports, ordered by token; more than were asked for is a failure.
  func reports(_ count: Int) async -> [PushReport] {
    var reports: [PushReport] = []
    for await batch in batches {
      #expect(!batch.isEmpty)
      reports += batch
      if reports.count >= count { break }
    }
    #expect(reports.count == count)
    return reports.sorted { $0.token < $1.token }
  }

  func send(_ push: Push) async throws -> PushReport {
    curl.submit([push])
    return try #require(await reports(1).first)
  }

  func send(_ url: String, body: String = "{}", totalTimeoutMS: Int = 10_000) async throws
    -> PushReport
  {
    try await send(.to(url, body: Array(body.utf8), totalTimeoutMS: totalTimeoutMS))
  }
}

extension Push {
  static func to(
    _ url: String, token: UInt64 = 1, headers: [String] = ["content-type: application/json"],
    body: [UInt8] = [0x7b, 0x7d], totalTimeoutMS: Int = 10_000
  ) -> Push {
    Push(
      token: token, url: url, headers: headers, body: body, connectTimeoutMS: 2_000,
      totalTimeoutMS: totalTimeoutMS)
  }
}

extension PushOutcome {
  /// libcurl's error code; nil when it did not fail.
  var failure: Int? {
    if case .failed(let code, _) = self { code } else { nil }
  }
}
