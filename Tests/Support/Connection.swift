internal import Glibc

/// The client's side of one TCP connection; closed when released.
final class Connection {
  private var reader: SocketReader

  init(to address: String, port: Int, by deadline: Deadline) throws(ClientFault) {
    do throws(SocketFault) {
      reader = SocketReader(try Socket.connect(to: address, port: port, by: deadline))
    } catch {
      throw .notConnected("\(address):\(port): \(Connection.describe(error))")
    }
  }

  deinit { Glibc.close(reader.descriptor) }

  /// Open and silent, as a kept-alive connection should be: bytes that nobody asked for are as bad
  /// as the end of the stream.
  var isIdle: Bool {
    var entry = pollfd(fd: reader.descriptor, events: Int16(POLLIN), revents: 0)
    return reader.buffered == 0 && poll(&entry, 1, 0) == 0
  }

  /// - Returns: the reply, and whether the connection may carry another request.
  func exchange(_ message: [UInt8], isHead: Bool, by deadline: Deadline)
    throws(ClientFault) -> (Reply, reusable: Bool)
  {
    do throws(SocketFault) {
      var sendFault: SocketFault?
      do throws(SocketFault) {
        try Socket.send(message, to: reader.descriptor, by: deadline)
      } catch {
        // A server may refuse a body (413) and close before it has read it all: its answer counts.
        if error == .timedOut { throw error }
        sendFault = error
      }
      do throws(SocketFault) {
        return try readReply(isHead: isHead, mayReuse: sendFault == nil, by: deadline)
      } catch {
        throw sendFault ?? error
      }
    } catch {
      switch error {
      case .timedOut: throw .timedOut
      case .malformed, .tooLarge: throw .badReply(Connection.describe(error))
      case .closed, .broken, .noSocket: throw .brokenAfterSend(Connection.describe(error))
      }
    }
  }

  private func readReply(isHead: Bool, mayReuse: Bool, by deadline: Deadline)
    throws(SocketFault) -> (Reply, reusable: Bool)
  {
    var (head, status) = try readHead(by: deadline)
    // 1xx announce the reply proper.
    while (100..<200).contains(status) { (head, status) = try readHead(by: deadline) }
    var reusable = mayReuse && !head.has("close", in: "connection")
    var body: [UInt8] = []
    if isHead || status == 204 || status == 304 {
      // No body, whatever the headers say.
    } else if head.has("chunked", in: "transfer-encoding") {
      body = try readChunks(by: deadline)
    } else if let text = head.first("content-length") {
      guard let length = Int(text), length >= 0 else {
        throw .malformed("content-length: \(text)")
      }
      if length > Client.bodyLimit { throw .tooLarge(limit: Client.bodyLimit) }
      body = try reader.read(length, by: deadline)
    } else {
      body = try reader.readToEnd(limit: Client.bodyLimit, by: deadline)
      reusable = false
    }
    var headers: [String: String] = [:]
    for (name, value) in head.fields {
      headers[name] = headers[name].map { "\($0), \(value)" } ?? value
    }
    return (Reply(status: status, headers: headers, body: body), reusable)
  }

  private func readHead(by deadline: Deadline) throws(SocketFault) -> (MessageHead, Int) {
    let head = try reader.readHead(by: deadline)
    let words = head.firstLine.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0] == "HTTP/1.1", words[1].count == 3,
      let status = Int(words[1])
    else { throw .malformed("status line: \(head.firstLine)") }
    return (head, status)
  }

  private func readChunks(by deadline: Deadline) throws(SocketFault) -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let line = try reader.readLine(by: deadline)
      let size = line.prefix { $0 != ";" }.trimmed
      guard let count = Int(size, radix: 16), count >= 0 else {
        throw .malformed("chunk size: \(line)")
      }
      if body.count + count > Client.bodyLimit { throw .tooLarge(limit: Client.bodyLimit) }
      if count == 0 { break }
      body += try reader.read(count, by: deadline)
      if try reader.readLine(by: deadline) != "" { throw .malformed("chunk longer than said") }
    }
    while try reader.readLine(by: deadline) != "" {}
    return body
  }

  private static func describe(_ fault: SocketFault) -> String {
    switch fault {
    case .closed(let midway):
      midway ? "closed in the middle of the reply" : "closed without a reply"
    case .timedOut: "timed out"
    case .broken(let code): Socket.describe(code)
    case .malformed(let what), .noSocket(let what): what
    case .tooLarge(let limit): "more than \(limit) bytes"
    }
  }
}
