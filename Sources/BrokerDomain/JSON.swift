/// A JSON value (RFC 8259) that keeps the order of members and the text of numbers, so that what a department
/// posted can be given back as it was posted.
///
/// Own code, because the contract asks what the libraries at hand do not give: every fault at once with its pointer,
/// duplicate members refused, a bounded depth, and one pass over the bytes on the hot path.
package enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSON])
  case object([Member])

  package struct Member: Sendable, Equatable {
    package let name: String
    package let value: JSON
    package init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  package static func int(_ value: some BinaryInteger) -> JSON { .number(String(value)) }

  package subscript(_ name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  package var stringValue: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  /// A number without a fraction, however it is written (3, 3.0, 30e-1), as JSON Schema has it.
  package var intValue: Int? {
    guard case .number(let text) = self else { return nil }
    if let value = Int(text) { return value }
    // As many digits as a double tells apart.
    guard text.utf8.count <= 16, let value = Double(text), abs(value) < 1e15 else { return nil }
    // What is too small for a double is not nothing.
    let digits = text.prefix { $0 != "e" && $0 != "E" }
    if value == 0, digits.contains(where: { ("1"..."9").contains($0) }) { return nil }
    return Int(exactly: value)
  }

  package var boolValue: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }

  package var arrayValue: [JSON]? {
    if case .array(let values) = self { return values }
    return nil
  }

  /// Of an object; empty for anything else.
  package var members: [Member] {
    if case .object(let members) = self { return members }
    return []
  }

  /// This object with the members of another in their places or at its end.
  package func merged(_ other: JSON) -> JSON {
    let kept = members.map { member in Member(member.name, other[member.name] ?? member.value) }
    return .object(kept + other.members.filter { self[$0.name] == nil })
  }

  package var isNull: Bool {
    if case .null = self { return true }
    return false
  }

  /// In words, for a fault: what kind of value stands there.
  package var kind: Phrase {
    switch self {
    case .null: Phrase("null", "null")
    case .bool: Phrase("布尔值", "a boolean")
    case .number: Phrase("数字", "a number")
    case .string: Phrase("字符串", "a string")
    case .array: Phrase("数组", "an array")
    case .object: Phrase("对象", "an object")
    }
  }
}

/// What a reader of JSON text stumbled on, and where.
package struct JSONFault: Error, Equatable, Sendable {
  package let line: Int
  package let column: Int
  package let what: Phrase
}
