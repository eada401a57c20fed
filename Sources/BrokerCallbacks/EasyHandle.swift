internal import BrokerStore
internal import CCurl

/// What all transfers of one sender share.
struct TransferContext {
  let policy: NetworkPolicy
  let plainHTTP: Bool
  let caBundle: String?
  let connections = Connections()
}

/// One libcurl easy handle and the push it carries. Made once, loaded and unloaded many times: the
/// constant options stay, so that a push sets only what differs.
///
/// libcurl holds pointers to this object and to the loaded push's bytes; both stay where they are
/// from ``load(_:)`` to ``unload()``.
final class EasyHandle {
  let easy: OpaquePointer
  let context: TransferContext
  var isActive = false
  /// Of the push that is loaded.
  var line: Int64? { push?.line }

  var push: Push?
  private var headers: UnsafeMutablePointer<curl_slist>?
  let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  // As set on the handle now; an equal value is not set again.
  private var url = ""
  var isTLS = false
  var origin = ""
  var wantsHTTP2 = true
  private var method = "POST"
  private var connectTimeoutMS = 0
  private var totalTimeoutMS = 0
  var identity: TLSIdentity?
  /// What the handle has then is nobody's.
  private var isIdentityHalfSet = false
  /// The sender's own authorities, to go back to.
  private var authorityDirectory: String?
  var inspects = false

  /// Written by the callbacks.
  var bodyStart: [UInt8] = []
  var received = 0
  /// Of the push that is loaded.
  var keptBytes = 0
  var firstForbidden: IPAddress?
  var dialled = false
  /// By the monotonic clock, when it was loaded and when the reply began.
  var startedAt: Int64 = 0
  var firstByteAt: Int64?
  /// Elsewhere: it was kept from going out where it was, and has to go out on its own.
  var place = Connections.Place.here
  /// It goes out on a connection that nothing else uses, or has used.
  var isAlone = false
  /// The TLS session on which it goes out.
  var session: UnsafeMutableRawPointer?

  /// Headers and body together; the transfer ends there.
  static let maxReceived = 64 * 1024

  init(context: TransferContext) {
    guard let easy = curl_easy_init() else { preconditionFailure("curl_easy_init: no memory") }
    self.easy = easy
    self.context = context
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    setConstants()
  }

  deinit {
    unload()
    curl_easy_cleanup(easy)
    errorText.deallocate()
  }

  /// The object behind a handle that libcurl reports about.
  static func owner(of easy: OpaquePointer?) -> EasyHandle? {
    var client: UnsafeMutableRawPointer?
    guard let easy, ccurl_get_private(easy, &client) == CURLE_OK, let client else { return nil }
    return Unmanaged<EasyHandle>.fromOpaque(client).takeUnretainedValue()
  }

  private func setConstants() {
    func need(_ code: CURLcode) {
      // A libcurl without one of these would send what we promise not to send.
      precondition(code == CURLE_OK, "libcurl: \(String(cString: curl_easy_strerror(code)))")
    }
    let this = Unmanaged.passUnretained(self).toOpaque()
    need(ccurl_set_pointer(easy, CURLOPT_PRIVATE, this))
    need(ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText))
    need(ccurl_on_body(easy, receiveBody, this))
    need(ccurl_on_header(easy, receiveHeader, this))
    need(ccurl_on_socket(easy, openSocket, this))
    need(ccurl_on_request(easy, beforeRequest, this))
    need(ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, context.plainHTTP ? "http,https" : "https"))
    need(ccurl_set_text(easy, CURLOPT_DEFAULT_PROTOCOL, "https"))
    need(ccurl_set_text(easy, CURLOPT_PROXY, ""))
    need(ccurl_set_text(easy, CURLOPT_USERAGENT, "xiecha/1"))
    need(ccurl_set_long(easy, CURLOPT_POST, 1))
    need(ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0))
    need(ccurl_set_long(easy, CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue)))
    need(ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS)))
    need(ccurl_set_long(easy, CURLOPT_PIPEWAIT, 0))
    need(ccurl_set_long(easy, CURLOPT_TCP_NODELAY, 1))
    need(ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1))
    // Or whoever gives up on a name that nobody resolves waits for the system to give up as well, and all others with him.
    need(ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1))
    need(ccurl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)))
    need(ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1))
    need(ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2))
    if let bundle = context.caBundle {
      need(ccurl_set_text(easy, CURLOPT_CAINFO, bundle))
      // Only the bundle counts then, not also the system's directory.
      need(ccurl_set_text(easy, CURLOPT_CAPATH, nil))
    } else {
      var path: UnsafePointer<CChar>?
      need(ccurl_get_text(easy, CURLINFO_CAPATH, &path))
      authorityDirectory = path.map { String(cString: $0) }
    }
  }
}

extension EasyHandle {
  /// Takes a push and sets what differs from the last one; an error leaves the handle to unload.
  func load(_ push: Push) -> CURLcode {
    self.push = push
    bodyStart = []
    keptBytes = push.keptBytes
    firstForbidden = nil
    begin()
    if let code = setChanged(push) { return code }
    if !setHeaders(push) { return CURLE_OUT_OF_MEMORY }
    return setBody()
  }

  private func setChanged(_ push: Push) -> CURLcode? {
    // By bytes: what Unicode holds for the same text may be another address.
    if !push.url.utf8.elementsEqual(url.utf8) {
      url = ""
      let code = ccurl_set_text(easy, CURLOPT_URL, push.url)
      if code != CURLE_OK { return code }
      url = push.url
      isTLS = url.lowercased().hasPrefix("https:")
      origin = isTLS ? Connections.origin(url) : ""
    }
    let mayShare = isTLS && context.connections.maySpeakHTTP2(origin, now: startedAt)
    if mayShare != wantsHTTP2, let code = setHTTP2(mayShare) { return code }
    if push.method != method {
      let code = ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, push.method == "POST" ? nil : push.method)
      if code != CURLE_OK { return code }
      method = push.method
    }
    let connect = max(1, push.connectTimeoutMS)
    if connect != connectTimeoutMS {
      let code = ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, connect)
      if code != CURLE_OK { return code }
      connectTimeoutMS = connect
    }
    let total = max(1, push.totalTimeoutMS)
    if total != totalTimeoutMS {
      let code = ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, total)
      if code != CURLE_OK { return code }
      totalTimeoutMS = total
    }
    if isAlone, let code = setAlone(false) { return code }
    if push.identity !== identity || isIdentityHalfSet, let code = setIdentity(push.identity) { return code }
    return push.inspects == inspects ? nil : setInspects(push.inspects)
  }

  /// What went wrong before this attempt is forgotten.
  func begin() {
    received = 0
    dialled = false
    errorText[0] = 0
    (startedAt, firstByteAt, place) = (monotonicMicroseconds(), nil, .here)
  }

  /// Its own authorities count instead of the sender's; a connection made under another identity is not used (libcurl
  /// compares what each was made with).
  private func setIdentity(_ new: TLSIdentity?) -> CURLcode? {
    (identity, isIdentityHalfSet) = (nil, true)
    for (option, blob) in [
      (CURLOPT_CAINFO_BLOB, new?.authorities), (CURLOPT_SSLCERT_BLOB, new?.certificate),
      (CURLOPT_SSLKEY_BLOB, new?.key),
    ] {
      let code = ccurl_set_blob(easy, option, blob ?? [], blob?.count ?? 0)
      if code != CURLE_OK { return code }
    }
    let code = ccurl_set_text(easy, CURLOPT_CAPATH, new?.authorities == nil ? authorityDirectory : nil)
    if code != CURLE_OK { return code }
    (identity, isIdentityHalfSet) = (new, false)
    return nil
  }

  private func setInspects(_ inspects: Bool) -> CURLcode? {
    let value = inspects ? 1 : 0
    for (option, value) in [
      (CURLOPT_CERTINFO, value), (CURLOPT_FRESH_CONNECT, value), (CURLOPT_FORBID_REUSE, value),
      (CURLOPT_SSL_SESSIONID_CACHE, 1 - value),
    ] {
      let code = ccurl_set_long(easy, option, value)
      if code != CURLE_OK { return code }
    }
    self.inspects = inspects
    return nil
  }

  private func setHeaders(_ push: Push) -> Bool {
    // libcurl would wait a second for “100 Continue” before a long body.
    headers = curl_slist_append(nil, "Expect:")
    if headers == nil { return false }
    for header in push.headers {
      guard let longer = curl_slist_append(headers, header) else { return false }
      headers = longer
    }
    return ccurl_set_headers(easy, headers) == CURLE_OK
  }

  private func setBody() -> CURLcode {
    guard let push, !push.body.isEmpty else {
      _ = emptyBody.withUTF8Buffer { ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, $0.baseAddress) }
      return ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, 0)
    }
    // The pointer leaves the closure on purpose: an array's elements live in one heap object that
    // does not move while somebody holds it, `self.push` holds it until `unload`, and nobody
    // changes it. A copy here would be one more pass over every body.
    let code = push.body.withUnsafeBytes {
      ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, $0.baseAddress)
    }
    if code != CURLE_OK { return code }
    return ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(push.body.count))
  }

  /// Lets go of the push; only after the handle has left the multi handle.
  func unload() {
    if let headers {
      ccurl_set_headers(easy, nil)
      curl_slist_free_all(headers)
    }
    headers = nil
    push = nil
    bodyStart = []
    leaveSession()
  }
}

/// A null pointer would mean “read the body from stdin” to libcurl.
private let emptyBody: StaticString = ""
