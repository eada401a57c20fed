internal import Glibc

/// One accepted connection: reads requests, and answers each as the behaviour says.
struct SinkConnection: Sendable {
  let core: SinkCore
  let descriptor: Int32
  let number: Int

  /// A longer request body is answered 413.
  static let bodyLimit = 64 * 1_024 * 1_024

  private enum After { case keep, close }

  /// Returns when the connection is to be closed.
  func serve() {
    var reader = SocketReader(descriptor)
    while true {
      do throws(SocketFault) {
        let (push, isLast) = try readRequest(&reader)
        let behaviour = core.manners.withLock { $0.behaviour }
        let after = try perform(behaviour(push), for: push)
        if isLast || after == .close { return }
      } catch {
        explain(error)
        return
      }
    }
  }

  private func readRequest(_ reader: inout SocketReader)
    throws(SocketFault) -> (push: ReceivedPush, isLast: Bool)
  {
    let head = try reader.readHead()
    let words = head.firstLine.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
      throw .malformed("request line: \(head.firstLine)")
    }
    if let coding = head.first("transfer-encoding") {
      throw .malformed("request with transfer-encoding \(coding)")
    }
    var length = 0
    if let text = head.first("content-length") {
      guard let value = Int(text), value >= 0 else {
        throw .malformed("content-length: \(text)")
      }
      length = value
    }
    if length > SinkConnection.bodyLimit { throw .tooLarge(limit: SinkConnection.bodyLimit) }
    if length > 0, head.has("100-continue", in: "expect") {
      try Socket.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8), to: descriptor)
    }
    let body = try reader.read(length)
    let push = core.record(
      head, body: body, method: String(words[0]), path: String(words[1]), connection: number)
    return (push, words[2] == "HTTP/1.0" || head.has("close", in: "connection"))
  }

  private func explain(_ fault: SocketFault) {
    let status: Int
    switch fault {
    case .malformed(let what):
      core.record(fault: what)
      status = 400
    case .tooLarge(let limit):
      core.record(fault: "more than \(limit) bytes")
      status = 413
    case .closed(midway: true):
      core.record(fault: "closed in the middle of a request")
      return
    case .closed, .broken, .timedOut, .noSocket:
      return
    }
    // The connection ends either way; whether this reaches the peer is the peer's affair.
    try? answer(status, headers: [("Connection", "close")])
  }

  private func perform(_ reply: SinkReply, for push: ReceivedPush) throws(SocketFault) -> After {
    switch reply {
    case .status(let code, let headers, let body):
      try answer(code, headers: headers, body: body, withBody: push.method != "HEAD")
      let closes = headers.contains {
        $0.lowercased() == "connection" && $1.lowercased() == "close"
      }
      return closes ? .close : .keep
    case .redirect(let target, let status):
      try answer(status, headers: [("Location", target)])
      return .keep
    case .delay(let milliseconds, let next):
      guard core.pause(seconds: Double(milliseconds) / 1_000, watching: descriptor) else {
        return .close
      }
      return try perform(next, for: push)
    case .huge(let status, let bytes):
      try huge(status, bytes: bytes)
      return .keep
    case .drip(let status, let milliseconds, let bytes):
      try Socket.send(head(status, length: bytes), to: descriptor)
      return try drip(.init(repeating: 0x2E, count: bytes), everyMS: milliseconds)
    case .dripHeader(let milliseconds):
      return try drip(head(200, length: 0), everyMS: milliseconds)
    case .lieShort:
      try Socket.send(head(200, length: 2) + Array(0x61...0x7A), to: descriptor)
      return .keep
    case .raw(let bytes):
      try Socket.send(bytes, to: descriptor)
      return .keep
    case .lieLong:
      try Socket.send(head(200, length: 100) + Array("short".utf8), to: descriptor)
    case .garbage:
      try Socket.send(
        Array("\u{1}\u{2}SSH-2.0-not-http\r\n\r\nnothing to see\n".utf8), to: descriptor)
    case .stall(let seconds):
      _ = core.pause(seconds: seconds, watching: descriptor)
    case .reset:
      Socket.resetOnClose(descriptor)
    case .closeWithoutReply:
      break
    }
    return .close
  }

  private func answer(
    _ status: Int, headers: [(String, String)] = [], body: [UInt8] = [], withBody: Bool = true
  ) throws(SocketFault) {
    let length: Int? = status == 204 || status == 304 || status < 200 ? nil : body.count
    let start = head(status, headers: headers, length: length)
    try Socket.send(length != nil && withBody ? start + body : start, to: descriptor)
  }

  private func head(_ status: Int, headers: [(String, String)] = [], length: Int?) -> [UInt8] {
    var text = "HTTP/1.1 \(status) \(status < 400 ? "OK" : "No")\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let length { text += "Content-Length: \(length)\r\n" }
    return Array((text + "\r\n").utf8)
  }

  private func huge(_ status: Int, bytes: Int) throws(SocketFault) {
    try Socket.send(head(status, length: bytes), to: descriptor)
    var left = bytes
    while left > 0 {
      let count = min(left, 65_536)
      try Socket.send(.init(repeating: 0x78, count: count), to: descriptor)
      left -= count
    }
  }

  private func drip(_ bytes: [UInt8], everyMS: Int) throws(SocketFault) -> After {
    for byte in bytes {
      guard core.pause(seconds: Double(everyMS) / 1_000, watching: descriptor) else {
        return .close
      }
      try Socket.send([byte], to: descriptor)
    }
    return .keep
  }
}
