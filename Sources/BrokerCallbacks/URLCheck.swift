internal import CCurl

/// Why a URL cannot be an endpoint.
package enum URLFault: Error, Equatable {
  /// Bytes it has; the limit is ``maximumURLLength``.
  case tooLong(Int)
  /// A space, a control or another invisible character, by its code point.
  case badCharacter(UInt32)
  /// What is wrong with it, and the URL parser's own words.
  case malformed(zh: String, en: String)
  case scheme(String)
  case plainHTTP
  case noHost
  /// libcurl converts such a name by the process's locale, which a daemon has none of.
  case nonASCIIHost(String)
  case userInfo
  case fragment
  /// The host is an address (in whatever spelling) that callbacks may not reach.
  case forbiddenAddress(String, AddressClass)
}

extension URLFault: CustomStringConvertible {
  package var zh: String {
    switch self {
    case .tooLong(let length): "网址过长：\(length) 字节，上限 \(maximumURLLength) 字节。"
    case .badCharacter(let scalar): "网址含有空格、控制字符或不可见字符（\(hex(scalar))）。"
    case .malformed(let words, _): "网址格式不正确：\(words)。"
    case .scheme(let scheme): "网址须以 https:// 开头，不支持“\(scheme)”。"
    case .plainHTTP: "网址须以 https:// 开头；本系统未允许明文 http。"
    case .noHost: "网址缺少主机名。"
    case .nonASCIIHost(let host): "主机名“\(host)”须写成 ASCII 形式（xn--…）。"
    case .userInfo: "网址不得含有用户名或口令。"
    case .fragment: "网址不得含有“#”片段。"
    case .forbiddenAddress(let address, let kind): "不得向 \(address) 回调：这是\(kind.zh)。"
    }
  }

  package var en: String {
    switch self {
    case .tooLong(let length): "The URL has \(length) bytes; the limit is \(maximumURLLength)."
    case .badCharacter(let scalar):
      "The URL contains a space, a control or an invisible character (\(hex(scalar)))."
    case .malformed(_, let words): "The URL is malformed (\(words))."
    case .scheme(let scheme): "The URL must begin with https://; “\(scheme)” is not supported."
    case .plainHTTP: "The URL must begin with https://; plain http is not allowed here."
    case .noHost: "The URL has no host."
    case .nonASCIIHost(let host):
      "The host name “\(host)” must be written in its ASCII form (xn--…)."
    case .userInfo: "The URL must not contain a user name or password."
    case .fragment: "The URL must not contain a fragment (“#”)."
    case .forbiddenAddress(let address, let kind):
      "Callbacks may not go to \(address): it is \(kind.en)."
    }
  }

  package var description: String { "\(zh) \(en)" }

  private func hex(_ scalar: UInt32) -> String {
    let digits = String(scalar, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

/// Bytes of UTF-8 that an endpoint's URL may have.
package let maximumURLLength = 2048

/// Checks a URL when an endpoint is made. A host name is not resolved here (it may resolve
/// differently later): each connection's address is judged again when it is made.
///
/// - Throws: the first fault.
package func checkURL(
  _ url: String, allowHTTP: Bool, policy: NetworkPolicy
) throws(URLFault) {
  let length = url.utf8.count
  guard length <= maximumURLLength else { throw .tooLong(length) }
  if let bad = url.unicodeScalars.first(where: isInvisible) { throw .badCharacter(bad.value) }

  // The parser that will send the request reads the URL here: two parsers that disagree about what
  // the host is are how such checks are usually passed by.
  let parsed = try ParsedURL(url)
  switch parsed.part(CURLUPART_SCHEME) {
  case "https": break
  case "http": if !allowHTTP { throw .plainHTTP }
  case let other: throw .scheme(other ?? "")
  }
  // libcurl forgives one slash, or three, and takes the beginning of the path for the host; others see no host.
  guard let mark = url.firstRange(of: "://"), !url[mark.upperBound...].hasPrefix("/") else { throw .noHost }
  if parsed.part(CURLUPART_USER) != nil || parsed.part(CURLUPART_PASSWORD) != nil {
    throw .userInfo
  }
  if url.utf8.contains(UInt8(ascii: "#")) { throw .fragment }
  if parsed.part(CURLUPART_PORT) == "0" { throw .malformed(zh: "端口号须为1至65535", en: "port 0") }
  guard let host = parsed.part(CURLUPART_HOST), !host.isEmpty else { throw .noHost }
  guard host.utf8.allSatisfy({ $0 < 0x80 }) else { throw .nonASCIIHost(host) }
  // As when connecting: a name with several addresses is fine when one of them is.
  let addresses = literalAddresses(host)
  var fault: URLFault?
  var isAllowed = addresses.isEmpty
  for address in addresses {
    switch policy.verdict(address) {
    case .allowed: isAllowed = true
    case .forbidden(let kind): fault = fault ?? .forbiddenAddress("\(address)", kind)
    }
  }
  if !isAllowed, let fault { throw fault }
  try checkSpelling(url, host: host, isAddress: addresses.count == 1)
}

/// What libcurl sends as it is written, and others may read otherwise or not at all.
private func checkSpelling(_ url: String, host: String, isAddress: Bool) throws(URLFault) {
  if isAddress, host.hasSuffix(".") { throw .malformed(zh: "地址末尾不得有“.”", en: "an address that ends with a dot") }
  if !host.hasPrefix("[") {
    let name = host.hasSuffix(".") ? host.dropLast() : host[...]
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    if labels.contains(where: \.isEmpty) { throw .malformed(zh: "主机名中有空的一段", en: "an empty label in the host name") }
    if labels.contains(where: { $0.utf8.count > 63 }) {
      throw .malformed(zh: "主机名的一段超过63个字符", en: "a label of more than 63 characters in the host name")
    }
  }
  guard url.utf8.allSatisfy({ $0 < 0x80 }) else {
    throw .malformed(
      zh: "路径和查询中的非 ASCII 字符须作百分号编码", en: "characters beyond ASCII in the path or query; percent-encode them")
  }
  if let bad = url.unicodeScalars.first(where: { "\"<>\\^`{|}".unicodeScalars.contains($0) }) {
    throw .malformed(zh: "“\(bad)”须作百分号编码", en: "“\(bad)” is to be percent-encoded")
  }
  let digits = Array(url.utf8)
  for (place, byte) in digits.enumerated() where byte == UInt8(ascii: "%") {
    let two = digits[(place + 1)...].prefix(2)
    guard two.count == 2, two.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
      throw .malformed(zh: "“%”之后须为两位十六进制数", en: "a percent sign without two hexadecimal digits")
    }
  }
}

private func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .spaceSeparator, .lineSeparator, .paragraphSeparator, .privateUse,
    .unassigned:
    true
  default: false
  }
}

/// The addresses a host names without a resolver: one for a literal, two for `localhost`.
private func literalAddresses(_ host: String) -> [IPAddress] {
  if host.hasPrefix("[") {
    return IPAddress(String(host.dropFirst().prefix { $0 != "]" })).map { [$0] } ?? []
  }
  var name = host.lowercased()
  while name.hasSuffix(".") { name.removeLast() }
  if name == "localhost" || name.hasSuffix(".localhost") {
    return [IPAddress.v4(0x7f00_0001), .v6(1)]
  }
  // Once more through the parser: a percent-encoded or dot-terminated spelling shows itself as a
  // number only after the first pass has decoded it.
  let again = try? ParsedURL("http://\(name)/").part(CURLUPART_HOST)
  return IPAddress(again ?? name).map { [$0] } ?? []
}

/// libcurl's URL parser over one URL.
private struct ParsedURL: ~Copyable {
  private let handle: OpaquePointer

  init(_ text: String) throws(URLFault) {
    guard let handle = curl_url() else { throw .malformed(zh: "内存不足", en: "out of memory") }
    // A scheme that libcurl does not speak is named by checkURL, not called malformed.
    let code = curl_url_set(handle, CURLUPART_URL, text, UInt32(CURLU_NON_SUPPORT_SCHEME))
    guard code == CURLUE_OK else {
      curl_url_cleanup(handle)
      if code == CURLUE_NO_HOST { throw .noHost }
      throw .malformed(
        zh: Self.words(code), en: curl_url_strerror(code).map { String(cString: $0) } ?? "\(code.rawValue)")
    }
    self.handle = handle
  }

  deinit { curl_url_cleanup(handle) }

  private static func words(_ code: CURLUcode) -> String {
    switch code {
    case CURLUE_BAD_PORT_NUMBER: "端口号须为1至65535"
    case CURLUE_BAD_SCHEME, CURLUE_BAD_SLASHES: "须以 https:// 开头"
    case CURLUE_BAD_IPV6: "IPv6 地址有误"
    case CURLUE_BAD_HOSTNAME: "主机名有误"
    default: "请检查主机名、端口和路径的写法"
    }
  }

  /// nil when the URL has no such part.
  borrowing func part(_ part: CURLUPart) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(handle, part, &text, 0) == CURLUE_OK, let text else {
      return nil
    }
    defer { curl_free(text) }
    return String(cString: text)
  }
}
