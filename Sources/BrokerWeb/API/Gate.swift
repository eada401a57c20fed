internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore

/// What every request passes, in this order: a name, a key, the rate limit, the size limit, the handler; and on the
/// way out: errors become problems, everything is counted, what took long or failed is logged.
struct Gate: Sendable {
  let broker: Broker
  let rate: RateLimit
  let logger: Logger

  private static let requestID = HTTPField.Name("X-Request-Id")!
  private static let slowMicroseconds: Int64 = 1_000_000

  func pass(_ route: Route, _ request: Request, _ parameters: [String: String]) async -> Response {
    let start = monotonicMicroseconds()
    let headers = CallHeaders(request.headers)
    let language = Self.language(headers.acceptLanguage, otherwise: broker.language)
    let trace = Self.trace(headers.traceparent)
    let requestID = Self.name(headers.requestID)
    var reply: Reply
    var fault: String?
    do throws(any Error) {
      let caller = try authenticate(headers, route.access)
      let body = try await read(request, headers)
      let organ = caller?.organ.flatMap { broker.store.reference.organ(number: $0) }
      let call = Call(
        method: request.method, headers: headers, path: request.uri.path, query: Self.query(request.uri),
        parameters: parameters, body: body, caller: caller, organ: organ, language: language,
        trace: trace)
      reply = try await route.handler(call)
    } catch let problem as Problem {
      reply = problem.reply(language)
    } catch let error as StoreError {
      reply = Problem(error).reply(language)
      fault = reply.status.code >= 500 ? error.description : nil
    } catch {
      reply = Problem(StoreError.unexpected("\(error)")).reply(language)
      fault = "\(error)"
    }
    reply.headers[Self.requestID] = requestID
    let took = monotonicMicroseconds() - start
    broker.metrics.record(route: route.name, status: reply.status.code, microseconds: took)
    log(route, reply, took, requestID, trace, fault)
    return Response(
      status: reply.status, headers: reply.headers,
      body: reply.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)))
  }

  /// For a path that the table does not have: 405 with the methods that it does have there, or 404.
  func stray(_ request: Request, methods: [String]) -> Response {
    let headers = CallHeaders(request.headers)
    let language = Self.language(headers.acceptLanguage, otherwise: broker.language)
    var problem = Problem(.notFound, "not-found", "没有这一地址", "there is no such address")
    if !methods.isEmpty {
      let allowed = methods.joined(separator: ", ")
      problem = Problem(.methodNotAllowed, "method-not-allowed", "此地址只接受 \(allowed)", "this address takes \(allowed)")
      problem.allow = allowed
    }
    var reply = problem.reply(language)
    reply.headers[Self.requestID] = Self.name(headers.requestID)
    let response = Response(
      status: reply.status, headers: reply.headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)))
    // A body after HEAD would be taken for the next answer on the connection.
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func authenticate(_ headers: CallHeaders, _ access: Route.Access) throws(Problem) -> Principal? {
    if access == .open { return nil }
    guard let key = headers.authorization.flatMap(Self.bearer),
      let caller = broker.store.principal(digest: APIKey.digest(bytes: key))
    else {
      throw Problem.unauthenticated
    }
    if let seconds = rate.take(key: caller.keyID) {
      var problem = Problem(
        .tooManyRequests, "rate-limited", "该密钥请求过于频繁，请\(seconds)秒后再试",
        "too many requests with this key; try again in \(seconds) s")
      problem.retryAfterSeconds = seconds
      throw problem
    }
    if access == .operatorOnly, !caller.isOperator {
      throw Problem(.forbidden, "forbidden", "只限运行人员", "for the operator only")
    }
    if access == .organ, caller.isOperator {
      throw Problem(
        .forbidden, "forbidden", "运行人员密钥不能办理或查看机关事务", "an operator's key has no part in the organs' business")
    }
    return caller
  }

  /// The bytes of the key in `Bearer <key>`, the scheme in letters of either size; nil for any other scheme.
  private static func bearer(_ header: String) -> [UInt8]? {
    let scheme = Array("bearer".utf8)
    let bytes = Array(header.utf8)
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
    guard bytes.count > scheme.count, bytes[scheme.count] == 0x20,
      zip(bytes, scheme).allSatisfy({ $0 | 0x20 == $1 }),
      let first = bytes[scheme.count...].firstIndex(where: { !isSpace($0) }),
      let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return nil }
    return Array(bytes[first...last])
  }

  private func read(_ request: Request, _ headers: CallHeaders) async throws(Problem) -> [UInt8] {
    let limit = broker.limits.bodyBytes
    let tooLarge = Problem(
      .contentTooLarge, "too-large", "请求内容超过\(limit)字节", "the body has more than \(limit) bytes")
    if let length = headers.contentLength.flatMap({ Int($0) }), length > limit { throw tooLarge }
    let body: [UInt8]
    do {
      body = Array(buffer: try await request.body.collect(upTo: limit))
    } catch is NIOTooManyBytesError {
      throw tooLarge
    } catch let error as HTTPError where error.status == .contentTooLarge {
      throw tooLarge
    } catch {
      throw Problem(.badRequest, "invalid-json", "请求内容不完整", "the body did not arrive whole")
    }
    guard body.isEmpty || Self.isJSON(headers.contentType) else {
      throw Problem(
        .unsupportedMediaType, "unsupported-media-type", "请求内容应为 application/json",
        "the body must be application/json")
    }
    return body
  }

  /// Absent counts as JSON, and so does what `curl -d` says when it is not told otherwise.
  private static func isJSON(_ type: String?) -> Bool {
    guard let type = type?.split(separator: ";").first?.trimmingSpaces().lowercased() else { return true }
    return type == "application/json" || type.hasSuffix("+json") || type == "application/x-www-form-urlencoded"
  }

  private func log(
    _ route: Route, _ reply: Reply, _ took: Int64, _ requestID: String, _ trace: String?, _ fault: String?
  ) {
    let failed = reply.status.code >= 500 && route.access != .open
    guard failed || fault != nil || (took > Self.slowMicroseconds && route.method != "GET") else {
      return
    }
    // The route's pattern, never the URL: a query may hold an id number.
    logger.warning(
      "\(route.name) \(reply.status.code) \(took / 1000) ms\(fault.map { ": " + $0 } ?? "")",
      metadata: ["request-id": "\(requestID)", "trace": "\(trace ?? "-")"])
  }

  // MARK: Headers

  /// The caller's own name for the request when it is a decent one, else ours.
  private static func name(_ given: String?) -> String {
    if let given, (1...128).contains(given.utf8.count), given.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) {
      return given
    }
    return UUIDText.format(.random(in: 0...UInt64.max), .random(in: 0...UInt64.max))
  }

  /// W3C Trace Context, version 00: `00-` trace `-` span `-` flags in small hexadecimal; an id of zeros names nothing.
  private static func trace(_ given: String?) -> String? {
    guard let given, given.utf8.count == 55 else { return nil }
    let parts = given.utf8.split(separator: 45, omittingEmptySubsequences: false)
    guard parts.map(\.count) == [2, 32, 16, 2], parts[0].elementsEqual("00".utf8),
      parts.joined().allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }),
      parts[1...2].allSatisfy({ $0.contains { $0 != 48 } })
    else { return nil }
    return given
  }

  /// The first of our languages that the caller names, by weight.
  static func language(_ header: String?, otherwise: Language) -> Language {
    guard let header else { return otherwise }
    var best: (Language, Double)?
    for part in header.split(separator: ",") {
      let pieces = part.split(separator: ";")
      let tag = (pieces.first ?? "").trimmingSpaces().lowercased()
      let weight =
        pieces.dropFirst().lazy.compactMap { piece -> Double? in
          let text = piece.trimmingSpaces()
          return text.hasPrefix("q=") ? Double(text.dropFirst(2)) : nil
        }.first ?? 1
      let language: Language? = tag.hasPrefix("zh") ? .zh : tag.hasPrefix("en") ? .en : nil
      if let language, weight > best?.1 ?? 0 { best = (language, weight) }
    }
    return best?.0 ?? otherwise
  }

  private static func query(_ uri: URI) -> [(name: String, value: String)] {
    guard uri.query != nil else { return [] }
    return uri.queryParameters.map { (String($0.key), String($0.value)) }
  }
}
