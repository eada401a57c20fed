extension Procedure {
  /// A JSON Schema (2020-12) of an object with exactly these fields. Check characters, dates that exist and past or
  /// future are beyond it: the broker checks them besides.
  package static func jsonSchema(of fields: [Field]) -> JSON {
    .object([
      .init("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
      .init("type", .string("object")),
      .init("properties", .object(fields.map { .init($0.name, $0.schema) })),
      .init("required", .array(fields.filter(\.required).map { .string($0.name) })),
      .init("additionalProperties", .bool(false)),
    ])
  }
}

extension Procedure.Field {
  fileprivate var schema: JSON {
    .object(
      [.init("title", .string(label.zh)), .init("description", .string(label.en + beyondSchema))] + constraints)
  }

  /// Said in words, for the schema cannot compare with the request.
  private var beyondSchema: String {
    guard let words = notBefore?.words else { return "" }
    return "; 不早于\(words.zh) / not before \(words.en)"
  }

  private var constraints: [JSON.Member] {
    func string(_ more: JSON.Member...) -> [JSON.Member] { [.init("type", .string("string"))] + more }
    switch kind {
    case .text(let least, let most, let pattern):
      let lengths = string(.init("minLength", .int(least)), .init("maxLength", .int(most)))
      return lengths + (pattern.map { [.init("pattern", .string("^(?:\($0))$"))] } ?? [])
    case .date: return string(.init("format", .string("date")))
    case .integer(let range):
      return [
        .init("type", .string("integer")), .init("minimum", .int(range.lowerBound)),
        .init("maximum", .int(range.upperBound)),
      ]
    case .boolean: return [.init("type", .string("boolean"))]
    case .choice(let choices): return string(.init("enum", .array(choices.map { .string($0.id) })))
    case .organ: return string(.init("pattern", .string("^[0-9A-HJ-NP-RTUWXYa-hj-np-rtuwxy]{18}$")))
    case .subjectID:
      return string(.init("pattern", .string("^([0-9]{17}[0-9Xx]|[0-9A-HJ-NP-RTUWXYa-hj-np-rtuwxy]{18})$")))
    case .request: return string(.init("format", .string("uuid")))
    }
  }
}
