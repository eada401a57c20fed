internal import BrokerDomain
internal import Foundation

/// Ready-made HTTP/1.1 requests for the generator, each behind its length as four bytes (little-endian).
struct LoadFile {
  private var data = Data()

  mutating func add(_ method: String, _ path: String, key: String, headers: String = "", body: String = "") {
    let content =
      method == "GET" ? "" : "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
    let request = """
      \(method) \(path) HTTP/1.1\r
      Host: 127.0.0.1\r
      Authorization: Bearer \(key)\r
      \(headers)\(content)\r
      \(body)
      """
    let count = UInt32(request.utf8.count)
    for shift in [0, 8, 16, 24] { data.append(UInt8(truncatingIfNeeded: count >> UInt32(shift))) }
    data.append(contentsOf: request.utf8)
  }

  func write(to file: String) throws {
    guard FileManager.default.createFile(atPath: file, contents: data) else { throw BenchError("cannot write \(file)") }
  }
}
