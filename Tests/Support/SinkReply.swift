/// One request as the sink read it, complete with its body.
package struct ReceivedPush: Sendable {
  /// Position in `Sink.received`: 0 for the first to arrive.
  package let order: Int
  /// Which connection carried it: 1 for the first accepted.
  package let connection: Int
  package let method: String
  /// The request target as sent, query included.
  package let path: String
  /// Lower-cased names; every value in the order sent.
  package let headers: [String: [String]]
  package let body: [UInt8]
  /// When its last byte had been read; monotonic.
  package let at: ContinuousClock.Instant

  /// The first value of a header; `name` in any letter case.
  package func header(_ name: String) -> String? { headers[name.lowercased()]?.first }

  package var text: String { String(decoding: body, as: UTF8.self) }
}

/// What the sink does with a request it has read. Every misbehaviour a callback endpoint has been
/// seen to show, so that the dispatcher can be held to its limits.
package indirect enum SinkReply: Sendable {
  /// An orderly answer; `Content-Length` is added. The connection stays open unless the headers
  /// say `Connection: close`.
  case status(Int, headers: [(String, String)] = [], body: [UInt8] = [])
  /// Says nothing for so long, then closes.
  case stall(seconds: Double)
  /// RST.
  case reset
  /// FIN without a byte.
  case closeWithoutReply
  /// The head at once, then a body of `bytes` bytes, one every `everyMS` milliseconds.
  case drip(status: Int, everyMS: Int, bytes: Int)
  /// The head of a 200 without body, one byte every `everyMS` milliseconds.
  case dripHeader(everyMS: Int)
  /// A body of `bytes` bytes, as fast as the other side reads.
  case huge(status: Int, bytes: Int)
  /// A 200 that promises 100 bytes, sends 5 and closes.
  case lieLong
  /// A 200 that promises 2 bytes and sends 26; the connection stays open.
  case lieShort
  /// Bytes that are not HTTP, then closes.
  case garbage
  /// Exactly these bytes; the connection stays open. For what the other cases cannot say.
  case raw([UInt8])
  case redirect(to: String, status: Int = 307)
  /// So many milliseconds of silence, then another reply.
  case delay(ms: Int, SinkReply)
}
