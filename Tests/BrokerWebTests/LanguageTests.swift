internal import BrokerDomain
internal import TestSupport
internal import Testing

/// Chinese first: what is wrong is said in Chinese unless the caller prefers English.
@Suite(.timeLimit(.minutes(5)))
struct LanguageTests {
  @Test(
    arguments: [
      (nil, "zh-CN"), ("zh-CN", "zh-CN"), ("zh", "zh-CN"), ("zh-Hans-CN", "zh-CN"), ("en", "en"), ("EN-gb", "en"),
      ("en-US,en;q=0.9", "en"), ("en;q=0.5, zh;q=0.8", "zh-CN"), ("zh;q=0.3,en;q=0.7", "en"), ("en, zh", "en"),
      ("zh, en", "zh-CN"), ("fr", "zh-CN"), ("fr, en;q=0.1", "en"), ("fr;q=1, zh;q=0.2, en;q=0.1", "zh-CN"),
      ("en;q=0", "zh-CN"), ("en;q=0, zh;q=0", "zh-CN"), ("*", "zh-CN"), (";;q=,", "zh-CN"), ("", "zh-CN"),
      ("en;q=x", "en"), ("en ; q=0.9 , zh ; q=0.1", "en"), ("zh-CN;q=0, *", "en"), ("*;q=0.5, zh;q=0", "en"),
      ("en;q=0, *", "zh-CN"), ("fr, *;q=0.1", "zh-CN"), ("zh;q=0", "en"), ("zh;q=0.2, *;q=0.5", "en"),
      ("*;q=0", "zh-CN"),
      ("zh;q=0, *;q=0", "zh-CN"), ("zh;q=nan, en;q=0.5", "zh-CN"),
    ] as [(String?, String)])
  func acceptLanguage(_ header: String?, _ expected: String) throws {
    let reply = try House.client(.requester).call(
      "GET", "/v1/requests?limit=0", headers: header.map { ["Accept-Language": $0] } ?? [:])
    expectProblem(reply, 400, "invalid-parameter")
    #expect(reply.headers["content-language"] == expected)
    #expect(reply.json["detail"].string?.isChinese == (expected == "zh-CN"), "\(reply.text)")
    #expect(reply.json["title"].string?.isChinese == (expected == "zh-CN"), "\(reply.text)")
  }

  /// One call for every status that a sound daemon can be brought to without limits of its own.
  @Test func everyProblemIsChineseByDefault() throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    let responder = try daemon.client(Qidong.responder)
    let (requester, nobody) = (try daemon.client(Qidong.requester), daemon.client())
    let big = String(repeating: " ", count: 262_145)
    let calls: [(status: Int, client: Client, method: String, path: String, body: String?, headers: [String: String])] =
      [
        (400, requester, "POST", "/v1/requests", "{", [:]),
        (400, requester, "GET", "/v1/requests?x=1", nil, [:]),
        (401, nobody, "GET", "/v1/requests", nil, [:]),
        (403, requester, "POST", path + "/answer", answerBody(), [:]),
        (403, daemon.operatorClient(), "GET", "/v1/requests", nil, [:]),
        (404, requester, "GET", "/v1/requests/0", nil, [:]),
        (404, nobody, "GET", "/nothing", nil, [:]),
        (405, nobody, "DELETE", "/v1/organs", nil, [:]),
        (412, responder, "POST", path + "/acknowledge", nil, ["If-Match": #""9""#]),
        (413, requester, "POST", "/v1/requests", big, [:]),
        (415, requester, "POST", "/v1/requests", "x", ["Content-Type": "text/plain"]),
        (422, requester, "POST", "/v1/requests", "{}", [:]),
      ]
    let examples = try OpenAPITests.problemTitles()
    for call in calls {
      for (language, chinese) in [(nil, true), ("en", false)] {
        let headers = call.headers.merging(language.map { ["Accept-Language": $0] } ?? [:]) { $1 }
        let reply = try call.client.call(call.method, call.path, json: call.body, headers: headers)
        #expect(reply.status == call.status, "\(call.path): \(reply.text)")
        #expect(reply.json["detail"].string?.isChinese == chinese, "\(reply.text)")
        #expect(reply.json["title"].string?.isChinese == chinese, "\(reply.text)")
        if chinese { #expect(examples[call.status] == [reply.json["title"].string ?? "?"], "\(reply.text)") }
      }
    }
  }

  /// States and verbs are named in Chinese, with the word of the API once.
  @Test func statesAndVerbsAreNamed() throws {
    let words = Verb.allCases.map { ($0.zh, $0.rawValue) } + StateName.allCases.map { ($0.zh, $0.rawValue) }
    for (zh, word) in words { #expect(zh.isChinese && zh.hasSuffix("（\(word)）"), "\(zh)") }
    let daemon = try House.daemon
    let path = try daemon.open()
    let client = try daemon.client(Qidong.requester)
    let reply = try client.call("POST", path + "/supply", json: #"{"text": "启东市"}"#)
    #expect(
      reply.json["detail"].string == "状态为已提交（submitted）时不能补正（supply）；可以：撤回（withdraw）、催办（remind）", "\(reply.text)")
    let foreign = try client.call("POST", path + "/answer", json: answerBody())
    #expect(foreign.json["detail"].string == "“复函（answer）”只能由被请求机关作出", "\(foreign.text)")
  }

  /// A string literal; an interpolation may hold strings and calls of its own.
  private static let literal = #"("(?:[^"\\]|\\[^(]|\\\((?:[^()"]|"[^"]*"|\((?:[^()"]|"[^"]*"|\([^()]*\))*\))*\))*")"#

  /// Wherever the sources make a problem, a fault or a phrase of literals, the last two are Chinese and English.
  @Test func sourcesSayChineseFirst() throws {
    let calls = try Regex<(Substring, Substring)>(
      #"\b(?:Problem|self\.init|[Ff]ault|Phrase|badParameter)\([^"]*?((?:(?:code: )?LITERAL,\s*)+LITERAL)\s*\)"#
        .replacing("LITERAL", with: Self.literal.replacing("(\"", with: "(?:\"", maxReplacements: 1)))
    let one = try Regex<(Substring, Substring)>(Self.literal)
    var pairs = 0
    for text in try Sources.texts("BrokerWeb", "BrokerDomain") {
      for call in text.matches(of: calls) {
        let texts = call.output.1.matches(of: one).map { String($0.output.0) }
        guard texts.contains(where: \.isChinese), texts.count >= 2 else { continue }
        #expect(texts[texts.count - 2].isChinese, "\(call.output.0)")
        #expect(!texts[texts.count - 1].isChinese, "\(call.output.0)")
        pairs += 1
      }
    }
    #expect(pairs > 60, "only \(pairs) were found")
  }

  @Test func languageOfTheHouseCanBeEnglish() throws {
    let daemon = try Daemon(state: StateDirectory(config: ["language": "en"]))
    for (header, language) in [(nil, "en"), ("zh", "zh-CN"), ("fr", "en")] {
      let reply = try daemon.client().call(
        "GET", "/v1/organs", headers: header.map { ["Accept-Language": $0] } ?? [:])
      #expect(reply.headers["content-language"] == language)
      #expect(reply.json["detail"].string?.isChinese == (language == "zh-CN"))
    }
  }
}
