internal import BrokerDomain
internal import CCurl

extension EasyHandle {
  /// What became of the loaded push, `code` being libcurl's word for it.
  func report(code: CURLcode) -> PushReport {
    let (outcome, chinese) = outcome(code: code)
    var report = PushReport(token: push?.token ?? 0, outcome: outcome)
    report.chinese = chinese
    let retryAfter = offset(CURLINFO_RETRY_AFTER)
    report.retryAfterSeconds = retryAfter > 0 ? retryAfter : outcome.isSuccess ? nil : hugeRetryAfter
    var address: UnsafePointer<CChar>?
    if ccurl_get_text(easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK, let address {
      report.remoteAddress = String(cString: address)
    }
    report.timings.dnsUS = offset(CURLINFO_NAMELOOKUP_TIME_T)
    report.timings.connectUS = offset(CURLINFO_CONNECT_TIME_T)
    report.timings.tlsUS = offset(CURLINFO_APPCONNECT_TIME_T)
    report.timings.totalUS = offset(CURLINFO_TOTAL_TIME_T)
    // Not libcurl's own, which is when it began to send where that takes more than one turn.
    report.timings.firstByteUS = firstByteAt.map { min(max(1, $0 - startedAt), report.timings.totalUS) } ?? 0
    report.bodyStart = bodyStart
    if inspects { report.certificate = ReceiverCertificate(easy) }
    return report
  }

  /// And what it is in Chinese, when it failed.
  private func outcome(code: CURLcode) -> (PushOutcome, String?) {
    var status = 0
    ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
    if status >= 200 { return (.status(status), nil) }
    if !dialled, let firstForbidden { return (.forbiddenAddress("\(firstForbidden)"), nil) }
    if code == CURLE_ABORTED_BY_CALLBACK { return (PushReport.aborted(0).outcome, nil) }
    if code == CURLE_UNSUPPORTED_PROTOCOL, !isTLS, !context.plainHTTP { return (.plainHTTP, nil) }
    var (code, words) = (code, String(cString: errorText))
    if code == CURLE_OK {
      (code, words) = (CURLE_WEIRD_SERVER_REPLY, "the reply ended without a final status (last: \(status))")
    } else if words.isEmpty {
      words = String(cString: curl_easy_strerror(code))
    }
    var systemError = 0
    ccurl_get_long(easy, CURLINFO_OS_ERRNO, &systemError)
    // A kept connection has made its handshake before: this push then neither connected nor failed to.
    let hasShakenHands = offset(CURLINFO_APPCONNECT_TIME_T) > 0 || !dialled
    let fault = CurlFault(
      code: code, words: words, isTLS: isTLS, hasShakenHands: hasShakenHands,
      showsCertificate: push?.identity?.certificate != nil, systemError: Int32(truncatingIfNeeded: systemError))
    let told = fault.told
    return (.failed(code: Int(code.rawValue), told.en.printable), told.zh.printable)
  }

  /// A number of seconds that is too large for libcurl, which takes it for none: the longest there is.
  private var hugeRetryAfter: Int64? {
    var header: UnsafeMutablePointer<curl_header>?
    guard curl_easy_header(easy, "Retry-After", 0, UInt32(CURLH_HEADER), -1, &header) == CURLHE_OK,
      let text = header?.pointee.value.map({ String(cString: $0) }), text.utf8.count > 18,
      text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return .max
  }

  private func offset(_ info: CURLINFO) -> Int64 {
    var value: curl_off_t = 0
    return ccurl_get_offset(easy, info, &value) == CURLE_OK ? Int64(value) : 0
  }
}
