internal import BrokerStore

/// CloudEvents 1.0 over HTTP in binary mode: the attributes are headers, the body is the event's data alone. The headers
/// of Standard Webhooks stay, the signature too, over the body as it is sent.
enum CloudEvents {
  /// Before the event's type, as the specification asks: who defines what it means.
  static let typePrefix = "cn.xiecha."

  /// - Parameters:
  ///   - id: the `webhook-id`: the same on every attempt, and unique within `source`.
  ///   - source: the URI of this broker.
  static func headers(_ event: CloudEvent, id: String, source: String) -> [String] {
    [
      "ce-specversion: 1.0", "ce-id: \(encoded(id))", "ce-source: \(encoded(source))",
      "ce-type: \(encoded(typePrefix + event.type))", "ce-time: \(encoded(event.time))",
      "ce-subject: \(encoded(event.subject))",
    ]
  }

  /// As the HTTP binding has it (3.1.3.2): UTF-8, with all that is not printable ASCII, the space, the double quote and
  /// the percent sign written as %XX.
  static func encoded(_ value: String) -> String {
    guard value.utf8.contains(where: mustEncode) else { return value }
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in value.utf8 {
      if mustEncode(byte) {
        out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      } else {
        out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func mustEncode(_ byte: UInt8) -> Bool {
    !(0x21...0x7E).contains(byte) || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "%")
  }
}
