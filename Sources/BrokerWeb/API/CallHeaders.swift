internal import BrokerDomain
internal import NIOHTTP1

/// The header fields that the gate and the handlers look at, gathered in one pass: each look-up in `HTTPHeaders`
/// compares its way through all names and joins what it finds.
struct CallHeaders: Sendable {
  /// Nil also when there are several: no saying whose key counts.
  let authorization: String?
  private(set) var accept: String?
  private(set) var acceptLanguage: String?
  private(set) var traceparent: String?
  private(set) var requestID: String?
  private(set) var contentType: String?
  private(set) var contentEncoding: String?
  private(set) var idempotencyKey: String?
  /// The field has one value and is no list (draft-ietf-httpapi-idempotency-key-header, 2.1), so joining them would make a
  /// third key of two.
  private(set) var hasSeveralIdempotencyKeys = false
  private(set) var ifMatch: String?
  private(set) var ifNoneMatch: String?
  /// How often it says to which host it goes.
  private(set) var hosts = 0
  /// Another transfer coding than `chunked`: the server would take what it does not decode for the body.
  private(set) var isCoded = false

  init(_ fields: HTTPHeaders) {
    var keys: [String] = []
    for (name, value) in fields {
      // White space around a value is no part of it (RFC 9110, 5.5).
      let value = value.trimmingSpaces()
      // Most names differ in length already, and comparing lengths is next to nothing.
      switch name.utf8.count {
      case 4 where Self.is(name, "host"): hosts += 1
      case 6 where Self.is(name, "accept"): Self.join(value, to: &accept)
      case 8 where Self.is(name, "if-match"): Self.join(value, to: &ifMatch)
      case 11 where Self.is(name, "traceparent"): Self.join(value, to: &traceparent)
      case 12 where Self.is(name, "content-type"): Self.join(value, to: &contentType)
      case 12 where Self.is(name, "x-request-id"): Self.join(value, to: &requestID)
      case 13 where Self.is(name, "authorization"): keys.append(value)
      case 13 where Self.is(name, "if-none-match"): Self.join(value, to: &ifNoneMatch)
      case 15 where Self.is(name, "accept-language"): Self.join(value, to: &acceptLanguage)
      case 15 where Self.is(name, "idempotency-key"):
        hasSeveralIdempotencyKeys = idempotencyKey != nil
        idempotencyKey = value
      case 16 where Self.is(name, "content-encoding"): Self.join(value, to: &contentEncoding)
      case 17 where Self.is(name, "transfer-encoding"): isCoded = isCoded || value.lowercased() != "chunked"
      default: continue
      }
    }
    authorization = keys.count == 1 ? keys[0] : nil
  }

  /// - Parameter known: in small letters and hyphens.
  private static func `is`(_ name: String, _ known: StaticString) -> Bool {
    let letters = UnsafeBufferPointer(start: known.utf8Start, count: known.utf8CodeUnitCount)
    return zip(name.utf8, letters).allSatisfy { $0 | 0x20 == $1 || $0 == $1 }
  }

  /// Fields of one name make one list (RFC 9110, 5.3).
  private static func join(_ field: String, to value: inout String?) {
    value = value.map { "\($0), \(field)" } ?? field
  }
}
