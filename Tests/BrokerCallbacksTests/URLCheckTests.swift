import Testing

@testable import BrokerCallbacks

@Suite("URLs of endpoints", .timeLimit(.minutes(5)))
struct URLCheckTests {
  private let nothing = NetworkPolicy(allowed: [])

  private func fault(
    _ url: String, allowHTTP: Bool = false, allowed: [String] = []
  ) throws -> URLFault? {
    let policy = NetworkPolicy(allowed: try allowed.map { try CIDR($0) })
    do throws(URLFault) {
      try checkURL(url, allowHTTP: allowHTTP, policy: policy)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "accepts",
    arguments: [
      "https://hooks.example.gov.cn/xiecha", "https://hooks.example.gov.cn", "HTTPS://EXAMPLE.COM/",
      "https://example.com:8443/a/b?c=d&e=f%20g", "https://8.8.8.8/hook", "https://[2400:3200::1]/",
      "https://[2400:3200::1]:8443/hook", "https://xn--fsqu00a.xn--fiqs8s/%E5%9B%9E", "https://1e100.net/",
      "https://example.com/@not-a-user", "https://8.8.8.8.example.com/", "https://a_b.example.com/",
    ])
  func accepts(url: String) throws {
    #expect(try fault(url) == nil)
  }

  @Test(
    "nothing that others may read otherwise, or not at all",
    arguments: [
      "https://a..b/", "https://.a.b/", "https://a.b../", "https://\(String(repeating: "a", count: 64)).cn/",
      "https://8.8.8.8./", "https://a.cn/%zz", "https://a.cn/%a", "https://a.cn/?q=%", "https://a.cn/回调",
      "https://a.cn/?q=é", "https://a.cn/\"x\"", "https://a.cn/<x>", "https://a.cn/?q={x}", "https://a.cn/?a|b",
      "https://a.cn/a\\b", "https://a.cn/^", "https://a.cn/`",
    ])
  func spelling(url: String) throws {
    guard case .malformed = try fault(url) else {
      Issue.record("\(url) passed")
      return
    }
  }

  @Test("http only where it is allowed")
  func plainHTTP() throws {
    #expect(try fault("http://example.com/") == .plainHTTP)
    #expect(try fault("HTTP://example.com/") == .plainHTTP)
    #expect(try fault("http://example.com/", allowHTTP: true) == nil)
    #expect(try fault("https://example.com/", allowHTTP: true) == nil)
  }

  @Test(
    "no other scheme, also where http is allowed",
    arguments: [
      ("ftp://example.com/", "ftp"), ("file:///etc/passwd", "file"),
      ("gopher://example.com/", "gopher"), ("dict://example.com/", "dict"), ("ws://a.b/", "ws"),
    ])
  func schemes(url: String, scheme: String) throws {
    #expect(try fault(url, allowHTTP: true) == .scheme(scheme))
  }

  @Test(
    "no text that is no absolute URL",
    arguments: ["", "example.com", "//example.com/", "/hook", "https", "https:", "javascript:1"])
  func notAbsolute(url: String) throws {
    switch try fault(url) {
    case .malformed, .noHost, .scheme: break
    case let other: Issue.record("\(url): \(String(describing: other))")
    }
  }

  @Test(
    "no host, or an impossible one",
    arguments: ["https://", "https://:443/", "https://?a", "https:///", "https://exa mple.com/"])
  func hostless(url: String) throws {
    #expect(try fault(url) != nil)
  }

  @Test(
    "no host beyond ASCII: what it is converted to depends on the locale",
    arguments: [
      ("例子.中国", "例子.中国"), ("１２７.０.０.１", "１２７.０.０.１"), ("127。0。0。1", "127。0。0。1"),
      ("①②⑦.0.0.1", "①②⑦.0.0.1"), ("%E4%BE%8B.cn", "例.cn"),
    ])
  func beyondASCII(host: String, shown: String) throws {
    #expect(try fault("https://\(host)/") == .nonASCIIHost(shown))
  }

  @Test(
    "no user name or password",
    arguments: [
      "https://user@example.com/", "https://user:pass@example.com/", "https://:pass@example.com/",
      "https://@example.com/", "https://example.com@8.8.8.8/", "https://a%40b@example.com/",
    ])
  func userInfo(url: String) throws {
    #expect(try fault(url) == .userInfo)
  }

  @Test("no fragment", arguments: ["https://example.com/#a", "https://example.com/#"])
  func fragment(url: String) throws {
    #expect(try fault(url) == .fragment)
  }

  @Test(
    "no port 0 or beyond 65535",
    arguments: ["https://example.com:0/", "https://example.com:65536/", "https://example.com:x/"])
  func ports(url: String) throws {
    guard case .malformed = try fault(url) else {
      Issue.record("\(url) passed")
      return
    }
  }

  /// libcurl forgives one slash, or three, and makes a host of the path.
  @Test(
    "a host stands behind two slashes", arguments: ["http:///x", "https:///x/y", "https:/x", "HTTPS:///x", "https://"])
  func slashes(url: String) throws {
    #expect(try fault(url, allowHTTP: true) == .noHost)
  }

  @Test(
    "what the parser says is for English readers",
    arguments: [
      "https://a:x/", "https://[::1/", "https://[x]/", "://x", "x", "https://a b/", "https:x",
    ])
  func chineseOnly(url: String) throws {
    let zh = try #require(try fault(url)).zh.replacing("https://", with: "").replacing("IPv6", with: "")
    #expect(!zh.contains(/[A-Za-z]{3}/), "\(zh)")
  }

  @Test(
    "no space, control or invisible character",
    arguments: [
      ("https://example.com/a b", 0x20), ("https://example.com/a\r\nX: y", 0x0d),
      ("https://example.com/\n", 0x0a), ("https://example.com/\0", 0), ("\thttps://a.b/", 9),
      ("https://example.com/\u{7f}", 0x7f), ("https://example.com/\u{85}", 0x85),
      ("https://example.com/\u{3000}", 0x3000), ("https://exam\u{200b}ple.com/", 0x200b),
      ("https://example.com/\u{202e}gpj", 0x202e), ("https://example.com/\u{2028}", 0x2028),
    ] as [(String, UInt32)])
  func invisible(url: String, scalar: UInt32) throws {
    #expect(try fault(url) == .badCharacter(scalar))
  }

  @Test("at most 2048 bytes")
  func length() throws {
    let start = "https://example.com/"
    let longest = start + String(repeating: "a", count: maximumURLLength - start.utf8.count)
    #expect(try fault(longest) == nil)
    #expect(try fault(longest + "a") == .tooLong(2049))
    // Bytes count, not characters.
    #expect(try fault(start + String(repeating: "协", count: 700)) == .tooLong(2120))
  }

  @Test(
    "an address is judged in whatever spelling",
    arguments: [
      ("127.0.0.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1"),
      ("0x7f000001", "127.0.0.1"), ("017700000001", "127.0.0.1"), ("127.1", "127.0.0.1"),
      ("0177.0.0.01", "127.0.0.1"), ("0", "0.0.0.0"), ("127.0.0.1.", "127.0.0.1"),
      ("%31%32%37.0.0.1", "127.0.0.1"),
      ("[::1]", "::1"), ("[0:0:0:0:0:0:0:1]", "::1"), ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
      ("[::ffff:7f00:1]", "::ffff:127.0.0.1"), ("[fe80::1%25eth0]", "fe80::1"),
      ("localhost", "127.0.0.1"), ("LOCALHOST", "127.0.0.1"), ("localhost.", "127.0.0.1"),
      ("a.localhost", "127.0.0.1"), ("10.0.0.1", "10.0.0.1"), ("[fd00::1]", "fd00::1"),
    ])
  func literals(host: String, address: String) throws {
    guard case .forbiddenAddress(let found, _) = try fault("https://\(host)/hook") else {
      Issue.record("\(host) passed")
      return
    }
    #expect(found == address)
  }

  @Test("an allowed network opens literals and localhost, and never a metadata address")
  func allowed() throws {
    let loopback = ["127.0.0.0/8"]
    #expect(try fault("https://127.0.0.1:8080/", allowed: loopback) == nil)
    #expect(try fault("https://0x7f.1/", allowed: loopback) == nil)
    #expect(try fault("https://localhost/", allowed: loopback) == nil)
    #expect(try fault("https://[::1]/", allowed: loopback) == .forbiddenAddress("::1", .loopback))
    for host in ["169.254.169.254", "2852039166", "0xa9.254.0251.0xfe", "[::ffff:a9fe:a9fe]"] {
      guard
        case .forbiddenAddress(_, .metadata) = try fault("https://\(host)/", allowed: ["0.0.0.0/0"])
      else {
        Issue.record("\(host) passed")
        continue
      }
    }
  }

  @Test("each fault is a sentence in Chinese, then in English")
  func sentences() {
    let faults: [URLFault] = [
      .tooLong(3000), .badCharacter(10), .malformed(zh: "端口有误", en: "Bad port"), .scheme("ftp"), .plainHTTP,
      .noHost,
      .nonASCIIHost("例.cn"), .userInfo, .fragment, .forbiddenAddress("10.0.0.1", .privateUse),
    ]
    for fault in faults {
      #expect(fault.zh.hasSuffix("。") && fault.en.hasSuffix("."), "\(fault)")
      #expect(fault.description == "\(fault.zh) \(fault.en)")
    }
    #expect(URLFault.badCharacter(10).en.contains("U+000A"))
  }
}
