internal import Glibc
internal import Synchronization

/// The `Date` of answers (RFC 9110, 5.6.7): real time, also in rehearsal; made once a second.
enum HTTPDate {
  private static let made = Mutex((second: -1, text: ""))

  static var now: String {
    let second = time(nil)
    return made.withLock { made in
      if made.second != second { made = (second, text(second)) }
      return made.text
    }
  }

  /// - Parameter second: of the Unix epoch.
  static func text(_ second: Int) -> String {
    var (second, parts) = (second, tm())
    gmtime_r(&second, &parts)
    // Names of days and months are English in the C locale, which nobody here changes.
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      let count = strftime(buffer.baseAddress, buffer.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
      return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}
