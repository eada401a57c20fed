internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOHTTP1
internal import Synchronization

/// What every request passes, in this order: a name, a key, the rate limit, the size limit, the handler; and on the
/// way out: errors become problems, everything is counted, what took long or failed is logged.
struct Gate: Answering {
  let broker: Broker
  let routes: RouteTree
  let rate: RateLimit
  let crowd: Crowd
  let logger: Logger

  private static let requestID = HTTPField.Name("X-Request-Id")!
  private static let slowMicroseconds: Int64 = 1_000_000

  func answer(_ incoming: Incoming) async -> Reply {
    let target = Target(incoming.target)
    let (found, parameters) = routes.find(target.path)
    // HEAD goes wherever GET goes (RFC 9110, 9.1).
    let method = incoming.method == .head ? "GET" : incoming.method.rawValue
    guard let route = found[method] else { return stray(incoming, methods: Array(found.keys)) }
    return await pass(route, incoming, target, parameters)
  }

  private func pass(
    _ route: Route, _ incoming: Incoming, _ target: Target, _ parameters: [String: String]
  ) async -> Reply {
    let start = monotonicMicroseconds()
    let headers = incoming.headers
    let language = Self.language(headers.acceptLanguage, otherwise: broker.language)
    let trace = Self.trace(headers.traceparent)
    let requestID = Self.name(headers.requestID)
    var reply: Reply
    var (caller, fault): (Principal?, String?)
    let isLetIn = crowd.enter()
    defer { if isLetIn { crowd.leave() } }
    do throws(any Error) {
      guard isLetIn else { throw StoreError.queueFull }
      try checkHost(incoming)
      try checkCoding(incoming)
      caller = try authenticate(headers, route.access)
      let body = try body(of: incoming)
      let organ = organ(of: caller)
      let call = Call(
        method: incoming.method, headers: headers, path: target.path, query: target.query, parameters: parameters,
        body: body, caller: caller, organ: organ, language: language, trace: trace, presence: incoming.presence)
      reply = try await route.handler(call)
    } catch let problem as Problem {
      reply = problem.reply(language)
      if problem.status == .unauthorized { broker.refused.note(from: incoming.presence.address) }
    } catch let error as StoreError {
      reply = Problem(error).reply(language)
      fault = reply.status.code >= 500 ? error.description : nil
    } catch {
      reply = Problem(StoreError.unexpected("\(error)")).reply(language)
      fault = "\(error)"
    }
    reply.headers[Self.requestID] = requestID
    reply.isPrivate = route.access != .open
    let took = monotonicMicroseconds() - start
    broker.metrics.record(route: route.name, status: reply.status.code, microseconds: took)
    let isRemarkable =
      fault != nil || reply.status.code >= 500 && route.access != .open
      || took > Self.slowMicroseconds && route.method != "GET"
    log(isRemarkable ? .warning : .debug, requestID, trace, caller) {
      let what = "\(incoming.method.rawValue) \(route.place(parameters)) \(reply.status.code) \(took / 1000) ms"
      return what + (fault.map { ": " + $0 } ?? "")
    }
    return reply
  }

  private func organ(of caller: Principal?) -> Organ? {
    caller?.organ.flatMap { broker.store.reference.organ(number: $0) }
  }

  /// For a path that the table does not have: 405 with the methods that it does have there, or 404.
  private func stray(_ incoming: Incoming, methods: [String]) -> Reply {
    let headers = incoming.headers
    var problem = Problem(.notFound, "not-found", "没有这一地址", "there is no such address")
    if !methods.isEmpty {
      let allowed = (methods.contains("GET") ? methods + ["HEAD"] : methods).sorted().joined(separator: ", ")
      problem = Problem(.methodNotAllowed, "method-not-allowed", "此地址只接受 \(allowed)", "this address takes \(allowed)")
      problem.allow = allowed
    }
    var reply = problem.reply(Self.language(headers.acceptLanguage, otherwise: broker.language))
    let requestID = Self.name(headers.requestID)
    reply.headers[Self.requestID] = requestID
    // Nothing of the address: it is none of ours, and may hold anything.
    log(.debug, requestID, Self.trace(headers.traceparent), nil) {
      "\(incoming.method.rawValue) (no such route) \(reply.status.code) 0 ms"
    }
    return reply
  }

  func answer(_ error: HTTPParserError) -> Reply {
    let isOverflow = error == .headerOverflow
    let problem =
      isOverflow
      ? Problem(
        .requestHeaderFieldsTooLarge, "too-large", "地址或请求头过大，请减少",
        "the target or the header fields are too large; send less")
      : Problem(
        .badRequest, "invalid-http", "不是有效的 HTTP 请求", "this is no valid HTTP request")
    var reply = problem.reply(broker.language)
    reply.headers[Self.requestID] = Self.name(nil)
    return reply
  }

  func knows(_ headers: CallHeaders) -> Bool { caller(headers) != nil }

  private func caller(_ headers: CallHeaders) -> Principal? {
    headers.authorization.flatMap(Self.bearer).flatMap { broker.store.principal(digest: APIKey.digest(bytes: $0)) }
  }

  func tooSlow(_ headers: CallHeaders?) -> Reply {
    let problem = Problem(
      .requestTimeout, "request-timeout", "请求未在规定时间内发送完毕，未作任何更改，请重新发送",
      "the request did not arrive whole in time; nothing was changed; send it again")
    var reply = problem.reply(Self.language(headers?.acceptLanguage, otherwise: broker.language))
    reply.headers[Self.requestID] = Self.name(headers?.requestID)
    return reply
  }

  /// Who stands in between may read a message otherwise that says it twice, or not at all (RFC 9112, 3.2).
  private func checkHost(_ incoming: Incoming) throws(Problem) {
    guard incoming.headers.hosts != 1, incoming.isHTTP11 || incoming.headers.hosts > 1 else { return }
    throw Problem(.badRequest, "invalid-http", "请求头 Host 应有且只有一个", "the header Host is to be there once")
  }

  private func checkCoding(_ incoming: Incoming) throws(Problem) {
    guard incoming.headers.isCoded else { return }
    throw Problem(
      .badRequest, "invalid-http", "Transfer-Encoding 只能是 chunked，请勿另行编码或压缩",
      "the only Transfer-Encoding is chunked: send the body as it is")
  }

  private func authenticate(_ headers: CallHeaders, _ access: Route.Access) throws(Problem) -> Principal? {
    if access == .open { return nil }
    guard let caller = caller(headers) else { throw Problem.unauthenticated }
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

  private func body(of incoming: Incoming) throws(Problem) -> [UInt8] {
    // It has no meaning there (RFC 9110, 9.3.1).
    if incoming.method == .get || incoming.method == .head { return [] }
    guard let body = incoming.body else {
      let limit = broker.limits.bodyBytes
      throw Problem(.contentTooLarge, "too-large", "请求内容超过\(limit)字节", "the body has more than \(limit) bytes")
    }
    if let coding = incoming.headers.contentEncoding, !body.isEmpty, !coding.isEmpty, coding.lowercased() != "identity"
    {
      throw Problem(
        .unsupportedMediaType, "unsupported-media-type",
        "请求内容经过压缩或者另行编码（Content-Encoding: \(coding)），请不加编码发送",
        "the body is compressed or encoded (Content-Encoding: \(coding)); send it as it is")
    }
    guard body.isEmpty || Self.isJSON(incoming.headers.contentType) else {
      throw Problem(
        .unsupportedMediaType, "unsupported-media-type", "请求内容应为 application/json",
        "the body must be application/json")
    }
    return body
  }

  /// Absent counts as JSON, and so does what `curl -d` says when it is not told otherwise.
  private static func isJSON(_ type: String?) -> Bool {
    guard let type, type != "application/json" else { return true }
    guard let type = type.split(separator: ";").first?.trimmingSpaces().lowercased() else { return true }
    return type == "application/json" || type.hasSuffix("+json") || type == "application/x-www-form-urlencoded"
  }

  /// One line a call. Nothing is made of it when its level is not logged.
  private func log(
    _ level: Logger.Level, _ requestID: String, _ trace: String?, _ caller: Principal?, _ what: () -> String
  ) {
    guard level >= logger.logLevel else { return }
    let organ = organ(of: caller)?.code.description ?? (caller?.isOperator == true ? "operator" : "-")
    logger.log(
      level: level, "\(what())",
      metadata: ["organ": "\(organ)", "request-id": "\(requestID)", "trace": "\(trace ?? "-")"])
  }

  // MARK: Headers

  private static let seed = (UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max))
  private static let named = Atomic<Int>(0)

  /// The caller's own name for the request when it is a decent one, else ours.
  private static func name(_ given: String?) -> String {
    if let given, (1...128).contains(given.utf8.count), given.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) {
      return given
    }
    // Need not be secret, and randomness is a system call. Multiplied by an odd number so that neighbours look different.
    let number = UInt64(named.wrappingAdd(1, ordering: .relaxed).newValue)
    return UUIDText.format(number &* 0x9E37_79B9_7F4A_7C15 &+ seed.0, number ^ seed.1)
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

  /// Of our languages the one that the caller wants most, of two alike the one named first; `otherwise` where neither is
  /// wanted more, or both are ruled out (RFC 9110, 12.5.4).
  static func language(_ header: String?, otherwise: Language) -> Language {
    guard let header else { return otherwise }
    var (named, others): ([(language: Language, weight: Double)], Double?) = ([], nil)
    for part in header.split(separator: ",") {
      let pieces = part.split(separator: ";")
      let tag = (pieces.first ?? "").trimmingSpaces().lowercased()
      let weight =
        pieces.dropFirst().lazy.compactMap { piece -> Double? in
          let text = piece.trimmingSpaces()
          return text.hasPrefix("q=") ? Double(text.dropFirst(2)).flatMap { (0...1).contains($0) ? $0 : nil } : nil
        }.first ?? 1
      if tag == "*" { others = weight }
      let language: Language? = tag.hasPrefix("zh") ? .zh : tag.hasPrefix("en") ? .en : nil
      if let language { named.append((language, weight)) }
    }
    let other = otherwise == .zh ? Language.en : .zh
    let isRuledOut =
      others == nil && named.contains { $0.language == otherwise } && !named.contains { $0.language == other }
    for language in [otherwise, other] where !named.contains(where: { $0.language == language }) {
      named.append((language, others ?? 0))
    }
    let most = named.map(\.weight).max() ?? 0
    if most > 0, let wanted = named.first(where: { $0.weight == most }) { return wanted.language }
    // Nothing is wanted: rather what is not ruled out.
    return isRuledOut ? other : otherwise
  }
}

extension Route {
  /// Its path with the id of the call, never the URL: a query may hold an id number, and so may what stands for an id.
  fileprivate func place(_ parameters: [String: String]) -> String {
    guard let id = parameters["id"], EntityID(id) != nil || DerivedID.parseDelivery(id) != nil else { return path }
    return path.replacing("{id}", with: id)
  }
}
