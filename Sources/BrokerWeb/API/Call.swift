internal import BrokerDomain
internal import BrokerStore
internal import Crypto
internal import HTTPTypes

/// One HTTP request as a handler sees it: authenticated, its body read, nothing decided yet.
struct Call: Sendable {
  let method: HTTPRequest.Method
  let headers: CallHeaders
  /// As `Target` spells it.
  let path: String
  let query: [(name: String, value: String)]
  let parameters: [String: String]
  let body: [UInt8]
  let caller: Principal?
  let organ: Organ?
  let language: Language
  /// A valid W3C `traceparent`, or nil.
  let trace: String?
  let presence: Presence

  /// The organ that the key belongs to; an operator runs the machinery and has no part in requests.
  func requireOrgan() throws(Problem) -> Organ {
    guard let organ else {
      throw Problem(
        .forbidden, "forbidden", "运行人员密钥不能办理或查看机关事务", "an operator's key has no part in the organs' business")
    }
    return organ
  }

  /// After a wait: a key that was revoked meanwhile is shown nothing more.
  func checkKey(_ store: Store) throws(Problem) {
    if let caller, !store.isActive(key: caller.keyID) { throw Problem.unauthenticated }
  }

  /// Whose machinery the caller may see: its own organ's; nil for the operator, who sees that of all. Decided by the key
  /// and not by an organ that is missing: whoever is neither sees nothing.
  func scope() throws(Problem) -> (organ: Int64?, isOperator: Bool) {
    if let caller, caller.isOperator { return (nil, true) }
    return (try requireOrgan().number, false)
  }

  /// Whoever asks for the head alone has read nothing.
  var isShown: Bool { method != .head }

  /// Seconds of a long poll; the limit of this broker where that is less.
  func wait(_ limits: WebLimits) throws(Problem) -> Int64 {
    min(try queryInt("wait", 0...Int64(WebLimits.longestPollSeconds)) ?? 0, Int64(limits.longPollSeconds))
  }

  func parameter(_ name: String) -> String { parameters[name] ?? "" }

  /// The id in the path; anything that is no id of ours is simply not found.
  func id() throws(Problem) -> EntityID {
    guard let id = EntityID(parameter("id")) else { throw .notFound }
    return id
  }

  func json() throws(Problem) -> JSON {
    do {
      return try JSON.parse(body)
    } catch {
      throw Problem(
        .badRequest, "invalid-json",
        "JSON有误，第\(error.line)行第\(error.column)列：\(error.what.zh)",
        "the JSON is faulty at line \(error.line), column \(error.column): \(error.what.en)")
    }
  }

  /// An empty body counts as `{}` for verbs whose members are all optional.
  func jsonOrEmpty() throws(Problem) -> JSON { body.isEmpty ? .object([]) : try json() }

  /// For verbs without members: nothing or `{}`; anything else was meant to have an effect, and has none.
  func checkEmptyBody() throws(Problem) {
    var reader = BodyReader()
    _ = reader.object(try jsonOrEmpty(), at: "", members: [])
    guard reader.faults.isEmpty else { throw Problem(reader.faults) }
  }

  // MARK: Query

  /// Refuses parameters that the route does not know: a filter with a typo must not return everything. Nor must one that
  /// is given twice, of which only the first would count.
  /// - Parameter lists: those of them that take several values.
  func checkQuery(_ known: String..., lists: Set<String> = []) throws(Problem) { try checkQuery(known, lists: lists) }

  func checkQuery(_ known: [String], lists: Set<String> = []) throws(Problem) {
    for (index, parameter) in query.enumerated() {
      guard known.contains(parameter.name) else {
        throw badParameter(
          parameter.name, known.isEmpty ? "没有这一查询参数；此处不需要任何参数" : "没有这一查询参数；可用：\(known.joined(separator: ", "))",
          known.isEmpty
            ? "no such query parameter; none is taken here"
            : "no such query parameter; known: \(known.joined(separator: ", "))")
      }
      guard query[..<index].contains(where: { $0.name == parameter.name }) else { continue }
      throw lists.contains(parameter.name)
        ? badParameter(parameter.name, "只能给出一次，几个值用逗号隔开", "must be given once; several values are parted by commas")
        : badParameter(parameter.name, "只能给出一次", "must be given once")
    }
  }

  func queryValue(_ name: String) -> String? {
    query.first { $0.name == name }.map(\.value).flatMap { $0.isEmpty ? nil : $0 }
  }

  func badParameter(_ name: String, _ zh: String, _ en: String) -> Problem {
    Problem(.badRequest, "invalid-parameter", "参数 \(name)：\(zh)", "parameter \(name): \(en)")
  }

  func queryInt(_ name: String, _ range: ClosedRange<Int64>) throws(Problem) -> Int64? {
    guard let text = queryValue(name) else { return nil }
    guard let value = Int64(text), range.contains(value) else {
      throw badParameter(
        name, "应为\(range.lowerBound)至\(range.upperBound)的整数",
        "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// - Parameter orDate: the caller has looked for a plain date, which would have done as well.
  func queryInstant(_ name: String, orDate: Bool = false) throws(Problem) -> Instant? {
    guard let text = queryValue(name) else { return nil }
    // A plus sign that was not percent-encoded arrives as a space.
    guard let instant = Instant(rfc3339: text.replacing(" ", with: "+")) else {
      if orDate {
        throw badParameter(
          name, "应为有效日期（YYYY-MM-DD）或 RFC 3339 时刻，如 2026-11-20 或 2026-11-20T10:00:00+08:00",
          "must be a real date (YYYY-MM-DD) or a moment of RFC 3339 such as 2026-11-20 or 2026-11-20T10:00:00+08:00")
      }
      throw badParameter(
        name, "应为 RFC 3339 时刻，如 2026-11-20T10:00:00+08:00",
        "must be a moment of RFC 3339 such as 2026-11-20T10:00:00+08:00")
    }
    return instant
  }

  func queryChoice<T: CaseIterable & RawRepresentable<String>>(_ name: String, _: T.Type) throws(Problem)
    -> T?
  {
    guard let text = queryValue(name) else { return nil }
    guard let value = T(rawValue: text) else {
      let known = T.allCases.map(\.rawValue).joined(separator: ", ")
      throw badParameter(name, "应为 \(known) 之一", "must be one of \(known)")
    }
    return value
  }

  static let maximumPage = 500

  func limit() throws(Problem) -> Int {
    Int(try queryInt("limit", 1...Int64(Self.maximumPage)) ?? 50)
  }

  // MARK: Headers

  /// The versions of `If-Match`; nil, of `*` or no such header, accepts any. What is no version of ours is never met.
  func expectedVersions() -> [Int]? {
    headers.ifMatch.map { EntityTags($0) }.flatMap { $0.isAny ? nil : $0.strong }
  }

  /// What the caller has, by `If-None-Match`.
  func knownVersions() -> EntityTags? { headers.ifNoneMatch.map { EntityTags($0) } }

  func idempotencyClaim() throws(Problem) -> IdempotencyClaim? {
    guard let key = headers.idempotencyKey else { return nil }
    guard !headers.hasSeveralIdempotencyKeys else {
      throw Problem(
        .badRequest, "invalid-parameter", "Idempotency-Key 出现了不止一行，未作任何更改；请只保留一行后重新发送",
        "there is more than one Idempotency-Key line; nothing was changed; send it again with one of them")
    }
    guard (1...255).contains(key.utf8.count) else {
      throw Problem(
        .badRequest, "invalid-parameter", "Idempotency-Key 应为1至255个字节（一个汉字3个字节）",
        "an Idempotency-Key has 1 to 255 bytes")
    }
    var hash = SHA256()
    hash.update(data: Array("\(method.rawValue) \(path)\n".utf8))
    hash.update(data: body)
    return IdempotencyClaim(
      principal: organ?.number ?? 0, key: key, fingerprint: Array(hash.finalize()))
  }
}

/// What a handler answers.
struct Reply: Sendable {
  let status: HTTPResponse.Status
  var headers = HTTPFields()
  let body: [UInt8]
  /// For who has a key: nobody on the way may keep it.
  var isPrivate = false

  init(_ status: HTTPResponse.Status, _ body: [UInt8] = [], type: String = "application/json") {
    self.status = status
    self.body = body
    if !body.isEmpty { headers[.contentType] = type }
  }

  init(_ status: HTTPResponse.Status = .ok, capacity: Int = 2048, json: (inout JSONWriter) -> Void) {
    var w = JSONWriter(capacity: capacity)
    w.object(nil, json)
    self.init(status, w.finish())
  }

  private static let linkName = HTTPField.Name("Link")!
  private static let itemsOnLoop = 50
  /// Of a short item: a page that outgrows its memory is copied.
  static let itemBytes = 768

  /// The answer that `json` writes. With many items it is written beside the connection's event loop, where the other
  /// connections of the loop would wait for it.
  static func long(
    _ items: Int, each itemBytes: Int = Self.itemBytes, json: @Sendable (inout JSONWriter) -> Void
  ) async -> Reply {
    let capacity = 1024 + items * itemBytes
    return items > itemsOnLoop
      ? await offTheLoop { Reply(capacity: capacity, json: json) } : Reply(capacity: capacity, json: json)
  }

  /// A page of a list: `{items, next}` and the `Link` to the next page.
  static func page<T: Sendable>(
    _ call: Call, _ items: [T], next: Int64?, each itemBytes: Int = Self.itemBytes,
    head: @escaping @Sendable (inout JSONWriter) -> Void = { _ in },
    _ write: @Sendable (inout JSONWriter, T) -> Void
  ) async -> Reply {
    await page(call, items, cursor: next.map { String($0, radix: 36) }, each: itemBytes, head: head, write)
  }

  /// - Parameters:
  ///   - cursor: the place where the page ends: letters, digits and hyphens.
  ///   - itemBytes: that an item has, about.
  ///   - head: members of the page besides `items` and `next`.
  static func page<T: Sendable>(
    _ call: Call, _ items: [T], cursor: String?, each itemBytes: Int = Self.itemBytes,
    head: @escaping @Sendable (inout JSONWriter) -> Void = { _ in },
    _ write: @Sendable (inout JSONWriter, T) -> Void
  ) async -> Reply {
    let cursor = cursor.map { call.sealed($0) }
    var reply = await long(items.count, each: itemBytes) { w in
      w.array("items") { w in for item in items { w.object { write(&$0, item) } } }
      w.string("next", cursor)
      head(&w)
    }
    if let cursor { reply.link(call, cursor: cursor) }
    return reply
  }

  /// Leads to the next page.
  /// - Parameter cursor: sealed.
  mutating func link(_ call: Call, cursor: String) {
    var query = call.query.filter { $0.name != "cursor" }.map { "\($0.name)=\(Self.percentEncode($0.value))" }
    query.append("cursor=\(cursor)")
    headers[Self.linkName] = "<\(call.path)?\(query.joined(separator: "&"))>; rel=\"next\""
  }

  private static func percentEncode(_ text: String) -> String {
    var out = ""
    for byte in text.utf8 {
      if Target.isUnreserved(byte) {
        out.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        out += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
      }
    }
    return out
  }
}
