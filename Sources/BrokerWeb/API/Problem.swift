internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// An error as departments see it: `application/problem+json` (RFC 9457) in the caller's language, with a stable code.
struct Problem: Error {
  let status: HTTPResponse.Status
  let code: String
  var detail: Phrase
  var faults: [Fault] = []
  var retryAfterSeconds: Int?
  var allow: String?
  /// Of what is not possible now: the state, and the verbs that the caller may use instead.
  var transition: (state: StateName, allowed: [Verb])?
  /// For an illegal transition: what has happened to the request, by whom and when.
  var happened: LastStep?

  init(_ status: HTTPResponse.Status, _ code: String, _ zh: String, _ en: String) {
    self.status = status
    self.code = code
    detail = Phrase(zh, en)
  }

  init(_ faults: [Fault]) {
    let codes = Set(faults.map(\.code))
    status = .unprocessableContent
    code = codes.count == 1 ? codes.first ?? "invalid-body" : "invalid-body"
    detail =
      faults.count == 1
      ? faults[0].placed
      : faults.count < Procedure.mostFaults
        ? Phrase("请求内容有\(faults.count)处错误，见 errors", "the body has \(faults.count) faults, see errors")
        : Phrase(
          "请求内容至少有\(faults.count)处错误，errors 只列到此", "the body has \(faults.count) faults at least; errors lists these")
    self.faults = faults
  }

  static let unauthenticated = Problem(
    .unauthorized, "unauthenticated", "请在 Authorization: Bearer 中提供有效密钥",
    "send a valid key in Authorization: Bearer")

  static let notFound = Problem(
    .notFound, "not-found", "没有这一资源，或本机关不是当事方", "there is no such thing, or your organ is no party to it")

  private var title: Phrase {
    switch status.code {
    case 400: Phrase("请求格式有误", "Bad request")
    case 401: Phrase("未提供有效密钥", "No valid key")
    case 403: Phrase("无权进行此操作", "Not permitted")
    case 404: Phrase("未找到", "Not found")
    case 405: Phrase("方法不适用", "Method not allowed")
    case 408: Phrase("请求未及时送达", "The request took too long to arrive")
    case 409: Phrase("当前状态不允许此操作", "Not possible in this state")
    case 412: Phrase("版本已变化", "The version has changed")
    case 413, 431: Phrase("内容过大", "Too large")
    case 415: Phrase("内容类型不支持", "Unsupported media type")
    case 422: Phrase("内容不符合要求", "The body is not acceptable")
    case 429: Phrase("请求过于频繁", "Too many requests")
    case 503: Phrase("暂时无法受理", "Temporarily unavailable")
    default: Phrase("内部错误", "Internal error")
    }
  }

  func reply(_ language: Language) -> Reply {
    var w = JSONWriter(capacity: 512)
    w.object { w in
      w.string("type", "urn:xiecha:problem:\(code)")
      w.string("title", title.text(language))
      w.int("status", status.code)
      w.string("detail", detail.text(language))
      w.string("code", code)
      if let transition {
        w.string("state", transition.state.rawValue)
        w.array("allowed") { w in for verb in transition.allowed { w.string(nil, verb.rawValue) } }
      }
      if let happened {
        w.object("happened") { w in
          w.string("what", happened.what.text(language))
          w.string("at", happened.at.rfc3339)
          w.object("by") { w in
            w.string("code", happened.by.description)
            w.string("name", happened.organ)
          }
          w.string("person", happened.person)
        }
      }
      if !faults.isEmpty {
        w.array("errors") { w in
          for fault in faults {
            w.object { w in
              w.string("pointer", fault.pointer)
              w.string("detail", fault.detail.text(language))
              w.string("code", fault.code)
            }
          }
        }
      }
    }
    var reply = Reply(status, w.finish(), type: "application/problem+json")
    reply.headers[.contentLanguage] = language.rawValue
    if let retryAfterSeconds { reply.headers[.retryAfter] = String(retryAfterSeconds) }
    if let allow { reply.headers[.allow] = allow }
    if status == .unauthorized { reply.headers[.wwwAuthenticate] = "Bearer" }
    return reply
  }
}

extension Problem {
  /// The one place where an error of the store or the domain becomes an HTTP status.
  init(_ error: StoreError) {
    switch error {
    case .refused(let refusal): self.init(refusal)
    case .queueFull:
      self.init(.serviceUnavailable, "queue-full", "等待处理的过多，请稍后重试", "too many calls are waiting; try again shortly")
      retryAfterSeconds = 1
    case .storage:
      self.init(
        .serviceUnavailable, "storage-unavailable", "磁盘暂时无法写入，未作任何更改，请稍后重试",
        "the disk cannot take the write; nothing was changed; try again later")
      retryAfterSeconds = 5
    case .busy, .closed:
      self.init(
        .serviceUnavailable, "storage-unavailable", "数据库暂时不可用，未作任何更改，请稍后重试",
        "the database is not available; nothing was changed; try again later")
      retryAfterSeconds = 1
    case .idempotencyConflict:
      self.init(
        .unprocessableContent, "idempotency-conflict",
        "该 Idempotency-Key 已用于另一次调用（地址不同，或者正文并非逐字节相同）；新的调用请换用新键，重发请原样发送",
        "this Idempotency-Key was used for another call (another address, or a body that differs in some byte); use a new key"
          + " for a new call, and send the same bytes to repeat one")
    case .notFound: self = .notFound
    case .held, .damaged, .missing, .wrongMode, .unexpected:
      self.init(
        .internalServerError, "internal", "内部错误，请凭 X-Request-Id 联系运行人员",
        "internal error; give the operator the X-Request-Id")
    }
  }

  init(_ refusal: Refusal) {
    switch refusal {
    case .faults(let faults): self.init(faults)
    case .notYours(let verb):
      let names = verb.parties.map(\.name)
      self.init(
        .forbidden, "forbidden", "“\(verb.zh)”只能由\(names.map(\.zh).joined(separator: "或"))作出",
        "only the \(names.map(\.en).joined(separator: " or the ")) may \(verb.rawValue)")
    case .mayNotOpen(let title):
      self.init(.forbidden, "forbidden", "“\(title.zh)”不由本机关提出", "\"\(title.en)\" is not for your organ to open")
    case .notAllowed(let obstacle):
      self.init(.conflict, obstacle.code, obstacle.detail.zh, obstacle.detail.en)
    case .staleVersion(let current):
      self.init(
        .preconditionFailed, "precondition-failed", "当前版本为\(current)，请重新读取后再试",
        "the current version is \(current); read it again")
    case .illegalTransition(let verb, let state):
      self.init(
        .conflict, "illegal-transition", "状态为\(state.zh)时不能\(verb.zh)",
        "cannot \(verb.rawValue) when \(state.rawValue)")
    }
  }
}

extension Fault {
  /// What is wrong, after where it is: "必填" by itself does not say what is missing. The body as a whole needs no place.
  fileprivate var placed: Phrase {
    pointer.isEmpty ? detail : Phrase("\(pointer)：\(detail.zh)", "\(pointer): \(detail.en)")
  }
}

extension Party {
  fileprivate var name: Phrase {
    switch self {
    case .requester: Phrase("请求机关", "requesting organ")
    case .responder: Phrase("被请求机关", "requested organ")
    case .supervisor: Phrase("监督机关", "supervisor")
    }
  }
}
