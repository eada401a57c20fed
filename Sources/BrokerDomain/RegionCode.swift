/// A region 行政区划 (GB/T 2260), six digits: province, prefecture, county, two each.
package struct RegionCode: Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init?(_ text: some StringProtocol) {
    let b = Array(text.utf8)
    guard b.count == 6, digits(b, 0, 6) != nil, b[0] != 48 else { return nil }
    description = String(text)
  }

  /// The prefixes under which an overlay may stand, most specific first: county, prefecture, province.
  package var lineage: [String] {
    [String(description.prefix(6)), String(description.prefix(4)), String(description.prefix(2))]
  }

  /// A region that ends in zeros covers everything below it: 320600 covers 320681, 320000 both.
  package func covers(_ other: RegionCode) -> Bool {
    if description.hasSuffix("0000") { return other.description.hasPrefix(description.prefix(2)) }
    if description.hasSuffix("00") { return other.description.hasPrefix(description.prefix(4)) }
    return self == other
  }

  /// The name of an overlay: two, four or six digits, or a six-digit code whose trailing `00`s mean "all below".
  package static func overlayPrefix(_ text: some StringProtocol) -> String? {
    let b = Array(text.utf8)
    guard [2, 4, 6].contains(b.count), digits(b, 0, b.count) != nil, b[0] != 48 else { return nil }
    var prefix = String(text)
    while prefix.count > 2, prefix.hasSuffix("00") { prefix.removeLast(2) }
    return prefix
  }
}
