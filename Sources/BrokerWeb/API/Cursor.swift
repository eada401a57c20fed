internal import BrokerDomain
internal import BrokerStore

/// Where a page ended, as a client carries it to the next one: the place, and behind it a check of the place and of the
/// list. What was damaged on the way, made up, or is of another list would be read as some other place, most often as one
/// behind the end: it is refused instead.
enum Cursor {
  /// Letters and digits of the check: one slip in sixty million passes.
  private static let checkLength = 5
  private static let checks: UInt64 = 36 * 36 * 36 * 36 * 36

  /// - Parameters:
  ///   - place: letters, digits and hyphens.
  ///   - list: the path of the list.
  static func seal(_ place: String, list: String) -> String { place + check(place, list) }

  /// The place; nil of a text that was not sealed for this list.
  static func open(_ text: String, list: String) -> String? {
    let place = String(text.dropLast(checkLength))
    return !place.isEmpty && seal(place, list: list) == text ? place : nil
  }

  /// No secret is kept by it, so a plain hash will do (FNV-1a, 64 bits, folded).
  private static func check(_ place: String, _ list: String) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "\(list)\n\(place)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let text = String((hash ^ hash >> 32) % checks, radix: 36)
    return String(repeating: "0", count: checkLength - text.utf8.count) + text
  }
}

extension Call {
  private var list: String { path.split(separator: "/").joined(separator: "/") }

  /// For the `next` of this list.
  func sealed(_ place: String) -> String { Cursor.seal(place, list: list) }

  /// The check is no secret: what anybody can seal is held against what a place can be.
  func cursor() throws(Problem) -> Int64? { try cursor { Int64($0, radix: 36).flatMap { $0 >= 0 ? $0 : nil } } }

  func deliveryCursor() throws(Problem) -> DeliveryCursor? { try cursor { DeliveryCursor($0) } }

  private func cursor<T>(_ read: (String) -> T?) throws(Problem) -> T? {
    guard let text = queryValue("cursor") else { return nil }
    guard let place = Cursor.open(text, list: list), let value = read(place) else {
      throw badParameter(
        "cursor", "不是本列表的游标，请原样使用上一页的 next", "this is no cursor of this list; pass the next of the page before as it is"
      )
    }
    return value
  }
}
