internal import Glibc

/// Why there is no reply.
package enum ClientFault: Error, Sendable, Equatable {
  /// Nothing was sent: the server is not there.
  case notConnected(String)
  /// The connection ended after sending had begun: the server may or may not have acted.
  case brokenAfterSend(String)
  /// No complete reply in time; the server may or may not have acted.
  case timedOut
  /// The reply is not HTTP/1.1, or more than the client takes.
  case badReply(String)
}

package struct Reply: Sendable {
  package let status: Int
  /// Lower-cased names; the values of a repeated header are joined by ", ".
  package let headers: [String: String]
  package let body: [UInt8]

  package var text: String { String(decoding: body, as: UTF8.self) }
  package var json: JSONBody { JSONBody(parsing: body) }
}

/// A blocking HTTP/1.1 client over one kept-alive connection to a server on loopback.
///
/// Calls from several threads take turns; for calls at once give each thread a client.
package final class Client: Sendable {
  package let port: Int
  package let key: String?
  private let address: String
  private let connection = Monitor<Connection?>(nil)

  /// A longer reply body is `.badReply`.
  static let bodyLimit = 64 * 1_024 * 1_024

  /// - Parameter key: sent as `Authorization: Bearer` unless a call's headers say otherwise.
  package init(port: Int, key: String? = nil, address: String = "127.0.0.1") {
    self.port = port
    self.key = key
    self.address = address
  }

  /// One request and its reply. A kept-alive connection found closed is replaced; a request of which
  /// a byte may have been sent is never repeated.
  /// - Parameters:
  ///   - path: the request target, percent-encoded.
  ///   - json: sent as UTF-8; `body` is sent as it is. Either with `Content-Type: application/json`
  ///     unless `headers` name another.
  ///   - timeout: seconds for the whole call.
  @discardableResult
  package func call(
    _ method: String, _ path: String, json: String? = nil, body: [UInt8]? = nil,
    headers: [String: String] = [:], timeout: Double = 30
  ) throws(ClientFault) -> Reply {
    let deadline = Deadline(in: timeout)
    let message = request(method, path, body: json.map { Array($0.utf8) } ?? body, headers)
    return try connection.withLock { connection throws(ClientFault) in
      if connection?.isIdle != true { connection = nil }
      let current: Connection
      if let connection {
        current = connection
      } else {
        current = try Connection(to: address, port: port, by: deadline)
      }
      // Kept only after a complete reply that allows it.
      connection = nil
      let (reply, reusable) = try current.exchange(
        message, isHead: method == "HEAD", by: deadline)
      if reusable { connection = current }
      return reply
    }
  }

  /// Closes the connection; the next call opens another.
  package func close() { connection.withLock { $0 = nil } }

  private func request(
    _ method: String, _ path: String, body: [UInt8]?, _ headers: [String: String]
  ) -> [UInt8] {
    let named = Set(headers.keys.map { $0.lowercased() })
    var text = "\(method) \(path) HTTP/1.1\r\n"
    if !named.contains("host") { text += "Host: \(address):\(port)\r\n" }
    if let key, !named.contains("authorization") { text += "Authorization: Bearer \(key)\r\n" }
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) { text += "\(name): \(value)\r\n" }
    if let body {
      if !named.contains("content-type") { text += "Content-Type: application/json\r\n" }
      if !named.contains("content-length") { text += "Content-Length: \(body.count)\r\n" }
    } else if method != "GET" && method != "HEAD" && !named.contains("content-length") {
      text += "Content-Length: 0\r\n"
    }
    return Array((text + "\r\n").utf8) + (body ?? [])
  }
}
