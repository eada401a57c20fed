internal import CCurl
internal import Glibc

/// What libcurl says of a push that came to no status, and what is known of it besides.
struct CurlFault {
  let code: CURLcode
  let words: String
  let isTLS: Bool
  /// The handshake had come to an end, in this push or before on a kept connection.
  let hasShakenHands: Bool
  let showsCertificate: Bool
  let systemError: Int32

  /// What libcurl says of several faults in one code, by its words.
  private static let byWords: [(CURLcode?, String, String)] = [
    (CURLE_OPERATION_TIMEDOUT, "resolving timed out", "域名解析超时"),
    (CURLE_OPERATION_TIMEDOUT, "ssl connection timeout", "TLS 握手超时（该端口可能不是 TLS）"),
    (CURLE_OPERATION_TIMEDOUT, "bytes received", "等待答复超时"),
    (CURLE_OPERATION_TIMEDOUT, "connect", "连接超时"),
    (CURLE_PEER_FAILED_VERIFICATION, "has expired", "对方的证书已过期"),
    (CURLE_PEER_FAILED_VERIFICATION, "not yet valid", "对方的证书尚未生效"),
    (CURLE_PEER_FAILED_VERIFICATION, "subject name", "对方的证书与主机名不符"),
    (CURLE_PEER_FAILED_VERIFICATION, "issuer", "对方证书的签发机构不受信任（可在 tls.ca 中指定）"),
    (CURLE_PEER_FAILED_VERIFICATION, "self-signed", "对方证书的签发机构不受信任（可在 tls.ca 中指定）"),
    (CURLE_PEER_FAILED_VERIFICATION, "self signed", "对方证书的签发机构不受信任（可在 tls.ca 中指定）"),
    (nil, "alert protocol version", "对方不支持 TLS 1.2 或更高版本"),
    (nil, "unsupported protocol", "对方不支持 TLS 1.2 或更高版本"),
    (nil, "wrong version number", "该端口不是 TLS"),
    (nil, "http/0.9", "答复不是 HTTP"),
    (CURLE_UNSUPPORTED_PROTOCOL, "response code", "答复不是有效的 HTTP：状态码有误"),
    (CURLE_UNSUPPORTED_PROTOCOL, "http version", "答复不是有效的 HTTP：版本有误"),
    (nil, "connection reset", "连接被对方重置"),
  ]

  private static let byCode: [(CURLcode, String)] = [
    (CURLE_COULDNT_RESOLVE_HOST, "域名无法解析"), (CURLE_COULDNT_CONNECT, "无法建立连接"),
    (CURLE_OPERATION_TIMEDOUT, "超时"), (CURLE_GOT_NOTHING, "对方未作答复即关闭连接"),
    (CURLE_SEND_ERROR, "发送中断"), (CURLE_RECV_ERROR, "接收中断"), (CURLE_PARTIAL_FILE, "答复不完整"),
    (CURLE_SSL_CONNECT_ERROR, "TLS 握手失败"), (CURLE_PEER_FAILED_VERIFICATION, "对方的证书未通过验证"),
    (CURLE_SSL_CERTPROBLEM, "本地址的客户端证书无法使用"), (CURLE_SSL_CACERT_BADFILE, "所信任的签发机构无法读取"),
    (CURLE_SSL_ENGINE_NOTFOUND, "本机的 TLS 有误"), (CURLE_HTTP2, "HTTP/2 有误"), (CURLE_HTTP2_STREAM, "HTTP/2 有误"),
    (CURLE_WEIRD_SERVER_REPLY, "答复不是有效的 HTTP"), (CURLE_UNSUPPORTED_PROTOCOL, "协议不受支持"),
    (CURLE_WRITE_ERROR, "答复过大"), (CURLE_OUT_OF_MEMORY, "本机内存不足"), (CURLE_URL_MALFORMAT, "网址有误"),
    (CURLE_AGAIN, "等待发送的过多"), (CURLE_BAD_FUNCTION_ARGUMENT, "消息有误，未发出"),
  ]

  private var chinese: String {
    if code == CURLE_COULDNT_CONNECT, systemError == ECONNREFUSED { return "对方拒绝连接" }
    let lower = words.lowercased()
    let known = Self.byWords.first { about, part, _ in (about ?? code) == code && lower.contains(part) }
    return known?.2 ?? Self.byCode.first { $0.0 == code }?.1 ?? "投递未成功"
  }

  /// The way in which a receiver ends it that wants a certificate and got none, or another: with TLS 1.3 it says so only
  /// after the handshake, and what the sender meets is a connection that is closed under its hands.
  private var isPerhapsOfTheCertificate: Bool {
    guard isTLS, code != CURLE_PEER_FAILED_VERIFICATION, code != CURLE_OPERATION_TIMEDOUT else { return false }
    let lower = words.lowercased()
    // A receiver that refuses a stream of HTTP/2 has made the handshake and speaks on.
    if ["protocol version", "unsupported protocol", "tried 5 times"].contains(where: lower.contains) { return false }
    if ["alert", "ssl_write", "ssl_read", "getpeername"].contains(where: lower.contains) { return true }
    return hasShakenHands && (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR)
  }

  private var hint: (zh: String, en: String)? {
    if isPerhapsOfTheCertificate {
      return showsCertificate
        ? ("对方可能不接受所出示的客户端证书", "the receiver may have refused the client certificate")
        : ("对方可能要求客户端证书，见 tls.certificate", "the receiver may want a client certificate, see tls.certificate")
    }
    let endings = [CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY]
    let isAnswer = ["response code", "http version"].contains(where: words.lowercased().contains)
    guard !isTLS, endings.contains(code), !isAnswer else { return nil }
    return ("该端口若为 TLS，网址须以 https:// 开头", "if that port speaks TLS, the URL must begin with https://")
  }

  /// In Chinese, and in libcurl's own words; with what may be behind it.
  var told: (zh: String, en: String) {
    guard let hint else { return (chinese, words) }
    return ("\(chinese)（\(hint.zh)）", "\(words) (\(hint.en))")
  }
}

extension PushReport {
  /// For those who are told of it: the final status, and what was wrong; nil for nothing.
  package var told: (status: Int?, error: String?) {
    switch outcome {
    case .status(let code) where (200..<300).contains(code): (code, nil)
    case .status(let code) where [300, 301, 302, 303, 307, 308].contains(code):
      (code, "HTTP \(code)：不跟随重定向 / redirects are not followed")
    case .status(let code): (code, "HTTP \(code)")
    case .forbiddenAddress(let address): (nil, "地址不允许 / the address \(address) is not allowed")
    case .plainHTTP: (nil, "\(plainHTTPFault.zh) / \(plainHTTPFault.en)")
    case .failed(_, let words): (nil, chinese.map { "\($0) / \(words)" } ?? words)
    case .unsent: (nil, "没有发出 / not sent")
    }
  }
}

private let plainHTTPFault = (
  zh: "配置 callbacks.allowHTTP 为 false，未向 http:// 地址发出；请将网址改为 https://",
  en: "callbacks.allowHTTP is false: nothing was sent to http://; change the URL to https://"
)
