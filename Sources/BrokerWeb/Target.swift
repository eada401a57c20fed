internal import HummingbirdCore

/// Where a request goes, in the one spelling that everything is known by: empty segments are left out, and what is
/// percent-encoded without need is not (RFC 3986, 6.2.2.2). An encoded slash stays one of its segment.
struct Target {
  let path: String
  let query: [(name: String, value: String)]

  /// - Parameter target: as it came.
  init(_ target: String) {
    let isPlain = target.utf8.first == UInt8(ascii: "/") && !target.utf8.contains(UInt8(ascii: "?"))
    if isPlain {
      (path, query) = (Self.canonical(target), [])
    } else {
      let uri = URI(target)
      path = Self.canonical(uri.path)
      // Between two `&`, and before the first, there may be nothing.
      query = uri.queryParameters.filter { !$0.key.isEmpty || !$0.value.isEmpty }
        .map { (Self.decoded($0.key), String($0.value)) }
    }
  }

  private static let slash = UInt8(ascii: "/")

  private static func canonical(_ path: String) -> String {
    let segments = path.utf8.split(separator: slash)
    // Nearly every path is spelled so already: a slash before each segment, and nothing else.
    let length = segments.reduce(segments.count) { $0 + $1.count }
    if length == path.utf8.count, !path.utf8.contains(UInt8(ascii: "%")) { return path }
    return "/" + segments.map { decoded(Substring($0)) }.joined(separator: "/")
  }

  /// With letters, digits and `-._~` as themselves.
  private static func decoded(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    let bytes = Array(text.utf8)
    var (out, at): ([UInt8], Int) = ([], 0)
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.count, let byte = octet(bytes[at + 1], bytes[at + 2]),
        isUnreserved(byte)
      {
        out.append(byte)
        at += 3
      } else {
        out.append(bytes[at])
        at += 1
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func octet(_ high: UInt8, _ low: UInt8) -> UInt8? {
    guard let high = Character(Unicode.Scalar(high)).hexDigitValue,
      let low = Character(Unicode.Scalar(low)).hexDigitValue
    else { return nil }
    return UInt8(high << 4 | low)
  }

  static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122, 45, 46, 95, 126: true
    default: false
    }
  }
}
