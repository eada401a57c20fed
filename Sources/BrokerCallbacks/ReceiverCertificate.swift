package import BrokerDomain
internal import CCurl

/// What a receiver's certificate says, as far as its owner wants to know when it runs out.
package struct ReceiverCertificate: Sendable, Equatable {
  package var subject: String?
  package var issuer: String?
  package var expiresAt: Instant?

  /// - Parameter lines: `name:value` each, as libcurl tells a certificate.
  init(lines: [String]) {
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { continue }
      switch parts[0] {
      case "Subject": subject = parts[1].printable
      case "Issuer": issuer = parts[1].printable
      case "Expire date": expiresAt = Self.moment(parts[1])
      default: break
      }
    }
  }

  /// Of the transfer that has just ended; nil when no certificate was seen.
  init?(_ easy: OpaquePointer) {
    var found: UnsafeMutablePointer<curl_certinfo>?
    guard ccurl_get_certificates(easy, &found) == CURLE_OK, let found, found.pointee.num_of_certs > 0,
      let chain = found.pointee.certinfo
    else { return nil }
    // The receiver's own comes first, then those that vouch for it.
    var lines: [String] = []
    var node = chain[0]
    while let line = node {
      if let text = line.pointee.data { lines.append(String(cString: text)) }
      node = line.pointee.next
    }
    self.init(lines: lines)
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// `Nov 20 10:00:00 2027 GMT`, as OpenSSL writes it, or `2027-11-20 10:00:00 GMT`, as the other libraries do.
  static func moment(_ text: String) -> Instant? {
    let words = text.split(separator: " ").map(String.init)
    if words.count == 3, words[2] == "GMT" { return Instant(rfc3339: "\(words[0])T\(words[1])Z") }
    guard words.count == 5, words[4] == "GMT", let month = months.firstIndex(of: words[0]), let day = Int(words[1])
    else { return nil }
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return Instant(rfc3339: "\(words[3])-\(two(month + 1))-\(two(day))T\(words[2])Z")
  }
}
