internal import BrokerDomain
internal import Foundation
internal import TestSupport
internal import Testing

/// Pages, their order and their bounds.
@Suite(.timeLimit(.minutes(5)))
struct ListTests {
  /// Follows `Link` headers as a client does that knows nothing of cursors.
  private static func followLinks(_ client: Client, _ path: String, _ visit: (Int) throws -> Void) throws -> [[String]]
  {
    var pages: [[String]] = []
    var next: String? = path
    while let path = next {
      let reply = try client.done("GET", path)
      pages.append((reply.json["items"].array ?? []).compactMap { $0["id"].string ?? $0["code"].string })
      let link = reply.headers["link"]
      #expect((link == nil) == reply.json["next"].isNull)
      next = link.flatMap { $0.wholeMatch(of: /<([^>]+)>; rel="next"/).map { String($0.1) } }
      #expect((next == nil) == (link == nil), "\(link ?? "")")
      if let next, let cursor = reply.json["next"].string { #expect(next.contains("cursor=\(cursor)")) }
      try visit(pages.count)
      try #require(pages.count < 100)
    }
    return pages
  }

  @Test func pagesAreStableUnderInserts() throws {
    let daemon = try House.daemon
    let (asking, asked) = (Qidong.市教育体育局, Qidong.市卫生健康委)
    let client = try daemon.client(asking)
    let count = 15
    let ids = try (0..<count).map { _ in
      try daemon.submit(marriageRequest(to: asked), by: asking)["id"].string ?? ""
    }
    let pages = try Self.followLinks(client, "/v1/requests?limit=4&role=requester") { _ in
      try daemon.submit(marriageRequest(to: asked), by: asking)
      // What moves on stays where it is in the list.
      try client.done(
        "POST", "/v1/requests/\(ids[0])/withdraw", json: #"{"reason": "退出"}"#,
        headers: [
          "Idempotency-Key": "withdraw-\(ids[0])"
        ])
    }
    #expect(pages.map(\.count) == [4, 4, 4, 3])
    #expect(pages.joined().elementsEqual(ids.reversed()))
    // A page that ends with the list has no next one.
    let all = try client.done("GET", "/v1/requests?limit=\(count + pages.count)")
    #expect(all.json["next"].isNull)
    #expect(all.headers["link"] == nil)
    #expect(all.json["items"].array?.count == count + pages.count)
  }

  private static let lists = [
    "/v1/requests", "/v1/organs", "/v1/items", "/v1/assistance-list", "/v1/procedures", "/v1/endpoints",
    "/v1/deliveries",
    "/v1/catalogue/publications", "/v1/deliveries/call-list", "/v1/reports/ledger?from=2026-01-01",
  ]

  /// A damaged cursor would be a place behind the end, and the rest of the list would vanish without a word.
  @Test(arguments: lists) func whatIsNoCursorIsRefused(_ list: String) throws {
    let client = try House.client(.supervisor)
    let start = list + (list.contains("?") ? "&" : "?") + "cursor="
    for text in [
      "garbage", "AAAA", "zzzz", "0", "999999", "-1", "zzzzzzzzzzzzzzzzzz", "0-0", "%E4%B8%80%E4%BA%8C%E4%B8%89",
    ] {
      let reply = try client.call("GET", start + text)
      expectProblem(reply, 400, "invalid-parameter", text)
      #expect(reply.json["detail"].string?.contains("cursor") == true, "\(reply.text)")
    }
  }

  @Test(arguments: ["/v1/organs", "/v1/items", "/v1/assistance-list", "/v1/procedures"])
  func aCursorIsOfItsListAndWhole(_ list: String) throws {
    let client = try House.client(.requester)
    let next = try #require(try client.get(list + "?limit=2")["next"].string)
    #expect(try client.get("\(list)?cursor=\(next)")["items"].array?.isEmpty == false)
    for other in Self.lists.prefix(6) where other != list {
      expectProblem(try client.call("GET", "\(other)?cursor=\(next)"), 400, "invalid-parameter", other)
    }
    for index in next.indices {
      let slip = next.replacingCharacters(in: index...index, with: next[index] == "7" ? "8" : "7")
      expectProblem(try client.call("GET", "\(list)?cursor=\(slip)"), 400, "invalid-parameter", slip)
    }
    for cut in [String(next.dropLast()), String(next.dropFirst()), next + "0", next.uppercased() + "A"] {
      expectProblem(try client.call("GET", "\(list)?cursor=\(cut)"), 400, "invalid-parameter", cut)
    }
  }

  /// Whoever works the check out finds no place before the first.
  @Test(arguments: ["/v1/organs?cursor=-1jouzd", "/v1/items?cursor=-1bcslh"])
  func aSealedPlaceMustBeOne(_ path: String) throws {
    expectProblem(try House.client(.requester).call("GET", path), 400, "invalid-parameter", path)
    #expect(try House.daemon.isRunning)
  }

  @Test func limitsHaveBoundsAndADefault() throws {
    let organ = Qidong.市市场监管局
    for _ in 0..<51 { try House.daemon.submit(marriageRequest(to: .市财政局), by: organ) }
    let client = try House.client(organ)
    for (limit, count) in [("", 50), ("&limit=1", 1), ("&limit=51", 51), ("&limit=500", 51), ("&limit=", 50)] {
      let page = try client.get("/v1/requests?role=requester\(limit)")
      #expect(page["items"].array?.count == count, "\(limit)")
      #expect(page["next"].isNull == (count == 51), "\(limit)")
    }
  }

  @Test(arguments: ["/v1/organs", "/v1/items", "/v1/assistance-list", "/v1/procedures"])
  func referenceListsPage(_ path: String) throws {
    let client = try House.client(.stranger)
    let whole = try client.done("GET", path + "?limit=500")
    let items = try #require(whole.json["items"].array)
    #expect(!items.isEmpty)
    #expect(whole.json["next"].isNull)
    var paged: [JSONBody] = []
    var cursor: String? = ""
    while let at = cursor {
      let page = try client.get("\(path)?limit=7" + (at.isEmpty ? "" : "&cursor=\(at)"))
      paged += page["items"].array ?? []
      #expect(page["items"].array?.count == 7 || page["next"].isNull)
      cursor = page["next"].string
    }
    #expect(paged == items)
  }

  @Test func linkKeepsTheQuery() throws {
    let daemon = try House.daemon
    for _ in 0..<2 { try daemon.submit() }
    let path = "/v1/requests?state=submitted,acknowledged&updatedAfter=2026-03-01T00:00:00%2B08:00&limit=1"
    let link = try #require(try daemon.client(Qidong.requester).done("GET", path).headers["link"])
    #expect(
      link.hasPrefix(
        "</v1/requests?state=submitted%2Cacknowledged&updatedAfter=2026-03-01T00%3A00%3A00%2B08%3A00&limit=1&cursor="))
    #expect(link.hasSuffix(#">; rel="next""#))
  }

  @Test func endpointsAndDeliveriesPage() throws {
    let daemon = try House.daemon
    let organ = Qidong.市发展改革委
    let client = try daemon.client(organ)
    let sink = try Sink()
    let endpoints = try (0..<3).map { try daemon.register("\(sink.url)/\($0)", for: organ) }
    for _ in 0..<4 { try daemon.submit(marriageRequest(to: .市财政局), by: organ) }
    #expect(sink.wait(for: 12))
    let listed = try Self.followLinks(client, "/v1/endpoints?limit=2") { _ in }
    #expect(Set(listed.joined()) == Set(endpoints))
    #expect(listed.map(\.count) == [2, 1])
    try eventually("all are delivered") { try client.ids("/v1/deliveries?state=delivered").count == 12 }
    let deliveries = try Self.followLinks(client, "/v1/deliveries?limit=5") { _ in }
    #expect(deliveries.joined().count == 12)
    #expect(Set(deliveries.joined()).count == 12)
    let one = try Self.followLinks(client, "/v1/deliveries?limit=3&endpoint=\(endpoints[1])") { _ in }
    #expect(one.map(\.count) == [3, 1])
    #expect(try client.get("/v1/deliveries?state=pending")["items"] == .array([]))
    #expect(try client.get("/v1/deliveries?state=dead")["items"] == .array([]))
    #expect(try daemon.client(Qidong.stranger).ids("/v1/deliveries?endpoint=\(endpoints[0])") == [])
    for id in endpoints { try client.done("DELETE", "/v1/endpoints/\(id)", 204) }
  }
}
