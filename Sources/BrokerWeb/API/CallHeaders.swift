internal import HTTPTypes

/// The header fields that the gate and the handlers look at, gathered in one pass: each look-up in `HTTPFields`
/// compares its way through all names and joins what it finds.
struct CallHeaders: Sendable {
  /// Nil also when there are several: no saying whose key counts.
  let authorization: String?
  private(set) var accept: String?
  private(set) var acceptLanguage: String?
  private(set) var traceparent: String?
  private(set) var requestID: String?
  private(set) var contentLength: String?
  private(set) var contentType: String?
  private(set) var idempotencyKey: String?
  private(set) var ifMatch: String?
  private(set) var ifNoneMatch: String?

  init(_ fields: HTTPFields) {
    var keys: [String] = []
    for field in fields {
      let name = field.name.canonicalName
      // Most names differ in length already, and comparing lengths is next to nothing.
      switch name.utf8.count {
      case 6 where name == "accept": Self.join(field, to: &accept)
      case 8 where name == "if-match": Self.join(field, to: &ifMatch)
      case 11 where name == "traceparent": Self.join(field, to: &traceparent)
      case 12 where name == "content-type": Self.join(field, to: &contentType)
      case 12 where name == "x-request-id": Self.join(field, to: &requestID)
      case 13 where name == "authorization": keys.append(field.value)
      case 13 where name == "if-none-match": Self.join(field, to: &ifNoneMatch)
      case 14 where name == "content-length": Self.join(field, to: &contentLength)
      case 15 where name == "accept-language": Self.join(field, to: &acceptLanguage)
      case 15 where name == "idempotency-key": Self.join(field, to: &idempotencyKey)
      default: continue
      }
    }
    authorization = keys.count == 1 ? keys[0] : nil
  }

  /// Fields of one name make one list (RFC 9110, 5.3).
  private static func join(_ field: HTTPField, to value: inout String?) {
    value = value.map { "\($0), \(field.value)" } ?? field.value
  }
}
