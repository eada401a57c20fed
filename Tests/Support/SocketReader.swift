internal import Glibc

/// The first line and the header fields of an HTTP/1.1 message; names are lower-cased.
struct MessageHead: Sendable {
  var firstLine: String
  var fields: [(name: String, value: String)]

  func first(_ name: String) -> String? { fields.first { $0.name == name }?.value }

  /// Whether a comma-separated field such as `Connection` holds `token`, in any letter case.
  func has(_ token: String, in name: String) -> Bool {
    fields.contains { field in
      field.name == name
        && field.value.lowercased().split(separator: ",").contains { part in
          part.trimmed == token
        }
    }
  }
}

/// Reads HTTP messages off a stream socket, keeping what arrived beyond the current message.
struct SocketReader {
  let descriptor: Int32
  private var buffer: [UInt8] = []
  private var start = 0
  private var scratch = [UInt8](repeating: 0, count: 16_384)

  /// A head longer than this is `.tooLarge`.
  static let headLimit = 64 * 1_024

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  var buffered: Int { buffer.count - start }

  mutating func readHead(by deadline: Deadline? = nil) throws(SocketFault) -> MessageHead {
    var scanned = start
    while true {
      if let end = endOfHead(from: scanned) {
        let head = try SocketReader.parse(buffer[start..<end])
        start = end + 4
        return head
      }
      if buffered > SocketReader.headLimit { throw .tooLarge(limit: SocketReader.headLimit) }
      let seen = max(buffered - 3, 0)
      if try !fill(by: deadline) { throw .closed(midway: buffered > 0) }
      scanned = start + seen
    }
  }

  mutating func read(_ count: Int, by deadline: Deadline? = nil) throws(SocketFault) -> [UInt8] {
    while buffered < count {
      if try !fill(by: deadline) { throw .closed(midway: true) }
    }
    defer { start += count }
    return Array(buffer[start..<start + count])
  }

  /// A line without its CRLF.
  mutating func readLine(by deadline: Deadline? = nil) throws(SocketFault) -> String {
    while true {
      if let end = buffer[start...].firstIndex(of: 10) {
        let line = buffer[start..<end]
        start = end + 1
        return String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
      }
      if buffered > SocketReader.headLimit { throw .tooLarge(limit: SocketReader.headLimit) }
      if try !fill(by: deadline) { throw .closed(midway: true) }
    }
  }

  mutating func readToEnd(limit: Int, by deadline: Deadline) throws(SocketFault) -> [UInt8] {
    while try fill(by: deadline) {
      if buffered > limit { throw .tooLarge(limit: limit) }
    }
    defer { start = buffer.count }
    return Array(buffer[start...])
  }

  /// Takes what the socket has; false at the end of the stream.
  private mutating func fill(by deadline: Deadline?) throws(SocketFault) -> Bool {
    if start > 0 {
      buffer.removeFirst(start)
      start = 0
    }
    while true {
      if let deadline { try Socket.ready(descriptor, for: Int16(POLLIN), by: deadline) }
      let count = scratch.withUnsafeMutableBytes { raw in
        recv(descriptor, raw.baseAddress, raw.count, 0)
      }
      if count > 0 {
        buffer.append(contentsOf: scratch[..<count])
        return true
      }
      if count == 0 { return false }
      if errno != EINTR { throw .broken(errno: errno) }
    }
  }

  private func endOfHead(from first: Int) -> Int? {
    var index = first
    while index + 3 < buffer.count {
      if buffer[index] == 13, buffer[index + 1] == 10, buffer[index + 2] == 13,
        buffer[index + 3] == 10
      {
        return index
      }
      index += 1
    }
    return nil
  }

  private static func parse(_ bytes: ArraySlice<UInt8>) throws(SocketFault) -> MessageHead {
    var head = MessageHead(firstLine: "", fields: [])
    for (number, var line) in bytes.split(separator: 10).enumerated() {
      if line.last == 13 { line.removeLast() }
      if number == 0 {
        head.firstLine = String(decoding: line, as: UTF8.self)
      } else if let colon = line.firstIndex(of: 58), colon > line.startIndex {
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        head.fields.append((name, String(decoding: line[(colon + 1)...], as: UTF8.self).trimmed))
      } else {
        throw .malformed("header line without a name: \(String(decoding: line, as: UTF8.self))")
      }
    }
    return head
  }
}

extension StringProtocol {
  /// Without spaces and tabs at either end.
  var trimmed: String {
    let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    guard let first = firstIndex(where: { !blank($0) }),
      let last = lastIndex(where: { !blank($0) })
    else { return "" }
    return String(self[first...last])
  }
}
