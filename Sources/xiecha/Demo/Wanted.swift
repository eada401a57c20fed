internal import BrokerDomain
internal import Foundation

/// A value as a story wants to see it. Groups name what matters and leave the rest open; lists give the order and let
/// others stand between.
indirect enum Wanted: Sendable {
  case value(JSON, line: Int)
  case list([Wanted], line: Int)
  case members([(name: String, wanted: Wanted)], line: Int)

  var line: Int {
    switch self {
    case .value(_, let line), .list(_, let line), .members(_, let line): line
    }
  }

  /// For people: as short as it can be said.
  var text: String {
    switch self {
    case .value(let value, _): value.plain
    case .list(let list, _): list.map(\.text).joined(separator: " → ")
    case .members(let members, _): members.map { "\($0.name) \($0.wanted.text)" }.joined(separator: " · ")
    }
  }
}

/// One place where what came is not what was wanted.
struct Difference: Sendable, Equatable {
  let line: Int
  let path: String
  let expected: String
  let came: String
}

/// Holds what came against what was wanted.
struct Comparison {
  /// Alias → code of an organ.
  let cast: [String: String]
  /// Name → id of a request.
  let requests: [String: String]

  func differences(_ wanted: Wanted, _ came: JSON?, _ path: String) -> [Difference] {
    switch wanted {
    case .value(let value, let line):
      if isSame(value, came) { return [] }
      return [Difference(line: line, path: path, expected: value.plain, came: came?.plain ?? "（无 / nothing）")]
    case .members(let members, _):
      return members.flatMap { differences($0.wanted, came?[$0.name], path + "." + $0.name) }
    case .list(let list, _):
      var rest = (came?.arrayValue ?? [])[...]
      for wanted in list {
        guard let at = rest.firstIndex(where: { differences(wanted, $0, path).isEmpty }) else {
          return [
            Difference(
              line: wanted.line, path: path, expected: wanted.text,
              came: came?.arrayValue.map { $0.map(\.plain).joined(separator: " → ") } ?? "（无 / nothing）")
          ]
        }
        rest = rest[(at + 1)...]
      }
      return []
    }
  }

  /// Null is as good as nothing. An alias stands for its organ, `${name}` for a request, a day or a minute for any moment
  /// in it: the rehearsed clock runs on between two calls.
  private func isSame(_ wanted: JSON, _ came: JSON?) -> Bool {
    guard let came, !came.isNull else { return wanted.isNull }
    if wanted == came { return true }
    guard case .string(let text) = wanted else { return false }
    if let code = cast[text] { return came.stringValue == code || came["code"]?.stringValue == code }
    guard let other = came.stringValue else { return false }
    if text.naming(requests) == other { return true }
    return Instant(rfc3339: other) != nil && [10, 16].contains(text.utf8.count) && other.hasPrefix(text)
  }
}

extension String {
  /// With the id of each request in the place of its `${name}`.
  func naming(_ requests: [String: String]) -> String {
    guard contains("${") else { return self }
    return requests.reduce(self) { $0.replacingOccurrences(of: "${\($1.key)}", with: $1.value) }
  }
}

extension JSON {
  /// For people. Of an event, its type and rung.
  var plain: String {
    switch self {
    case .string(let text): return text
    case .object where self["type"]?.stringValue != nil:
      let rung = self["data"]?["rung"]?.stringValue.map { "(\($0))" } ?? ""
      return (self["type"]?.stringValue ?? "") + rung
    default: return String(decoding: bytes, as: UTF8.self)
    }
  }
}
