internal import CCurl

/// With whom a push shares its connection.
extension EasyHandle {
  /// Asked when the connection is there and nothing is sent yet.
  func mayGoOut() -> Bool {
    guard isTLS else { return true }
    leaveSession()
    let connections = context.connections
    if let open = ccurl_get_ssl(easy) {
      if wantsHTTP2 {
        place = connections.take(open, origin, of: line, alone: isAlone, now: startedAt)
      } else {
        connections.join(open, of: line, alone: isAlone)
      }
      if place == .here { session = open }
    } else if wantsHTTP2 {
      connections.note(origin, now: startedAt)
      place = .onHTTP11
    }
    return place == .here
  }

  func leaveSession() {
    if let session { context.connections.leave(session) }
    session = nil
  }

  /// The connection broke under it, and under pushes to other endpoints: it was perhaps none of its own doing, and it has to
  /// show that alone, once. Nobody's message fails because a neighbour's server breaks off.
  func fellWithOthers(_ code: CURLcode) -> Bool {
    let breaks = [CURLE_HTTP2, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING]
    guard !isAlone, breaks.contains(code), let session, context.connections.isMixed(session) else { return false }
    var status = 0
    ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
    return status < 200
  }

  /// Makes ready a push to go out anew, on a connection of its own; only while the handle is not in the multi handle.
  func goAlone() -> CURLcode {
    let isOld = place == .onHTTP11
    begin()
    (bodyStart, firstForbidden) = ([], nil)
    leaveSession()
    return (isOld ? setHTTP2(false) : setAlone(true)) ?? CURLE_OK
  }

  func setHTTP2(_ wanted: Bool) -> CURLcode? {
    let version = wanted ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
    let code = ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(version))
    if code != CURLE_OK { return code }
    wantsHTTP2 = wanted
    return nil
  }

  /// Whoever looks at a receiver's certificate is alone anyway.
  func setAlone(_ alone: Bool) -> CURLcode? {
    let value = alone || inspects ? 1 : 0
    for option in [CURLOPT_FRESH_CONNECT, CURLOPT_FORBID_REUSE] {
      let code = ccurl_set_long(easy, option, value)
      if code != CURLE_OK { return code }
    }
    isAlone = alone
    return nil
  }
}
