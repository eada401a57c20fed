internal import HTTPTypes
internal import NIOHTTP1

/// A request as it came over the wire.
struct Incoming: Sendable {
  let method: HTTPRequest.Method
  /// The target, percent-encoded as it came.
  let target: String
  let headers: CallHeaders
  /// Or older.
  let isHTTP11: Bool
  /// Nil of one that is longer than the limit, or than anybody's whose key is not known: it is not kept, and need not have
  /// arrived whole.
  let body: [UInt8]?
  /// Of its client.
  let presence: Presence
}

/// Who answers requests.
protocol Answering: Sendable {
  func answer(_ incoming: Incoming) async -> Reply
  /// To what is no HTTP.
  func answer(_ error: HTTPParserError) -> Reply
  /// Whether who sends this has shown a key. One that has not may send no long body before he is told so.
  func knows(_ headers: CallHeaders) -> Bool
  /// To a request that takes too long to arrive.
  /// - Parameter headers: nil when not even they have arrived.
  func tooSlow(_ headers: CallHeaders?) -> Reply
}
