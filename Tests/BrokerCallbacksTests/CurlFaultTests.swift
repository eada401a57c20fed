import BrokerDomain
import BrokerStore
import CCurl
import TestSupport
import Testing

@testable import BrokerCallbacks

/// What an organ is told of a callback that does not arrive.
@Suite(.timeLimit(.minutes(5))) struct CurlFaultTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let code: CURLcode
    let words: String
    var isTLS = true
    var hasShakenHands = false
    var shows = false
    let told: [String]
    var testDescription: String { words }
  }

  private static let cases = [
    Case(code: CURLE_OPERATION_TIMEDOUT, words: "SSL connection timeout", told: ["TLS 握手超时"]),
    Case(
      code: CURLE_OPERATION_TIMEDOUT, words: "Failed to connect to a port 1 after 5005 ms: Timeout was reached",
      told: ["连接超时"]),
    Case(
      code: CURLE_OPERATION_TIMEDOUT, words: "Operation timed out after 15005 milliseconds with 0 bytes received",
      told: ["等待答复超时"]),
    Case(
      code: CURLE_PEER_FAILED_VERIFICATION, words: "SSL certificate problem: certificate has expired",
      told: ["对方的证书已过期"]),
    Case(
      code: CURLE_PEER_FAILED_VERIFICATION, words: "SSL certificate problem: unable to get local issuer certificate",
      told: ["签发机构不受信任"]),
    Case(
      code: CURLE_PEER_FAILED_VERIFICATION, words: "SSL: no alternative certificate subject name matches a",
      told: ["与主机名不符"]),
    Case(
      code: CURLE_SSL_CONNECT_ERROR, words: "OpenSSL: error:0A00042E:SSL routines::tlsv1 alert protocol version",
      told: ["TLS 1.2"]),
    Case(
      code: CURLE_SEND_ERROR, words: "OpenSSL SSL_write: Broken pipe, errno 32", hasShakenHands: true,
      told: ["要求客户端证书", "may want a client certificate"]),
    Case(
      code: CURLE_RECV_ERROR, words: "getpeername() failed with errno 107: Transport endpoint is not connected",
      told: ["要求客户端证书"]),
    Case(
      code: CURLE_RECV_ERROR, words: "OpenSSL SSL_read: tlsv1 alert unknown ca", hasShakenHands: true, shows: true,
      told: ["不接受所出示的客户端证书", "may have refused"]),
    Case(
      code: CURLE_RECV_ERROR, words: "Recv failure: Connection reset by peer", isTLS: false,
      told: ["连接被对方重置", "https://"]),
    Case(
      code: CURLE_UNSUPPORTED_PROTOCOL, words: "Unsupported response code in HTTP response", isTLS: false,
      told: ["(zh: \"答复不是有效的 HTTP：状态码有误\","]),
    Case(
      code: CURLE_UNSUPPORTED_PROTOCOL, words: "Unsupported HTTP version in response", isTLS: false,
      told: ["(zh: \"答复不是有效的 HTTP：版本有误\","]),
  ]

  @Test(arguments: cases) func isToldInChineseWithWhatMayBeBehindIt(_ fault: Case) {
    let told = CurlFault(
      code: fault.code, words: fault.words, isTLS: fault.isTLS, hasShakenHands: fault.hasShakenHands,
      showsCertificate: fault.shows, systemError: 0
    ).told
    for part in fault.told { #expect("\(told)".contains(part)) }
    #expect(told.en.hasPrefix(fault.words))
  }

  @Test func nothingIsSaidOfCertificatesWithoutReason() {
    for words in ["SSL certificate problem: certificate has expired", "SSL connection timeout"] {
      let told = CurlFault(
        code: CURLE_PEER_FAILED_VERIFICATION, words: words, isTLS: true, hasShakenHands: false, showsCertificate: false,
        systemError: 0
      ).told
      #expect(!told.zh.contains("客户端证书"))
    }
  }

  @Test func whatIsRefusedSaysSo() async throws {
    let sink = try Sink()
    let url = sink.url
    sink.close()
    let told = try await Sender().send(url).told
    #expect(told.status == nil && told.error?.hasPrefix("对方拒绝连接 / ") == true, "\(told)")
  }

  @Test(arguments: [(302, "不跟随重定向"), (304, "HTTP 304"), (999, "HTTP 999")]) func whatIsAnswered(
    _ status: Int, _ part: String
  ) async throws {
    let sink = try Sink { _ in .status(status) }
    let told = try await Sender().send(sink.url).told
    #expect(told.status == status && told.error?.contains(part) == true, "\(told)")
    #expect((told.error?.contains("重定向") == true) == (status == 302))
  }

  /// It was registered while plain HTTP was allowed.
  @Test func plainHTTPIsRefusedAsItIsSent() async throws {
    let office = try Office { $0.allowHTTP = false }
    let sink = try Sink()
    let endpoint = try await office.endpoint(sink.url)
    try await office.submit(1)
    office.dispatcher.start()
    #expect(
      try await within(10) {
        try await office.store.trace(endpoint: endpoint.id.key, seq: 1, organ: nil)?.attempts.isEmpty == false
      })
    let error = try await office.store.trace(endpoint: endpoint.id.key, seq: 1, organ: nil)?.attempts[0].error
    #expect(error?.contains("callbacks.allowHTTP 为 false") == true, "\(error ?? "none")")
    #expect(await office.dispatcher.test(endpoint)?.told.error == error)
    #expect(sink.connectionCount == 0)
    #expect(try office.store.plainEndpoints() == 1)
    await office.close()
  }
}
