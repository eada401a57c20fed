internal import Foundation

/// Read-only JSON. What is not there is `.missing`, so that `reply.json["due"]["date"].string` needs
/// no unwrapping on the way; a body that is not JSON is `.missing` as a whole.
package enum JSONBody: Sendable, Equatable {
  case missing
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSONBody])
  case object([String: JSONBody])

  package init(parsing bytes: [UInt8]) {
    self = (try? JSONDecoder().decode(JSONBody.self, from: Data(bytes))) ?? .missing
  }

  package init(_ text: String) { self.init(parsing: Array(text.utf8)) }

  package subscript(_ key: String) -> JSONBody { object?[key] ?? .missing }

  package subscript(_ index: Int) -> JSONBody {
    guard case .array(let items) = self, items.indices.contains(index) else { return .missing }
    return items[index]
  }

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var int: Int? { if case .int(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var object: [String: JSONBody]? {
    if case .object(let value) = self { value } else { nil }
  }

  package var double: Double? {
    switch self {
    case .double(let value): value
    case .int(let value): Double(value)
    default: nil
    }
  }

  /// The elements; nil when this is no array.
  package var array: [JSONBody]? { if case .array(let items) = self { items } else { nil } }

  /// An explicit `null`; something missing is not.
  package var isNull: Bool { self == .null }
  package var isMissing: Bool { self == .missing }

  /// The members' names, sorted; empty when this is no object.
  package var keys: [String] { object.map { $0.keys.sorted() } ?? [] }
}

extension JSONBody: Decodable {
  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let int = try? value.decode(Int.self) {
      self = .int(int)
    } else if let double = try? value.decode(Double.self) {
      self = .double(double)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let items = try? value.decode([JSONBody].self) {
      self = .array(items)
    } else {
      self = .object(try value.decode([String: JSONBody].self))
    }
  }
}

extension JSONBody: CustomStringConvertible {
  /// JSON again, members sorted: for failure messages and for building bodies.
  package var description: String {
    switch self {
    case .missing: "(missing)"
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .double(let value): "\(value)"
    case .string(let value): JSONBody.quote(value)
    case .array(let items): "[" + items.map(\.description).joined(separator: ", ") + "]"
    case .object(let members):
      "{"
        + members.sorted { $0.key < $1.key }
        .map { "\(JSONBody.quote($0)): \($1)" }.joined(separator: ", ") + "}"
    }
  }

  /// A JSON string literal.
  package static func quote(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
