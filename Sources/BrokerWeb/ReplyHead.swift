internal import HTTPTypes
internal import NIOCore

/// The head of an answer as it goes over the wire (RFC 9112): the status line and the fields, written in one go. The
/// names and values are checked where the fields are made (`HTTPField` takes no line ends).
struct ReplyHead {
  /// What most heads need.
  static let room = 512

  let reply: Reply
  /// The connection ends with it.
  let isLast: Bool

  init(_ reply: Reply, isLast: Bool) {
    self.reply = reply
    self.isLast = isLast
  }

  /// Neither carries content, and a length would speak of one (RFC 9110, 8.6).
  fileprivate var saysLength: Bool { reply.status.code >= 200 && reply.status.code != 204 && reply.status.code != 304 }
}

extension ByteBuffer {
  mutating func write(_ head: ReplyHead) {
    let reply = head.reply
    writeStaticString("HTTP/1.1 ")
    writeString(String(reply.status.code))
    writeStaticString(" ")
    writeString(reply.status.reasonPhrase)
    writeStaticString("\r\n")
    for field in reply.headers { write(field.name.rawName, field.value) }
    if head.saysLength { write("Content-Length", String(reply.body.count)) }
    if reply.isPrivate { writeStaticString("Cache-Control: no-store\r\n") }
    write("Date", HTTPDate.now)
    if head.isLast { writeStaticString("Connection: close\r\n") }
    writeStaticString("\r\n")
  }

  private mutating func write(_ name: String, _ value: String) {
    writeString(name)
    writeStaticString(": ")
    writeString(value)
    writeStaticString("\r\n")
  }
}
