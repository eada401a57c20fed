internal import BrokerDomain

/// What `If-Match` or `If-None-Match` lists (RFC 9110, 13.1). The entity-tag of a request is its version; a tag that is
/// none of ours matches nothing.
struct EntityTags: Sendable, Equatable {
  /// `*`, which whatever there is matches.
  let isAny: Bool
  /// Versions to be compared strongly; a tag marked as weak never matches so.
  let strong: [Int]
  let weak: [Int]

  init(_ header: String) {
    let text = header.trimmingSpaces()
    isAny = text == "*"
    if let version = Self.version(text) {
      // No entity-tag without its quotes, but there is no mistaking what is meant.
      (strong, weak) = ([version], [])
    } else {
      let members = Self.members(Array(text.utf8)) ?? []
      strong = members.compactMap { $0.isWeak ? nil : Self.version($0.opaque) }
      weak = members.compactMap { $0.isWeak ? Self.version($0.opaque) : nil }
    }
  }

  /// By weak comparison.
  func match(_ version: Int) -> Bool { isAny || strong.contains(version) || weak.contains(version) }

  /// As we write them: "01" is another tag than "1".
  private static func version(_ text: String) -> Int? {
    Int(text).flatMap { String($0) == text ? $0 : nil }
  }

  /// Nil when it is no list of entity-tags.
  private static func members(_ bytes: [UInt8]) -> [(opaque: String, isWeak: Bool)]? {
    var members: [(String, Bool)] = []
    var at = 0
    var isSeparated = true
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"): at += 1
      case UInt8(ascii: ","):
        isSeparated = true
        at += 1
      default:
        let isWeak = bytes[at...].starts(with: "W/".utf8)
        let start = at + (isWeak ? 3 : 1)
        guard isSeparated, start <= bytes.count, bytes[start - 1] == UInt8(ascii: "\""),
          let end = bytes[start...].firstIndex(of: UInt8(ascii: "\""))
        else { return nil }
        members.append((String(decoding: bytes[start..<end], as: UTF8.self), isWeak))
        isSeparated = false
        at = end + 1
      }
    }
    return members
  }
}
