/// One callback to be sent, complete: the sender adds only `Host`, `Content-Length`, `Accept` and
/// `User-Agent`.
package struct Push: Sendable {
  /// The caller's own number; comes back in the report, and means nothing here.
  package var token: UInt64
  package var url: String
  /// POST, unless said otherwise.
  package var method = "POST"
  /// `name: value` each, without line ends.
  package var headers: [String]
  package var body: [UInt8]
  /// Milliseconds for DNS, TCP and TLS together; less than 1 counts as 1.
  package var connectTimeoutMS: Int
  /// Milliseconds from the start to the last byte; less than 1 counts as 1.
  package var totalTimeoutMS: Int
  /// How much of the response body the report keeps; nothing beyond 64 KiB is received.
  package var keptBytes = 4 * 1024
  /// Those of one line wait one behind another, and the line has at most `atOnce` of them on the wire, as its last push
  /// says; nil for neither.
  package var line: Int64?
  package var atOnce = Int.max
  /// The endpoint's own authorities and client certificate; nil for those of the whole sender.
  package var identity: TLSIdentity?
  /// Whether to look at the receiver: over a connection of its own, so that every step is timed, and with the
  /// certificate that it shows.
  package var inspects = false

  package init(
    token: UInt64, url: String, headers: [String], body: [UInt8],
    connectTimeoutMS: Int = 5_000, totalTimeoutMS: Int = 15_000
  ) {
    self.token = token
    self.url = url
    self.headers = headers
    self.body = body
    self.connectTimeoutMS = connectTimeoutMS
    self.totalTimeoutMS = totalTimeoutMS
  }

  /// What would let a value smuggle a second header or request line in; nil when clean.
  var injection: String? {
    if Self.breaksLine(url) { return "the URL contains CR, LF or NUL" }
    if headers.contains(where: Self.breaksLine) { return "a header contains CR, LF or NUL" }
    return nil
  }

  private static func breaksLine(_ text: String) -> Bool {
    text.utf8.contains { $0 == 0x0d || $0 == 0x0a || $0 == 0 }
  }
}

/// How a push ended.
package enum PushOutcome: Sendable, Equatable {
  /// A final status line (200 or more) arrived. It counts whatever came after it: over HTTP/2 a
  /// server that answers 204 without reading the body resets the stream, and the answer stands.
  case status(Int)
  /// Every resolved address was refused by the ``NetworkPolicy``; nothing was sent. The first one.
  case forbiddenAddress(String)
  /// The URL is http://, to which callbacks may not go; nothing was sent.
  case plainHTTP
  /// No final status: libcurl's error code, and its words (timeout, reset, DNS, TLS, …).
  case failed(code: Int, String)
  /// It never left: one before it in its line failed, or its line was recalled. No attempt.
  case unsent

  var isSuccess: Bool {
    if case .status(let code) = self { (200..<300).contains(code) } else { false }
  }
}

/// Microseconds since the start of the push; 0 for a step that did not happen (a kept connection
/// needs no DNS, connect or TLS).
package struct PushTimings: Sendable, Equatable {
  package var dnsUS: Int64 = 0
  package var connectUS: Int64 = 0
  package var tlsUS: Int64 = 0
  package var firstByteUS: Int64 = 0
  package var totalUS: Int64 = 0

  package init() {}
}

/// What became of one push. Each submitted push is reported exactly once.
package struct PushReport: Sendable {
  package var token: UInt64
  package var outcome: PushOutcome
  /// Seconds from now that the receiver asked for (`Retry-After`, either form); nil when it did not
  /// ask, or asked for a moment already past.
  package var retryAfterSeconds: Int64?
  /// The peer's IP address; empty when there was no connection.
  package var remoteAddress: String
  package var timings: PushTimings
  /// The first bytes of the response body, `Push.keptBytes` at most.
  package var bodyStart: [UInt8]
  /// Of a failed one: what its words say, in Chinese.
  package var chinese: String?
  /// The receiver's own certificate, when it was asked for and the handshake came to an end.
  package var certificate: ReceiverCertificate?

  init(token: UInt64, outcome: PushOutcome) {
    self.token = token
    self.outcome = outcome
    self.retryAfterSeconds = nil
    self.remoteAddress = ""
    self.timings = PushTimings()
    self.bodyStart = []
  }
}
